"""How good is the beat grid? Our tracker beside plain librosa, on songs whose beats are known and on recordings.

Figures are mir_eval's (Raffel et al. 2014, after Davies, Degara and Plumbley 2009), first five seconds left out
as its protocol has it: F-measure (within 70 ms), and continuity: the longest correct stretch (C) or all correct
stretches (T) at the correct metrical level (CML) or also at double, half and off-beat (AML). Recordings come
without known beats; there only plausibility is measured, and agreement of the two trackers.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import warnings
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tempose.music.audio import Song
from tempose.music.beats import track_beats
from tempose.music.compiled import compile_once
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.errors import TemposeError
from tempose_pose.grid import BeatGrid

AUDIO = (".wav", ".flac", ".ogg", ".mp3")
FIGURES = ("f", "cmlc", "cmlt", "amlc", "amlt", "downbeat_f")
TEMPI = tuple(range(60, 181, 10))
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 1.0)
HOP = 512
TRIMMED, SHORT = 5.0, 12.0  # seconds left out of the beginning, but not of songs shorter than that
Row = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """One kind of song to render."""

    name: str
    tempi: Sequence[float]
    genre: str | None = None
    drums: bool | None = True
    curve: str = "steady"
    bars: int | None = None  # a loop of so many, from its first sample on
    own_pace: bool = False  # drum takes played at about this tempo
    overlaid: bool = False  # with a sound without a beat on top, as speech or noise would be


KINDS = (
    Kind("steady", TEMPI),
    Kind("swing", (80, 110, 140, 170), "jazz"),
    Kind("waltz", (80, 110, 140, 170), "waltz", None),
    Kind("no drums", (70, 90, 110, 130, 150), None, False),
    Kind("abrupt change", (80, 100, 120, 140), None, None, "abrupt"),
    Kind("gradual change", (80, 100, 120, 140), None, None, "gradual"),
    Kind("drift", (80, 100, 120, 140), None, None, "drift"),
    Kind("no beat", (), None),
    Kind("loop of 1", (80, 96, 110, 124), bars=1),
    Kind("loop of 2", (80, 96, 110, 124), bars=2),
    Kind("loop of 4", (80, 96, 110, 124, 174), bars=4),
    Kind("six-eight", (46, 50, 58, 66), "six_eight", None),
    Kind("ritardando", (90, 100, 110, 128), curve="ritardando"),
    Kind("rubato", (70, 84, 96, 110), None, None, "rubato"),
    Kind("usual tempo", (86, 90, 92, 94, 96, 98, 100, 104)),
    Kind("slow", (60, 64, 68, 72)),
    Kind("fast", (150, 160, 174, 184, 196), "break"),
    Kind("own tempo", (84, 92, 98, 104, 118, 126), own_pace=True),
    Kind("punk", (160, 176, 190), "punk", own_pace=True),
    Kind("metal", (96, 132, 168), "metal"),
    Kind("reggae", (72, 84), "reggae", own_pace=True),
    Kind("country", (92, 118), "country", own_pace=True),
    Kind("afro", (88, 104, 116), "afro", own_pace=True),
    Kind("jig", (104, 120), "jig"),
    Kind("sparse", (70, 96, 120), "sparse"),
    Kind("solo", (72, 96, 120), "solo", None),
    Kind("mix", (90, 110, 128), None, None, own_pace=True, overlaid=True),
    # Rhythms that training never had.
    Kind("ska", (126, 150, 164), "ska"),
    Kind("polka", (104, 124), "polka"),
    Kind("drum and bass", (170, 174), "drum_and_bass"),
    Kind("afro six", (88, 104), "afro_six"),
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
    kinds: Sequence[Kind] = KINDS,
    skip: Container[str] = (),
) -> Iterator[tuple[str, str, float, np.ndarray, BeatGrid]]:
    """Songs with known beats, from drum takes the tracker was not trained on.

    Parameters
    ----------
    data : path
        Folder of samples and drum takes, as `tempose.datasets.synth` wants it.
    songs : int
        Songs of each kind and tempo, each of another random state.
    seconds : float
        About how long each is.
    kinds : sequence of Kind
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
    """Genres that are mostly played at about this tempo."""
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


def librosa_beats(samples: np.ndarray) -> BeatGrid:
    """What librosa finds as it comes; it knows neither downbeats nor how sure it is."""
    compile_once()
    import librosa

    _, beats = librosa.beat.beat_track(y=np.asarray(samples), sr=SAMPLE_RATE, hop_length=HOP, units="time")
    return BeatGrid(np.unique(np.asarray(beats, float)), np.zeros(0), float("nan"))


TRACKERS: dict[str, Callable[[np.ndarray], BeatGrid]] = {"tempose": track_beats, "librosa": librosa_beats}


def scores(true: BeatGrid, found: BeatGrid) -> dict[str, float]:
    """`FIGURES` of a found grid, mir_eval's protocol; 0 where either holds no beats."""
    try:
        from mir_eval import beat
    except ModuleNotFoundError:
        raise TemposeError(
            "extra_missing", "Measuring beats needs mir_eval: pip install 'tempose[evaluate]'."
        ) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # mir_eval warns of empty lists, which are an answer here
        short = len(true.beats) > 0 and true.beats[-1] < SHORT
        begin = 0.0 if short else TRIMMED
        known, heard = (beat.trim_beats(g.beats, begin) for g in (true, found))
        bars, heard_bars = (beat.trim_beats(g.downbeats, begin) for g in (true, found))
        continuity = beat.continuity(known, heard) if len(known) > 1 and len(heard) > 1 else (0.0,) * 4
        values = (beat.f_measure(known, heard), *continuity, beat.f_measure(bars, heard_bars))
    return {name: float(v) for name, v in zip(FIGURES, values, strict=True)}


def contrast(samples: np.ndarray, grid: BeatGrid, shifts: int = 24) -> float:
    """Onset strength at the beats over that at the same beats shifted by parts of a beat: 1 is chance."""
    compile_once()
    import librosa

    if len(grid.beats) < 4:
        return 0.0
    onset = librosa.onset.onset_strength(y=np.asarray(samples), sr=SAMPLE_RATE, hop_length=HOP)
    times = np.arange(len(onset)) * HOP / SAMPLE_RATE
    intervals = np.append(np.diff(grid.beats), np.diff(grid.beats)[-1])

    def level(part: float) -> float:
        at = grid.beats + part * intervals
        return float(np.max([np.interp(at + d, times, onset) for d in (-0.023, 0, 0.023)], axis=0).mean())

    return level(0.0) / max(float(np.mean([level(k / shifts) for k in range(shifts)])), 1e-9)


def pulse(samples: np.ndarray, grid: BeatGrid) -> float:
    """How much of the onset strength repeats at 1 and 2 cycles per beat, over the same at frequencies beside
    them: 1 is chance. Sees whether the tempo is one of the music's, and unlike `contrast` gives nothing for
    beats that were merely put on onsets.
    """
    compile_once()
    import librosa

    if len(grid.beats) < 8:
        return 0.0
    onset = librosa.onset.onset_strength(y=np.asarray(samples), sr=SAMPLE_RATE, hop_length=HOP)
    times = np.arange(len(onset)) * HOP / SAMPLE_RATE
    inside = (times >= grid.beats[0]) & (times <= grid.beats[-1])
    curve, at = onset[inside] - onset[inside].mean(), grid.beat_position(times[inside])

    def power(cycles: float) -> float:
        return float(np.abs(np.mean(curve * np.exp(-2j * np.pi * cycles * at))) ** 2)

    beside = [power(c * off) for c in (1, 2) for off in (0.71, 0.79, 0.84, 0.89, 1.12, 1.17, 1.22, 1.29)]
    return sum(power(c) for c in (1, 2)) / max(2 * float(np.mean(beside)), 1e-12)


def plausibility(samples: np.ndarray, grid: BeatGrid) -> dict[str, float]:
    """What can be said of a grid without knowing the truth.

    Returns
    -------
    dict
        ``bpm``; ``spread`` (half the range of the middle 80 % of the intervals over their median: rubato or
        mistakes); ``steps`` (share of intervals that differ from the one before by more than 20 %);
        ``contrast``; ``pulse``; ``confidence``.
    """
    intervals = np.diff(grid.beats)
    if len(intervals) < 4:
        none = dict.fromkeys(("spread", "steps", "contrast", "pulse"), 0.0)
        return {"bpm": grid.bpm, **none, "confidence": grid.confidence}
    low, middle, high = np.percentile(intervals, (10, 50, 90))
    steps = np.abs(np.diff(np.log(intervals))) > np.log(1.2)
    return {
        "bpm": grid.bpm,
        "spread": float((high - low) / 2 / middle),
        "steps": float(steps.mean()),
        "contrast": contrast(samples, grid),
        "pulse": pulse(samples, grid),
        "confidence": grid.confidence,
    }


def calibration(confidence: np.ndarray, f: np.ndarray, bins: Sequence[float] = BINS) -> dict[str, Any]:
    """Is the confidence the probability that a grid is right (F-measure above 0.8)?

    Returns
    -------
    dict
        ``bins`` (low, high, count, mean confidence, mean F, share with F above 0.8), ``error`` (mean absolute
        difference of a bin's mean confidence and its share, weighted by count), ``auc`` (chance that a well
        tracked song (F above 0.8) has more confidence than a badly tracked one; NaN where there are not
        both).
    """
    confidence, f = np.asarray(confidence, float), np.asarray(f, float)
    index = np.clip(np.searchsorted(bins, confidence, side="right") - 1, 0, len(bins) - 2)
    table = []
    for i in range(len(bins) - 1):
        own = index == i
        if own.any():
            table.append({
                "low": bins[i], "high": bins[i + 1], "count": int(own.sum()),
                "confidence": float(confidence[own].mean()), "f": float(f[own].mean()),
                "good": float((f[own] > 0.8).mean()),
            })  # fmt: skip
    error = sum(b["count"] * abs(b["confidence"] - b["good"]) for b in table) / max(len(f), 1)
    good, bad = confidence[f > 0.8], confidence[f <= 0.8]
    pairs = np.sign(good[:, None] - bad[None])
    auc = float((pairs.mean() + 1) / 2) if pairs.size else float("nan")
    return {"bins": table, "error": float(error), "auc": auc}


def evaluate_beats(
    data: str | os.PathLike,
    out: str | os.PathLike,
    *,
    songs: int = 2,
    seconds: float = 30.0,
    kinds: Sequence[Kind] = KINDS,
    on_song: Callable[[int, int, str], None] | None = None,
) -> dict[str, Any]:
    """Measure the trackers and write ``beats.json``, ``beats.csv`` and ``beats.html`` into a folder.

    Each song's figures are kept in ``songs.jsonl`` as soon as they are there: a stopped run goes on. Another
    tracker, length or data folder starts anew.

    Parameters
    ----------
    data : path
        Samples to render songs from; recordings in ``music/``, where there are any.
    out : path
    songs : int
        Rendered songs of each kind and tempo.
    seconds : float
        Length of rendered songs; recordings are heard for two minutes at most.
    kinds : sequence of Kind
    on_song : callable, optional
        Called with (done, all, name).
    """
    from tempose.evaluation.beats_page import write_page

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    music = sorted(p for p in (Path(data) / "music").glob("*") if p.suffix.lower() in AUDIO)
    total = sum(len(k.tempi) * songs or 4 * songs for k in kinds) + len(music)
    store = _Store(out / "songs.jsonl", [str(Path(data).resolve()), seconds, _tracker_digest()])
    rows: list[Row] = []
    recordings: list[Row] = []
    done = 0

    def tell(name: str) -> None:
        nonlocal done
        done += 1
        if on_song:
            on_song(done, total, name)

    for name, kept in store.songs.items():
        if _asked_for(kept[0]["kind"], name, songs, kinds):
            rows += kept
            tell(name)
    for kind, name, bpm, samples, true in rendered(data, songs, seconds, kinds, store.songs):
        found = {tracker: track(samples) for tracker, track in TRACKERS.items()}
        here = [
            {"tracker": tracker, "kind": kind, "song": name, "bpm": bpm, "found_bpm": grid.bpm,
             "confidence": grid.confidence, **scores(true, grid)}
            for tracker, grid in found.items()
        ]  # fmt: skip
        store.keep(name, here)
        rows += here
        tell(name)
    for path in music:
        if path.stem in store.recordings:
            recordings += store.recordings[path.stem]
            tell(path.stem)
            continue
        samples = Song.load(path).samples[: 120 * SAMPLE_RATE]
        found = {tracker: track(samples) for tracker, track in TRACKERS.items()}
        agreement = scores(found["tempose"], found["librosa"])
        here = [
            {"tracker": tracker, "song": path.stem, **plausibility(samples, grid),
             "agreement_f": agreement["f"], "agreement_amlt": agreement["amlt"]}
            for tracker, grid in found.items()
        ]  # fmt: skip
        store.keep(path.stem, here)
        recordings += here
        tell(path.stem)
    own = [r for r in rows if r["tracker"] == "tempose"]
    results = {
        "table": table(rows),
        "by_tempo": table([r for r in rows if r["kind"] == "steady"], "bpm"),
        "calibration": calibration(
            np.asarray([r["confidence"] for r in own]), np.asarray([r["f"] for r in own])
        ),
        "recordings": recordings,
        "rows": rows,
    }
    clean = json.loads(json.dumps(results), parse_constant=lambda _: None)  # JSON knows no NaN
    (out / "beats.json").write_text(json.dumps(clean, indent=1))
    with (out / "beats.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    write_page(out / "beats.html", results)
    return results


def _asked_for(kind: str, name: str, songs: int, kinds: Sequence[Kind]) -> bool:
    """Whether a kept song belongs to this run: of a kind that is asked for, and not one take too many."""
    chosen = next((k for k in kinds if k.name == kind), None)
    return chosen is not None and int(name.rpartition(" ")[2]) < (songs if chosen.tempi else 4 * songs)


def _tracker_digest() -> str:
    """Changes with anything that may change a grid."""
    from tempose.music import beat_net, beats

    digest = hashlib.sha256(beat_net.WEIGHTS.read_bytes())
    for module in (beats, beat_net):
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()


class _Store:
    """What was measured already, a line of JSON for each song below one that says of what."""

    def __init__(self, path: Path, facts: list[Any]):
        self.path, self.songs, self.recordings = path, {}, {}
        lines = []
        if path.is_file():
            with suppress(ValueError):  # a last line that was cut off is measured again
                lines += (json.loads(line) for line in path.read_text().splitlines())
        if not lines or lines[0] != facts:
            lines = [facts]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        for name, rows in lines[1:]:
            self._file(name, rows)

    def _file(self, name: str, rows: list[Row]) -> None:
        (self.songs if "kind" in rows[0] else self.recordings)[name] = rows

    def keep(self, name: str, rows: list[Row]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps([name, rows]) + "\n")


def table(rows: Sequence[Row], key: str = "kind") -> dict[str, dict[str, dict[str, float]]]:
    """Group → tracker → mean of each figure, median confidence and the number of songs; "all" is the songs
    that have a beat."""
    out: dict[str, dict[str, dict[str, float]]] = {}
    groups: list[Any] = [*dict.fromkeys(r[key] for r in rows), "all"]
    for group in groups:
        here = [r for r in rows if (r["bpm"] > 0 if group == "all" else r[key] == group)]
        for tracker in dict.fromkeys(r["tracker"] for r in here):
            own = [r for r in here if r["tracker"] == tracker]
            line = {name: float(np.mean([r[name] for r in own])) for name in FIGURES}
            line["confidence"] = float(np.median([r["confidence"] for r in own]))
            line["songs"] = len(own)
            out.setdefault(str(group), {})[tracker] = line
    return out
