"""What a dance can be drawn on: a picture, or a video that runs along."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import numpy as np

from tempose_pose.errors import TemposeError

VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")


class VideoGround:
    """Frames of a video by the second, read once from front to back (going back opens it anew).

    Parameters
    ----------
    path : path
        Anything that FFmpeg reads.
    start : float
        The video's second at the dance's second 0.

    Raises
    ------
    TemposeError
        There is no such file, or it holds no picture.
    """

    def __init__(self, path: str | os.PathLike, start: float = 0.0):
        self.path, self.start = Path(path), float(start)
        if not self.path.is_file():
            raise TemposeError("picture_missing", f"There is no video {path}.")
        if not 0 <= self.start < 1e6:
            raise TemposeError("video_start", "The video's start must be a second from 0 on.")
        self._frames = self._decoded()
        self._at, self._shown = -1.0, np.zeros((1, 1, 3), np.uint8)
        self._open()

    def _open(self) -> None:
        self._frames.close()
        self._frames = self._decoded()
        self._next: tuple[float, np.ndarray] | None = next(self._frames, None)
        if self._next is None:
            raise TemposeError("picture_unreadable", f"{self.path.name} holds no video that can be read.")
        self._shown = self._next[1]

    def _decoded(self) -> Generator[tuple[float, np.ndarray], None, None]:
        import av
        from av.error import FFmpegError

        try:
            with av.open(str(self.path)) as container:
                if not container.streams.video:
                    return
                first = None
                for frame in container.decode(video=0):
                    second = float(frame.time or 0.0)
                    first = second if first is None else first
                    yield second - first, frame.to_ndarray(format="rgb24")
        except (FFmpegError, OSError, ValueError):  # a damaged end: what came before is shown
            return

    def at(self, second: float) -> np.ndarray:
        """(H, W, 3) uint8 what the video shows at that second of the dance; its last frame after its end."""
        wanted = max(second + self.start, 0.0)
        if wanted < self._at - 1e-6:
            self._open()
        self._at = wanted
        while self._next is not None and self._next[0] <= wanted + 1e-4:
            self._shown = self._next[1]
            self._next = next(self._frames, None)
        return self._shown

    def close(self) -> None:
        """Let go of the file."""
        self._frames.close()
