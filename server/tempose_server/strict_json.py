"""Strict JSON: measured before it is parsed, without NaN and duplicate names."""

from __future__ import annotations

import json
from typing import Any

from tempose_pose.local.hostile_json import measure
from tempose_server.errors import ApiError


def parse(body: bytes, max_depth: int, max_elements: int) -> Any:
    """Parse a request body.

    Raises
    ------
    ApiError
        400 `json_invalid`, 413 `json_too_deep` or `json_too_many`.
    """
    depth, elements = measure(body)
    if depth > max_depth:
        raise ApiError(413, "json_too_deep", f"The request nests deeper than {max_depth} levels.")
    if elements > max_elements:
        raise ApiError(413, "json_too_many", f"The request holds more than {max_elements} elements.")
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
    except ApiError:
        raise
    except (ValueError, RecursionError):
        raise ApiError(400, "json_invalid", "The request is not valid JSON.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ApiError(400, "json_duplicate", "The request names the same key twice.")
    return found


def _constant(_: str) -> Any:
    raise ApiError(400, "json_not_finite", "The request holds a value that is not a number.")
