# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong when a file is written, in words. No bpy in here."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ..errors import Problem


@contextlib.contextmanager
def in_words(path: Path) -> Iterator[None]:
    """Errors of the disk as a `Problem`."""
    try:
        yield
    except OSError as error:
        raise Problem(
            "file_unwritable",
            f"{path.name} cannot be written: {error.strerror or error}. Choose another place.",
        ) from None
