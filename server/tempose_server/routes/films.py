"""Dances out of videos."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from tempose_pose.wire.answers import Problem
from tempose_server.errors import ApiError
from tempose_server.routes.bodies import bytes_body
from tempose_server.service import Parts

router = APIRouter()
PATIENCE = 0.5  # seconds between lines


@router.post(
    "/film",
    response_class=Response,
    responses={
        200: {"content": {"application/x-ndjson": {}}},
        **{code: {"model": Problem} for code in (408, 409, 413)},
    },
    openapi_extra=bytes_body("video_bytes"),
)
async def film(
    request: Request, parts: Parts, person: Annotated[int, Query(ge=1, le=20)] = 1
) -> StreamingResponse:
    """The dance of one person in a video, as lines of JSON.

    While it works: ``{"frame": 12, "frames": 300}``, or ``{"waiting": true}`` while another video is read. At the end
    ``{"dance": base64 of a DANCE.npz, "heard": second}``, where `heard` says which second of the video's sound is
    heard with its first frame (null: it has none), or ``{"error": {"code", "message", "details"}}``. Closing the
    connection cancels. The video is not kept.
    """
    parts.poses.check()
    staging = parts.audio.staging()
    folder = staging.__enter__()
    try:
        with (folder / "film").open("wb") as file:
            async for chunk in request.stream():
                file.write(chunk)
    except BaseException:
        staging.__exit__(None, None, None)
        raise

    async def lines() -> AsyncIterator[str]:
        try:
            model = parts.settings.pose_model
            options = {"person": person, "model": model and str(model)}
            async for progress in parts.sandbox.watched("film", folder, PATIENCE, what="video", **options):
                yield json.dumps(progress) + "\n"
            dance = base64.b64encode((folder / "dance.npz").read_bytes()).decode()
            heard = json.loads((folder / "heard").read_text())
            yield json.dumps({"dance": dance, "heard": heard}) + "\n"
        except ApiError as error:
            yield json.dumps({"error": error.body}) + "\n"
        finally:
            staging.__exit__(None, None, None)

    return StreamingResponse(lines(), media_type="application/x-ndjson")
