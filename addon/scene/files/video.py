# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses as pictures and as videos, made in the worker thread. No bpy in here.

The server's Python, if there is one, encodes the video with PyAV. Otherwise only Blender can, and only in its main
thread; so a separate Blender does it, more slowly.
"""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np

from tempose_pose.drawing import FACE_VIDEO, PLAIN, POSE_VIDEO, Manner, toes_of
from tempose_pose.sequence import PoseSequence, hands_of, to_openpose18

from ...model.errors import Problem
from ...model.files import png, pose_drawing, writing
from ...model.server.own_environment import own_environment
from ...model.server.work import Work
from . import face_video, other_blender
from .face_video import Face

PIPED = Path(pose_drawing.__file__).with_name("piped_encoding.py")


def picture_size(poses: PoseSequence, size: Sequence[int], manner: Manner = PLAIN) -> tuple[int, int]:
    """The size of drawn pictures: as requested, else the canvas; in the steps that the model and video require."""
    width, height = (int(v) for v in size)
    if width and not height:
        height = round(width * poses.canvas[1] / poses.canvas[0])
    elif height and not width:
        width = round(height * poses.canvas[0] / poses.canvas[1])
    elif not width:
        width, height = poses.canvas
    return manner.fitted((min(width, 8192), min(height, 8192)))


@dataclass(frozen=True)
class Encoders:
    """The ways to encode an MP4.

    Parameters
    ----------
    python : str
        The server's, whose encoder is far quicker; empty without one.
    blender : of str
        The command that runs a script in another Blender.
    """

    python: str
    blender: Sequence[str]


def write(
    work: Work,
    poses: PoseSequence,
    size: tuple[int, int],
    path: Path,
    encoders: Encoders | None,
    sound: bytes | None = None,
    manner: Manner = PLAIN,
    face: Face | None = None,
) -> int:
    """Draw the poses and write them; return the number of pictures.

    Parameters
    ----------
    path : Path
        Path of the MP4, of the folder for PNG files, or of the model's two videos.
    encoders : Encoders, optional
        For an MP4. None: PNG files.
    sound : bytes, optional
        A WAV file for the MP4.
    manner : Manner
        The model that they are drawn for.
    face : Face, optional
        What the model's video of the face shows; None: it is black.
    """
    film = PictureRun(lambda: _pictures(poses, size, manner), len(poses), size, poses.fps)
    if encoders is None or not manner.face:
        _write(work, film, path, encoders, sound)
        return len(poses)
    with writing.in_words(path):
        path.mkdir(parents=True, exist_ok=True)
    if face is not None:  # first, because it may be refused
        face_video.write(work, face, path / FACE_VIDEO, len(poses), poses.fps, encoders.python)
    _write(work, film, path / POSE_VIDEO, encoders, sound)
    if face is not None:
        return len(poses)
    side = (manner.face, manner.face)
    black = np.zeros((*side, 3), np.uint8)  # no face: the picture that the model takes as none
    _write(
        work,
        PictureRun(lambda: repeat(black, len(poses)), len(poses), side, poses.fps),
        path / FACE_VIDEO,
        encoders,
    )
    return len(poses)


@dataclass(frozen=True)
class PictureRun:
    """Pictures (H, W, 3) uint8, yielded anew by each call of `pictures`, with their number, size and rate."""

    pictures: Callable[[], Iterable[np.ndarray]]
    count: int
    size: tuple[int, int]
    rate: float


def _write(
    work: Work, film: PictureRun, path: Path, encoders: Encoders | None, sound: bytes | None = None
) -> None:
    """Write pictures as an MP4, or as PNG files into a folder."""
    with (
        tempfile.TemporaryDirectory(prefix="tempose-", ignore_cleanup_errors=True) as name,
        writing.in_words(path),
    ):
        folder = Path(name)
        pictures, made, heard = folder / "pictures", folder / "video.mp4", folder / "heard.wav"
        if sound is not None:
            heard.write_bytes(sound)
        if encoders is not None and encoders.python:
            work.status("Drawing the video")
            if _piped(work, film, made, heard, encoders.python):
                shutil.move(made, path)
                return
        work.status("Drawing poses")
        _draw(work, film, pictures)
        if encoders is not None:
            work.status("Encoding the video")
            _encode(work, film, pictures, made, heard, encoders.blender)
            shutil.move(made, path)
        else:
            path.mkdir(parents=True, exist_ok=True)
            for picture in sorted(pictures.iterdir()):
                shutil.move(picture, path / picture.name)


def _pictures(poses: PoseSequence, size: tuple[int, int], manner: Manner) -> Iterator[np.ndarray]:
    """Each pose drawn, (H, W, 3) uint8."""
    body, hands = to_openpose18(poses), hands_of(poses)
    points = pose_drawing.fitted(body.pixels, poses.canvas, size)
    if hands is not None:
        hands = np.concatenate([pose_drawing.fitted(hands[..., :2], poses.canvas, size), hands[..., 2:]], -1)
    toes = np.zeros((len(poses), 2, 3))
    if manner.toes:
        toes = toes_of(poses)
        toes[..., :2] = pose_drawing.fitted(toes[..., :2] * poses.canvas, poses.canvas, size)
    for t in range(len(poses)):
        hand = hands[t] if hands is not None else None
        yield pose_drawing.draw(points[t], body.scores[t], size, hand, toes[t], manner)


def _draw(work: Work, film: PictureRun, folder: Path) -> None:
    """Each picture as a PNG."""
    folder.mkdir()
    for t, picture in enumerate(film.pictures()):
        (folder / f"{t + 1:06d}.png").write_bytes(png.png(picture))
        work.progress((t + 1) / film.count)


def _piped(work: Work, film: PictureRun, path: Path, sound: Path, python: str) -> bool:
    """Feed the pictures to the encoder of the server's Python; return whether it has one."""
    more = [str(sound)] if sound.is_file() else []
    command = [python, "-I", str(PIPED), *map(str, film.size), str(film.rate), str(path), *more]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=own_environment(),
            cwd=path.parent,
            creationflags=other_blender.HIDDEN,
        )
    except OSError:
        return False
    assert process.stdin is not None
    try:
        for t, picture in enumerate(film.pictures()):
            process.stdin.write(picture.data)
            work.progress((t + 1) / film.count)
        process.stdin.close()
        while process.poll() is None:
            work.sleep(0.05)
    except OSError:  # it has ended because there is no encoder
        pass
    finally:
        process.kill()
        process.wait()
        with contextlib.suppress(OSError):
            process.stdin.close()
    return process.returncode == 0 and path.is_file() and path.stat().st_size > 0


def _encode(
    work: Work, film: PictureRun, pictures: Path, path: Path, sound: Path, command: Sequence[str]
) -> None:
    """The pictures as an MP4."""
    arguments = ["encoding", str(pictures), *(str(v) for v in (film.count, *film.size, film.rate)), str(path)]
    arguments += [str(sound)] if sound.is_file() else []
    well = other_blender.run(
        work, command, other_blender.PROGRAM, arguments, path.with_suffix(".log"), film.count
    )
    if not well or not path.is_file() or not path.stat().st_size:
        raise Problem("video_failed", "This Blender could not make the video. Write PNG pictures instead.")
