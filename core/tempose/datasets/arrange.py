"""Arrangements: which notes a song of a genre has, in beats. Made by simple rules and chance, silent until rendered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}
PROGRESSIONS = {  # scale degrees, one a bar
    "major": (
        (0, 4, 5, 3),
        (0, 5, 3, 4),
        (0, 3, 4, 3),
        (5, 3, 0, 4),
        (0, 0, 3, 4),
        (0, 4, 3, 3),
        (1, 4, 0, 5),
    ),
    "minor": (
        (0, 5, 2, 6),
        (0, 6, 5, 6),
        (0, 3, 5, 6),
        (0, 0, 5, 6),
        (0, 3, 0, 4),
        (0, 5, 3, 4),
        (0, 0, 0, 0),
    ),
    "dorian": ((0, 0, 3, 3), (0, 3, 0, 3), (0, 0, 0, 0), (0, 6, 3, 0), (1, 4, 0, 0)),
    "mixolydian": ((0, 6, 3, 0), (0, 0, 0, 0), (0, 3, 0, 4), (0, 0, 6, 3)),
    "phrygian": ((0, 1, 0, 1), (0, 0, 1, 0), (0, 0, 0, 6)),
}

PIANOS, ORGANS, GUITARS, DRIVEN = (0, 4), (16, 17), (24, 25, 27), (29, 30)
BASSES, SYNTH_BASSES = (32, 33, 34, 36), (38, 39)
PADS, STRINGS = (48, 50, 52, 88, 89, 90, 95), (48, 50)
WINDS, LEADS = (56, 61, 65, 66, 73), (80, 81, 62, 87)


@dataclass(frozen=True)
class Genre:
    """What a kind of music is made of.

    Attributes
    ----------
    human : tuple of str
        Beginnings of drum take styles; empty: none fit.
    patterns : tuple of str
        Names in `PATTERNS` for drums made by program; empty: none fit.
    kits : tuple
        Drum kits; ``"oneshots"`` draws a kit of one-shots.
    swing : (float, float)
        Range of the off-beat's place within the beat.
    """

    scales: tuple[str, ...]
    human: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    kits: tuple[int | str, ...] = (0, 8, 16)
    swing: tuple[float, float] = (0.5, 0.5)
    bass: tuple[str, ...] = ("roots",)
    bass_programs: tuple[int, ...] = BASSES
    chords: tuple[str, ...] = ("held",)
    chord_programs: tuple[int, ...] = PIANOS
    lead_programs: tuple[int, ...] = WINDS
    pad: float = 0.4
    lead: float = 0.6
    sevenths: float = 0.3
    beats_per_bar: int = 4
    pump: float = 0.0


GENRES: dict[str, Genre] = {
    "house": Genre(
        ("minor", "dorian"), (), ("house", "house2"), (24, 25, "oneshots"), (0.5, 0.56), ("offbeat", "octaves", "busy"),
        SYNTH_BASSES, ("stabs", "offbeats", "held"), (4, 16, 0, 50, 90), (80, 81, 65, 56), 0.5, 0.5, 0.7, 4, 0.5,
    ),
    "electronic": Genre(
        ("minor", "phrygian"), (), ("house", "breaks", "electro"), (24, 25, "oneshots"), (0.5, 0.5),
        ("octaves", "busy", "offbeat"), SYNTH_BASSES, ("arpeggio16", "stabs", "held"), (81, 80, 90, 62, 88, 38),
        LEADS, 0.6, 0.6, 0.2, 4, 0.4,
    ),
    "hip_hop": Genre(
        ("minor", "dorian", "phrygian"), ("hiphop", "funk"), ("boom_bap", "boom_bap2"), (25, 8, "oneshots"),
        (0.5, 0.64), ("sparse", "kick"), (38, 39, 33, 32), ("held", "stabs", "quarters"), (4, 0, 48, 16, 27),
        (73, 65, 80, 0), 0.4, 0.45, 0.6,
    ),
    "krump": Genre(
        ("phrygian", "minor"), ("hiphop",), ("trap", "stomp"), (25, 24, "oneshots"), (0.5, 0.5), ("sparse", "kick"),
        SYNTH_BASSES, ("stabs", "held", "quarters"), (61, 48, 62, 50, 30), (81, 62, 61), 0.6, 0.4, 0.1,
    ),
    "funk": Genre(
        ("dorian", "mixolydian"), ("funk", "soul", "neworleans/funk", "jazz/funk", "afrobeat"), ("electro",), (0, 8, 16),
        (0.5, 0.58), ("busy", "octaves"), (33, 36, 34), ("stabs", "scratch", "offbeats"), (27, 4, 17, 61),
        (65, 61, 56, 66), 0.2, 0.6, 0.7,
    ),
    "break": Genre(
        ("dorian", "minor"), ("funk", "dance/breakbeat", "hiphop", "soul"), ("breaks",), (0, 8, 16, "oneshots"),
        (0.5, 0.56), ("busy", "sparse"), (33, 36, 38), ("stabs", "scratch"), (27, 16, 61), (61, 65, 80), 0.15, 0.4, 0.5,
    ),
    "disco": Genre(
        ("minor", "dorian", "major"), ("dance/disco",), ("disco",), (0, 8, 16), (0.5, 0.52), ("octaves", "busy"),
        (33, 34, 38), ("scratch", "offbeats", "stabs"), (27, 0, 4), (48, 61, 62, 73), 0.7, 0.5, 0.5,
    ),
    "rock": Genre(
        ("major", "minor", "mixolydian"), ("rock", "punk", "pop"), ("rock",), (0, 8, 16), (0.5, 0.5),
        ("eighths", "roots"), (33, 34), ("eighths", "strum", "held"), (29, 30, 27, 25), (29, 30, 81, 16), 0.2, 0.5, 0.05,
    ),
    "latin": Genre(
        ("minor", "dorian", "major"), ("latin", "afrocuban/rhumba", "afrobeat", "reggae"), (), (0, 8), (0.5, 0.52),
        ("tumbao", "roots"), (32, 33), ("montuno", "offbeats", "strum"), (0, 24, 25), (56, 73, 61), 0.1, 0.6, 0.4,
    ),
    "jazz": Genre(
        ("dorian", "mixolydian", "major"), ("jazz", "blues/shuffle", "rock/shuffle"), ("swing",), (0, 8), (0.6, 0.67),
        ("walking",), (32,), ("comp", "quarters"), (0, 4, 27, 16), (65, 66, 56, 73), 0.05, 0.7, 0.95,
    ),
    "ballad": Genre(
        ("major", "minor"), ("pop/soft", "soul"), (), (0, 8), (0.5, 0.5), ("roots", "halves"), (32, 33),
        ("arpeggio8", "quarters", "strum"), (0, 4, 24, 25), (73, 65, 48, 66), 0.7, 0.7, 0.5,
    ),
    "waltz": Genre(
        ("major", "minor"), (), (), (0,), (0.5, 0.5), ("first",), (32, 48), ("oom_pah", "arpeggio8"), (0, 24, 48),
        (73, 48, 65, 56), 0.4, 0.8, 0.2, 3,
    ),
    "strings": Genre(
        ("minor", "major"), (), (), (0,), (0.5, 0.5), ("quarters", "eighths"), (48, 32), ("eighths", "quarters", "arpeggio8"),
        (48, 50, 0), (48, 73, 56), 0.4, 0.8, 0.1,
    ),
}  # fmt: skip

# Genres that suit a dance style: pairs made with them sound like what the style is danced to.
GENRES_FOR_STYLE: dict[str, tuple[str, ...]] = {
    "break": ("break", "funk"),
    "house": ("house", "electronic"),
    "ballet_jazz": ("ballad", "jazz", "strings", "waltz"),
    "street_jazz": ("disco", "funk", "hip_hop", "electronic", "rock"),
    "krump": ("krump", "hip_hop"),
    "la_hip_hop": ("hip_hop", "krump", "electronic"),
    "lock": ("funk", "disco", "latin"),
    "middle_hip_hop": ("hip_hop", "break"),
    "pop": ("electronic", "funk", "hip_hop"),
    "waack": ("disco", "house"),
}

# Sixteen steps a bar; upper case is loud, lower case soft, "?" comes now and then.
PATTERNS: dict[str, dict[int, str]] = {
    "house": {36: "X...X...X...X...", 39: "....X.......X...", 42: "x.?.x.?.x.?.x.?.", 46: "..X...X...X...X."},
    "house2": {36: "X...X...X...X..?", 38: "....x.......x..?", 42: "xxxxxxxxxxxxxxxx", 46: "..X...X...X...X.",
               37: "...?..?....?..?."},
    "disco": {36: "X...X...X...X...", 38: "....X.......X...", 42: "x.x.x.x.x.x.x.x.", 46: "..X...X...X...X."},
    "electro": {36: "X.....X...X.?...", 38: "....X.......X...", 42: "x.x.x.xxx.x.x.xx", 54: "..?...?....?..?."},
    "breaks": {36: "X.X.......XX....", 38: "....X..?.?..X..?", 42: "x.x.x.x.x.x.x.x.", 51: "?...?...?...?..."},
    "boom_bap": {36: "X......?.XX.....", 38: "....X.......X...", 42: "x.x.x.x.x.x.x.x.", 46: "..............?."},
    "boom_bap2": {36: "X..X......X..?..", 38: "....X..?....X...", 42: "x.xxx.x.x.x.x.xx"},
    "trap": {36: "X......?..X..?..", 38: "........X......?", 42: "x.x.x.xxx.x.xxxx", 46: "......?........."},
    "stomp": {36: "X..X..X.X..X?...", 39: "....X.......X...", 42: "x...x...x...x...", 45: "..............?."},
    "rock": {36: "X.......X.?.....", 38: "....X.......X...", 42: "x.x.x.x.x.x.x.x."},
    "swing": {51: "X...x..xX...x..x", 44: "....x.......x...", 36: "x.......?.......", 38: "...?......?....?"},
}  # fmt: skip

# Bass: (step in sixteenths, length in sixteenths, chord tone) by name; chord tones as in `_tone`.
BASS = {
    "roots": ((0, 14, 0),),
    "first": ((0, 6, 0),),
    "halves": ((0, 7, 0), (8, 7, 4)),
    "quarters": ((0, 3, 0), (4, 3, 0), (8, 3, 0), (12, 3, 4)),
    "eighths": tuple((s, 2, 0) for s in range(0, 16, 2)),
    "offbeat": tuple((s, 2, 0) for s in range(2, 16, 4)),
    "octaves": tuple((s, 2, 0 if s % 4 == 0 else 7) for s in range(0, 16, 2)),
    "sparse": ((0, 5, 0), (10, 4, 0)),
    "kick": ((0, 3, 0), (3, 2, 0), (8, 3, 0), (11, 2, 4)),
    "tumbao": ((0, 2, 0), (6, 5, 4), (12, 4, 7)),
}
CHORDS = {
    "held": ((0, 16),),
    "quarters": ((0, 3), (4, 3), (8, 3), (12, 3)),
    "eighths": tuple((s, 2) for s in range(0, 16, 2)),
    "offbeats": tuple((s, 1) for s in range(2, 16, 4)),
    "oom_pah": ((4, 3), (8, 3)),
}


@dataclass(frozen=True)
class Part:
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
    """The pitch moved by octaves into the twelve from `low` on."""
    return low + (pitch - low) % 12


def drums_by_program(rng: np.random.Generator, name: str, bars: int, beats_per_bar: int = 4) -> np.ndarray:
    """(N, 3) hits (beat, note, velocity) of a pattern with small variations and fills."""
    hits = []
    pattern = PATTERNS[name]
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
                    or (fill and step >= 12 and note != 36)
                ):
                    continue
                level = 0.95 if mark == "X" else 0.55
                accent = 0.1 * (step % 4 == 0) - 0.1 * (step % 2)
                hits.append((bar * beats_per_bar + step / 4, note, level + accent + rng.normal(0, 0.04)))
        if fill:
            for step in range(12, 16):
                if rng.random() < 0.8:
                    hits.append(
                        (bar * beats_per_bar + step / 4, rng.choice([38, 45, 48, 38]), rng.uniform(0.5, 0.95))
                    )
        if bar % 8 == 0 and rng.random() < 0.4:
            hits.append((bar * beats_per_bar, 49, 0.8))
    out = np.array(sorted(hits), float).reshape(-1, 3)
    out[:, 2] = np.clip(out[:, 2], 0.1, 1)
    return out


def bass_part(rng, genre: Genre, bars: int, scale, key: int, degrees: np.ndarray) -> Part:
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
    return Part("bass", int(rng.choice(genre.bass_programs)), np.array(notes, float).reshape(-1, 4))


def chord_part(rng, genre: Genre, bars: int, scale, key: int, degrees: np.ndarray) -> Part:
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
    return Part("chords", int(rng.choice(genre.chord_programs)), np.array(notes, float).reshape(-1, 4))


def pad_part(rng, genre: Genre, bars: int, scale, key: int, degrees: np.ndarray) -> Part:
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
    return Part("pad", int(rng.choice(PADS)), np.array(notes, float))


def lead_part(rng, genre: Genre, bars: int, scale, key: int, degrees: np.ndarray) -> Part:
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
    return Part("lead", int(rng.choice(genre.lead_programs)), np.array(notes, float).reshape(-1, 4))


def swung(beats: np.ndarray, place: float) -> np.ndarray:
    """Beats with the second half of each beat begun at `place` (0.5 straight, 0.67 triplet) instead of at 0.5."""
    whole = np.floor(beats + 1e-9)
    within = np.clip(beats - whole, 0, 1)
    return whole + np.where(within < 0.5, within * place / 0.5, place + (within - 0.5) * (1 - place) / 0.5)


def _scale_pitch(scale: Sequence[int], index: int) -> int:
    return scale[index % 7] + 12 * (index // 7)


def _zigzag(i: int, n: int) -> int:
    """0 1 … n-1 n-2 … 1 0 1 …"""
    i %= max(2 * n - 2, 1)
    return i if i < n else 2 * n - 2 - i
