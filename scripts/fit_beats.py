"""Fit and measure the counting of beats and bars, and its confidence: python scripts/fit_beats.py DATA --cache FOLDER

The two networks (`music.beat_ears`) are not changed. Their output for each song is cached, so that fitting and
measuring take seconds once all songs have been heard. Songs are rendered from drum takes that training never saw:

- *fit*: `train_beats.song` with other seeds, without rhythms that training has not seen.
- *report*: the songs of ``tempose evaluate-beats --songs 1``, on which nothing is fitted.
- *recordings*: sounds from any folder, with their beats in a .json of the same name beside them, as
`make_validation_songs` writes them; nothing is fitted on them either.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize

from tempose.datasets.synth import SampleLibrary
from tempose.evaluation.beat_figures import calibration, scores
from tempose.evaluation.beat_songs import KINDS, rendered
from tempose.music import beat_levels, beat_octave, beat_path, beat_places, beats
from tempose.music.audio import Song
from tempose.music.beat_ears import Heard, hear
from tempose.music.beats import Count, bars_of, count_of, gridded, likeliest, sounding
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.grid import BeatGrid

SEEDS, SPLIT = 50_000_000, "validation"  # of songs to fit on: training has other seeds and other drum takes
LONGEST = 100  # most seconds of a recording to use
AGREES, RIGHT = 0.7, 0.8  # CMLt of a correct reading; F-measure of a correct grid
RIDGE, FOLDS = 0.02, 5


@dataclass(frozen=True)
class Listened:
    """A song as the networks hear it, and its true grid."""

    kind: str
    name: str
    bpm: float
    heard: Heard
    seconds: float
    sounding: tuple[float, float]
    true: BeatGrid


def listened(cache: Path, kind: str, name: str, make: Callable[[], tuple | None]) -> Listened:
    """The networks' output for a song; `make` renders it if that is not cached."""
    path = cache / f"{name}.npz"
    if not path.is_file() and (made := make()):
        samples, true = made
        heard = hear(samples)
        cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.savez(
                file, own=heard.own.astype(np.float32), other=heard.other.astype(np.float32),
                pitches=heard.pitches.astype(np.float16),
                seconds=len(samples) / SAMPLE_RATE, sounding=sounding(samples), beats=true.beats,
                downbeats=true.downbeats,
            )  # fmt: skip
        part.replace(path)
    with np.load(path) as f:
        true = BeatGrid(f["beats"], f["downbeats"])
        bpm = 60 / float(np.median(np.diff(true.beats))) if len(true.beats) > 1 else 0.0
        heard = Heard(f["own"].astype(float), f["other"].astype(float), f["pitches"].astype(float))
        first, last = f["sounding"].tolist()
        return Listened(kind, name, bpm, heard, float(f["seconds"]), (first, last), true)


def songs_to_fit(data: Path, cache: Path, songs: int) -> Iterator[Listened]:
    """Songs of `train_beats.song`, and an eighth as many sounds without a beat."""
    import train_beats

    library = SampleLibrary(data)
    for seed in range(SEEDS, SEEDS + songs):
        yield listened(cache, "any", f"song {seed}", lambda seed=seed: train_beats.song(seed, library, SPLIT))
    for seed in range(SEEDS, SEEDS + songs // 8):

        def made(seed: int = seed) -> tuple:
            return train_beats.sound_without_beat(np.random.default_rng(seed), library), BeatGrid(np.zeros(0))

        yield listened(cache, "no beat", f"no beat {seed}", made)


def songs_of_report(data: Path, cache: Path) -> Iterator[Listened]:
    """The songs of ``tempose evaluate-beats --songs 1``."""
    kept = {path.stem for path in cache.glob("*.npz")}
    for kind, name, _, samples, true in rendered(data, 1, 30.0, KINDS, kept):
        listened(cache, kind, name, lambda samples=samples, true=true: (samples, true))
    order = [kind.name for kind in KINDS]
    for path in sorted(cache.glob("*.npz"), key=lambda p: order.index(kind_of(p.stem))):
        yield listened(cache, kind_of(path.stem), path.stem, lambda: None)


def kind_of(name: str) -> str:
    """``"no drums 90 house 0"`` → ``"no drums"``, ``"no beat 3"`` → ``"no beat"``."""
    return name.rsplit(" ", 1 if name.startswith("no beat") else 3)[0]


def recordings(folder: Path, cache: Path) -> Iterator[Listened]:
    """Sounds of a folder with their true beats beside them."""
    for notes in sorted(folder.glob("*.json")):
        true = json.loads(notes.read_text("utf-8"))
        sound = next(p for p in sorted(folder.glob(f"{notes.stem}.*")) if p.suffix != ".json")

        def made(sound: Path = sound, true: dict = true) -> tuple:
            samples = Song.load(sound).samples[: LONGEST * SAMPLE_RATE]
            return samples, BeatGrid(np.array(true["beats"]), np.array(true["downbeats"]))

        yield listened(cache, "recordings", notes.stem, made)


def count_kept(cache: Path, song: Listened) -> Count | None:
    """`count_of`, cached while the counting code is the same."""
    code = b"".join(
        Path(str(m.__file__)).read_bytes() for m in (beats, beat_levels, beat_octave, beat_path, beat_places)
    )
    path = cache / f"counts {hashlib.sha256(code).hexdigest()[:12]}" / f"{song.name}.pickle"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(count_of(song.heard, song.seconds)))
    return pickle.loads(path.read_bytes())


def within(true: BeatGrid, grid: BeatGrid) -> BeatGrid:
    """The true beats within a grid's range: charts of recordings continue where nothing sounds."""
    first, last = grid.beats[0] - 0.3, grid.beats[-1] + 0.3
    beats_there, bars_there = (t[(t >= first) & (t <= last)] for t in (true.beats, true.downbeats))
    return BeatGrid(beats_there, bars_there)


def example_of(song: Listened, count: Count) -> tuple[np.ndarray, np.ndarray] | None:
    """Evidence (R, E) of a song's readings, and the share (R,) of each in being right; None if none is."""
    agree = np.array([scores(song.true, BeatGrid(r.beats))["cmlt"] for r in count.readings])
    if len(agree) < 2 or agree.max() <= AGREES:
        return None
    share = np.exp(15 * (agree - agree.max()))
    return np.array([r.evidence for r in count.readings]), share / share.sum()


def fit_readings(found: list[tuple[np.ndarray, np.ndarray] | None]) -> dict[str, float]:
    """A conditional logit: the reading that agrees best with the true beats against the others of its song."""
    examples = [example for example in found if example]
    spread = np.concatenate([x for x, _ in examples]).std(0) + 1e-6

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        value, slope = 0.5 * RIDGE * float(w @ w), RIDGE * w
        for x, share in examples:
            z = (x / spread) @ w
            p = np.exp(z - z.max())
            value += (z.max() + np.log(p.sum()) - share @ z) / len(examples)
            slope = slope + (x / spread).T @ (p / p.sum() - share) / len(examples)
        return value, slope

    w = minimize(loss, np.zeros(len(spread)), jac=True, method="L-BFGS-B").x / spread
    return dict(zip(beat_levels.EVIDENCE, w.round(3).tolist(), strict=True))


def fit_bars(songs: list[tuple[Listened, Count]]) -> dict[str, float]:
    """The weights of each network and of the harmony with which most bars are right."""
    beats_of = [
        (song, count, grid.beats) for (song, grid), (_, count) in zip(grids(songs), songs, strict=True)
    ]
    best, most = {}, -1.0
    for other, chords in itertools.product((0.0, 0.1, 0.2, 0.3, 0.4, 0.5), (0.0, 1.0, 1.5, 2.0, 2.5, 3.0)):
        tried = {"own": round(1 - other, 1), "other": other, "chords": chords}
        right = [
            scores(song.true, BeatGrid(t, t[bars_of(t, count, song.heard, song.sounding, tried)]))[
                "downbeat_f"
            ]
            for song, count, t in beats_of
        ]
        if np.mean(right) > most:
            best, most = tried, float(np.mean(right))
    return best


def fit_confidence(songs: list[tuple[Listened, Count]]) -> dict[str, float]:
    """A logistic regression of F above 0.8, times the certainty of the reading and its coverage."""
    known, right, rows = [], [], []
    for song, count in songs:
        found, certainty = likeliest(count, song.heard)
        curve, (begin, end) = song.heard.probability[:, 0], song.sounding
        known.append(certainty * beat_octave.covered(found, end - begin))
        rows.append([beat_octave.height_of(found, curve), 1.0])
        right.append(scores(song.true, BeatGrid(found))["f"] > RIGHT)
    known, x, y = np.array(known), np.array(rows), np.array(right, float)

    def loss(w: np.ndarray) -> float:
        p = np.clip(known * beat_octave.probability(x @ w), 1e-3, 1 - 1e-3)
        return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)) + 0.002 * w @ w)

    w = minimize(loss, np.array([1.0, 0.0]), method="BFGS").x
    return dict(zip(("height", "all"), w.round(3).tolist(), strict=True))


def grids(songs: list[tuple[Listened, Count]]) -> Iterator[tuple[Listened, BeatGrid]]:
    for song, count in songs:
        yield song, gridded(count, song.heard, song.seconds, song.sounding)


def report(title: str, songs: list[tuple[Listened, Count]], each: bool) -> None:
    """Print a line for each kind, and for each song (or each wrong one)."""
    rows = []
    for song, grid in grids(songs):
        true = within(song.true, grid) if song.kind == "recordings" else song.true
        rows.append({"kind": song.kind, "bpm": song.bpm, "confidence": grid.confidence, **scores(true, grid)})
        if each or (song.bpm and rows[-1]["cmlt"] < AGREES):
            told = " ".join(
                f"{k} {rows[-1][k]:.2f}" for k in ("cmlt", "amlt", "f", "downbeat_f", "confidence")
            )
            print(f"  {song.name[:32]:32} {song.bpm:5.1f} → {grid.bpm:5.1f}  {told}")
    print(title)
    for kind in [*dict.fromkeys(r["kind"] for r in rows), "all"]:
        here = [r for r in rows if kind in (r["kind"], "all") and (r["bpm"] or kind == "no beat")]
        means = [
            float(np.mean([r[k] for r in here])) for k in ("cmlt", "amlt", "f", "downbeat_f", "confidence")
        ]
        print(f"{kind:16} {len(here):4} CMLt {means[0]:.3f} AMLt {means[1]:.3f} F {means[2]:.3f} "
              f"downbeats {means[3]:.3f} confidence {means[4]:.2f}")  # fmt: skip
    measured = calibration(np.array([r["confidence"] for r in rows]), np.array([r["f"] for r in rows]))
    shares = ", ".join(f"{b['low']}–{b['high']}: {b['good']:.0%} of {b['count']}" for b in measured["bins"])
    print(f"confidence: error {measured['error']:.3f}, AUC {measured['auc']:.2f}; right at {shares}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="samples and drum takes")
    parser.add_argument("--cache", type=Path, required=True, help="folder for what is heard")
    parser.add_argument("--songs", type=int, default=240, help="songs to fit on")
    parser.add_argument("--recordings", type=Path, help="folder of sounds with their beats, to measure on")
    parser.add_argument("--measure", action="store_true", help="fit nothing, measure what is there")
    parser.add_argument("--each", action="store_true", help="tell every song")
    parser.add_argument("-o", "--output", type=Path, default=beat_levels.WEIGHTS)
    args = parser.parse_args()
    torch.set_num_threads(1)

    def counts(name: str, songs: Iterator[Listened]) -> list[tuple[Listened, Count]]:
        folder = args.cache / name
        return [(s, count) for s in songs if (count := count_kept(folder, s))]

    if not args.measure:
        own = counts("fit", songs_to_fit(args.data, args.cache / "fit", args.songs))
        with_beat = [(s, c) for s, c in own if len(s.true.beats)]
        fitted = beat_levels.odds()
        examples, held = [example_of(s, c) for s, c in with_beat], []
        for k in range(FOLDS):
            fitted["reading"] = fit_readings([e for i, e in enumerate(examples) if i % FOLDS != k])
            held += list(grids([pair for i, pair in enumerate(with_beat) if i % FOLDS == k]))
        agree = np.mean([scores(song.true, grid)["cmlt"] for song, grid in held])
        print(f"fit: CMLt {agree:.3f} of {len(held)} songs, each left out of what was fitted")
        fitted["reading"] = fit_readings(examples)
        fitted["bar"] = fit_bars(with_beat)
        fitted["confidence"] = fit_confidence(own)
        args.output.write_text(json.dumps(fitted, indent=1) + "\n", "utf-8")
        print(json.dumps(fitted))
    report("report", counts("report", songs_of_report(args.data, args.cache / "report")), args.each)
    if args.recordings:
        report(
            "recordings", counts("recordings", recordings(args.recordings, args.cache / "recordings")), True
        )


if __name__ == "__main__":
    main()
