# SPDX-License-Identifier: GPL-3.0-or-later
"""A character as files for other programs, made in the worker thread; another Blender writes them."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy

from ...model.errors import Problem
from ...model.files import writing
from ...model.files.export_span import ExportSpan
from ...model.server.work import Work
from . import character_file, other_blender

MOST_FRAMES = 20_000


@dataclass(frozen=True)
class RigOrder:
    """What is to be written.

    Attributes
    ----------
    scene, rig : str
        Their names.
    kind : str
        BVH, GLB, FBX or USDC.
    rate : float
        Frames per second.
    drawing : bool
        Whether what shows the character goes along.
    """

    scene: str
    rig: str
    kind: str
    rate: float
    drawing: bool


def write(work: Work, wanted: RigOrder, path: Path, blender: Sequence[str]) -> tuple[int, float]:
    """Write the character; returns how many frames, and how many of them a second."""
    with tempfile.TemporaryDirectory(prefix="tempose-", ignore_cleanup_errors=True) as name:
        folder = Path(name)

        def ask(_ob: bpy.types.Object, span: ExportSpan) -> dict:
            return {
                "do": "export", "kinds": [wanted.kind], "cyclic": span.cyclic, "drawing": wanted.drawing,
            }  # fmt: skip

        names = wanted.scene, wanted.rig
        _, rate, count = character_file.hand_over(work, names, wanted.rate, MOST_FRAMES, folder, ask)
        work.status(f"Writing {path.name}")
        log = folder / "log.txt"
        well = other_blender.run(work, blender, other_blender.CHARACTER_TASKS, [str(folder)], log, 0)
        made = folder / f"made.{wanted.kind.lower()}"
        if not well or not made.is_file():
            raise Problem(
                "export_failed", "This Blender could not write the character so. Choose another format."
            )
        with writing.in_words(path):
            shutil.move(made, path)
        return count, rate
