# SPDX-License-Identifier: GPL-3.0-or-later
"""The video of the face that Wan-Animate takes beside the poses; the server's Python makes it."""

from dataclasses import dataclass
from pathlib import Path

import bpy

from ...model.errors import Problem
from ...model.files import face_encoding
from ...model.server.work import Work
from .. import compat
from . import other_blender

SCRIPT = Path(face_encoding.__file__)


@dataclass(frozen=True)
class Face:
    """Where a face comes from.

    Parameters
    ----------
    source : Path
        A video or a picture.
    start : float
        The video's second at which the dance begins.
    """

    source: Path
    start: float = 0.0


def face_of(scene: bpy.types.Scene, path: str, frame: float) -> Face | None:
    """The face in a file, None without one; a video that is in the sequencer runs along with the dance from a frame.

    Raises
    ------
    Problem
        There is no such file.
    """
    if not path:
        return None
    source = Path(bpy.path.abspath(path))
    if not source.is_file():
        raise Problem(
            "face_missing", f"There is no file {source.name}. Choose the face again, or leave it empty."
        )
    for strip in scene.sequence_editor.strips_all if scene.sequence_editor else ():
        if strip.type == "MOVIE" and Path(bpy.path.abspath(strip.filepath)) == source:
            start = (frame - compat.strip_time(strip, "content_start")) / compat.rate_of(scene)
            return Face(source, max(start, 0.0))
    return Face(source)


def write(work: Work, face: Face, path: Path, count: int, rate: float, python: str) -> None:
    """Write the video of a face.

    Raises
    ------
    Problem
        There is no server's Python, or the file shows no face.
    """
    if not python:
        raise Problem("no_server", "A face is found by the server. Set it up, or leave the face empty.")
    work.status("Finding the face")
    log = path.with_suffix(".log")
    arguments = [str(face.source), str(path), str(count), str(rate), str(face.start)]
    try:
        well = other_blender.run(work, [python, "-I"], SCRIPT, arguments, log, 0)
        said = [
            line
            for line in log.read_text("utf-8", "replace").splitlines()
            if line.startswith(face_encoding.SAID)
        ]
    finally:
        log.unlink(missing_ok=True)
    if not well:
        raise Problem(
            "face_failed",
            said[-1].removeprefix(face_encoding.SAID)
            if said
            else "The face could not be read. Choose another file, or leave it empty.",
        )
