# SPDX-License-Identifier: GPL-3.0-or-later
"""How a song is played: where it lies on the timeline, and how fast. No bpy in here."""

from dataclasses import dataclass
from typing import Any

from tempose_pose.tempo import TempoMap

from .timing import Span


@dataclass(frozen=True)
class Timing:
    """When each second of a song is heard.

    Parameters
    ----------
    span : Span
        Where it lies on the timeline.
    tempo : TempoMap
        Timeline seconds of the span → song seconds.
    """

    span: Span
    tempo: TempoMap

    def song_at(self, frames):
        """Song seconds at scene frames."""
        return self.tempo.to_song(self.span.second_at(frames))

    def frame_at(self, song):
        """Scene frames (not rounded) at song seconds."""
        return self.span.frame_at(self.tempo.to_timeline(song))

    @property
    def ends(self) -> tuple[float, float]:
        """First and last frame (not whole)."""
        return self.span.left, float(self.span.frame_at(self.span.seconds))


@dataclass(frozen=True)
class Playback(Timing):
    """When each second of a strip's song is heard, and which of them are.

    Parameters
    ----------
    original
        The strip, or the `Mix`, whose sound it is; None for a take from a file.
    visible : Span
        Where the original itself lies, whether it is heard there or a version of it is.
    song_start, song_seconds : float
        The part of the song that the strip shows.
    """

    original: Any
    visible: Span
    song_start: float
    song_seconds: float

    @property
    def song_end(self) -> float:
        """Song second at which the strip ends."""
        return self.song_start + self.song_seconds
