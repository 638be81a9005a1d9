"""Untrusted JSON: measured before it is parsed, so that no text can block a program for long.

A parser written in C holds Python's global lock until it is done: everything else stands still meanwhile, be it
Blender's window or the server's other answers. So the size is measured first, in time linear in the length.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

DEPTH = 20
# Always matches from a quote to the end of the string or the body; possessive, so the time is linear.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class Refused(ValueError):
    """Not JSON, too deep, too large, or with text that cannot be encoded."""


def roughly(body: bytes) -> int:
    """A quick upper bound on the elements of a text, which counts the insides of strings too."""
    found = np.frombuffer(body, np.uint8)
    count = {mark: int(np.count_nonzero(found == ord(mark))) for mark in ',:"[{'}  # without Python's lock
    return sum(count.values()) - (count['"'] + 1) // 2


def measure(body: bytes) -> tuple[int, int]:
    """(nesting depth, elements) of a JSON text, even a broken one, without parsing it."""
    bare = _STRING.sub(b"", body)
    brackets = np.frombuffer(bare.translate(None, _NOT_BRACKETS), np.uint8)
    opening = (brackets == ord("[")) | (brackets == ord("{"))
    steps = opening.astype(np.int8) * np.int8(2) - np.int8(1)
    depth = int(np.cumsum(steps, dtype=np.int32).max(initial=0))
    return depth, bare.count(b",") + bare.count(b":") + 1


def parse(body: bytes, elements: int, depth: int = DEPTH) -> Any:
    """The value of a text with at most this many elements and this depth; raises `Refused`."""
    if roughly(body) > elements or measure(body)[0] > depth:
        raise Refused("too much")
    try:
        text = body.decode("utf-8")
        value = json.loads(text)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is not a character
    except (ValueError, RecursionError):
        raise Refused("no JSON") from None
    return value
