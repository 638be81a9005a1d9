"""Songs to measure beat trackers on: rendered, so that their beats are known, or without any beat."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.grid import BeatGrid

TEMPI = tuple(range(60, 181, 10))


@dataclass(frozen=True)
class SongKind:
    """One kind of song to render."""

    name: str
    tempi: Sequence[float]
    genre: str | None = None
    drums: bool | None = True
    curve: str = "steady"
    bars: int | None = None  # length of a loop, from its first sample
    own_pace: bool = False  # drum takes played at about this tempo
    overlaid: bool = False  # with a sound without a beat on top, like speech or noise


KINDS = (
    SongKind("steady", TEMPI),
    SongKind("swing", (80, 110, 140, 170), "jazz"),
    SongKind("waltz", (80, 110, 140, 170), "waltz", None),
    SongKind("no drums", (70, 90, 110, 130, 150), None, False),
    SongKind("abrupt change", (80, 100, 120, 140), None, None, "abrupt"),
    SongKind("gradual change", (80, 100, 120, 140), None, None, "gradual"),
    SongKind("drift", (80, 100, 120, 140), None, None, "drift"),
    SongKind("no beat", (), None),
    SongKind("loop of 1", (80, 96, 110, 124), bars=1),
    SongKind("loop of 2", (80, 96, 110, 124), bars=2),
    SongKind("loop of 4", (80, 96, 110, 124, 174), bars=4),
    SongKind("six-eight", (46, 50, 58, 66), "six_eight", None),
    SongKind("ritardando", (90, 100, 110, 128), curve="ritardando"),
    SongKind("rubato", (70, 84, 96, 110), None, None, "rubato"),
    SongKind("usual tempo", (86, 90, 92, 94, 96, 98, 100, 104)),
    SongKind("slow", (60, 64, 68, 72)),
    SongKind("fast", (150, 160, 174, 184, 196), "break"),
    SongKind("own tempo", (84, 92, 98, 104, 118, 126), own_pace=True),
    SongKind("punk", (160, 176, 190), "punk", own_pace=True),
    SongKind("metal", (96, 132, 168), "metal"),
    SongKind("reggae", (72, 84), "reggae", own_pace=True),
    SongKind("country", (92, 118), "country", own_pace=True),
    SongKind("afro", (88, 104, 116), "afro", own_pace=True),
    SongKind("jig", (104, 120), "jig"),
    SongKind("sparse", (70, 96, 120), "sparse"),
    SongKind("solo", (72, 96, 120), "solo", None),
    SongKind("mix", (90, 110, 128), None, None, own_pace=True, overlaid=True),
    # Rhythms that training never saw.
    SongKind("ska", (126, 150, 164), "ska"),
    SongKind("polka", (104, 124), "polka"),
    SongKind("drum and bass", (170, 174), "drum_and_bass"),
    SongKind("afro six", (88, 104), "afro_six"),
)
HELD_OUT = ("ska", "polka", "drum and bass", "afro six")
FOURS = ("house", "electronic", "hip_hop", "krump", "funk", "break", "disco", "rock", "latin", "ballad")


def tempo_of(curve: str, bpm: float, beats: int, rng: np.random.Generator) -> np.ndarray:
    """(beats,) beats per minute of a song that begins at `bpm`."""
    out = np.full(beats, float(bpm))
    if curve == "abrupt":
        out[beats // 2 :] *= rng.choice([0.75, 0.8, 1.25, 1.33])
    elif curve == "gradual":
        out *= np.exp(np.linspace(0, np.log(rng.choice([0.75, 1.33])), beats))
    elif curve == "drift":
        out *= np.exp(np.cumsum(rng.normal(0, 0.006, beats)))
    elif curve == "ritardando":
        last = min(12, beats)
        out[-last:] = np.linspace(bpm, 0.58 * bpm, last)
    elif curve == "rubato":
        out *= np.exp(0.12 * np.sin(np.arange(beats) / rng.uniform(2, 4)) + rng.normal(0, 0.02, beats))
    return np.clip(out, 50, 200)


def rendered(
    data: str | os.PathLike,
    songs: int = 2,
    seconds: float = 30.0,
    kinds: Sequence[SongKind] = KINDS,
    skip: Container[str] = (),
) -> Iterator[tuple[str, str, float, np.ndarray, BeatGrid]]:
    """Songs with known beats, from drum takes the tracker was not trained on.

    Parameters
    ----------
    data : path
        Folder of samples and drum takes, as for `tempose.datasets.synth`.
    songs : int
        Songs of each kind and tempo, each with another random seed.
    seconds : float
        Approximate length of each.
    kinds : sequence of SongKind
    skip : container of str
        Names of songs that need not be rendered.

    Yields
    ------
    kind, name, bpm, (N,) float32 samples at 22,050 Hz, true grid
        The kind "no beat" (noise, drones, strokes at random moments) has an empty grid.
    """
    from tempose.datasets.rhythms import ALL
    from tempose.datasets.synth import SampleLibrary, render_song

    library = SampleLibrary(Path(data))
    for number, kind in enumerate(kinds):
        if not kind.tempi:
            for take in range(4 * songs):
                name = f"{kind.name} {take}"
                if name not in skip:
                    yield kind.name, name, 0.0, beatless(take, seconds), BeatGrid(np.zeros(0))
        for bpm in kind.tempi:
            for take in range(songs):
                rng = np.random.default_rng([77, number, int(bpm), take])
                genre = kind.genre or str(rng.choice(_usual(bpm) if kind.own_pace else FOURS))
                name = f"{kind.name} {bpm:g} {genre} {take}"
                if name in skip:
                    continue
                bar = ALL[genre].beats_per_bar // ALL[genre].counted
                count = max(16, int(seconds * bpm / 60))
                count -= count % bar if kind.curve == "ritardando" else 0  # it ends with the song
                tempo = tempo_of(kind.curve, bpm, count, rng)
                first = float(rng.uniform(0, 1))
                if kind.bars is None and kind.curve != "ritardando":
                    count = min(count, int(np.searchsorted(np.cumsum(60 / tempo), seconds)) + 1)
                bars = kind.bars or max(2, count // bar)
                samples, grid = render_song(
                    rng, library, tempo[: bars * bar].tolist(), bars, genre=ALL[genre], drums=kind.drums,
                    offset=0.0 if kind.bars else first, split="validation", own_pace=kind.own_pace,
                )  # fmt: skip
                if kind.overlaid:
                    over = np.resize(beatless(take + int(bpm), seconds), len(samples))
                    samples = samples + 0.3 * np.abs(samples).max() * over / np.abs(over).max()
                yield kind.name, name, float(bpm), samples, grid


def _usual(bpm: float) -> list[str]:
    """Genres usually played at about this tempo."""
    from tempose.datasets.genres import GENRES

    return [name for name in FOURS if GENRES[name].tempo[0] <= bpm <= GENRES[name].tempo[1]]


def beatless(seed: int, seconds: float) -> np.ndarray:
    """Sound without a beat: noise, swelling drones, short strokes at random moments, in turn."""
    rng = np.random.default_rng([78, seed])
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    noise = rng.standard_normal(len(time))
    if seed % 3 == 0:
        return (0.1 * noise).astype(np.float32)
    out = 1e-3 * noise
    if seed % 3 == 1:
        for _ in range(4):
            swell = 1 + np.sin(2 * np.pi * rng.uniform(0.02, 0.15) * time + rng.uniform(0, 6))
            out += 0.05 * swell * np.sin(2 * np.pi * rng.uniform(80, 900) * time)
        return out.astype(np.float32)
    stroke = np.exp(-np.arange(4000) / SAMPLE_RATE / 0.04)
    for moment in np.cumsum(0.05 + rng.exponential(0.45, int(3 * seconds))):
        at = int(moment * SAMPLE_RATE)
        if at + 4000 < len(out):
            out[at : at + 4000] += rng.uniform(0.1, 0.5) * stroke * rng.standard_normal(4000)
    return out.astype(np.float32)
