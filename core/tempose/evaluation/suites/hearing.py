"""Does the dance hear its own sound? Another song's sound on the same beats, a quiet half, silence, and matching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tempose.evaluation.cases import Case
from tempose.evaluation.tables import PageSection, number, numbers
from tempose.evaluation.trial import Trial, mean
from tempose.metrics import response
from tempose.music.audio import Song
from tempose.music.features import LISTENED
from tempose.music.spectra import FPS, SAMPLE_RATE
from tempose_pose.dance import Dance

QUIET_DB = -25.0
SILENT_BARS = 4
BEATS_TO_REST = 2  # after which a silence should stand still


def hearing(trial: Trial) -> dict[str, Any]:
    """The effect of the sound alone, with the beats fixed.

    Returns
    -------
    dict
        ``songs``: song → ``swapped`` (change by the next song's sound over that by another seed), ``quiet``
        (speed in a second half at `QUIET_DB` over that of the same half as it is), ``silent`` (likewise in
        `SILENT_BARS` bars of silence, after `BEATS_TO_REST` beats), ``beats_to_rest``; ``matcher`` (see
        `response.whose_sound`); ``summary``: means over songs, and ``named`` of ``of``.
    """
    cases, seed = [steady(case) for case in trial.cases], trial.seeds[0]
    lines = {}
    for case, other in zip(cases, [*cases[1:], cases[0]], strict=True):
        own = _danced(trial, case, seed)
        line = _quiet_and_silent(trial, case, own, seed)
        if other is not case:
            swapped = _danced(trial, with_sound(case, other), seed)
            again = _danced(trial, case, seed + 1)
            change = response.distance(own.poses, swapped.poses)
            line["swapped"] = change / max(response.distance(own.poses, again.poses), 1e-9)
        lines[case.name] = line
    found = {"songs": lines, "matcher": _matcher(trial, cases, seed)}
    names = ("swapped", "quiet", "silent", "beats_to_rest")
    summary = {name: mean([line.get(name, float("nan")) for line in lines.values()]) for name in names}
    return {**found, "summary": {**summary, "named": found["matcher"].get("named"), "of": len(cases)}}


def steady(case: Case) -> Case:
    """The case with its grid fixed, so that a change of the sound does not move the beats."""
    return replace(case, grid=case.beats)


def with_sound(case: Case, other: Case) -> Case:
    """The case with another song's sound, repeated as needed, on its own beats."""
    name = f"{case.name} with the sound of {other.name}"
    return replace(case, name=name, song=Song(np.resize(other.song.samples, len(case.song.samples))))


def louder(case: Case, name: str, start: float, stop: float, decibels: float) -> Case:
    """The case with a part, in song seconds, at another level; minus infinity is silence."""
    samples = case.song.samples.copy()
    samples[round(start * SAMPLE_RATE) : round(stop * SAMPLE_RATE)] *= 10 ** (decibels / 20)
    return replace(case, name=f"{case.name}, {name}", song=Song(samples))


def _danced(trial: Trial, case: Case, seed: int) -> Dance:
    return trial.dance([case], seeds=(seed,))[case.name, seed]


def _quiet_and_silent(trial: Trial, case: Case, own: Dance, seed: int) -> dict[str, float]:
    half, end = case.seconds / 2, case.seconds
    quiet = _danced(trial, louder(case, "half quiet", half, end, QUIET_DB), seed)
    first = case.beats.beats[case.beats.beats >= half]
    if len(first) < BEATS_TO_REST + 2:
        return {"quiet": _ratio(quiet, own, half + 1, end)}
    beat = float(np.median(np.diff(case.beats.beats)))
    start, stop = float(first[0]), min(float(first[0]) + 4 * SILENT_BARS * beat, end)
    silent = _danced(trial, louder(case, "silent bars", start, stop, -np.inf), seed)
    return {
        "quiet": _ratio(quiet, own, half + 1, end),
        "silent": _ratio(silent, own, start + BEATS_TO_REST * beat, stop),
        "beats_to_rest": response.seconds_to_rest(silent.poses, start, stop) / beat,
    }


def _ratio(changed: Dance, own: Dance, start: float, stop: float) -> float:
    speed = response.speed_between(own.poses, start, stop)
    return response.speed_between(changed.poses, start, stop) / max(speed, 1e-9)


def _matcher(trial: Trial, cases: Sequence[Case], seed: int) -> dict[str, float]:
    """Match dances to all songs' sounds on the first one's beats."""
    if len(cases) < 2:
        return {}
    first = cases[0]
    dances, sounds = [], []
    for other in cases:
        case = first if other is first else with_sound(first, other)
        dance = _danced(trial, case, seed)
        beats = dance.beat_times
        listened = case.song.features
        columns = [listened[:, LISTENED[name]][:, 0] for name in ("loudness", "onset")]
        dances.append(response.speed_and_stops(dance.poses, beats))
        sounds.append(tuple(response.by_beat(column, FPS, beats) for column in columns))
    return response.whose_sound(dances, sounds)


def show(found: dict[str, Any]) -> PageSection:
    """The section: system → what `hearing` returned."""
    columns = {
        "swapped": ("another sound over another seed", 2), "quiet": (f"speed at {QUIET_DB:.0f} dB", 2),
        "silent": ("speed in silence", 2), "beats_to_rest": ("beats until at rest", 1),
    }  # fmt: skip
    lines = []
    for system, suite in found.items():
        s = suite["summary"]
        lines += [(f"{system}: {song}", line) for song, line in suite["songs"].items()]
        named = f"the matcher names {number(s['named'], 0)} of {s['of']} songs by the dance (by chance 1)"
        lines.append((f"{system}: all; {named}", s))
    note = "The beats are the same throughout: whatever differs comes from the sound alone."
    return PageSection("Hearing", note, numbers(lines, columns))
