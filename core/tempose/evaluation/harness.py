"""The harness: dance all cases with all systems, measure, write JSON, CSV and a page. Resumable."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tempose.dance import Dance
from tempose.errors import TemposeError
from tempose.evaluation import figures
from tempose.evaluation.figures import FIGURES, SET_FIGURES, Row
from tempose.evaluation.truth import Truth, other_music, shuffled
from tempose.generator import Generator
from tempose.metrics import kinetics, tempo
from tempose.music.audio import Song
from tempose.music.grid import BeatGrid
from tempose.pose.reference import standing_pose
from tempose.pose.sequence import PoseSequence
from tempose.request import DanceRequest
from tempose.tempo import TempoMap

AUDIO = (".wav", ".flac", ".ogg", ".mp3")
TEMPI = (70.0, 90.0, 110.0, 130.0, 150.0, 170.0)
SHEETS = 8  # contact sheets in the page, the first system's first
FEATURES = "rms"
OTHER_MUSIC = ", other music"
LISTENING = ("beat_lock", "mm_align_excess", "beat_power", "tempo_clean")  # what a deaf dancer lacks
SMALLEST_SET = 12  # windows of five seconds
OnDance = Callable[[int, int, str], None]


@dataclass(frozen=True, eq=False)
class Case:
    """A song, or a part of it, to be danced to."""

    name: str
    song: Song
    seconds: float
    tempo_map: TempoMap = field(default_factory=TempoMap)
    grid: BeatGrid | None = None
    style: str | None = None
    path: Path | None = None  # for the sound of sample videos

    def request(self, reference: PoseSequence, seed: int, **settings: Any) -> DanceRequest:
        return DanceRequest(
            reference, self.seconds, self.tempo_map, self.grid, self.style, seed=seed, **settings
        )

    @property
    def key(self) -> str:
        """What decides the dance, apart from system, seed and reference."""
        beats = None if self.grid is None else self.grid.beats.tolist()
        facts = [self.song.sha256, self.seconds, self.tempo_map.points, beats, self.style]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def load_cases(folder: str | os.PathLike, seconds: float = 30.0) -> list[Case]:
    """A case for each audio file of the folder.

    Beside ``song.ogg`` may lie ``song.json``: ``{"beats": [s, …], "downbeats": [s, …], "style": str}``, what
    is known better than a tracker would find it.
    """
    paths = sorted(p for p in Path(folder).glob("*") if p.suffix.lower() in AUDIO)
    if not paths:
        raise TemposeError("songs_missing", f"There are no songs (wav, flac, ogg, mp3) in {folder}.")
    cases = []
    for path in paths:
        song, grid, style = Song.load(path), None, None
        notes = path.with_suffix(".json")
        if notes.is_file():
            try:
                known = json.loads(notes.read_text())
                style = known.get("style")
                if known.get("beats"):
                    grid = BeatGrid(known["beats"], np.asarray(known.get("downbeats") or []))
            except (ValueError, AttributeError, TypeError) as error:
                raise TemposeError("song_notes", f"{notes.name} holds no beats in seconds.") from error
        cases.append(Case(path.stem, song, min(seconds, song.seconds), TempoMap(), grid, style, path))
    return cases


def tempo_cases(
    case: Case, tempi: Sequence[float] = TEMPI, seconds: float = 16.0
) -> list[tuple[Case, float]]:
    """The same music at each of the tempi, stretched, as far as half to double speed reaches."""
    intervals = np.diff((case.grid or case.song.grid).beats)
    if len(intervals) < 8 or np.ptp(np.percentile(intervals, (5, 95))) > 0.1 * np.median(intervals):
        return []  # a song of several tempi has none to be stretched to
    bpm = 60 / float(np.median(intervals))
    out = []
    for target in tempi:
        factor = target / bpm
        length = min(seconds, case.song.seconds / factor)
        if 0.5 <= factor <= 2 and length >= 6:
            grid = case.grid or case.song.grid
            name = f"{case.name} at {target:.0f}"
            out.append((Case(name, case.song, length, TempoMap.constant(factor), grid, case.style), target))
    return out


def splice_case(
    case: Case, slow: float = 0.8, fast: float = 1.2, half: float = 10.0
) -> tuple[Case, float] | None:
    """The song slowed down, then from a beat about `half` seconds on fast; and the second of the change."""
    grid = case.grid or case.song.grid
    later = grid.beats[grid.beats >= half * slow]
    if len(later) == 0 or case.song.seconds < half * (slow + fast):
        return None
    song_second = float(later[0])
    change = song_second / slow
    tempo_map = TempoMap(((0.0, 0.0), (change, song_second), (change + 1.0, song_second + fast)))
    name = f"{case.name} slow to fast"
    return Case(name, case.song, change + half, tempo_map, grid, case.style), change


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)[:100]


def dance_all(
    generator: Generator,
    cases: Sequence[Case],
    seeds: Sequence[int],
    folder: Path,
    reference: PoseSequence,
    settings: dict[str, Any] | None = None,
    on_dance: OnDance | None = None,
) -> dict[tuple[str, int], Dance]:
    """Dance each case with each seed; what lies in the folder already, made from the same things, is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    pose = hashlib.sha256(reference.keypoints.tobytes() + reference.scores.tobytes()).hexdigest()
    out, done = {}, 0
    for case in cases:
        for seed in seeds:
            facts = [generator.revision, case.key, seed, pose, sorted((settings or {}).items())]
            key = hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:12]
            path = folder / f"{_slug(case.name)}-s{seed}-{key}.npz"
            if not path.is_file():
                generator(case.song, case.request(reference, seed, **(settings or {}))).save(path)
            out[case.name, seed] = Dance.load(path)
            done += 1
            if on_dance:
                on_dance(done, len(cases) * len(seeds), case.name)
    return out


def evaluate(
    systems: dict[str, Generator],
    cases: Sequence[Case],
    truths: Sequence[Truth],
    out: str | os.PathLike,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    reference: PoseSequence | None = None,
    settings: dict[str, Any] | None = None,
    conventions: Sequence[str] = (),
    tempi: Sequence[float] = (),
    videos: int = 0,
    extra: dict[str, list[tuple[str, Dance]]] | None = None,
    on_dance: OnDance | None = None,
) -> dict[str, Any]:
    """Measure systems beside real motion and write everything into a folder.

    Parameters
    ----------
    systems : dict of name → Generator
        The first one is the system in question.
    cases : sequence of Case
        May be empty where only finished dances (`extra`) are measured.
    truths : sequence of Truth
        Real motion; rows "truth" (held out), "truth (train)" and "shuffled" are made of it.
    out : path
        Folder: ``results.json``, ``rows.csv``, ``index.html``, ``dances/``. Dances already there are taken
        up.
    seeds : sequence of int
    reference : PoseSequence, optional
        None: a standing figure.
    settings : dict, optional
        More of `DanceRequest` (steps, guidance, energy).
    conventions : sequence of str
        Peers' beat scores to add.
    tempi : sequence of float
        Tempi for the tempo series and the slow-to-fast splice on each case; none: left out.
    videos : int
        Sample videos of the first system in the page.
    extra : dict of name → list of (song name, Dance)
        Finished dances to measure as further systems.
    on_dance : callable, optional
        Called with (done, all, what).

    Returns
    -------
    dict
        What ``results.json`` holds: ``table`` (system → figure → mean, low, high, count), ``ranking``,
        ``tempo``, ``listening`` (system → its figures to its own music against those to other songs' beats),
        ``floor``, ``rows``.
    """
    from tempose.evaluation.page import write_page

    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    reference = reference or standing_pose()
    rows: list[Row] = []
    motions: dict[str, list[PoseSequence]] = {}
    samples: list[tuple[str, Dance, Path | None]] = []
    styles = {c.name: c.style for c in cases}

    for name, finished in _truth_dances(truths).items():
        motions[name] = [d.poses for _, d, _ in finished]
        rows += [figures.row(d, name, song, style, conventions) for song, d, style in finished]
    for name, finished in (extra or {}).items():
        motions[name] = [d.poses for _, d in finished]
        rows += [figures.row(d, name, song, None, conventions) for song, d in finished]
        samples += [(f"{name}: {song}", d, None) for song, d in finished[:4]]
    following: dict[str, Any] = {}
    listening: dict[str, list[dict]] = {}
    for name, generator in systems.items():
        folder = out / "dances" / _slug(name)

        def tell(done: int, total: int, what: str, system: str = name) -> None:
            if on_dance:
                on_dance(done, total, f"{system}: {what}")

        dances = dance_all(generator, cases, seeds, folder, reference, settings, tell)
        motions[name] = [d.poses for d in dances.values()]
        rows += [figures.row(d, name, song, styles[song], conventions) for (song, _), d in dances.items()]
        own = rows[-len(dances) :] if dances else []
        others = [
            figures.row(d, name + OTHER_MUSIC, song, styles[song], conventions)
            for (song, _), d in other_music(dances).items()
        ]
        if others:
            listening[name] = figures.compare(others, own, LISTENING)
            if name == next(iter(systems)):
                motions[name + OTHER_MUSIC] = motions[name]
                rows += others
        for case in cases:
            samples.append((f"{name}: {case.name}", dances[case.name, seeds[0]], case.path))
        if tempi:
            following[name] = _tempo(generator, cases, seeds[:1], folder, reference, settings, tempi, tell)

    table, floor = _table(rows, motions, truths)
    results = {
        "table": table,
        "ranking": figures.ranking(
            {s: {k: v["mean"] for k, v in t.items()} for s, t in table.items() if not s.endswith(OTHER_MUSIC)}
        ),
        "listening": listening,
        "tempo": following,
        "floor": floor,
        "systems": {n: g.revision for n, g in systems.items()},
        "seeds": list(seeds),
        "songs": [c.name for c in cases],
        "rows": rows,
    }
    _write(out, results)
    write_page(out / "index.html", results, samples[:SHEETS], videos=videos)
    return results


def _truth_dances(truths: Sequence[Truth]) -> dict[str, list[tuple[str, Dance, str | None]]]:
    held, train = ([t for t in truths if t.held_out == side] for side in (True, False))
    out = {}
    if held:
        out["truth"] = [(t.name, t.dance(), t.style) for t in held]
    if train:
        out["truth (train)"] = [(t.name, t.dance(), t.style) for t in train]
    mixing = held or train
    if len(mixing) > 1:
        out["shuffled"] = [(t.name, d, t.style) for t, d in zip(mixing, shuffled(mixing), strict=True)]
    return out


def _tempo(generator, cases, seeds, folder, reference, settings, tempi, tell) -> dict[str, Any]:
    """The tempo series and the splice of each song."""
    out: dict[str, Any] = {"series": {}, "splice": {}}
    for case in cases:
        series = tempo_cases(case, tempi)
        if len(series) >= 3:
            dances = dance_all(generator, [c for c, _ in series], seeds, folder, reference, settings, tell)
            made = [(target, dances[c.name, s]) for c, target in series for s in seeds]
            song = np.asarray([target for target, _ in made])
            dance = np.asarray([tempo.dance_tempo(d.poses)[0] for _, d in made])
            power = [tempo.beat_power(d.poses, d.beat_times) for _, d in made]
            out["series"][case.name] = {
                **tempo.tempo_following(song, dance),
                "slope_spectral": tempo.spectral_following(song, [d.poses for _, d in made]),
                "song_bpm": song.tolist(), "dance_bpm": dance.tolist(),
                **{k: float(np.mean([p[k] for p in power])) for k in power[0]},
            }  # fmt: skip
        spliced = splice_case(case)
        if spliced is not None:
            cut, change = spliced
            dances = dance_all(generator, [cut], seeds, folder, reference, settings, tell)
            answers = [tempo.tempo_change(d.poses, d.beat_times, change) for d in dances.values()]
            out["splice"][case.name] = {k: float(np.mean([a[k] for a in answers])) for k in answers[0]}
    return out


def _table(
    rows: list[Row], motions: dict[str, list[PoseSequence]], truths: Sequence[Truth]
) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, float]]:
    """The table, and what real motion scores against itself with as many windows."""
    held = [t.poses for t in truths if t.held_out] or [t.poses for t in truths]
    real, clips = kinetics.grouped_features([t.poses for t in truths], FEATURES)
    truth = kinetics.feature_set(held, FEATURES)
    features = {system: kinetics.feature_set(dances, FEATURES) for system, dances in motions.items()}
    # FID falls with the number of samples: every set is cut to the size of the smallest usable one
    size = min([len(f) for f in features.values() if len(f) >= SMALLEST_SET] + [len(truth)])
    table: dict[str, dict[str, dict[str, float]]] = {}
    for system in motions:
        own = [r for r in rows if r["system"] == system]
        line = {}
        for figure in FIGURES:
            if figure.name not in SET_FIGURES:
                line[figure.name] = vars(figures.estimate(own, figure.name))
        for name, value in figures.set_figures(features[system], truth, real, size).items():
            line[name] = vars(figures.Estimate(value, float("nan"), float("nan"), len(features[system])))
        for name, value in figures.tempo_over_songs(own).items():
            line[f"tempo_{name}"] = vars(figures.Estimate(value, float("nan"), float("nan"), len(own)))
        table[system] = line
    half = min(size, len(real) // 3)
    floor = kinetics.fid_floor(real, clips, size=half) if half >= 2 else float("nan")
    return table, {"fid_kinetic": floor, "windows": size, "floor_windows": half}


def _clean(value: Any) -> Any:
    """JSON knows no NaN: null."""
    if isinstance(value, dict):
        return {k: _clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def _write(out: Path, results: dict[str, Any]) -> None:
    part = out / "results.json.part"
    part.write_text(json.dumps(_clean(results), indent=1))
    part.replace(out / "results.json")
    rows = results["rows"]
    names = list(dict.fromkeys(k for r in rows for k in r))
    with (out / "rows.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


def load_results(folder: str | os.PathLike) -> dict[str, Any]:
    """The results of an earlier run."""
    path = Path(folder) / "results.json"
    try:
        results = json.loads(path.read_text())
        if not isinstance(results["rows"], list):
            raise TypeError
    except FileNotFoundError:
        raise TemposeError("results_missing", f"There is no evaluation in {folder}.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise TemposeError("results_unreadable", f"{path} is no evaluation.") from error
    return results
