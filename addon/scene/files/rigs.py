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
from ..character import character
from . import character_file, other_blender
from .flat_rig_reader import TOO_LARGE

MOST_FRAMES = 20_000
FLAT = {"SPINE": ".json", "DRAGONBONES": "_ske.json"}  # formats of 2D animation → suffix of the main file


@dataclass(frozen=True)
class RigOrder:
    """What to write.

    Attributes
    ----------
    scene, rig : str
        Their names.
    kind : str
        BVH, GLB, FBX or USDC, or one of `FLAT`.
    rate : float
        Frames per second.
    drawing : bool
        Whether to include the objects that show the character.
    """

    scene: str
    rig: str
    kind: str
    rate: float
    drawing: bool


def write(work: Work, wanted: RigOrder, path: Path, blender: Sequence[str]) -> tuple[int, float]:
    """Write the character; return the number of frames and their rate."""
    with tempfile.TemporaryDirectory(prefix="tempose-", ignore_cleanup_errors=True) as name:
        folder = Path(name)

        def ask(ob: bpy.types.Object, span: ExportSpan) -> dict:
            if wanted.kind not in FLAT:
                return {
                    "do": "export", "kinds": [wanted.kind], "cyclic": span.cyclic, "drawing": wanted.drawing,
                }  # fmt: skip
            axes, size = character_file.axes_of(ob).tolist(), max(ob.matrix_world.to_scale()[:])
            return {
                "do": "flatten", "kind": wanted.kind, "cyclic": span.cyclic, "file": path.name, "axes": axes,
                "pixel": character.placement(ob).unit * size,
            }  # fmt: skip

        names = wanted.scene, wanted.rig
        _, rate, count = character_file.hand_over(work, names, wanted.rate, MOST_FRAMES, folder, ask)
        work.status(f"Writing {path.name}")
        log = folder / "log.txt"
        well = other_blender.run(
            work, blender, other_blender.PROGRAM, ["character_tasks", str(folder)], log, 0
        )
        with writing.in_words(path):
            for made, goal in _made(wanted, folder, path, well):
                shutil.move(made, goal)
        return count, rate


def _made(wanted: RigOrder, folder: Path, path: Path, well: bool) -> list[tuple[Path, Path]]:
    """The files written by the other Blender, and where they go; raises if there are none."""
    if wanted.kind in FLAT:
        found = [(made, path.with_name(made.name)) for made in sorted((folder / "made").glob("*"))]
    else:
        one = folder / f"made.{wanted.kind.lower()}"
        found = [(one, path)] if one.is_file() else []
    if (folder / TOO_LARGE).exists():
        raise Problem(
            "page_large", "The pictures are too large for one page. Make them smaller, then export again."
        )
    if well and not found and wanted.kind in FLAT:
        raise Problem(
            "no_pictures",
            "Spine and DragonBones take cut-outs, and nothing of this character shows a picture. Make a puppet of a "
            "picture first, or choose another format.",
        )
    if not well or not found:
        raise Problem(
            "export_failed", "This Blender could not write the character so. Choose another format."
        )
    return found
