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
    tempo : (float, float)
        Beats per minute between which such music is mostly played, as people count it.
    counted : int
        So many beats of the notes are counted as one: 3 in 6/8, whose notes are written in eighths.
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
    tempo: tuple[float, float] = (70.0, 150.0)
    counted: int = 1


GENRES: dict[str, Genre] = {
    "house": Genre(
        tempo=(116, 130),
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
        tempo=(108, 146),
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
        tempo=(76, 104),
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
        tempo=(72, 150),
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
        tempo=(88, 124),
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
        tempo=(92, 136),
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
        tempo=(108, 132),
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
        tempo=(76, 180),
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
        tempo=(84, 140),
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
        tempo=(90, 200),
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
        tempo=(56, 92),
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
        tempo=(84, 190),
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
        tempo=(60, 140),
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
