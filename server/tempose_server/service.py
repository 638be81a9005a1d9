"""The parts of a server, and how its routes get them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from tempose_server.audio_store import AudioStore
from tempose_server.events import EventHub
from tempose_server.jobs import JobStore
from tempose_server.metrics import Metrics
from tempose_server.pose_finder import PoseFinder
from tempose_server.sandbox import Sandbox
from tempose_server.settings import ServerSettings
from tempose_server.worker import Engine


@dataclass(frozen=True)
class Service:
    """The parts that the routes use."""

    settings: ServerSettings
    jobs: JobStore
    audio: AudioStore
    poses: PoseFinder
    sandbox: Sandbox
    hub: EventHub
    engine: Engine
    metrics: Metrics
    reading: asyncio.Semaphore  # held by whoever parses a body in this process


async def _service(request: Request) -> Service:  # async: otherwise each call would need a thread
    return request.app.state.service


Parts = Annotated[Service, Depends(_service)]
