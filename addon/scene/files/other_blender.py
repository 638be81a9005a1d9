# SPDX-License-Identifier: GPL-3.0-or-later
"""A separate Blender for work that would block this one: it renders, encodes or exports, and reports progress."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ...model.server.work import Work

PROGRAM = Path(__file__).with_name("program.py")
DONE = "tempose: frame"  # printed by the other Blender for each frame
HIDDEN = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # on Windows: no console window


def command(binary: str) -> list[str]:
    """The command that runs a script in another Blender.

    Parameters
    ----------
    binary : str
        `bpy.app.binary_path`: empty if Blender is a Python module.
    """
    if not binary:
        return [sys.executable, "-I"]
    return [binary, "--background", "--factory-startup", "--python-exit-code", "1", "--python"]


def run(work: Work, blender: Sequence[str], script: Path, arguments: Sequence[str], log: Path, count: int):
    """Run a script to its end, or stop it when the user cancels; return whether it reports success.

    Parameters
    ----------
    blender : of str
        See `command`.
    script : Path
        `PROGRAM` for a module of this folder, whose name then is the first of the arguments.
    log : Path
        Where its output goes.
    count : int
        The number of frames that it will report; 0: none.
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
