"""Validation of what a peer has sent against types: dataclasses of numbers, texts, lists and one another.

Annotations add to Python's types: `Within`, `AtMost`, `Whole`, `Rising`. Numbers must be finite and not booleans;
texts without a stated length are cut at `TEXT` characters and made readable. Unknown keys are ignored, so that a
newer peer may send more.
"""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from tempose_pose.errors import TemposeError

TEXT = 400
"""Characters of a text, for people, that are kept."""
ITEMS = 100_000
"""Of a list whose length is not stated."""
FAR = 1e6
"""Numbers lie between −FAR and FAR where no limits are stated."""

T = TypeVar("T")


@dataclass(frozen=True)
class Within:
    """A number from `low` to `high`."""

    low: float
    high: float


@dataclass(frozen=True)
class AtMost:
    """A list or text of at most this length; a longer one is refused, not cut."""

    length: int


@dataclass(frozen=True)
class Whole:
    """A list of exactly this length."""

    length: int


@dataclass(frozen=True)
class Rising:
    """A list of numbers, each greater than the one before it."""


def unexpected(what: str) -> TemposeError:
    """The problem of an unexpected answer from the server."""
    return TemposeError("server_answer", f"The server sent {what}. Is it a Tempose server of this version?")


def read(kind: type[T], value: Any, what: str = "answer") -> T:
    """A JSON value as a `kind`.

    Raises
    ------
    TemposeError
        ``"server_answer"``, naming the wrong part.
    """
    if not isinstance(value, Mapping):
        raise unexpected(f"{_article(what)} in an unknown form")
    given = {}
    for name, (hint, needed) in _parts(kind).items():
        if name in value:
            given[name] = _checked(hint, value[name], name.replace("_", " "))
        elif needed:
            raise unexpected(f"{_article(what)} without {name.replace('_', ' ')}")
    return kind(**given)


@cache
def _parts(kind: type) -> dict[str, tuple[Any, bool]]:
    """Name → type, and whether it is required."""
    hints = get_type_hints(kind, include_extras=True)
    return {
        f.name: (hints[f.name], f.default is MISSING and f.default_factory is MISSING)
        for f in fields(kind)  # pyright: ignore[reportArgumentType] -- a dataclass
    }


def _checked(hint: Any, value: Any, what: str, marks: tuple[Any, ...] = ()) -> Any:
    """`value` checked against the type; `what` names it in errors."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _checked(inner[0], value, what, (*inner[1:], *marks))
    if origin in (Union, types.UnionType):  # of a type and None
        return None if value is None else _checked(inner[0], value, what, marks)
    if is_dataclass(hint):
        return read(hint, value, what)  # pyright: ignore[reportArgumentType, reportReturnType] -- a class
    if origin is list:
        return _list(inner[0], value, what, marks)
    return _plain(hint, value, what, marks)


def _plain(hint: Any, value: Any, what: str, marks: tuple[Any, ...]) -> Any:
    """Check plain values, with nothing inside to check except a dictionary's values."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is str:
        return _text(value, what, marks)
    if hint in (int, float):
        return _number(hint, value, what, marks)
    if origin is dict and isinstance(value, dict) and len(value) <= ITEMS:
        return {str(key)[:TEXT]: _checked(inner[1], part, what) for key, part in value.items()}
    allowed = (
        hint is Any or (origin is Literal and value in inner) or (hint is bool and isinstance(value, bool))
    )
    if not allowed:
        raise unexpected(f"a wrong {what}")
    return value


def _list(item: Any, value: Any, what: str, marks: tuple[Any, ...]) -> list[Any]:
    most = next((mark.length for mark in marks if isinstance(mark, AtMost)), ITEMS)
    if not isinstance(value, list) or len(value) > most:
        raise unexpected(f"a wrong list of {what}")
    if any(isinstance(mark, Whole) and len(value) != mark.length for mark in marks):
        raise unexpected(f"a wrong {what}")
    out = [_checked(item, part, what) for part in value]
    if any(isinstance(mark, Rising) for mark in marks) and any(b <= a for a, b in pairwise(out)):
        raise unexpected(f"{what} that do not rise")
    return out


def _text(value: Any, what: str, marks: tuple[Any, ...]) -> str:
    most = next((mark.length for mark in marks if isinstance(mark, AtMost)), None)
    if not isinstance(value, str) or (most is not None and len(value) > most):
        raise unexpected(f"a wrong {what}")
    return value if most is not None else readable(value[:TEXT])


def readable(text: str) -> str:
    """A text for people without line ends, bidirectional controls and characters that cannot be encoded."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def _number(hint: Any, value: Any, what: str, marks: tuple[Any, ...]) -> float:
    low, high = next(((mark.low, mark.high) for mark in marks if isinstance(mark, Within)), (-FAR, FAR))
    kinds = int if hint is int else int | float
    good = isinstance(value, kinds) and not isinstance(value, bool)
    if not good or not low <= value <= high or not math.isfinite(value):
        raise unexpected(f"a wrong {what}")
    return hint(value)


def _article(what: str) -> str:
    return f"an {what}" if what[:1] in "aeiou" else f"a {what}"
