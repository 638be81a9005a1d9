"""JSON from a stranger: measured before it is parsed, so that no text holds a program up for long.

A parser written in C holds Python's one lock until it is through: everything else stands still meanwhile, Blender's
window or the server's other answers. So how much there is, is looked at first, in time that grows with the length
alone.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

DEPTH = 20
# Always matches from a quote on, to the string's end or the body's; possessive, so the time is linear.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class Refused(ValueError):
    """No JSON, too deep, too much, or text that no program can write down."""


def roughly(body: bytes) -> int:
    """An upper bound on the elements of a text, found quickly: what is inside strings is counted too."""
    found = np.frombuffer(body, np.uint8)
    count = {mark: int(np.count_nonzero(found == ord(mark))) for mark in ',:"[{'}  # without Python's lock
    return sum(count.values()) - (count['"'] + 1) // 2


def measure(body: bytes) -> tuple[int, int]:
    """(nesting depth, elements) of a JSON text, also of a broken one, without parsing it."""
    bare = _STRING.sub(b"", body)
    brackets = np.frombuffer(bare.translate(None, _NOT_BRACKETS), np.uint8)
    opening = (brackets == ord("[")) | (brackets == ord("{"))
    steps = opening.astype(np.int8) * np.int8(2) - np.int8(1)
    depth = int(np.cumsum(steps, dtype=np.int32).max(initial=0))
    return depth, bare.count(b",") + bare.count(b":") + 1


def parse(body: bytes, elements: int, depth: int = DEPTH) -> Any:
    """The value of a text of at most so many elements and so deep; raises `Refused`."""
    if roughly(body) > elements or measure(body)[0] > depth:
        raise Refused("too much")
    try:
        text = body.decode("utf-8")
        value = json.loads(text)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()  # half of a character that has two is none
    except (ValueError, RecursionError):
        raise Refused("no JSON") from None
    return value
