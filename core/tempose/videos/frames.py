"""The frames of a video as seen by people: upright, at an even rate, one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tempose.music.sound_file import DEMUXERS
from tempose_pose.errors import TemposeError

FILES = (".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ts")
MOST_FPS = 60.0  # faster videos are read at a half, a third … of their rate
LONG_SIDE = 1280  # larger frames are scaled down: the networks look at 256 pixels
MOST_SECONDS = 1800.0


@dataclass(frozen=True)
class Facts:
    """Facts from a video's header.

    Parameters
    ----------
    fps : float
        The rate at which its frames are read.
    frames : int
        Their approximate number; 0 if unknown.
    size : (int, int)
        Width and height of the frames, upright.
    heard : float or None
        Second of its sound at the first frame; None if it has no sound.
    """

    fps: float
    frames: int
    size: tuple[int, int]
    heard: float | None


class Video:
    """An open video.

    Attributes
    ----------
    facts : Facts
    """

    def __init__(self, container: Any, name: str):
        if not container.streams.video:
            raise TemposeError("video_unreadable", f"{name} holds no pictures: choose a video.")
        self._container, self._stream, self._name = container, container.streams.video[0], name
        self._stream.thread_type = "AUTO"
        rate = float(self._stream.average_rate or self._stream.guessed_rate or 0)
        if not 1 <= rate <= 1000:
            raise TemposeError("video_unreadable", f"{name} does not say how many frames a second it has.")
        self._fps = rate / np.ceil(rate / MOST_FPS - 1e-6)
        seconds = self._seconds()
        if seconds > MOST_SECONDS:
            raise TemposeError(
                "video_long",
                f"{name} is {seconds / 60:.0f} minutes long, and at most {MOST_SECONDS / 60:.0f} are read: "
                "cut it to the dance.",
            )
        sound = container.streams.audio[0] if container.streams.audio else None
        heard = None if sound is None else _start(self._stream) - _start(sound)
        self.facts = Facts(self._fps, round(seconds * self._fps), (0, 0), heard)

    def _seconds(self) -> float:
        if self._stream.duration and self._stream.time_base:
            return float(self._stream.duration * self._stream.time_base)
        return float(self._container.duration or 0) / 1_000_000

    def __iter__(self) -> Iterator[np.ndarray]:
        """Frames (H, W, 3) uint8 RGB at the even rate; of several in between, the last one, as in a player."""
        shown, count, begin = None, 0, None
        for frame in self._decoded():
            at = float(frame.time) if frame.time is not None else count / self._fps
            begin = at if begin is None else begin
            while shown is not None and count / self._fps < at - begin - 0.5 / self._fps:
                yield shown
                count += 1
            if count > MOST_SECONDS * self._fps:
                raise TemposeError(
                    "video_long", f"{self._name} is longer than {MOST_SECONDS / 60:.0f} minutes: cut it."
                )
            shown = _upright(frame)
        if shown is None:
            raise TemposeError("video_unreadable", f"{self._name} holds no frame that can be read.")
        yield shown

    def _decoded(self) -> Iterator[Any]:
        """Frames up to the end, or to where the file becomes unreadable; damaged packets are skipped."""
        from av.error import FFmpegError

        try:
            for packet in self._container.demux(self._stream):
                try:
                    yield from packet.decode()
                except FFmpegError:
                    continue
        except FFmpegError:
            return


@contextmanager
def open_video(path: str | os.PathLike) -> Iterator[Video]:
    """Open a video file, recognised by its contents; it must not refer to other files.

    Raises
    ------
    TemposeError
        It is missing, damaged, too long, or not a video.
    """
    import av
    from av.error import FFmpegError

    name = Path(path).name
    if not Path(path).is_file():
        raise TemposeError("video_missing", f"There is no file {name}.")
    with open(path, "rb") as file:  # noqa: PTH123
        try:
            container = av.open(
                file,
                "r",
                options={"format_whitelist": f"{DEMUXERS},mpegts,mpeg", "protocol_whitelist": "none"},
            )
        except (FFmpegError, OSError, ValueError) as error:
            raise TemposeError(
                "video_unreadable", f"{name} cannot be read as a video: use mp4, mov, mkv or webm."
            ) from error
        with container:
            yield Video(container, name)


def _start(stream: Any) -> float:
    return float(stream.start_time * stream.time_base) if stream.start_time is not None else 0.0


def _upright(frame: Any) -> np.ndarray:
    """The picture, scaled down if necessary and rotated as the file says."""
    scale = min(LONG_SIDE / max(frame.width, frame.height), 1)
    width, height = (max(round(side * scale / 2) * 2, 2) for side in (frame.width, frame.height))
    picture = frame.reformat(width=width, height=height, format="rgb24").to_ndarray()
    quarter = round(float(getattr(frame, "rotation", 0) or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(picture, quarter)) if quarter else picture
