"""The first stage: generate every dance to measure, once. A stopped run continues."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tempose.evaluation.cases import Case
from tempose.evaluation.real_motion import Truth, other_music, shuffled
from tempose.evaluation.study import Study
from tempose.generator import Generator
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence

OTHER_MUSIC = ", other music"
TRUTH, TRAIN, SHUFFLED = "truth", "truth (train)", "shuffled"

OnDance = Callable[[int, int, str], None]
"""Called with (done, all, what)."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One dance of one system.

    Parameters
    ----------
    system, song : str
    dance : Dance
    style, genre : str or None
        The requested style; the genre of the music.
    path : Path or None
        The song's file.
    """

    system: str
    song: str
    dance: Dance
    style: str | None = None
    genre: str | None = None
    path: Path | None = None


def generate(
    study: Study, folder: Path, cache: Path | None = None, on_dance: OnDance | None = None
) -> list[Sample]:
    """Generate all dances of a study, in the order of the table: real ones, finished ones, each system's.

    After each system come its dances to another song's beats, as ``NAME, other music``.

    Parameters
    ----------
    study : Study
    folder : path
        Dances go into ``dances/`` in it; existing ones are reused.
    cache : path, optional
        Used instead of `folder` for all systems but the first, whose dances do not depend on it.
    on_dance : callable, optional
    """
    samples = list(_real(study.real))
    for name, finished in study.finished.items():
        samples += [Sample(name, song, dance) for song, dance in finished]
    for name, generator in study.systems.items():
        dances = dance_all(
            generator, study.cases, study.seeds, system_folder(study, name, folder, cache), study.reference,
            study.settings, told_of(name, on_dance),
        )  # fmt: skip
        cases = {case.name: case for case in study.cases}
        for system, made in ((name, dances), (name + OTHER_MUSIC, other_music(dances))):
            for (song, _), dance in made.items():
                case = cases[song]
                samples.append(Sample(system, song, dance, case.style, case.genre, case.path))
    return samples


def system_folder(study: Study, system: str, folder: Path, cache: Path | None = None) -> Path:
    """Where a system's dances are kept."""
    return (folder if cache is None or system == study.first else cache) / "dances" / slug(system)


def told_of(system: str, on_dance: OnDance | None) -> OnDance | None:
    """`on_dance` with the system's name in front of the song's."""
    if on_dance is None:
        return None
    return lambda done, total, what: on_dance(done, total, f"{system}: {what}")


def _real(truths: Sequence[Truth]) -> Iterator[Sample]:
    sides = [t for t in truths if t.held_out], [t for t in truths if not t.held_out]
    for system, side in zip((TRUTH, TRAIN), sides, strict=True):
        for truth in side:
            yield Sample(system, truth.name, truth.dance(), truth.style)
    mixing = sides[0] or sides[1]
    if len(mixing) > 1:
        for truth, dance in zip(mixing, shuffled(mixing), strict=True):
            yield Sample(SHUFFLED, truth.name, dance, truth.style)


def slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text)[:100]


def _kept(path: Path) -> Dance | None:
    try:
        return Dance.load(path) if path.is_file() else None
    except TemposeError:
        return None


def dance_all(
    generator: Generator,
    cases: Sequence[Case],
    seeds: Sequence[int],
    folder: Path,
    reference: PoseSequence,
    settings: Mapping[str, Any] | None = None,
    on_dance: OnDance | None = None,
) -> dict[tuple[str, int], Dance]:
    """Dance each case with each seed; dances in the folder that were made from the same input are kept.

    An unreadable file (a full disk, an interrupted copy) is made again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pose = hashlib.sha256(reference.keypoints.tobytes() + reference.scores.tobytes()).hexdigest()
    out, done = {}, 0
    for case in cases:
        for seed in seeds:
            facts = [generator.revision, case.key, seed, pose, sorted((settings or {}).items())]
            key = hashlib.sha256(json.dumps(facts, default=_plain).encode()).hexdigest()[:12]
            path = folder / f"{slug(case.name)}-s{seed}-{key}.npz"
            dance = _kept(path)
            if dance is None:
                generator(case.song, case.request(reference, seed, **(settings or {}))).save(path)
                dance = Dance.load(path)
            out[case.name, seed] = dance
            done += 1
            if on_dance:
                on_dance(done, len(cases) * len(seeds), case.name)
    return out


def _plain(value: Any) -> Any:
    """The input of a dance as JSON: arrays by their bytes, curves and the like by their fields."""
    if isinstance(value, np.ndarray):
        return hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
    if is_dataclass(value):
        return {f.name: getattr(value, f.name) for f in fields(value)}
    return dict(value) if isinstance(value, Mapping) else str(value)
