"""Songs to dance to: as they are, stretched, spliced, lengthened."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tempose.music.audio import Song
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.errors import TemposeError
from tempose_pose.grid import BeatGrid
from tempose_pose.request import DanceRequest
from tempose_pose.sequence import PoseSequence
from tempose_pose.tempo import TempoMap

AUDIO = (".wav", ".flac", ".ogg", ".mp3")
TEMPI = (70.0, 90.0, 110.0, 130.0, 150.0, 170.0)


@dataclass(frozen=True, eq=False)
class Case:
    """A song, or a part of it, to dance to."""

    name: str
    song: Song
    seconds: float
    tempo_map: TempoMap = field(default_factory=TempoMap)
    grid: BeatGrid | None = None
    style: str | None = None
    path: Path | None = None  # for the sound of sample videos
    genre: str | None = None  # of the music

    def request(self, reference: PoseSequence, seed: int, **settings: Any) -> DanceRequest:
        return DanceRequest(
            reference, self.seconds, self.tempo_map, self.grid, self.style, seed=seed, **settings
        )

    @property
    def beats(self) -> BeatGrid:
        """The known grid, else the song's detected one, in song seconds."""
        return self.grid or self.song.grid

    @property
    def key(self) -> str:
        """Everything that decides the dance, apart from system, seed and reference."""
        beats = self.beats.beats.tolist()
        facts = [self.song.sha256, self.seconds, self.tempo_map.points, beats, self.style]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def load_cases(folder: str | os.PathLike, seconds: float = 30.0) -> list[Case]:
    """A case for each audio file of the folder.

    Beside ``song.ogg`` there may be a ``song.json``: ``{"beats": [s, …], "downbeats": [s, …], "style": str, "genre":
    str}``: the true beats, the style to dance, the music's genre.
    """
    paths = sorted(p for p in Path(folder).glob("*") if p.suffix.lower() in AUDIO)
    if not paths:
        raise TemposeError("songs_missing", f"There are no songs (wav, flac, ogg, mp3) in {folder}.")
    cases = []
    for path in paths:
        song, grid, style, genre = Song.load(path), None, None, None
        notes = path.with_suffix(".json")
        if notes.is_file():
            try:
                known = json.loads(notes.read_text())
                style, genre = known.get("style"), known.get("genre")
                if known.get("beats"):
                    grid = BeatGrid(known["beats"], np.asarray(known.get("downbeats") or []))
            except (ValueError, AttributeError, TypeError) as error:
                raise TemposeError("song_notes", f"{notes.name} holds no beats in seconds.") from error
        cases.append(Case(path.stem, song, min(seconds, song.seconds), TempoMap(), grid, style, path, genre))
    return cases


def tempo_cases(
    case: Case, tempi: Sequence[float] = TEMPI, seconds: float = 16.0
) -> list[tuple[Case, float]]:
    """The same music stretched to each of the tempi within half to double speed."""
    intervals = np.diff(case.beats.beats)
    if len(intervals) < 8 or np.ptp(np.percentile(intervals, (5, 95))) > 0.1 * np.median(intervals):
        return []  # a song with several tempi cannot be stretched to one
    bpm = 60 / float(np.median(intervals))
    out = []
    for target in tempi:
        factor = target / bpm
        length = min(seconds, case.song.seconds / factor)
        if 0.5 <= factor <= 2 and length >= 6:
            grid = case.beats
            name = f"{case.name} at {target:.0f}"
            out.append((Case(name, case.song, length, TempoMap.constant(factor), grid, case.style), target))
    return out


def splice_case(
    case: Case, slow: float = 0.8, fast: float = 1.2, half: float = 10.0
) -> tuple[Case, float] | None:
    """The song slowed down, then from a beat about `half` seconds on fast; and the second of the change."""
    grid = case.beats
    later = grid.beats[grid.beats >= half * slow]
    if len(later) == 0 or case.song.seconds < half * (slow + fast):
        return None
    song_second = float(later[0])
    change = song_second / slow
    tempo_map = TempoMap(((0.0, 0.0), (change, song_second), (change + 1.0, song_second + fast)))
    name = f"{case.name} slow to fast"
    return Case(name, case.song, change + half, tempo_map, grid, case.style), change


def long_case(case: Case, seconds: float = 180.0) -> Case:
    """The song lengthened to at least so long: the part between its first and last downbeat, repeated."""
    if case.song.seconds >= seconds:
        return replace(case, name=f"{case.name}, long", seconds=seconds)
    grid = case.beats
    marks = grid.downbeats if len(grid.downbeats) > 1 else grid.beats[::4]
    if len(marks) < 2:
        raise TemposeError("song_short", f"{case.name} is too short to be lengthened: it has no two bars.")
    first, last = float(marks[0]), float(marks[-1])
    times = int(np.ceil(seconds / (last - first)))
    a, b = (round(t * SAMPLE_RATE) for t in (first, last))
    samples = np.tile(case.song.samples[a:b], times)[: round(seconds * SAMPLE_RATE)]
    length = (b - a) / SAMPLE_RATE

    def repeated(marks: np.ndarray) -> np.ndarray:
        once = marks[(marks >= first - 1e-6) & (marks < last - 1e-6)] - first
        every = (once[None] + length * np.arange(times)[:, None]).ravel()
        return every[every < seconds]

    song = Song(samples)
    return Case(
        f"{case.name}, long", song, seconds, TempoMap(),
        BeatGrid(repeated(grid.beats), repeated(grid.downbeats)), case.style,
    )  # fmt: skip
