# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of writing a file, in words for people. No bpy in here."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ..errors import Problem


@contextlib.contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Context manager that turns errors of the disk into a `Problem`."""
    try:
        yield
    except OSError as error:
        raise Problem(
            "file_unwritable",
            f"{path.name} cannot be written: {error.strerror or error}. Choose another place.",
        ) from None
