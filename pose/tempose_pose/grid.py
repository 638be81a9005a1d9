"""The beat grid: a separate input, proposed by the tracker and owned by the artist."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.limits import MAX_BEATS
from tempose_pose.tempo import TempoMap


@dataclass(frozen=True, eq=False)
class BeatGrid:
    """Beats and downbeats in seconds.

    Parameters
    ----------
    beats : (B,) float
        Strictly increasing.
    downbeats : (D,) float
        The beats that begin a bar; each is (within a millisecond) one of `beats`.
    confidence : float
        The tracker's confidence, 0 to 1; an artist's own grid has 1.
    heard : (B,) or (0,) float
        The tracker's probability, 0 to 1, that there is a beat within 40 ms of each. Empty if no tracker has run.
    """

    beats: np.ndarray
    downbeats: np.ndarray = field(default_factory=lambda: np.zeros(0))
    confidence: float = 1.0
    heard: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self):
        for name in ("beats", "downbeats"):
            times = np.atleast_1d(np.asarray(getattr(self, name), float))
            if times.ndim != 1 or len(times) > MAX_BEATS or not np.isfinite(times).all():
                raise TemposeError(
                    "grid", f"The {name} must be a list of at most {MAX_BEATS} finite seconds."
                )
            if (np.diff(times) <= 0).any():
                raise TemposeError("grid", f"The {name} must rise strictly.")
            object.__setattr__(self, name, times)
        object.__setattr__(self, "heard", np.asarray(self.heard, float))
        if len(self.heard) not in (0, len(self.beats)):
            raise TemposeError("grid", "There must be as many values heard as there are beats.")

    @property
    def bpm(self) -> float:
        """Tempo by the median beat interval; 0 with fewer than two beats."""
        return float(60 / np.median(np.diff(self.beats))) if len(self.beats) > 1 else 0.0

    def warped(self, tempo_map: TempoMap) -> BeatGrid:
        """The grid in timeline seconds."""
        return replace(
            self, beats=tempo_map.to_timeline(self.beats), downbeats=tempo_map.to_timeline(self.downbeats)
        )

    def within(self, seconds: float) -> BeatGrid:
        """The beats from 0 up to `seconds`."""
        beats, downbeats = ((t >= -1e-6) & (t < seconds) for t in (self.beats, self.downbeats))
        heard = self.heard[beats] if len(self.heard) else self.heard
        return replace(self, beats=self.beats[beats], downbeats=self.downbeats[downbeats], heard=heard)

    def beat_position(self, times: np.ndarray | float) -> np.ndarray:
        """Position in beats at the given seconds: 0 on the first beat, 1 on the second, … (extrapolated)."""
        return _position(self.beats, times, default_interval=0.5)

    def bar_position(self, times: np.ndarray | float) -> np.ndarray:
        """Position in bars, 0 on the first downbeat; bars of four beats where no downbeats are known."""
        marks = self.downbeats if len(self.downbeats) > 1 else self.beats[::4]
        return _position(marks, times, default_interval=2.0)


def _position(marks: np.ndarray, times: np.ndarray | float, default_interval: float) -> np.ndarray:
    times = np.asarray(times, float)
    if len(marks) < 2:
        origin = marks[0] if len(marks) else 0.0
        return (times - origin) / default_interval
    index = np.arange(len(marks), dtype=float)
    position = np.interp(times, marks, index)
    first, last = marks[1] - marks[0], marks[-1] - marks[-2]
    position = np.where(times < marks[0], (times - marks[0]) / first, position)
    return np.where(times > marks[-1], index[-1] + (times - marks[-1]) / last, position)
