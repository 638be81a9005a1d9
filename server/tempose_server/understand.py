"""Request bodies, read strictly: what a child does with large ones, and the server itself with small ones."""

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


def understand(folder: Path, model: str, depth: int, elements: int) -> dict[str, Any]:
    """`folder/body` as a model of `schemas`, written in short form to `folder/understood`; or why it is none."""
    try:
        found = read_body(getattr(schemas, model), (folder / "body").read_bytes(), depth, elements)
    except ApiError as error:
        return {"refusal": {"status": error.status, **json.loads(json.dumps(error.body))}}
    (folder / "understood").write_text(found.model_dump_json(), encoding="utf-8")
    return {}
