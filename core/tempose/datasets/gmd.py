"""Human drum takes as MIDI (the layout of the Groove MIDI Dataset), on their own beat grid."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from tempose_pose.errors import TemposeError

# Styles whose felt beat is not the metronome's: of no use as truth for beats.
AMBIGUOUS = ("chacarera", "bembe", "joropo", "middleeastern", "klezmer", "sangueo", "linear", "merengue")


@dataclass(frozen=True, eq=False)
class DrumTake:
    """One 4/4 take, played to a metronome whose first click is a downbeat.

    Attributes
    ----------
    style : str
        For example ``"funk/purdieshuffle"``.
    bpm : float
    split : str
        ``"train"`` or ``"validation"``.
    """

    path: Path
    style: str
    bpm: float
    seconds: float
    split: str

    @cached_property
    def hits(self) -> np.ndarray:
        """(N, 3) float: beat, MIDI note, velocity 0…1; in order of time, micro-timing as played."""
        import mido

        midi = mido.MidiFile(self.path, clip=True)
        hits = []
        for track in midi.tracks:
            tick = 0
            for event in track:
                tick += event.time
                if event.type == "note_on" and event.velocity > 0:
                    hits.append((tick / midi.ticks_per_beat, event.note, event.velocity / 127))
        return np.array(sorted(hits), float).reshape(-1, 3)

    @property
    def bars(self) -> int:
        return int(self.seconds * self.bpm / 240)

    def excerpt(self, first_bar: int, bars: int) -> np.ndarray:
        """Hits of the bars asked for, beat 0 at the first bar's start; a take too short goes round.

        A player's constant lead or lag on the metronome (mostly the recording chain's) is taken out.
        """
        length = 4 * self.bars
        out, beat = [], 0
        start = 4 * first_bar % length
        while beat < 4 * bars:
            count = min(length - start, 4 * bars - beat)
            chosen = self.hits[
                (self.hits[:, 0] >= start - 0.12) & (self.hits[:, 0] < start + count - 0.12)
            ].copy()
            chosen[:, 0] += beat - start
            out.append(chosen)
            beat += count
            start = 0
        hits = np.concatenate(out)
        off = np.mod(hits[:, 0] + 0.5, 1) - 0.5
        near = np.abs(off) < 0.12
        if near.sum() > 4:
            hits[:, 0] -= np.median(off[near])
        return hits[hits[:, 0] > -0.2]


def load_takes(root: str | os.PathLike, shortest: float = 8.0) -> list[DrumTake]:
    """4/4 beats (not fills) of at least `shortest` seconds from `info.csv` and the MIDI files beside it.

    Raises
    ------
    TemposeError
        When there is no `info.csv`.
    """
    root = Path(root)
    try:
        with (root / "info.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        raise TemposeError("data_missing", f"{root} holds no info.csv: name the drum data folder.") from None
    return [
        DrumTake(root / r["midi_filename"], r["style"], float(r["bpm"]), float(r["duration"]), r["split"])
        for r in rows
        if r["time_signature"] == "4-4"
        and r["beat_type"] == "beat"
        and float(r["duration"]) >= shortest
        and not any(word in r["style"] for word in AMBIGUOUS)
        and (root / r["midi_filename"]).is_file()
    ]


def quantised(hits: np.ndarray) -> np.ndarray:
    """Hits moved to sixteenths or to eighth triplets, whichever the take lies nearer to."""
    candidates = [np.round(hits[:, 0] * n) / n for n in (4, 3)]
    errors = [np.abs(c - hits[:, 0]) * n for c, n in zip(candidates, (4, 3), strict=True)]
    out = hits.copy()
    out[:, 0] = candidates[int(np.mean(errors[1]) < np.mean(errors[0]))]
    return out
