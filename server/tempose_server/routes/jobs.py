"""Routes for jobs: put under an id that the client chose, with their events and dances."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent

from tempose_pose import compact
from tempose_pose.dance import Dance
from tempose_pose.limits import FPS
from tempose_pose.local import scrub
from tempose_pose.wire.answers import Job, Problem
from tempose_pose.wire.dances import Result, packed, result_of
from tempose_server import schemas
from tempose_server.audio_store import unknown_audio
from tempose_server.errors import ApiError, retry_later
from tempose_server.job_rows import JobRecord
from tempose_server.routes.bodies import json_body, read_json
from tempose_server.service import Parts, Service

NPZ = "application/x-npz"
LAST_ID_DIGITS = 15
_CLIENT = re.compile(r"[A-Za-z0-9_-]{1,64}")

JobId = Annotated[
    str,
    Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="a UUID that the client chose"),
]

router = APIRouter()


@router.put(
    "/jobs/{job_id}",
    status_code=202,
    responses={
        200: {"model": Job},
        409: {"model": Problem},
        429: {"model": Problem},
        503: {"model": Problem},
        507: {"model": Problem},
    },
    openapi_extra=json_body(schemas.JobBody),
)
async def put_job(
    job_id: JobId,
    request: Request,
    parts: Parts,
    response: Response,
    x_tempose_client: Annotated[str, Header()] = "",
) -> Job:
    """Order a dance. Repeating the request returns the same job; a different one with this id gets 409."""
    if x_tempose_client and not _CLIENT.fullmatch(x_tempose_client):
        raise ApiError(
            400, "client_name", "X-Tempose-Client takes 1 to 64 letters, digits, hyphens, underscores."
        )
    asked = await read_json(request, schemas.JobBody, parts, Asked.of)
    job, new = await run_in_threadpool(_create, parts, job_id, x_tempose_client, asked)
    if not new:
        response.status_code = 200
    return await _shown(parts, job)


@dataclass(frozen=True)
class Asked:
    """A request as it is stored, with the facts that decide its place in the queue."""

    body: schemas.JobBody
    text: str
    sha256: str
    frames: int
    unknown_frames: int

    @classmethod
    def of(cls, body: schemas.JobBody) -> Asked:
        """From a body; raises `TemposeError` for contradictions between fields."""
        dance = schemas.job_of(body).dance
        return cls(body, body.model_dump_json(), body.sha256, dance.frames, dance.unknown_frames)


def _create(parts: Service, job_id: str, client: str, asked: Asked) -> tuple[JobRecord, bool]:
    settings, engine, body = parts.settings, parts.engine, asked.body
    if body.seconds > settings.dance_seconds:
        raise ApiError(
            422, "seconds_range", f"This server makes dances of up to {settings.dance_seconds:g} seconds."
        )
    if parts.audio.seconds(body.audio) is None:
        raise unknown_audio()
    if refusal := engine.refusal(body.model):
        raise ApiError(503, "setup_failed", f"The server has no model: {scrub.paths(refusal.message)}")
    short = asked.unknown_frames <= settings.short_seconds * FPS
    with parts.jobs.changed:  # so that "queued" is announced before "running"
        job, new = parts.jobs.create(
            job_id, client, asked.sha256, asked.text, body.audio, short, asked.frames, body.seed
        )
        if new:
            engine.tell(job_id)
    return job, new


async def _shown(parts: Service, job: JobRecord) -> Job:
    return await run_in_threadpool(parts.jobs.describe, job)


async def _known_job(job_id: JobId, parts: Parts) -> JobRecord:
    return await run_in_threadpool(parts.jobs.get, job_id)


KnownJob = Annotated[JobRecord, Depends(_known_job)]


@router.get("/jobs/{job_id}")
async def get_job(job: KnownJob, parts: Parts) -> Job:
    """The state of a job."""
    return await _shown(parts, job)


@router.post("/jobs/{job_id}/cancel")
async def cancel_job(job: KnownJob, parts: Parts) -> Job:
    """Cancel this job and no other: at once if it waits, within one sampler step if it runs."""
    return await _shown(parts, await run_in_threadpool(parts.engine.cancel, job.id))


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse)
async def job_events(
    job: KnownJob, parts: Parts, last_event_id: Annotated[str, Header()] = ""
) -> AsyncIterator[ServerSentEvent]:
    """The job's states, progress and finished segments as they come, up to its final state."""
    usable = last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) <= LAST_ID_DIGITS
    events = await run_in_threadpool(parts.engine.log_of, job)
    after = int(last_event_id) if usable else 0
    if events.closed and not events.after(after):
        after = events.last_id - 1  # a client that already has the end gets it again
    async for event in events.listen(after, parts.settings.heartbeat_seconds):
        if event is None:
            yield ServerSentEvent(comment="still here")
        else:
            yield ServerSentEvent(raw_data=event.data, event=event.name, id=str(event.id))


@router.get(
    "/jobs/{job_id}/result",
    response_model=Result,
    responses={200: {"content": {NPZ: {}, compact.MEDIA_TYPE: {}}}, 409: {"model": Problem}},
)
async def job_result(job: KnownJob, request: Request, parts: Parts) -> Response:
    """The finished dance, as JSON or (by Accept) as a DANCE.npz file or in compact form."""
    if job.state in ("queued", "running"):
        raise retry_later(409, "job_not_finished", "The dance is not finished yet.", 1)
    if job.state != "succeeded":
        raise ApiError(409, f"job_{job.state}", "The job ended without a dance.", job.error)
    path = await run_in_threadpool(parts.engine.result, job)
    wanted = request.headers.get("accept", "")
    forms = {NPZ: type(path).read_bytes, compact.MEDIA_TYPE: _result_compact}
    form = next((name for name in forms if name in wanted), "application/json")
    return Response(await run_in_threadpool(forms.get(form, _result_json), path), media_type=form)


def _result_json(path: FilePath) -> bytes:
    return json.dumps(asdict(result_of(Dance.load(path)))).encode()


def _result_compact(path: FilePath) -> bytes:
    return packed(Dance.load(path))
