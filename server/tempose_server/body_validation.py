"""Strict validation of request bodies: small ones in the server itself, large ones in a child process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tempose_server import schemas
from tempose_server.errors import ApiError
from tempose_server.strict_json import parse


def read_body(model: type[schemas.StrictBody], body: bytes, depth: int, elements: int) -> Any:
    """A body as a `model`; raises `ApiError`."""
    return schemas.read(model, parse(body, depth, elements))


def validate(folder: Path, model: str, depth: int, elements: int) -> dict[str, Any]:
    """Validate `folder/body` as a model of `schemas` and write it, normalised, to `folder/validated`.

    Returns nothing, or the refusal to answer with.
    """
    try:
        body = read_body(getattr(schemas, model), (folder / "body").read_bytes(), depth, elements)
    except ApiError as error:
        return {"refusal": {"status": error.status, **json.loads(json.dumps(error.body))}}
    (folder / "validated").write_text(body.model_dump_json(), encoding="utf-8")
    return {}
