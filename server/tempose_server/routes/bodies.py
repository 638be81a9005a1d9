"""Reading of bodies, and their description in the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool
from fastapi.routing import APIRoute

from tempose_pose.local.hostile_json import roughly
from tempose_server import schemas
from tempose_server.body_validation import read_body
from tempose_server.errors import ApiError
from tempose_server.security import BodyRule
from tempose_server.service import Service
from tempose_server.settings import ServerSettings

Weighed = TypeVar("Weighed")

HERE_ELEMENTS, HERE_BYTES = 10_000, 300_000  # largest body that is read in this process, in some milliseconds
PIECE_BYTES = 1_000_000
LIMIT = "x-limit"
"""In a route's OpenAPI part: the setting that says how many bytes its body may have."""


def bytes_body(limit: str) -> dict[str, Any]:
    """The OpenAPI description of a body of bytes; `limit` is the name of a setting."""
    return _body("application/octet-stream", {"type": "string", "format": "binary"}, limit)


def json_body(model: type[schemas.StrictBody]) -> dict[str, Any]:
    """The OpenAPI description of a body read by `read_json` (FastAPI's own reading is not strict enough)."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return _body("application/json", _inlined(schema), "json_bytes")


def _body(content_type: str, schema: dict[str, Any], limit: str) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {content_type: {"schema": schema}}}, LIMIT: limit}


def rules(routers: Iterable[APIRouter], prefix: str, settings: ServerSettings) -> list[BodyRule]:
    """The limits that the routes declare, to which the doors hold every request."""
    found = []
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute) and route.openapi_extra:
                (content_type,) = route.openapi_extra["requestBody"]["content"]
                path = re.compile(re.escape(prefix) + route.path_regex.pattern.removeprefix("^"))
                cap = getattr(settings, route.openapi_extra[LIMIT])
                found.append(BodyRule(frozenset(route.methods or ()), path, content_type, cap))
    return found


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without references, to be embedded in the document."""
    definitions = schema.pop("$defs", {})

    def walk(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return walk(definitions[node["$ref"].rsplit("/", 1)[1]])
            return {key: walk(value) for key, value in node.items()}
        return [walk(value) for value in node] if isinstance(node, list) else node

    return walk(schema)


def staging(parts: Service) -> AbstractAsyncContextManager[Path]:
    """A folder for one body, made and removed in a thread, so that it holds up no other calls."""
    return contextmanager_in_threadpool(parts.audio.staging())


async def pieces(request: Request, size: int = PIECE_BYTES) -> AsyncIterator[bytes]:
    """The body in pieces of `size` bytes or a bit more, each worth a thread's while; the last may be shorter."""
    piece = bytearray()
    async for chunk in request.stream():
        piece += chunk
        if len(piece) >= size:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


async def keep_body(request: Request, path: Path) -> None:
    """Write a body to a file as it comes."""
    with path.open("wb") as file:
        async for piece in pieces(request):
            await run_in_threadpool(file.write, piece)


async def read_json(
    request: Request, model: type[schemas.StrictBody], parts: Service, weigh: Callable[[Any], Weighed]
) -> Weighed:
    """The result of `weigh` for the request's body as a `model`; raises errors of `strict_json`, the model and
    `weigh`.

    While a body is parsed or assembled, nothing else in this process runs, and with several busy threads all calls
    wait for several turns. A long body, or one with many elements, is therefore written to disk as it comes; a
    child reads it and returns it in a short form. The rest is done here, for one body at a time.
    """
    coming = pieces(request, HERE_BYTES + 1)
    body = await anext(coming, b"")
    if not body:
        raise ApiError(400, "json_invalid", "The request has no body.")
    depth, elements = parts.settings.json_depth, parts.settings.json_elements
    if len(body) <= HERE_BYTES and await run_in_threadpool(roughly, body) <= HERE_ELEMENTS:
        async with parts.reading:
            return await run_in_threadpool(lambda text: weigh(read_body(model, text, depth, elements)), body)
    async with staging(parts) as folder:
        with (folder / "body").open("wb") as file:
            await run_in_threadpool(file.write, body)
            async for piece in coming:
                await run_in_threadpool(file.write, piece)
        ask = partial(
            parts.sandbox.run, "validate", folder, what="request",
            model=model.__name__, depth=depth, elements=elements,
        )  # fmt: skip
        await parts.sandbox.in_turn(ask)
        text = await run_in_threadpool((folder / "validated").read_bytes)
    async with parts.reading:
        return await run_in_threadpool(lambda: weigh(model.model_validate_json(text)))
