"""How good is the beat grid? Our tracker and plain librosa, on songs with known beats and on recordings.

Songs are rendered (`beat_songs`), figures are mir_eval's (`beat_figures`). Recordings come without known beats;
there only plausibility is measured, and agreement of the two trackers.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tempose.evaluation.beat_figures import HOP, Row, calibration, plausibility, scores, table
from tempose.evaluation.beat_songs import KINDS, SongKind, rendered
from tempose.music import spectra
from tempose.music.audio import Song
from tempose.music.beats import track_beats
from tempose.music.compiled import compile_once
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.grid import BeatGrid

AUDIO = (".wav", ".flac", ".ogg", ".mp3")


def librosa_beats(samples: np.ndarray) -> BeatGrid:
    """librosa's default beats; it gives neither downbeats nor a confidence."""
    compile_once()
    import librosa

    _, beats = librosa.beat.beat_track(y=np.asarray(samples), sr=SAMPLE_RATE, hop_length=HOP, units="time")
    return BeatGrid(np.unique(np.asarray(beats, float)), np.zeros(0), float("nan"))


TRACKERS: dict[str, Callable[[np.ndarray], BeatGrid]] = {"tempose": track_beats, "librosa": librosa_beats}


def evaluate_beats(
    data: str | os.PathLike,
    out: str | os.PathLike,
    *,
    songs: int = 2,
    seconds: float = 30.0,
    kinds: Sequence[SongKind] = KINDS,
    on_song: Callable[[int, int, str], None] | None = None,
) -> dict[str, Any]:
    """Measure the trackers and write ``beats.json``, ``beats.csv`` and ``beats.html`` into a folder.

    Each song's figures are stored in ``songs.jsonl`` at once, so a stopped run can continue. Another tracker,
    length or data folder starts anew.

    Parameters
    ----------
    data : path
        Samples to render songs from; recordings in ``music/``, if there are any.
    out : path
    songs : int
        Rendered songs of each kind and tempo.
    seconds : float
        Length of rendered songs; of recordings, at most two minutes are used.
    kinds : sequence of SongKind
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


def _asked_for(kind: str, name: str, songs: int, kinds: Sequence[SongKind]) -> bool:
    """Whether a stored song belongs to this run: of a requested kind, and not a take too many."""
    chosen = next((k for k in kinds if k.name == kind), None)
    return chosen is not None and int(name.rpartition(" ")[2]) < (songs if chosen.tempi else 4 * songs)


def _tracker_digest() -> str:
    """A digest that changes with anything that may change a grid."""
    digest = hashlib.sha256()
    for path in sorted(p for stem in ("beat*", "bars*") for p in Path(spectra.__file__).parent.glob(stem)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


class _Store:
    """Figures measured so far: a JSON line for each song, after one that describes the run."""

    def __init__(self, path: Path, facts: list[Any]):
        self.path, self.songs, self.recordings = path, {}, {}
        lines = []
        if path.is_file():
            with suppress(ValueError):  # a truncated last line is measured again
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
