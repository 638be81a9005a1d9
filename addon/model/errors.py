# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors in words for people: a `Problem` is the shared package's error, whoever raises it."""

from typing import TypeVar

from tempose_pose.errors import Canceled
from tempose_pose.errors import TemposeError as Problem

__all__ = ["Canceled", "Problem", "require", "unexpected"]

Thing = TypeVar("Thing")

last_unexpected = ""
"""The last unforeseen error as Python words it, for the diagnostics alone."""


def unexpected(error: BaseException) -> Problem:
    """An unforeseen error in words for people; Python's own words are kept for the diagnostics."""
    global last_unexpected  # noqa: PLW0603
    last_unexpected = repr(error)
    return Problem(
        "unexpected",
        "Something unexpected went wrong. Please report it: Copy Diagnostics has the facts.",
    )


def require(thing: Thing | None) -> Thing:
    """Return something that the button's poll made sure of; raise `Problem` if it has gone since."""
    if thing is None:
        raise Problem(
            "gone",
            "Something that this needs has been deleted meanwhile. Choose it again, then try once more.",
        )
    return thing
