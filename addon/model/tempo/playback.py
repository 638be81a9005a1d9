# SPDX-License-Identifier: GPL-3.0-or-later
"""How a song is played: its place on the timeline, and its speed. No bpy in here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from tempose_pose.tempo import TempoMap

from .timing import Span


@dataclass(frozen=True)
class Timing:
    """When each second of a song is heard.

    Parameters
    ----------
    span : Span
        Its place on the timeline.
    tempo : TempoMap
        Timeline seconds of the span → song seconds.
    """

    span: Span
    tempo: TempoMap

    def song_at(self, frames: npt.ArrayLike):
        """Song seconds at scene frames."""
        return self.tempo.to_song(self.span.second_at(frames))

    def frame_at(self, song: np.ndarray | Sequence[float] | float):
        """Scene frames (not rounded) at song seconds."""
        return self.span.frame_at(self.tempo.to_timeline(song))

    @property
    def ends(self) -> tuple[float, float]:
        """First and last frame (not whole)."""
        return self.span.left, float(self.span.frame_at(self.span.seconds))


@dataclass(frozen=True)
class Playback(Timing):
    """When each second of a strip's song is heard, and which part of the song that is.

    Parameters
    ----------
    original
        The strip, or the `Mix`, with the sound; None for a take from a file.
    visible : Span
        Place of the original, whether that or a version of it is heard.
    song_start, song_seconds : float
        The part of the song that the strip shows.
    is_altered : bool
        Whether the strip alters its file: retimed, shifted, or with keyed volume.
    """

    original: Any
    visible: Span
    song_start: float
    song_seconds: float
    is_altered: bool = False

    @cached_property
    def song_end(self) -> float:
        """Song second at which the strip ends."""
        return self.song_start + self.song_seconds


@dataclass(frozen=True)
class Staging:
    """Conversion from frames of the scene with the sound to those of the scene with the character and its keys.

    They differ if the one scene shows the other later, or if Time Stretching is on: Blender plays the sound at the
    scene's own frames, but reads keys at stretched ones.

    Parameters
    ----------
    shift : float
        Frames by which the character's scene is shown later than its own frames.
    scale : float
        Frames of keys in a frame of the scene.
    """

    shift: float = 0.0
    scale: float = 1.0

    def key_frame(self, frame: float) -> float:
        """The key frame seen at a frame of the character's scene."""
        return frame * self.scale

    def in_scene(self, playback: Playback) -> Playback:
        """The playback in frames of the character's scene."""
        span = playback.span
        return replace(playback, span=Span(span.left - self.shift, span.seconds, span.rate))

    def for_keys(self, playback: Playback) -> Playback:
        """The playback in frames of keys."""
        return replace(playback, span=self.keys(self.in_scene(playback).span))

    def keys(self, span: Span) -> Span:
        """A span of the character's scene in frames of keys."""
        return Span(self.key_frame(span.left), span.seconds, span.rate * self.scale)

    def seen(self, span: Span) -> Span:
        """A span of keys in the frames of the character's scene at which they are seen."""
        return Span(span.left / self.scale, span.seconds, span.rate / self.scale)
