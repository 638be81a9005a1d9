# SPDX-License-Identifier: GPL-3.0-or-later
"""A character's frames as a sprite sheet or a GIF, made in the worker thread; another Blender draws them."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np

from ...model.errors import Problem
from ...model.files import sprites, writing
from ...model.files.export_span import ExportSpan
from ...model.server.own_environment import own_environment
from ...model.server.work import Work
from . import character_file, other_blender

GIF = Path(sprites.__file__).with_name("gif_encoding.py")
MOST = 500_000_000  # pixels of all frames together
MOST_FRAMES = 4000


@dataclass(frozen=True)
class SpriteOrder:
    """What to render.

    Attributes
    ----------
    scene, rig : str
        Their names.
    name : str
        Name of the frames.
    rate : float
        Frames per second.
    height : int
        Of a frame, in pixels.
    beats : of float
        Scene frames (not whole) at which beats are heard.
    """

    scene: str
    rig: str
    name: str
    rate: float
    height: int
    beats: Sequence[float]


def render(work: Work, wanted: SpriteOrder, folder: Path, blender: Sequence[str]) -> sprites.Sprites:
    """Have another Blender render the character; `folder` is for the files of both."""

    def ask(ob: bpy.types.Object, span: ExportSpan) -> dict:
        axes = character_file.axes_of(ob).tolist()
        around = span.frames if span.cyclic else 0.0
        return {"do": "draw", "axes": axes, "around": around, "height": wanted.height, "most": MOST}

    names = wanted.scene, wanted.rig
    span, rate, count = character_file.hand_over(work, names, wanted.rate, MOST_FRAMES, folder, ask)
    work.status("Drawing the character")
    well = other_blender.run(
        work, blender, other_blender.PROGRAM, ["character_tasks", str(folder)], folder / "log.txt", count
    )
    said = folder / "said.json"
    if not said.is_file():
        nothing = "no render engine could draw it" if well else "nothing of it is rendered"
        raise Problem("sprites_failed", f"The character could not be drawn: {nothing}. Check its drawing.")
    told = json.loads(said.read_text("utf-8"))
    width, height = told["size"]
    if not (folder / "frames.npy").is_file():
        if width * height * count > MOST:
            raise Problem(
                "sheet_large",
                f"{count} frames of {width} × {height} pixels are too many. Set a shorter preview range, or a lower "
                "Height or Frame Rate.",
            )
        raise Problem(
            "sprites_failed", "This Blender could not draw the character. Choose another Render Engine."
        )
    pictures = np.load(folder / "frames.npy", mmap_mode="r")
    beats = [(beat - span.first) / span.rate * rate for beat in wanted.beats]
    return sprites.Sprites(
        pictures,
        rate,
        [beat for beat in beats if -0.5 <= beat < count - 0.5],
        tuple(told["ground"]),
        span.cyclic,
        wanted.name,
    )


@dataclass(frozen=True)
class Written:
    """The result of an export.

    Attributes
    ----------
    count : int
    size : (int, int)
        Width and height of a frame.
    rate : float
        Frames per second.
    """

    count: int
    size: tuple[int, int]
    rate: float


def write(work: Work, wanted: SpriteOrder, path: Path, blender: Sequence[str], python: str | None) -> Written:
    """Render the character and write a GIF with the server's `python` or, without one, a sheet."""
    with tempfile.TemporaryDirectory(prefix="tempose-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        made = render(work, wanted, folder, blender)
        with writing.in_words(path):
            if python is None:
                work.status("Writing the sheet")
                sprites.write_sheet(made, path)
            else:
                work.status("Writing the GIF")
                shutil.move(_gif(work, made, folder, python), path)
        count, height, width = made.frames.shape[:3]
        return Written(count, (width, height), made.rate)


def _gif(work: Work, made: sprites.Sprites, folder: Path, python: str) -> Path:
    path = folder / "made.gif"
    shown = ",".join(str(part) for part in sprites.durations(len(made.frames), made.rate, 0.01))
    command = [python, "-I", str(GIF), str(folder / "frames.npy"), shown, str(path)]
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=own_environment(), creationflags=other_blender.HIDDEN,
        )  # fmt: skip
    except OSError:
        raise Problem("gif_failed", NO_GIF) from None
    try:
        while process.poll() is None:
            work.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    if process.returncode or not path.is_file():
        raise Problem("gif_failed", NO_GIF)
    return path


NO_GIF = "The server's Python could not make the GIF. Choose Sprite Sheet, which needs no server."
