"""Routes for videos: dances read from them."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from tempose_pose.wire.answers import Problem
from tempose_server.errors import ApiError
from tempose_server.routes.bodies import bytes_body, keep_body, staging
from tempose_server.service import Parts

router = APIRouter()
PATIENCE = 0.5  # seconds between lines


@router.post(
    "/video",
    response_class=Response,
    responses={
        200: {"content": {"application/x-ndjson": {}}},
        **{code: {"model": Problem} for code in (408, 409, 413)},
    },
    openapi_extra=bytes_body("video_bytes"),
)
async def read_video(
    request: Request, parts: Parts, person: Annotated[int, Query(ge=1, le=20)] = 1
) -> StreamingResponse:
    """Read the dance of one person in a video; the answer is lines of JSON.

    Meanwhile: ``{"frame": 12, "frames": 300}``, or ``{"waiting": true}`` while another video is read. At the end:
    ``{"dance": base64 of a DANCE.npz, "heard": second}``, where `heard` is the second of the video's sound at its
    first frame (null: no sound), or ``{"error": {"code", "message", "details"}}``. Closing the connection cancels.
    The video is not kept.
    """
    parts.poses.check()
    async with AsyncExitStack() as held:
        folder = await held.enter_async_context(staging(parts))
        await keep_body(request, folder / "video")
        to_close = held.pop_all()

    async def lines() -> AsyncIterator[str]:
        try:
            model = parts.settings.pose_model
            options = {"person": person, "model": model and str(model)}
            async for progress in parts.sandbox.watched("video", folder, PATIENCE, what="video", **options):
                yield json.dumps(progress) + "\n"
            yield await run_in_threadpool(_found, folder)
        except ApiError as error:
            yield json.dumps({"error": error.body}) + "\n"
        finally:
            await to_close.aclose()

    return StreamingResponse(lines(), media_type="application/x-ndjson")


def _found(folder: Path) -> str:
    """The last line."""
    dance = base64.b64encode((folder / "dance.npz").read_bytes()).decode()
    heard = json.loads((folder / "heard").read_text())
    return json.dumps({"dance": dance, "heard": heard}) + "\n"
