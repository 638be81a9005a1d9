"""Training music: songs rendered from samples at a beat grid that is known exactly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import signal

from tempose.datasets.arrange import (
    InstrumentPart,
    bass_part,
    chord_part,
    drums_by_program,
    harmony,
    lead_part,
    pad_part,
    swung,
)
from tempose.datasets.form import SongForm, applied, draw_form, drum_roll
from tempose.datasets.genres import GENRES, Genre
from tempose.datasets.gmd import quantised
from tempose.datasets.instruments import FLUID_KITS, ROLES, SampleLibrary
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.errors import TemposeError
from tempose_pose.grid import BeatGrid

__all__ = ["SampleLibrary", "beat_seconds", "render_song"]

LEVELS = {
    "drums": (0.0, 3.0),
    "bass": (-4.0, 3.0),
    "chords": (-8.0, 3.5),
    "pad": (-14.0, 3.0),
    "lead": (-8.0, 4.0),
}
PACE = 0.16  # by how much, as a logarithm, the tempo of a drum take is changed where it is to stay its own
NO_DRUMS = 0.2  # share of songs without drums where the genre leaves it open


def beat_seconds(bpm: float | Sequence[float] | np.ndarray, beats: int, offset: float = 0.0) -> np.ndarray:
    """(beats + 1,) seconds of the beats and of the end of the last one.

    Parameters
    ----------
    bpm : float, or one number per beat
        The last number goes on where there are too few.
    """
    tempo = np.atleast_1d(np.asarray(bpm, float))
    tempo = np.concatenate([tempo[:beats], np.full(max(0, beats - len(tempo)), tempo[-1])])
    if not (np.isfinite(tempo).all() and (tempo >= 20).all() and (tempo <= 400).all()):
        raise TemposeError("bpm_range", "Songs are rendered between 20 and 400 beats per minute.")
    return offset + np.concatenate([[0.0], np.cumsum(60 / tempo)])


def render_song(
    rng: np.random.Generator,
    library: SampleLibrary,
    bpm: float | Sequence[float] | np.ndarray,
    bars: int,
    *,
    genre: str | Genre | None = None,
    drums: bool | None = None,
    offset: float = 0.0,
    tail: float = 0.0,
    split: str = "train",
    form: SongForm | bool = False,
    own_pace: bool = False,
) -> tuple[np.ndarray, BeatGrid]:
    """A random song at exactly the beats asked for.

    Parameters
    ----------
    rng : Generator
        Decides everything that is not given: the same state, the same song.
    library : SampleLibrary
    bpm : float, or one number per beat
        A list makes tempo changes, abrupt or gradual.
    bars : int
        Bars of four beats (three in a waltz, two in 6/8: see `Genre`).
    genre : str or Genre, optional
        One of `genres.GENRES`, or any other.
    drums : bool, optional
        None lets chance decide; genres without drums stay without.
    offset : float
        Seconds before the first beat.
    tail : float
        Seconds of dying away after the last bar's end.
    split : str
        Which drum takes to use, ``"train"`` or ``"validation"``.
    form : SongForm or bool
        Sections with levels of their own; True draws a form by chance, False leaves the song as loud throughout.
    own_pace : bool
        Take human drums only from takes that were played at about this tempo, where there are any: what a drummer
        plays tells how it is counted.

    Returns
    -------
    samples : (N,) float32
        Mono at `SAMPLE_RATE`, within -1…1.
    grid : BeatGrid
        True beats and downbeats in seconds; the end of the last bar is not a beat.

    Raises
    ------
    TemposeError
        Unknown genre, bad tempo, missing data.
    """
    names = sorted(GENRES)
    name = genre if genre is not None else names[rng.integers(len(names))]
    if not isinstance(name, Genre) and name not in GENRES:
        raise TemposeError("genre_unknown", f"Known genres: {', '.join(names)}.")
    kind = name if isinstance(name, Genre) else GENRES[name]
    beats = bars * kind.beats_per_bar
    counted = beat_seconds(bpm, beats // kind.counted, offset)
    seconds = counted
    if kind.counted > 1:
        seconds = np.interp(np.arange(beats + 1) / kind.counted, np.arange(len(counted)), counted)
    possible = bool(kind.human or kind.patterns)
    with_drums = possible and (drums if drums is not None else rng.random() >= NO_DRUMS)

    swing = rng.uniform(*kind.swing)
    pace = float(np.median(bpm)) if own_pace else None
    parts = _parts(rng, library, kind, bars, with_drums, split, pace)
    roles = tuple(p.role for p in parts)
    if form is True:
        form = draw_form(rng, bars, roles, kind.beats_per_bar)
    plan = _sections(rng, list(roles), bars) if not form else {}
    total = int((seconds[-1] + tail) * SAMPLE_RATE) + 1
    mix = np.zeros(total, np.float32)
    wet = np.zeros(total, np.float32)
    for part in parts:
        if not len(part.notes):
            continue
        if form:
            notes = _formed(rng, part, form)
        else:
            bar = np.clip(part.notes[:, 0] // kind.beats_per_bar, 0, bars - 1).astype(int)
            notes = part.notes[plan[part.role][bar]].copy()
        human = part.role == "drums" and isinstance(part.program, str) and part.program.startswith("human:")
        if not human:
            notes[:, 0] = swung(notes[:, 0], swing)
            loose = rng.uniform(0, 0.006)
        else:
            loose = 0.0
        track = _render(rng, library, part, notes, seconds, total, loose)
        level = np.sqrt(np.mean(track[np.abs(track) > 1e-4] ** 2)) if (np.abs(track) > 1e-4).any() else 1.0
        mean, spread = LEVELS[part.role]
        gain = 10 ** ((mean + rng.normal(0, spread)) / 20) * 0.1 / level
        if part.role != "drums" and with_drums and kind.pump and rng.random() < 0.7:
            track = track * _pump(seconds, total, kind.pump * rng.uniform(0.5, 1.5))
        mix += gain * track
        wet += gain * track * (rng.uniform(0, 0.3) if part.role in ("drums", "bass") else rng.uniform(0.2, 1))
    samples = _master(rng, mix, wet)
    if form:
        samples = applied(samples, form, seconds, SAMPLE_RATE)
    return samples, BeatGrid(counted[:-1], seconds[: -1 : kind.beats_per_bar])


def _formed(rng: np.random.Generator, part: InstrumentPart, form: SongForm) -> np.ndarray:
    """The notes that a part plays in a form; drums also roll through builds."""
    notes = part.notes[form.plays(part.role, part.notes[:, 0])].copy()
    ends = [(s.first + s.bars) * form.beats_per_bar - s.stop for s in form.sections]
    following = np.asarray(ends)[np.searchsorted(ends, notes[:, 0] + 0.1, "right").clip(max=len(ends) - 1)]
    notes[:, 1] = np.minimum(
        notes[:, 1], np.maximum(following - notes[:, 0], 0.1)
    )  # none sounds on into the next
    if part.role == "drums" and len(roll := drum_roll(rng, form)):
        extra = np.column_stack([roll[:, 0], np.zeros(len(roll)), roll[:, 1], roll[:, 2]])
        notes = np.concatenate([notes, extra])
        notes = notes[np.argsort(notes[:, 0], kind="stable")]
    return notes


def _parts(
    rng, library, kind: Genre, bars: int, with_drums: bool, split: str, pace: float | None
) -> list[InstrumentPart]:
    parts = []
    if with_drums:
        parts.append(_drums(rng, library, kind, bars, split, pace))
    scale, key, degrees = harmony(rng, kind, bars)
    alone = not with_drums
    if rng.random() < (0.9 if with_drums else 0.75):
        parts.append(bass_part(rng, kind, bars, scale, key, degrees))
    if alone or rng.random() < 0.8:
        parts.append(chord_part(rng, kind, bars, scale, key, degrees))
    if rng.random() < kind.pad:
        parts.append(pad_part(rng, kind, bars, scale, key, degrees))
    if rng.random() < kind.lead:
        parts.append(lead_part(rng, kind, bars, scale, key, degrees))
    return parts


def _drums(
    rng, library: SampleLibrary, kind: Genre, bars: int, split: str, pace: float | None
) -> InstrumentPart:
    """Human takes where the genre has them (a small share quantised), else patterns."""
    kit: int | str = kind.kits[rng.integers(len(kind.kits))]
    if rng.random() < 0.15:
        kit = FLUID_KITS[rng.integers(len(FLUID_KITS))]
    if kit == "oneshots":
        kit = f"oneshots{rng.integers(200)}"
    takes = (
        [t for t in library.takes if t.split == split and t.style.startswith(kind.human)]
        if kind.human
        else []
    )
    takes = takes or ([t for t in library.takes if t.style.startswith(kind.human)] if kind.human else [])
    if pace is not None:
        near = [t for t in takes if abs(np.log(t.bpm / pace)) < PACE]
        takes = near if near or kind.patterns else takes
    label = "human:"
    if takes and (not kind.patterns or rng.random() < 0.7):
        take = takes[rng.integers(len(takes))]
        hits = take.excerpt(int(rng.integers(max(1, take.bars))), bars)
        if rng.random() < 0.15:
            hits = quantised(hits)
    else:
        hits = drums_by_program(
            rng, kind.patterns[rng.integers(len(kind.patterns))], bars, kind.beats_per_bar
        )
        label = "made:"
    hits = hits[hits[:, 0] < bars * kind.beats_per_bar]
    notes = np.column_stack([hits[:, 0], np.zeros(len(hits)), hits[:, 1], hits[:, 2]])
    return InstrumentPart("drums", f"{label}{kit}", notes)


def _sections(rng, roles: list[str], bars: int) -> dict[str, np.ndarray]:
    """(bars,) bool for each role: who plays in which bar; someone always does."""
    plan = {role: np.ones(bars, bool) for role in roles}
    length = int(rng.choice([4, 4, 8]))
    for start in range(0, bars, length):
        for role in roles:
            rest = {"drums": 0.06, "bass": 0.12, "chords": 0.12, "pad": 0.3, "lead": 0.35}[role]
            if rng.random() < rest:
                plan[role][start : start + length] = False
    silent = ~np.any(list(plan.values()), axis=0)
    plan["drums" if "drums" in plan else "chords" if "chords" in plan else roles[0]][silent] = True
    return plan


def _render(
    rng, library: SampleLibrary, part: InstrumentPart, notes, seconds, total: int, loose: float
) -> np.ndarray:
    """(total,) float32, one part's notes laid out on the beats."""
    out = np.zeros(total, np.float32)
    index = np.arange(len(seconds))
    beat, length = notes[:, 0], notes[:, 1]
    starts = np.interp(beat, index, seconds)
    starts = np.where(beat < 0, seconds[0] + beat * (seconds[1] - seconds[0]), starts)
    ends = np.interp(beat + length, index, seconds)
    starts = starts + (rng.normal(0, loose, len(starts)) if loose else 0.0)
    drums = part.role == "drums"
    kit: int | str = part.program
    if isinstance(kit, str):
        kit = kit.split(":")[1]
        kit = int(kit) if kit.isdigit() else kit
    tune = {role: rng.uniform(0.7, 1.2) for role in sorted(set(ROLES.values()))}
    for start, end, pitch, velocity in zip(starts, ends, notes[:, 2], notes[:, 3], strict=True):
        if drums:
            hit = library.drum(kit, int(pitch))
            gain = tune[ROLES.get(int(pitch), "perc")] * max(velocity, 0.05) ** 1.5
        else:
            hit = library.note(int(part.program), int(pitch), end - start)
            gain = max(velocity, 0.05) ** 1.3
        at = max(0, round(start * SAMPLE_RATE))
        n = min(len(hit), total - at)
        if n > 0:
            out[at : at + n] += np.float32(gain) * hit[:n]
    return out


def _pump(seconds: np.ndarray, total: int, depth: float) -> np.ndarray:
    """(total,) float32 gain that ducks on every beat, as a compressor keyed by the kick does."""
    times = np.arange(total) / SAMPLE_RATE
    since = times - seconds[np.clip(np.searchsorted(seconds, times, "right") - 1, 0, len(seconds) - 1)]
    return (1 - min(depth, 0.8) * np.exp(-np.maximum(since, 0) / 0.12)).astype(np.float32)


def _master(rng, mix: np.ndarray, wet: np.ndarray) -> np.ndarray:
    """Room, tone, compression, noise and loudness, each at random."""
    out = mix
    if rng.random() < 0.7:
        out = out + rng.uniform(0.05, 0.5) * _reverb(rng, wet)
    out = _tone_control(rng, out)
    if rng.random() < 0.5:
        out = _compressed(out, rng.uniform(0.2, 0.7))
    out = out / max(np.abs(out).max(), 1e-9)
    if rng.random() < 0.3:
        drive = rng.uniform(1, 4)
        out = np.tanh(drive * out) / np.tanh(drive)
    if rng.random() < 0.4:
        noise = rng.standard_normal(len(out)).astype(np.float32)
        if rng.random() < 0.5:
            noise = _filtered(noise, "low", 500)
        out = out + 10 ** (rng.uniform(-70, -35) / 20) * noise
    return (10 ** (rng.uniform(-18, 0) / 20) * np.clip(out, -1, 1)).astype(np.float32)


def _reverb(rng, dry: np.ndarray) -> np.ndarray:
    seconds = rng.uniform(0.2, 1.6)
    n = int(seconds * SAMPLE_RATE)
    tail = rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n)
    tail = _filtered(tail, "low", rng.uniform(1500, 7000))
    gap = int(rng.uniform(0.0, 0.02) * SAMPLE_RATE)
    tail = np.concatenate([np.zeros(gap), tail / np.sqrt(np.sum(tail**2))]).astype(np.float32)
    return signal.oaconvolve(dry, tail)[: len(dry)].astype(np.float32)


def _tone_control(rng, x: np.ndarray) -> np.ndarray:
    """Shelves as sums of one-pole bands; sometimes a small speaker or a muffled room."""
    low = _filtered(x, "low", rng.uniform(120, 350))
    high = _filtered(x, "high", rng.uniform(1500, 5000))
    out = x + (10 ** (rng.normal(0, 4) / 20) - 1) * low + (10 ** (rng.normal(0, 4) / 20) - 1) * high
    chance = rng.random()
    if chance < 0.08:
        return _filtered(out, "high", rng.uniform(150, 300), 2)
    if chance < 0.16:
        return _filtered(out, "low", rng.uniform(2500, 6000), 2)
    return out


def _filtered(x: np.ndarray, kind: str, corner: float, order: int = 1) -> np.ndarray:
    return np.asarray(signal.sosfilt(signal.butter(order, corner, kind, fs=SAMPLE_RATE, output="sos"), x))


def _compressed(x: np.ndarray, strength: float) -> np.ndarray:
    """Levels drawn together; attack and release some 5 and 100 ms."""
    block = 110
    n = -(-len(x) // block)
    peaks = np.abs(np.pad(x, (0, n * block - len(x)))).reshape(n, block).max(1)
    release = np.exp(-block / (0.1 * SAMPLE_RATE))
    envelope, level = np.empty(n), 0.0
    for i, p in enumerate(peaks):
        level = max(p, release * level)
        envelope[i] = level
    gain = (np.maximum(envelope, 1e-3 * envelope.max() + 1e-9) / (envelope.max() + 1e-9)) ** -strength
    smooth = np.interp(np.arange(len(x)), (np.arange(n) + 0.5) * block, gain)
    return x * np.minimum(smooth, 12.0)
