"""Routes for songs, uploaded once under the hash of their bytes, and their analysis; and poses in pictures."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.concurrency import run_in_threadpool

from tempose_pose.wire.answers import Analysis, AudioInfo, FoundPose, Problem
from tempose_pose.wire.job import tempo_of
from tempose_pose.wire.validation import read
from tempose_server import schemas
from tempose_server.audio_store import unknown_audio
from tempose_server.errors import ApiError
from tempose_server.routes.bodies import bytes_body, json_body, keep_body, pieces, read_json, staging
from tempose_server.service import Parts

Hash = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file's bytes, lower case")]

router = APIRouter()


@router.put(
    "/audio/{sha256}",
    status_code=201,
    responses={
        200: {"model": AudioInfo},
        408: {"model": Problem},
        413: {"model": Problem},
    },
    openapi_extra=bytes_body("audio_bytes"),
)
async def put_audio(sha256: Hash, request: Request, parts: Parts, response: Response) -> AudioInfo:
    """Upload a song once; 200 if it is already there."""
    known = await run_in_threadpool(parts.audio.seconds, sha256)
    digest = hashlib.sha256()
    async with staging(parts) as folder:
        with (folder / "audio").open("wb") as file:
            async for piece in pieces(request):
                parts.metrics.uploaded.inc(len(piece))
                await run_in_threadpool(digest.update, piece)
                if known is None:
                    await run_in_threadpool(file.write, piece)
        if digest.hexdigest() != sha256:
            raise ApiError(422, "audio_hash", "The bytes that arrived do not have the hash in the address.")
        if known is None:
            known = await parts.sandbox.in_turn(parts.audio.adopt, folder, sha256)
            await run_in_threadpool(parts.engine.trim, sha256)
        else:
            response.status_code = 200
    parts.metrics.uploads.labels("known" if response.status_code == 200 else "new").inc()
    return AudioInfo(sha256=sha256, seconds=known)


@router.head("/audio/{sha256}")
async def has_audio(sha256: Hash, parts: Parts) -> Response:
    """200 if the server has the song, otherwise 404."""
    known = await run_in_threadpool(parts.audio.seconds, sha256)
    return Response(status_code=404 if known is None else 200)


async def _known_audio(sha256: Hash, parts: Parts) -> str:
    if await run_in_threadpool(parts.audio.seconds, sha256) is None:
        raise unknown_audio()
    return sha256


KnownAudio = Annotated[str, Depends(_known_audio)]


@router.get("/audio/{sha256}/analysis")
async def analysis(sha256: KnownAudio, parts: Parts) -> Analysis:
    """Beat grid, tempo curve and loudness; made on the first call, which may take some seconds."""
    made = await run_in_threadpool(parts.audio.kept_analysis, sha256)
    if made is None:
        made = await parts.sandbox.in_turn(parts.audio.analysis, sha256)
    return read(Analysis, made)


@router.post(
    "/audio/{sha256}/stretch",
    response_class=Response,
    responses={200: {"content": {"audio/wav": {}}}},
    openapi_extra=json_body(schemas.StretchRequest),
)
async def stretch(sha256: KnownAudio, request: Request, parts: Parts) -> Response:
    """The song under a tempo map with its pitch preserved: a WAV file, 16 bit at 44.1 kHz."""
    tempo_map, seconds = await read_json(request, schemas.StretchRequest, parts, _stretch)
    wav = await parts.sandbox.in_turn(parts.audio.stretched, sha256, tempo_map, seconds)
    return Response(wav, media_type="audio/wav")


def _stretch(body: schemas.StretchRequest) -> tuple[list[list[float]], float]:
    tempo_of(body.tempo_map)  # raises if it is invalid
    return body.tempo_map, body.seconds


@router.post(
    "/pose",
    responses={code: {"model": Problem} for code in (408, 409, 413)},
    openapi_extra=bytes_body("picture_bytes"),
)
async def find_pose(request: Request, parts: Parts) -> FoundPose:
    """The poses of everybody in a picture (PNG, JPEG or WebP), the largest first. The picture is not kept."""
    parts.poses.check()
    async with staging(parts) as folder:
        await keep_body(request, folder / "picture")
        return read(FoundPose, await parts.sandbox.in_turn(parts.poses.find, folder), "pose")
