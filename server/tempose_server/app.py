"""The routes of the v1 contract. Each one is short: the work is done by the parts it calls."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import re
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from tempose import __version__
from tempose.dance import Dance
from tempose.errors import TemposeError
from tempose.pose.skeletons import SKELETONS
from tempose.request import FPS, STYLES
from tempose.segments import OVERLAP, SEGMENT
from tempose_server import compact, schemas
from tempose_server.audio_store import AudioStore, unknown_audio
from tempose_server.errors import ApiError, disk_full, from_tempose, is_disk_full, retry_later
from tempose_server.events import EventHub
from tempose_server.jobs import JobRecord, JobStore
from tempose_server.metrics import CONTENT_TYPE, Metrics
from tempose_server.pose_finder import PoseFinder
from tempose_server.sandbox import Sandbox
from tempose_server.security import Doors
from tempose_server.settings import Settings
from tempose_server.strict_json import parse
from tempose_server.worker import Engine

log = logging.getLogger("tempose.app")

NPZ = "application/x-npz"
AUDIO_FORMATS = ["wav", "flac", "ogg", "mp3"]
PICTURE_FORMATS = ["png", "jpeg", "webp"]
LAST_ID_DIGITS = 15
_CLIENT = re.compile(r"[A-Za-z0-9_-]{1,64}")

Hash = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the file's bytes, lower case")]
JobId = Annotated[
    str,
    Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", description="a UUID that the client chose"),
]


@dataclass(frozen=True)
class Service:
    """The parts that the routes use."""

    settings: Settings
    jobs: JobStore
    audio: AudioStore
    poses: PoseFinder
    sandbox: Sandbox
    hub: EventHub
    engine: Engine
    metrics: Metrics


async def _service(request: Request) -> Service:  # async: else each call would need a thread
    return request.app.state.service


Parts = Annotated[Service, Depends(_service)]


def create_app(settings: Settings, token: str) -> tuple[Doors, Service]:
    """The guarded ASGI application and its parts. The engine starts with the application's lifespan."""
    hub = EventHub()
    jobs = JobStore(settings)
    sandbox = Sandbox(settings)
    audio, poses = AudioStore(settings, sandbox), PoseFinder(settings, sandbox)
    metrics = Metrics(jobs.counts)
    engine = Engine(settings, jobs, audio, hub, metrics)
    service = Service(settings, jobs, audio, poses, sandbox, hub, engine, metrics)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        hub.start(asyncio.get_running_loop())
        service.engine.start()
        threading.Thread(target=sandbox.prepare, name="prepare", daemon=True).start()
        yield
        hub.stop()
        await run_in_threadpool(service.engine.stop, settings.shutdown_seconds)
        jobs.close()

    app = FastAPI(
        title="Tempose",
        version=__version__,
        summary="2D characters that dance to music",
        lifespan=lifespan,
        docs_url="/v1/docs",
        openapi_url="/v1/openapi.json",
        redoc_url=None,
        responses={code: {"model": schemas.Problem} for code in (401, 403, 404, 422)},
    )
    app.state.service = service
    app.include_router(router)
    _answer_errors(app)
    return Doors(app, token=token, settings=settings, metrics=metrics), service


router = APIRouter(prefix="/v1")


def _json_body(model: type[schemas.Body]) -> dict[str, Any]:
    """The OpenAPI part for a body that is read by `_read` (FastAPI's own reading is not strict enough)."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": _inlined(schema)}}}}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without references, so that it can stand inside the document by itself."""
    definitions = schema.pop("$defs", {})

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return walk(definitions[node["$ref"].rsplit("/", 1)[1]])
            return {key: walk(value) for key, value in node.items()}
        return [walk(value) for value in node] if isinstance(node, list) else node

    return walk(schema)


async def _read(request: Request, model: type[schemas.Body], settings: Settings) -> Any:
    body = await request.body()
    if not body:
        raise ApiError(400, "json_invalid", "The request has no body.")
    value = await run_in_threadpool(parse, body, settings.json_depth, settings.json_elements)
    return await run_in_threadpool(schemas.read, model, value)


# --- about the server -------------------------------------------------------------------------------------


@router.get("/health")
async def health(parts: Parts) -> schemas.Health:
    """Whether the server can dance. Answers also while the model loads and while a job runs."""
    engine = parts.engine
    return schemas.Health(
        status=engine.status,  # type: ignore[arg-type]
        version=__version__,
        device=engine.device,
        model_revision=engine.revision,
        message=engine.message,
    )


@router.get("/capabilities")
async def capabilities(parts: Parts) -> schemas.Capabilities:
    """What the server knows and how much it takes."""
    settings = parts.settings
    return schemas.Capabilities(
        models=[
            schemas.ModelInfo(name="default", revision=parts.engine.revision),
            schemas.ModelInfo(name="null", revision="null-1"),
        ],
        skeletons=[
            schemas.SkeletonInfo(
                name=bones.name,
                joints=list(bones.joints),
                parents=list(bones.parents),
                limbs=[list(limb) for limb in bones.limbs],
                flip=list(bones.flip),
            )
            for bones in SKELETONS.values()
        ],
        fps=FPS,
        segment_frames=SEGMENT,
        overlap_frames=OVERLAP,
        styles=list(STYLES),
        audio_formats=AUDIO_FORMATS,
        picture_formats=PICTURE_FORMATS,
        pose_estimator=schemas.PoseEstimator(
            available=not parts.poses.why_not, message=parts.poses.why_not or "Ready."
        ),
        limits=schemas.Limits(
            audio_bytes=settings.audio_bytes,
            audio_seconds=settings.audio_seconds,
            dance_seconds=settings.dance_seconds,
            queue=settings.queue,
            json_bytes=settings.json_bytes,
            json_elements=settings.json_elements,
            picture_bytes=settings.picture_bytes,
            picture_pixels=settings.picture_pixels,
        ),
    )


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics(parts: Parts) -> Response:
    """What the server counts, in Prometheus' text format."""
    return Response(await run_in_threadpool(parts.metrics.text), headers={"content-type": CONTENT_TYPE})


# --- songs ------------------------------------------------------------------------------------------------


@router.put(
    "/audio/{sha256}",
    status_code=201,
    responses={
        200: {"model": schemas.AudioInfo},
        408: {"model": schemas.Problem},
        413: {"model": schemas.Problem},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def put_audio(sha256: Hash, request: Request, parts: Parts, response: Response) -> schemas.AudioInfo:
    """Upload a song once; 200 when it is already there."""
    known = await run_in_threadpool(parts.audio.seconds, sha256)
    digest = hashlib.sha256()
    with parts.audio.staging() as folder:
        with (folder / "audio").open("wb") as file:
            async for chunk in request.stream():
                digest.update(chunk)
                parts.metrics.uploaded.inc(len(chunk))
                if known is None:
                    file.write(chunk)
        if digest.hexdigest() != sha256:
            raise ApiError(422, "audio_hash", "The bytes that arrived do not have the hash in the address.")
        if known is None:
            known = await parts.sandbox.in_turn(parts.audio.adopt, folder, sha256)
            await run_in_threadpool(parts.engine.trim, sha256)
        else:
            response.status_code = 200
    parts.metrics.uploads.labels("known" if response.status_code == 200 else "new").inc()
    return schemas.AudioInfo(sha256=sha256, seconds=known)


@router.head("/audio/{sha256}")
async def has_audio(sha256: Hash, parts: Parts) -> Response:
    """200 when the server has the song, 404 when not."""
    known = await run_in_threadpool(parts.audio.seconds, sha256)
    return Response(status_code=404 if known is None else 200)


async def _known_audio(sha256: Hash, parts: Parts) -> str:
    if await run_in_threadpool(parts.audio.seconds, sha256) is None:
        raise unknown_audio()
    return sha256


KnownAudio = Annotated[str, Depends(_known_audio)]


@router.get("/audio/{sha256}/analysis")
async def analysis(sha256: KnownAudio, parts: Parts) -> schemas.Analysis:
    """Beat grid, tempo curve and loudness; made on the first call, which may take some seconds."""
    made = await run_in_threadpool(parts.audio.kept_analysis, sha256)
    if made is None:
        made = await parts.sandbox.in_turn(parts.audio.analysis, sha256)
    return schemas.Analysis.model_validate(made)


@router.post(
    "/audio/{sha256}/stretch",
    response_class=Response,
    responses={200: {"content": {"audio/wav": {}}}},
    openapi_extra=_json_body(schemas.StretchRequest),
)
async def stretch(sha256: KnownAudio, request: Request, parts: Parts) -> Response:
    """The song as heard under a tempo map, pitch kept: a wav file, 16 bit at 44.1 kHz."""
    body = await _read(request, schemas.StretchRequest, parts.settings)
    schemas.to_tempo_map(body.tempo_map)
    wav = await parts.sandbox.in_turn(parts.audio.stretched, sha256, body.tempo_map, body.seconds)
    return Response(wav, media_type="audio/wav")


# --- pictures ---------------------------------------------------------------------------------------------


@router.post(
    "/pose",
    responses={code: {"model": schemas.Problem} for code in (408, 409, 413)},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def find_pose(request: Request, parts: Parts) -> schemas.FoundPose:
    """The pose of the largest person in a picture (PNG, JPEG or WebP). The picture is not kept."""
    parts.poses.check()
    with parts.audio.staging() as folder:
        with (folder / "picture").open("wb") as file:
            async for chunk in request.stream():
                file.write(chunk)
        return schemas.FoundPose.model_validate(await parts.sandbox.in_turn(parts.poses.find, folder))


# --- jobs -------------------------------------------------------------------------------------------------


@router.put(
    "/jobs/{job_id}",
    status_code=202,
    responses={
        200: {"model": schemas.Job},
        409: {"model": schemas.Problem},
        429: {"model": schemas.Problem},
        503: {"model": schemas.Problem},
        507: {"model": schemas.Problem},
    },
    openapi_extra=_json_body(schemas.JobRequest),
)
async def put_job(
    job_id: JobId,
    request: Request,
    parts: Parts,
    response: Response,
    x_tempose_client: Annotated[str, Header()] = "",
) -> schemas.Job:
    """Ask for a dance. The same request again answers the same job; another one under this id is 409."""
    if x_tempose_client and not _CLIENT.fullmatch(x_tempose_client):
        raise ApiError(
            400, "client_name", "X-Tempose-Client takes 1 to 64 letters, digits, hyphens, underscores."
        )
    body = await _read(request, schemas.JobRequest, parts.settings)
    job, new = await run_in_threadpool(_create, parts, job_id, x_tempose_client, body)
    if not new:
        response.status_code = 200
    return await _shown(parts, job)


def _create(parts: Service, job_id: str, client: str, body: schemas.JobRequest) -> tuple[JobRecord, bool]:
    settings, engine = parts.settings, parts.engine
    dance = schemas.to_dance_request(body)
    if body.seconds > settings.dance_seconds:
        raise ApiError(
            422, "seconds_range", f"This server makes dances of up to {settings.dance_seconds:g} seconds."
        )
    if parts.audio.seconds(body.audio) is None:
        raise unknown_audio()
    if refusal := engine.refusal(body.model):
        raise ApiError(503, "setup_failed", f"The server has no model: {refusal.message}")
    short = schemas.unknown_frames(dance) <= settings.short_seconds * FPS
    with parts.jobs.changed:  # so that "queued" is announced before "running"
        job, new = parts.jobs.create(
            job_id, client, body.sha256, body.model_dump_json(), body.audio, short, dance.frames, body.seed
        )
        if new:
            engine.tell(job_id)
    return job, new


async def _shown(parts: Service, job: JobRecord) -> schemas.Job:
    return schemas.Job.model_validate(await run_in_threadpool(parts.jobs.describe, job))


async def _known_job(job_id: JobId, parts: Parts) -> JobRecord:
    return await run_in_threadpool(parts.jobs.get, job_id)


KnownJob = Annotated[JobRecord, Depends(_known_job)]


@router.get("/jobs/{job_id}")
async def get_job(job: KnownJob, parts: Parts) -> schemas.Job:
    """How far a job is."""
    return await _shown(parts, job)


@router.post("/jobs/{job_id}/cancel")
async def cancel_job(job: KnownJob, parts: Parts) -> schemas.Job:
    """End this job and no other: at once when it waits, within one sampler step when it runs."""
    return await _shown(parts, await run_in_threadpool(parts.engine.cancel, job.id))


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse)
async def job_events(
    job: KnownJob, parts: Parts, last_event_id: Annotated[str, Header()] = ""
) -> AsyncIterator[ServerSentEvent]:
    """The job's states, progress and finished segments as they come, up to its last state."""
    usable = last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) <= LAST_ID_DIGITS
    events = await run_in_threadpool(parts.engine.log_of, job)
    after = int(last_event_id) if usable else 0
    if events.closed and not events.after(after):
        after = events.last_id - 1  # a client that already had the end is told again
    async for event in events.listen(after, parts.settings.heartbeat_seconds):
        if event is None:
            yield ServerSentEvent(comment="still here")
        else:
            yield ServerSentEvent(raw_data=event.data, event=event.name, id=str(event.id))


@router.get(
    "/jobs/{job_id}/result",
    response_model=schemas.Result,
    responses={200: {"content": {NPZ: {}, compact.MEDIA_TYPE: {}}}, 409: {"model": schemas.Problem}},
)
async def job_result(job: KnownJob, request: Request, parts: Parts) -> Response:
    """The finished dance, as JSON or (by Accept) as a DANCE.npz file or in few bytes."""
    if job.state in ("queued", "running"):
        raise retry_later(409, "job_not_finished", "The dance is not finished yet.", 1)
    if job.state != "succeeded":
        raise ApiError(409, f"job_{job.state}", "The job ended without a dance.", job.error)
    path = parts.jobs.result_path(job.id)
    wanted = request.headers.get("accept", "")
    forms = {NPZ: type(path).read_bytes, compact.MEDIA_TYPE: _result_compact}
    form = next((name for name in forms if name in wanted), "application/json")
    return Response(await run_in_threadpool(forms.get(form, _result_json), path), media_type=form)


def _result_json(path: FilePath) -> bytes:
    return _result(Dance.load(path)).model_dump_json().encode()


def _result_compact(path: FilePath) -> bytes:
    dance = Dance.load(path)
    about = _result(dance).model_dump(exclude={"keypoints", "scores"})
    return compact.pack(about, dance.poses.keypoints, dance.poses.scores)


def _result(dance: Dance) -> schemas.Result:
    poses = dance.poses
    return schemas.Result(
        fps=poses.fps,
        skeleton=poses.skeleton.name,
        joints=list(poses.skeleton.joints),
        frames=len(poses),
        canvas=list(poses.canvas),
        keypoints=schemas.encode(poses.keypoints),
        scores=schemas.encode(poses.scores),
        beat_times=dance.beat_times.tolist(),
        downbeat_times=dance.downbeat_times.tolist(),
        seams=dance.seams.tolist(),
        seed=dance.seed,
        model_revision=dance.model_revision,
    )


# --- errors -----------------------------------------------------------------------------------------------


def _answer_errors(app: FastAPI) -> None:
    """Every error in the one shape, and none with what the client sent."""

    def answer(error: ApiError) -> JSONResponse:
        return JSONResponse(error.body, error.status, error.headers)

    @app.exception_handler(ApiError)
    async def api_error(_: Request, error: ApiError) -> JSONResponse:
        return answer(error)

    @app.exception_handler(TemposeError)
    async def tempose_error(_: Request, error: TemposeError) -> JSONResponse:
        return answer(from_tempose(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return answer(schemas.invalid(list(error.errors())))

    @app.exception_handler(HTTPException)
    async def http_error(_: Request, error: HTTPException) -> JSONResponse:
        code, message = {
            404: ("not_found", "There is nothing at this address."),
            405: ("method_not_allowed", "This address does not take this method."),
        }.get(error.status_code, ("refused", "The request was refused."))
        return answer(ApiError(error.status_code, code, message, headers=dict(error.headers or {})))

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, error: ClientDisconnect) -> JSONResponse:
        return answer(ApiError(400, "client_gone", "The connection ended before the request did."))

    @app.exception_handler(Exception)
    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        if is_disk_full(error):
            return answer(disk_full())
        return answer(ApiError(500, "internal", "The server failed on this request; its log says more."))
