"""JSON as the server takes it: measured before it is parsed, no NaN, no name twice."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from tempose_server.errors import ApiError

# Always matches from a quote on, to the string's end or the body's; possessive, so the time is linear.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def measure(body: bytes) -> tuple[int, int]:
    """(nesting depth, elements) of a JSON text, also of a broken one, without parsing it."""
    bare = _STRING.sub(b"", body)
    brackets = np.frombuffer(bare.translate(None, _NOT_BRACKETS), np.uint8)
    opening = (brackets == ord("[")) | (brackets == ord("{"))
    steps = opening.astype(np.int8) * np.int8(2) - np.int8(1)
    depth = int(np.cumsum(steps, dtype=np.int32).max(initial=0))
    return depth, bare.count(b",") + bare.count(b":") + 1


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
