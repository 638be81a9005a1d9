# SPDX-License-Identifier: GPL-3.0-or-later
"""Dances as files, to write and to read: OpenPose and COCO JSON, and NumPy's .npz. No bpy in here."""

import tempfile
from pathlib import Path

from tempose_pose.dance import Dance
from tempose_pose.formats import read_reference
from tempose_pose.reference import Reference
from tempose_pose.writers import save_poses

from . import pose_file_reader, writing


def save(dance: Dance, path: str, kind: str) -> int:
    """Write a file of kind ``OPENPOSE``, ``CONTROLNET``, ``COCO`` or ``NPZ``, or with ``FOLDER`` one file a frame.

    Returns the number of files. An existing file is replaced only once the new one is complete.
    """
    with writing.in_words(Path(path)):
        if kind == "NPZ":
            dance.save(path)
        else:
            form = kind.lower() if kind in ("COCO", "CONTROLNET") else "openpose"
            save_poses(dance.poses, path, form, folder=kind == "FOLDER")
    return len(dance.poses) if kind == "FOLDER" else 1


def load(path: str, fps: float, canvas: tuple[int, int]) -> Dance:
    """`load_assuming`, for callers that need not know what was assumed."""
    return load_assuming(path, fps, canvas)[0]


def load_assuming(path: str, fps: float, canvas: tuple[int, int]) -> tuple[Dance, bool]:
    """Read what `save` writes, and such files from elsewhere: one file, or a folder with an OpenPose file per frame.

    Parameters
    ----------
    fps, canvas
        Assumed if the file does not state them.

    Returns
    -------
    dance : Dance
    assumed : bool
        Whether `fps` was assumed.
    """
    if Path(path).suffix.lower() == ".npz":
        return Dance.load(path), False
    if not is_large(path):
        return pose_file_reader.read(path, fps, canvas)
    with tempfile.TemporaryDirectory(prefix="tempose-poses-") as folder:
        return pose_file_reader.read_elsewhere(path, fps, canvas, Path(folder) / "dance.npz")


def reference_in(path: str) -> Reference:
    """The first figure in a pose file, completed."""
    if not is_large(path):
        return read_reference(path)
    with tempfile.TemporaryDirectory(prefix="tempose-poses-") as folder:
        return pose_file_reader.reference_elsewhere(path, Path(folder) / "pose.npz")


def is_large(path: str) -> bool:
    """Whether reading it takes so long that it needs a thread and a process of its own."""
    try:
        return pose_file_reader.is_large(Path(path))
    except OSError:
        return False  # reading it says what is wrong
