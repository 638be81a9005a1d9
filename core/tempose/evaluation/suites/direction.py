"""Does the dance follow directions: curves over the timeline, and sections that return?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from tempose.evaluation.cases import Case
from tempose.evaluation.suites.hearing import steady
from tempose.evaluation.tables import PageSection, numbers
from tempose.evaluation.trial import Trial, mean
from tempose.metrics import motion, response
from tempose.metrics.curves import in_body_heights, mean_speed
from tempose.music.audio import Song
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.curves import Curve
from tempose_pose.dance import Dance
from tempose_pose.form import Section
from tempose_pose.grid import BeatGrid
from tempose_pose.sequence import PoseSequence

BAR = 4
LONGEST = 24.0  # seconds of a dance to a curve
REPEATS = (1.0, 0.8, 0.6, 0.3, 0.0)
PHRASE = 16  # beats of a section that returns twice


def _hips(poses: PoseSequence) -> np.ndarray:
    """(T, 2) the hips' middle in body heights."""
    points = in_body_heights(poses)
    return points[:, [poses.skeleton.index("left_hip"), poses.skeleton.index("right_hip")]].mean(1)


def _frontal(poses: PoseSequence) -> np.ndarray:
    """How far (T,) left shoulder and hip are to the right in the picture, as for a figure that faces the viewer."""
    points, at = in_body_heights(poses), poses.skeleton.index
    left, right = ([at(f"{side}_shoulder"), at(f"{side}_hip")] for side in ("left", "right"))
    return (points[:, left, 0] - points[:, right, 0]).sum(1)


# Curve → the requested range, and how to read it off the dance.
READERS: dict[str, tuple[float, float, Callable[[PoseSequence], np.ndarray]]] = {
    "energy": (-1.5, 1.2, lambda poses: mean_speed(in_body_heights(poses), poses.fps)),
    "level": (-0.3, 0.05, lambda poses: -_hips(poses)[:, 1]),
    "path": (-0.25, 0.25, lambda poses: _hips(poses)[:, 0]),
    "facing": (0.0, 1.0, _frontal),
    "zoom": (-0.25, 0.25, response.apparent_size),
}


def direction(trial: Trial) -> dict[str, Any]:
    """How closely curves are followed, bar by bar, and how alike returning sections are danced.

    Returns
    -------
    dict
        ``curves``: name → correlation over bars, mean over songs; ``repeat``: requested likeness → ``distance`` of
        returning sections from the first, relative to another seed's, and ``seam`` (largest step at a seam relative
        to the dance's own 95th percentile); ``summary``: both, flat.
    """
    cases, seed = [steady(case) for case in trial.cases], trial.seeds[0]
    followed = {name: mean([_followed(trial, case, name, seed) for case in cases]) for name in READERS}
    phrases = [c for c in (returning(case) for case in cases) if c is not None]
    repeated = {}
    for repeat in REPEATS if phrases else ():
        lines = [_returned(trial, case, sections, repeat, seed) for case, sections in phrases]
        repeated[f"{repeat:g}"] = {
            name: mean([line[name] for line in lines]) for name in ("distance", "seam")
        }
    summary = {
        **{f"{name}_followed": value for name, value in followed.items()},
        **{f"repeat_{name}": line["distance"] for name, line in repeated.items()},
    }
    return {"curves": followed, "repeat": repeated, "summary": summary}


def _followed(trial: Trial, case: Case, name: str, seed: int) -> float:
    """Correlation over bars between a curve of random steps and the dance."""
    case = replace(case, name=f"{case.name}, {name}", seconds=min(case.seconds, LONGEST))
    low, high, read = READERS[name]
    bars = case.beats.beats[::BAR]
    bars = bars[(bars > 0) & (bars < case.seconds)]
    if len(bars) < 4:
        return float("nan")
    asked = np.random.default_rng(seed).uniform(low, high, len(bars) - 1)
    times = np.column_stack([bars[:-1], bars[1:] - 0.05]).ravel()
    dance = trial.dance([case], seeds=(seed,), curves={name: Curve(times, np.repeat(asked, 2))})
    values = read(dance[case.name, seed].poses)
    shown = response.by_beat(values, dance[case.name, seed].poses.fps, bars)
    return response.correlation(np.log(np.maximum(shown, 1e-6)) if name == "energy" else shown, asked)


def returning(case: Case) -> tuple[Case, tuple[Section, ...]] | None:
    """The song's first sixteen beats from a downbeat, three times, with these as its form."""
    grid = case.beats
    first = int(np.searchsorted(grid.beats, grid.downbeats[0] - 1e-6)) if len(grid.downbeats) else 0
    if len(grid.beats) < first + PHRASE + 1:
        return None
    start, stop = float(grid.beats[first]), float(grid.beats[first + PHRASE])
    length = round((stop - start) * SAMPLE_RATE)
    samples = np.tile(case.song.samples[round(start * SAMPLE_RATE) :][:length], 3)
    seconds = len(samples) / SAMPLE_RATE
    once = grid.beats[first : first + PHRASE] - start
    beats = (once + seconds / 3 * np.arange(3)[:, None]).ravel()
    sections = tuple(Section(seconds / 3 * i, seconds / 3 * (i + 1), "A") for i in range(3))
    name = f"{case.name}, returning"
    return Case(name, Song(samples), seconds, grid=BeatGrid(beats, beats[::BAR]), style=case.style), sections


def _returned(
    trial: Trial, case: Case, sections: tuple[Section, ...], repeat: float, seed: int
) -> dict[str, float]:
    def danced(seed: int, repeat: float) -> Dance:
        return trial.dance([case], seeds=(seed,), sections=sections, repeat=repeat)[case.name, seed]

    own, other = danced(seed, repeat), danced(seed + 1, 0.0)
    first, length = sections[0], sections[0].stop - sections[0].start

    def apart(dance: Dance) -> float:
        return mean(
            [response.distance(own.poses, dance.poses, (s.start, first.start), length) for s in sections[1:]]
        )

    return {"distance": apart(own) / max(apart(other), 1e-9), "seam": motion.evaluate(own)["seam_ratio"]}


def show(found: dict[str, Any]) -> PageSection:
    """The section: system → what `direction` returned."""
    columns = {
        **{f"{name}_followed": (f"{name} followed", 2) for name in READERS},
        **{f"repeat_{repeat:g}": (f"repeat {repeat:g}", 2) for repeat in REPEATS},
    }
    lines = [(system, suite["summary"]) for system, suite in found.items()]
    note = (
        "Curves of random steps, bar by bar: correlation with what is danced. Sixteen beats three times: distance "
        "of the later ones from the first, over that from another seed's dance."
    )
    return PageSection("Direction", note, numbers(lines, columns))
