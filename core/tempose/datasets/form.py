"""The form of a song: its sections, who plays in them, how loud they are, and where it stops.

Songs without form are as loud throughout; what dances to them learns that sound means nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SILENT = -75.0  # decibels
RAMP = 0.03  # seconds over which a level changes at a section's beginning


@dataclass(frozen=True)
class SectionKind:
    """What a kind of section is like.

    Attributes
    ----------
    level : (float, float)
        Range of its loudness, decibels against the loudest section.
    rise : float
        Decibels that it becomes louder from beginning to end.
    rests : dict of str to float
        Chance of each role not to play.
    bars : tuple of int
        Lengths to choose from.
    """

    level: tuple[float, float]
    rests: dict[str, float]
    bars: tuple[int, ...] = (4,)
    rise: float = 0.0


KINDS: dict[str, SectionKind] = {
    "intro": SectionKind((-16, -9), {"drums": 0.8, "bass": 0.6, "lead": 0.8}, (2, 4)),
    "verse": SectionKind((-9, -5), {"drums": 0.05, "lead": 0.7, "pad": 0.4}, (4, 8)),
    "build": SectionKind((-14, -10), {"bass": 0.5, "lead": 0.5}, (2, 4), rise=10.0),
    "drop": SectionKind((0, 0), {}, (4, 8)),
    "break": SectionKind((-24, -14), {"drums": 0.95, "bass": 0.8, "chords": 0.2}, (2, 4)),
    "silence": SectionKind((SILENT, SILENT), {}, (1, 2, 4)),
    "ending": SectionKind((-3, 0), {"lead": 0.3}, (2, 4)),
}
FOLLOWS: dict[str, dict[str, float]] = {  # what may come after, and how often
    "intro": {"verse": 0.7, "build": 0.3},
    "verse": {"build": 0.55, "drop": 0.35, "break": 0.1},
    "build": {"drop": 0.9, "silence": 0.1},
    "drop": {"break": 0.45, "verse": 0.4, "silence": 0.15},
    "break": {"build": 0.5, "drop": 0.3, "verse": 0.2},
    "silence": {"drop": 0.7, "verse": 0.3},
}
STOPS = 0.35  # chance that the last beats before a section are left out
LATEST_STOP = ("verse", "build", "drop")  # sections after which that happens


@dataclass(frozen=True)
class SongSection:
    """Bars of one kind.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    first, bars : int
    level, level_end : float
        Decibels at its beginning and its end.
    resting : frozenset of str
        Roles that do not play.
    stop : int
        Beats left out at its end.
    """

    kind: str
    first: int
    bars: int
    level: float
    level_end: float
    resting: frozenset[str] = frozenset()
    stop: int = 0


@dataclass(frozen=True)
class SongForm:
    """All sections of a song, one after the other."""

    sections: tuple[SongSection, ...]
    beats_per_bar: int = 4

    @property
    def bars(self) -> int:
        """Of the whole song."""
        return sum(section.bars for section in self.sections)

    def plays(self, role: str, beats: np.ndarray) -> np.ndarray:
        """(N,) bool: whether a role plays at positions in beats (N,)."""
        out = np.zeros(len(beats), bool)
        for s in self.sections:
            begin, end = s.first * self.beats_per_bar, (s.first + s.bars) * self.beats_per_bar - s.stop
            if s.kind == "ending":
                end = (s.first + s.bars - 1) * self.beats_per_bar + 0.2  # one last hit
            if role not in s.resting and s.kind != "silence":
                out |= (beats >= begin - 0.1) & (beats < end - 0.1)
        return out

    def gain(self, beats: np.ndarray) -> np.ndarray:
        """(N,) decibels at positions in beats (N,)."""
        out = np.full(len(beats), SILENT)
        for s in self.sections:
            begin, end = s.first * self.beats_per_bar, (s.first + s.bars) * self.beats_per_bar
            here = (beats >= begin) & ((beats < end) | (s == self.sections[-1]))
            level = np.interp(beats, [begin, end], [s.level, s.level_end])
            if s.kind == "ending":
                level = level - 8 * np.maximum(beats - (end - self.beats_per_bar + 1), 0)  # rings out
            level = np.where(s.stop and beats >= end - s.stop, SILENT, level)
            out = np.where(here, level, out)
        return out


def draw_form(
    rng: np.random.Generator, bars: int, roles: tuple[str, ...], beats_per_bar: int = 4
) -> SongForm:
    """A random form of so many bars; in every section but silence somebody plays."""
    sections: list[SongSection] = []
    kind, first = str(rng.choice(["intro", "verse", "drop"], p=[0.5, 0.3, 0.2])), 0
    end = bars - int(rng.choice(KINDS["ending"].bars))
    while first < end:
        length = min(int(rng.choice(KINDS[kind].bars)), end - first)
        sections.append(_section(rng, kind, first, length, roles, beats_per_bar))
        first += length
        names = FOLLOWS[kind]
        kind = str(rng.choice(list(names), p=list(names.values())))
    sections.append(_section(rng, "ending", first, bars - first, roles, beats_per_bar))
    return SongForm(tuple(sections), beats_per_bar)


def _section(
    rng: np.random.Generator, name: str, first: int, bars: int, roles: tuple[str, ...], beats_per_bar: int
) -> SongSection:
    kind = KINDS[name]
    level = float(rng.uniform(*kind.level))
    resting = {role for role in roles if rng.random() < kind.rests.get(role, 0.0)}
    if resting >= set(roles):
        resting.discard("chords" if "chords" in roles else roles[-1])
    stops = name in LATEST_STOP and rng.random() < STOPS
    stop = int(rng.integers(1, beats_per_bar + 1)) if stops else 0
    return SongSection(name, first, bars, level, level + kind.rise, frozenset(resting), stop)


def drum_roll(rng: np.random.Generator, form: SongForm) -> np.ndarray:
    """(N, 3) hits (beat, note, velocity): snares ever faster and louder through each build."""
    hits = []
    for section in form.sections:
        if section.kind != "build" or "drums" in section.resting:
            continue
        first, count = section.first * form.beats_per_bar, section.bars * form.beats_per_bar
        beat = 0.0
        while beat < count - section.stop:
            done = beat / count
            hits.append((first + beat, 38, 0.35 + 0.5 * done + rng.normal(0, 0.03)))
            beat += 1.0 if done < 0.5 else 0.5 if done < 0.75 else 0.25
    return np.asarray(hits, float).reshape(-1, 3)


def applied(samples: np.ndarray, form: SongForm, seconds: np.ndarray, rate: int) -> np.ndarray:
    """Samples at the form's levels.

    Parameters
    ----------
    samples : (N,) float32
    seconds : (beats + 1,)
        Of the beats and of the end of the last one.
    rate : int
        Samples a second.
    """
    step = max(1, rate // 200)
    times = np.arange(0, len(samples) + step, step) / rate
    beats = np.interp(times, seconds, np.arange(len(seconds)))
    beats = np.where(times < seconds[0], 0.0, beats)
    smooth = max(1, round(RAMP * rate / step))
    level = np.convolve(np.pad(form.gain(beats), (smooth, 0), mode="edge"), np.ones(smooth) / smooth)
    level = level[smooth : smooth + len(times)]
    gain = 10 ** (np.interp(np.arange(len(samples)) / rate, times, level) / 20)
    return (samples * gain).astype(np.float32)
