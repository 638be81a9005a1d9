# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a pose file, here or in a process of its own. No bpy in here.

Parsing a large JSON file holds Python's global lock for seconds, and Blender's window with it. Such a file is read
by another Python, ``python -I pose_file_reader.py``, which is told through a pipe what to read and where to put it.
"""

import json
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":  # so that the imports below come from where Blender has them
    job = json.load(sys.stdin)
    sys.path[:0] = [place for place in job["packages"] if place not in sys.path]

import numpy as np

import tempose_pose
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.formats import load_poses, read_reference
from tempose_pose.reference import Reference

LARGE = 4_000_000  # bytes from which on a file is read in another process
SECONDS = 300


def read(path: str, fps: float, canvas: tuple[int, int]) -> tuple[Dance, bool]:
    """A dance, and whether `fps` had to be assumed; see `pose_files.load_assuming`."""
    try:
        return Dance.of(load_poses(path, canvas=canvas)), False
    except TemposeError as error:
        if error.code != "fps_missing":
            raise
    return Dance.of(load_poses(path, fps=fps, canvas=canvas)), True


def is_large(path: Path) -> bool:
    """Whether a file, or a folder of files, is too large to parse without freezing an open window."""
    files = path.iterdir() if path.is_dir() else [path]
    total = 0
    for file in files:
        total += file.stat().st_size if file.is_file() else 0
        if total > LARGE:
            return True
    return False


def read_elsewhere(path: str, fps: float, canvas: tuple[int, int], out: Path) -> tuple[Dance, bool]:
    """`read` in another process, which writes the dance to the file `out`."""
    said = _told(
        {"path": str(Path(path).absolute()), "fps": fps, "canvas": canvas, "out": str(out)}, out.parent
    )
    return read(path, fps, canvas) if said is None else (Dance.load(out), bool(said["assumed"]))


def reference_elsewhere(path: str, out: Path) -> Reference:
    """`read_reference` in another process, which writes the pose to the file `out`."""
    said = _told({"path": str(Path(path).absolute()), "reference": True, "out": str(out)}, out.parent)
    if said is None:
        return read_reference(path)
    pose = Dance.load(out).poses
    return Reference(pose, tuple(said["filled"]), {joint: (x, y) for joint, (x, y) in said["more"].items()})


def _told(job: dict, folder: Path) -> dict | None:
    """The answer of another process that runs in `folder`; None if it cannot be started."""
    packages = [str(Path(str(module.__file__)).parents[1]) for module in (tempose_pose, np)]
    asked, hidden = json.dumps({"packages": packages, **job}), getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        done = subprocess.run(
            [sys.executable, "-I", __file__], input=asked, capture_output=True, text=True,
            timeout=SECONDS, check=False, cwd=folder, creationflags=hidden,
        )  # fmt: skip
        said = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    if "code" in said:
        raise TemposeError(said["code"], said["message"])
    return said


def main() -> None:
    """Read the file that the job names; print what the file leaves out, or why it cannot be read."""
    try:
        if job.get("reference"):
            found = read_reference(job["path"])
            Dance.of(found.pose).save(job["out"])
            print(json.dumps({"filled": found.filled, "more": dict(found.more)}))
            return
        dance, assumed = read(job["path"], job["fps"], (job["canvas"][0], job["canvas"][1]))
        dance.save(job["out"])
        print(json.dumps({"assumed": assumed}))
    except TemposeError as error:
        print(json.dumps({"code": error.code, "message": error.message}))


if __name__ == "__main__":
    main()
