# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, in words for a person: a `Problem` is the shared package's error, whoever raises it."""

from typing import TypeVar

from tempose_pose.errors import Canceled
from tempose_pose.errors import TemposeError as Problem

__all__ = ["Canceled", "Problem", "require", "unexpected"]

Thing = TypeVar("Thing")

last_unexpected = ""
"""What nobody has foreseen, as Python has it: for the diagnostics alone."""


def unexpected(error: BaseException) -> Problem:
    """An error that nobody has foreseen, in words; what Python says of it is kept for the diagnostics."""
    global last_unexpected  # noqa: PLW0603
    last_unexpected = repr(error)
    return Problem(
        "unexpected",
        "Something unexpected went wrong. Please report it: Copy Diagnostics has the facts.",
    )


def require(thing: Thing | None) -> Thing:
    """What a button is grey without, so that it is there when the button acts; raises `Problem` where it has gone."""
    if thing is None:
        raise Problem(
            "gone",
            "Something that this needs has been deleted meanwhile. Choose it again, then try once more.",
        )
    return thing
