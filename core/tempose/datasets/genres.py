"""Kinds of music as data: scales, chords, rhythms, instruments, and which of them suit a style of dance."""

from __future__ import annotations

from dataclasses import dataclass

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

# General MIDI programs.
PIANOS = (0, 4)
BASSES, SYNTH_BASSES = (32, 33, 34, 36), (38, 39)
PADS = (48, 50, 52, 88, 89, 90, 95)
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
        scales=("minor", "dorian"),
        patterns=("house", "house2"),
        kits=(24, 25, "oneshots"),
        swing=(0.5, 0.56),
        bass=("offbeat", "octaves", "busy"),
        bass_programs=SYNTH_BASSES,
        chords=("stabs", "offbeats", "held"),
        chord_programs=(4, 16, 0, 50, 90),
        lead_programs=(80, 81, 65, 56),
        pad=0.5,
        lead=0.5,
        sevenths=0.7,
        pump=0.5,
    ),
    "electronic": Genre(
        scales=("minor", "phrygian"),
        patterns=("house", "breaks", "electro"),
        kits=(24, 25, "oneshots"),
        bass=("octaves", "busy", "offbeat"),
        bass_programs=SYNTH_BASSES,
        chords=("arpeggio16", "stabs", "held"),
        chord_programs=(81, 80, 90, 62, 88, 38),
        lead_programs=LEADS,
        pad=0.6,
        sevenths=0.2,
        pump=0.4,
    ),
    "hip_hop": Genre(
        scales=("minor", "dorian", "phrygian"),
        human=("hiphop", "funk"),
        patterns=("boom_bap", "boom_bap2"),
        kits=(25, 8, "oneshots"),
        swing=(0.5, 0.64),
        bass=("sparse", "kick"),
        bass_programs=(38, 39, 33, 32),
        chords=("held", "stabs", "quarters"),
        chord_programs=(4, 0, 48, 16, 27),
        lead_programs=(73, 65, 80, 0),
        lead=0.45,
        sevenths=0.6,
    ),
    "krump": Genre(
        scales=("phrygian", "minor"),
        human=("hiphop",),
        patterns=("trap", "stomp"),
        kits=(25, 24, "oneshots"),
        bass=("sparse", "kick"),
        bass_programs=SYNTH_BASSES,
        chords=("stabs", "held", "quarters"),
        chord_programs=(61, 48, 62, 50, 30),
        lead_programs=(81, 62, 61),
        pad=0.6,
        lead=0.4,
        sevenths=0.1,
    ),
    "funk": Genre(
        scales=("dorian", "mixolydian"),
        human=("funk", "soul", "neworleans/funk", "jazz/funk", "afrobeat"),
        patterns=("electro",),
        swing=(0.5, 0.58),
        bass=("busy", "octaves"),
        bass_programs=(33, 36, 34),
        chords=("stabs", "scratch", "offbeats"),
        chord_programs=(27, 4, 17, 61),
        lead_programs=(65, 61, 56, 66),
        pad=0.2,
        sevenths=0.7,
    ),
    "break": Genre(
        scales=("dorian", "minor"),
        human=("funk", "dance/breakbeat", "hiphop", "soul"),
        patterns=("breaks",),
        kits=(0, 8, 16, "oneshots"),
        swing=(0.5, 0.56),
        bass=("busy", "sparse"),
        bass_programs=(33, 36, 38),
        chords=("stabs", "scratch"),
        chord_programs=(27, 16, 61),
        lead_programs=(61, 65, 80),
        pad=0.15,
        lead=0.4,
        sevenths=0.5,
    ),
    "disco": Genre(
        scales=("minor", "dorian", "major"),
        human=("dance/disco",),
        patterns=("disco",),
        swing=(0.5, 0.52),
        bass=("octaves", "busy"),
        bass_programs=(33, 34, 38),
        chords=("scratch", "offbeats", "stabs"),
        chord_programs=(27, 0, 4),
        lead_programs=(48, 61, 62, 73),
        pad=0.7,
        lead=0.5,
        sevenths=0.5,
    ),
    "rock": Genre(
        scales=("major", "minor", "mixolydian"),
        human=("rock", "punk", "pop"),
        patterns=("rock",),
        bass=("eighths", "roots"),
        bass_programs=(33, 34),
        chords=("eighths", "strum", "held"),
        chord_programs=(29, 30, 27, 25),
        lead_programs=(29, 30, 81, 16),
        pad=0.2,
        lead=0.5,
        sevenths=0.05,
    ),
    "latin": Genre(
        scales=("minor", "dorian", "major"),
        human=("latin", "afrocuban/rhumba", "afrobeat", "reggae"),
        kits=(0, 8),
        swing=(0.5, 0.52),
        bass=("tumbao", "roots"),
        bass_programs=(32, 33),
        chords=("montuno", "offbeats", "strum"),
        chord_programs=(0, 24, 25),
        lead_programs=(56, 73, 61),
        pad=0.1,
        sevenths=0.4,
    ),
    "jazz": Genre(
        scales=("dorian", "mixolydian", "major"),
        human=("jazz", "blues/shuffle", "rock/shuffle"),
        patterns=("swing",),
        kits=(0, 8),
        swing=(0.6, 0.67),
        bass=("walking",),
        bass_programs=(32,),
        chords=("comp", "quarters"),
        chord_programs=(0, 4, 27, 16),
        lead_programs=(65, 66, 56, 73),
        pad=0.05,
        lead=0.7,
        sevenths=0.95,
    ),
    "ballad": Genre(
        scales=("major", "minor"),
        human=("pop/soft", "soul"),
        kits=(0, 8),
        bass=("roots", "halves"),
        bass_programs=(32, 33),
        chords=("arpeggio8", "quarters", "strum"),
        chord_programs=(0, 4, 24, 25),
        lead_programs=(73, 65, 48, 66),
        pad=0.7,
        lead=0.7,
        sevenths=0.5,
    ),
    "waltz": Genre(
        scales=("major", "minor"),
        kits=(0,),
        bass=("first",),
        bass_programs=(32, 48),
        chords=("oom_pah", "arpeggio8"),
        chord_programs=(0, 24, 48),
        lead_programs=(73, 48, 65, 56),
        lead=0.8,
        sevenths=0.2,
        beats_per_bar=3,
    ),
    "strings": Genre(
        scales=("minor", "major"),
        kits=(0,),
        bass=("quarters", "eighths"),
        bass_programs=(48, 32),
        chords=("eighths", "quarters", "arpeggio8"),
        chord_programs=(48, 50, 0),
        lead_programs=(48, 73, 56),
        lead=0.8,
        sevenths=0.1,
    ),
}

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
    "house": {
        36: "X...X...X...X...",
        39: "....X.......X...",
        42: "x.?.x.?.x.?.x.?.",
        46: "..X...X...X...X.",
    },
    "house2": {
        36: "X...X...X...X..?",
        38: "....x.......x..?",
        42: "xxxxxxxxxxxxxxxx",
        46: "..X...X...X...X.",
        37: "...?..?....?..?.",
    },
    "disco": {
        36: "X...X...X...X...",
        38: "....X.......X...",
        42: "x.x.x.x.x.x.x.x.",
        46: "..X...X...X...X.",
    },
    "electro": {
        36: "X.....X...X.?...",
        38: "....X.......X...",
        42: "x.x.x.xxx.x.x.xx",
        54: "..?...?....?..?.",
    },
    "breaks": {
        36: "X.X.......XX....",
        38: "....X..?.?..X..?",
        42: "x.x.x.x.x.x.x.x.",
        51: "?...?...?...?...",
    },
    "boom_bap": {
        36: "X......?.XX.....",
        38: "....X.......X...",
        42: "x.x.x.x.x.x.x.x.",
        46: "..............?.",
    },
    "boom_bap2": {
        36: "X..X......X..?..",
        38: "....X..?....X...",
        42: "x.xxx.x.x.x.x.xx",
    },
    "trap": {
        36: "X......?..X..?..",
        38: "........X......?",
        42: "x.x.x.xxx.x.xxxx",
        46: "......?.........",
    },
    "stomp": {
        36: "X..X..X.X..X?...",
        39: "....X.......X...",
        42: "x...x...x...x...",
        45: "..............?.",
    },
    "rock": {
        36: "X.......X.?.....",
        38: "....X.......X...",
        42: "x.x.x.x.x.x.x.x.",
    },
    "swing": {
        51: "X...x..xX...x..x",
        44: "....x.......x...",
        36: "x.......?.......",
        38: "...?......?....?",
    },
}

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
