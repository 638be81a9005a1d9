"""The application: its parts, its routes behind the doors, and all errors in one form."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from dataclasses import asdict

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from tempose import __version__
from tempose_pose.errors import TemposeError
from tempose_pose.wire.answers import Problem
from tempose_server import docs_page, schemas
from tempose_server.audio_store import AudioStore
from tempose_server.errors import ApiError, disk_full, from_tempose, is_disk_full
from tempose_server.events import EventHub
from tempose_server.jobs import JobStore
from tempose_server.metrics import Metrics
from tempose_server.pose_finder import PoseFinder
from tempose_server.routes import PARTS, PREFIX, router
from tempose_server.routes.bodies import rules as body_rules
from tempose_server.sandbox import Sandbox
from tempose_server.security import Doors
from tempose_server.service import Service
from tempose_server.settings import ServerSettings
from tempose_server.worker import Engine


def create_app(settings: ServerSettings, token: str) -> tuple[Doors, Service]:
    """The guarded ASGI application and its parts. The engine starts with the application's lifespan."""
    hub = EventHub()
    jobs = JobStore(settings)
    sandbox = Sandbox(settings)
    audio, poses = AudioStore(settings, sandbox), PoseFinder(settings, sandbox)
    metrics = Metrics(jobs.counts)
    engine = Engine(settings, jobs, audio, hub, metrics)
    service = Service(settings, jobs, audio, poses, sandbox, hub, engine, metrics, asyncio.Semaphore(1))

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        hub.start(asyncio.get_running_loop())
        service.engine.start()
        threading.Thread(target=sandbox.prepare, name="prepare", daemon=True).start()
        yield
        hub.stop()
        await run_in_threadpool(service.engine.stop, settings.shutdown_seconds)
        await run_in_threadpool(sandbox.end)
        jobs.close()

    app = FastAPI(
        title="Tempose",
        version=__version__,
        summary="2D characters that dance to music",
        lifespan=lifespan,
        docs_url=None,
        openapi_url="/v1/openapi.json",
        redoc_url=None,
        responses={code: {"model": Problem} for code in (401, 403, 404, 422)},
    )
    app.state.service = service
    app.include_router(router)
    links = docs_page.Links()
    _show_docs(app, links)
    _answer_errors(app)
    rules = body_rules(PARTS, PREFIX, settings)
    looks = {f"{PREFIX}/health": lambda: asdict(engine.health)}
    doors = Doors(app, token=token, settings=settings, metrics=metrics, rules=rules, links=links, looks=looks)
    return doors, service


def _show_docs(app: FastAPI, links: docs_page.Links) -> None:
    """Add the page for people, and the link that opens it once."""

    @app.get("/v1/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        text = await run_in_threadpool(lambda: docs_page.page(app.openapi()))
        return HTMLResponse(text, headers={"Content-Security-Policy": docs_page.POLICY})

    @app.post("/v1/docs/link", include_in_schema=False)
    async def link() -> dict[str, str]:
        return {"key": links.make()}


def _answer_errors(app: FastAPI) -> None:
    """Answer every error in one form, and never with anything the client sent."""

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
