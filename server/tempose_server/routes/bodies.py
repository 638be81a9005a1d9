"""How bodies are read, and what the OpenAPI document says about them."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from tempose_server import schemas
from tempose_server.errors import ApiError
from tempose_server.settings import Settings
from tempose_server.strict_json import parse

BYTES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def json_body(model: type[schemas.Body]) -> dict[str, Any]:
    """The OpenAPI part for a body that is read by `read_json` (FastAPI's own reading is not strict enough)."""
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


async def read_json(request: Request, model: type[schemas.Body], settings: Settings) -> Any:
    """The request's body as a `model`, with all that `strict_json` and the model refuse."""
    body = await request.body()
    if not body:
        raise ApiError(400, "json_invalid", "The request has no body.")
    value = await run_in_threadpool(parse, body, settings.json_depth, settings.json_elements)
    return await run_in_threadpool(schemas.read, model, value)
