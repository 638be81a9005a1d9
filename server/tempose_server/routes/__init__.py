"""The routes of the v1 contract. Each one is short: the work is done by the parts it calls."""

from __future__ import annotations

from fastapi import APIRouter

from tempose_server.routes import about, jobs, songs, videos

PREFIX = "/v1"
PARTS = (about.router, songs.router, videos.router, jobs.router)

router = APIRouter(prefix=PREFIX)
for part in PARTS:
    router.include_router(part)
