"""Arrangements: which notes a song of a genre has, in beats, by simple rules and chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tempose.datasets.genres import GENRES, PADS, PROGRESSIONS, SCALES, Genre
from tempose.datasets.patterns import BASS, CHORDS, PATTERNS

__all__ = [
    "GENRES",
    "InstrumentPart",
    "bass_part",
    "chord_part",
    "drums_by_program",
    "harmony",
    "lead_part",
    "pad_part",
    "swung",
]


@dataclass(frozen=True)
class InstrumentPart:
    """Notes of one instrument.

    Attributes
    ----------
    role : str
        ``"bass"``, ``"chords"``, ``"pad"``, ``"lead"`` or ``"drums"``.
    program : int or str
        General MIDI program, or the kit for drums.
    notes : (N, 4) float
        Beat, length in beats, MIDI pitch, velocity 0…1.
    """

    role: str
    program: int | str
    notes: np.ndarray


def harmony(rng: np.random.Generator, genre: Genre, bars: int) -> tuple[tuple[int, ...], int, np.ndarray]:
    """(scale steps, key as MIDI pitch class, chord degree of each bar)."""
    name = genre.scales[rng.integers(len(genre.scales))]
    loops = PROGRESSIONS[name]
    a, b = loops[rng.integers(len(loops))], loops[rng.integers(len(loops))]
    slow = rng.random() < 0.2  # each chord lasts two bars
    order = [*a, *a, *b, *b] if rng.random() < 0.4 else [*a]
    degrees = np.array(order)[(np.arange(bars) // (2 if slow else 1)) % len(order)]
    return SCALES[name], int(rng.integers(12)), degrees


def _tone(scale: Sequence[int], key: int, degree: int, tone: int) -> int:
    """Pitch (octave 0) of a chord tone: 0 root, 2 third, 4 fifth, 6 seventh; 7 is the octave."""
    index = degree + tone
    return key + scale[index % 7] + 12 * (index // 7)


def _into(pitch: int, low: int) -> int:
    """The pitch, moved by octaves into the twelve from `low` on."""
    return low + (pitch - low) % 12


def drums_by_program(rng: np.random.Generator, name: str, bars: int, beats_per_bar: int = 4) -> np.ndarray:
    """(N, 3) hits (beat, note, velocity) of a pattern with small variations and fills."""
    hits = []
    pattern = PATTERNS[name]
    last = 4 * beats_per_bar - 4
    dropped = {n for n in pattern if n not in (36, 38, 39) and rng.random() < 0.15}
    for bar in range(bars):
        fill = bar % 4 == 3 and rng.random() < 0.4
        for note, steps in pattern.items():
            if note in dropped:
                continue
            for step, mark in enumerate(steps[: 4 * beats_per_bar]):
                if (
                    mark == "."
                    or (mark == "?" and rng.random() > 0.35)
                    or (fill and step >= last and note != 36)
                ):
                    continue
                level = 0.95 if mark == "X" else 0.55
                accent = 0.1 * (step % 4 == 0) - 0.1 * (step % 2)
                hits.append((bar * beats_per_bar + step / 4, note, level + accent + rng.normal(0, 0.04)))
        if fill:
            for step in range(last, last + 4):
                if rng.random() < 0.8:
                    hits.append(
                        (bar * beats_per_bar + step / 4, rng.choice([38, 45, 48, 38]), rng.uniform(0.5, 0.95))
                    )
        if bar % 8 == 0 and rng.random() < 0.4:
            hits.append((bar * beats_per_bar, 49, 0.8))
    out = np.array(sorted(hits), float).reshape(-1, 3)
    out[:, 2] = np.clip(out[:, 2], 0.1, 1)
    return out


def bass_part(rng, genre: Genre, bars: int, scale, key: int, degrees: np.ndarray) -> InstrumentPart:
    """The bass: a figure of the genre on each bar's chord, with passing notes now and then."""
    style = genre.bass[rng.integers(len(genre.bass))]
    steps = 4 * genre.beats_per_bar
    if style == "busy":  # a drawn syncopated figure, the same in every bar
        places = [0, *(s for s in range(2, steps) if rng.random() < (0.45 if s % 2 == 0 else 0.22))]
        figure = [(s, 2, int(rng.choice([0, 0, 0, 4, 6, 7]))) for s in places]
        figure[0] = (0, 3, 0)
    elif style == "walking":
        figure = []
    else:
        figure = [n for n in BASS[style] if n[0] < steps]
    notes = []
    for bar in range(bars):
        start, degree = bar * genre.beats_per_bar, int(degrees[bar])
        if style == "walking":
            following = int(degrees[(bar + 1) % bars])
            walk = [0, int(rng.choice([1, 2])), 4, int(rng.choice([5, 6])) if following != degree else 2]
            for beat, tone in enumerate(walk[: genre.beats_per_bar]):
                pitch = _into(_tone(scale, key, degree, tone), 30)
                notes.append((start + beat, 0.9, pitch, rng.uniform(0.6, 0.85)))
            continue
        for step, length, tone in figure:
            pitch = _into(_tone(scale, key, degree, tone % 7), 28) + (12 if tone == 7 else 0)
            notes.append(
                (start + step / 4, length / 4 * 0.95, pitch, rng.uniform(0.7, 0.95) + 0.05 * (step == 0))
            )
    return InstrumentPart("bass", int(rng.choice(genre.bass_programs)), np.array(notes, float).reshape(-1, 4))


def chord_part(rng, genre: Genre, bars: int, scale, key: int, degrees: np.ndarray) -> InstrumentPart:
    """The harmony: chords in a rhythm of the genre, or broken."""
    style = genre.chords[rng.integers(len(genre.chords))]
    tones = (0, 2, 4, 6) if rng.random() < genre.sevenths else (0, 2, 4)
    low = int(rng.integers(50, 60))
    steps = 4 * genre.beats_per_bar
    density = {"stabs": 0.2, "scratch": 0.55, "comp": 0.16, "montuno": 0.5}.get(style, 0.0)
    drawn = [
        (s, 1 if style != "comp" else 2)
        for s in range(steps)
        if rng.random() < density * (1.4 - 0.8 * (s % 2))
    ]
    if density and not drawn:
        drawn = [(0, 2), (6, 1)]
    order = rng.permutation(len(tones) * 2)
    notes = []
    for bar in range(bars):
        start, degree = bar * genre.beats_per_bar, int(degrees[bar])
        pitches = sorted(_into(_tone(scale, key, degree, t), low) for t in tones)
        if style in ("arpeggio8", "arpeggio16", "montuno"):
            grain = 1 if style == "arpeggio16" else 2
            ladder = [*pitches, *(p + 12 for p in pitches)]
            places = [s for s, _ in drawn] if style == "montuno" else range(0, steps, grain)
            for i, step in enumerate(places):
                pitch = (
                    ladder[order[i % len(order)]]
                    if style == "arpeggio16"
                    else ladder[_zigzag(i, len(pitches) + 1)]
                )
                notes.append(
                    (
                        start + step / 4,
                        grain / 4 * 1.2,
                        pitch,
                        0.6 + 0.25 * (step % 4 == 0) + rng.normal(0, 0.04),
                    )
                )
            continue
        if style == "strum":
            rhythm = [(s, 3) for s in (0, 4, 6, 10, 12, 14) if s < steps]
        else:
            rhythm = drawn if density else [c for c in CHORDS[style] if c[0] < steps]
        for step, length in rhythm:
            late = 0.0
            for pitch in pitches:
                velocity = 0.65 + 0.2 * (step == 0) + rng.normal(0, 0.05)
                notes.append((start + step / 4 + late, min(length, steps - step) / 4 * 0.95, pitch, velocity))
                late += 0.015 if style == "strum" else 0.0
    return InstrumentPart(
        "chords", int(rng.choice(genre.chord_programs)), np.array(notes, float).reshape(-1, 4)
    )


def pad_part(rng, genre: Genre, bars: int, scale, key: int, degrees: np.ndarray) -> InstrumentPart:
    """Long soft chords."""
    notes = [
        (
            bar * genre.beats_per_bar,
            genre.beats_per_bar * 1.02,
            _into(_tone(scale, key, int(degrees[bar]), t), 58),
            0.5,
        )
        for bar in range(bars)
        for t in (0, 2, 4)
    ]
    return InstrumentPart("pad", int(rng.choice(PADS)), np.array(notes, float))


def lead_part(rng, genre: Genre, bars: int, scale, key: int, degrees: np.ndarray) -> InstrumentPart:
    """A melody: a motif of two bars, varied, over chord tones on the strong beats."""
    steps = 4 * genre.beats_per_bar
    busy = rng.uniform(0.15, 0.6)
    motifs = []
    for _ in range(2):
        places = [
            s
            for s in range(2 * steps)
            if rng.random() < busy * (1.0 if s % 4 == 0 else 0.7 if s % 2 == 0 else 0.2)
        ]
        moves = rng.choice([-2, -1, -1, 0, 1, 1, 2], size=len(places))
        motifs.append((places, moves))
    notes, place = [], 0
    for pair in range(0, bars, 2):
        places, moves = motifs[int(pair % 8 == 6)]
        if pair % 8 in (2, 6) and rng.random() < 0.3:
            continue  # the melody rests
        for i, (step, move) in enumerate(zip(places, moves, strict=True)):
            bar = pair + step // steps
            if bar >= bars:
                break
            place = int(np.clip(place + move, -4, 7))
            degree = int(degrees[bar])
            tone = place if step % 4 else 2 * round(place / 2)  # strong beats take chord tones
            following = places[i + 1] if i + 1 < len(places) else 2 * steps
            pitch = 60 + (key % 12) + _scale_pitch(scale, degree + tone)
            while pitch > 84:
                pitch -= 12
            length = min(following - step, 8) / 4 * rng.uniform(0.7, 0.98)
            velocity = 0.7 + 0.15 * (step % steps == 0) + 0.05 * (step % 4 == 0) + rng.normal(0, 0.05)
            notes.append((pair * genre.beats_per_bar + step / 4, length, pitch, velocity))
    return InstrumentPart("lead", int(rng.choice(genre.lead_programs)), np.array(notes, float).reshape(-1, 4))


def swung(beats: np.ndarray, place: float) -> np.ndarray:
    """Beats with the second half of each begun at `place`: 0.5 is straight, 0.67 a triplet."""
    whole = np.floor(beats + 1e-9)
    within = np.clip(beats - whole, 0, 1)
    return whole + np.where(within < 0.5, within * place / 0.5, place + (within - 0.5) * (1 - place) / 0.5)


def _scale_pitch(scale: Sequence[int], index: int) -> int:
    return scale[index % 7] + 12 * (index // 7)


def _zigzag(i: int, n: int) -> int:
    """0 1 … n-1 n-2 … 1 0 1 …"""
    i %= max(2 * n - 2, 1)
    return i if i < n else 2 * n - 2 - i
