# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender of its own does what would hold this one up: it renders, encodes or exports, and tells how far it is."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ...model.server.work import Work

CHARACTER_TASKS = Path(__file__).with_name("character_tasks.py")
DONE = "tempose: frame"  # what the other Blender prints for each frame
HIDDEN = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # of Windows


def command(binary: str) -> list[str]:
    """The command that runs a script in another Blender.

    Parameters
    ----------
    binary : str
        `bpy.app.binary_path`: empty where Blender is a module of a Python.
    """
    if not binary:
        return [sys.executable, "-I"]
    return [binary, "--background", "--factory-startup", "--python-exit-code", "1", "--python"]


def run(work: Work, blender: Sequence[str], script: Path, arguments: Sequence[str], log: Path, count: int):
    """Run a script to its end, or stop it when the person cancels; returns whether it says that it went well.

    Parameters
    ----------
    blender : of str
        See `command`.
    log : Path
        Where its output goes.
    count : int
        How many frames it will tell of; 0: it tells of none.
    """
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*blender, str(script), "--", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd=log.parent,
            creationflags=HIDDEN,
        )
        try:
            while process.poll() is None:
                done = log.read_text("utf-8", "replace").count(DONE) if count else 0
                if done:
                    work.progress(min(done / count, 1.0))
                work.sleep(0.1)
        finally:
            process.kill()
            process.wait()
    return process.returncode == 0
