"""Does the motion keep the beat? Alignment of motion beats with music beats, and what chance gives.

Convention
----------
A *motion beat* is a strict local minimum of the joints' smoothed mean speed (limbs pause or turn there). A
score of 1 means every beat falls on its partner, ``exp(-d² / (2 sigma²))`` with d the distance in time. Two
directions:

- ``bas`` (per *music* beat): how many of the music's beats are danced. Punishes missed beats.
- ``mm_align`` (per *motion* beat): how many of the dancer's stops lie on a beat. Punishes extra stops.

**Neither means anything alone.** White noise reaches a bas of 0.28 in Bailando's own code, more than most published
systems; so each comes with its chance level: the same motion against the same beats, circularly shifted in time,
averaged over many shifts. ``beat_lock`` is the excess, ``bas - bas_chance``: 0 for any motion that does not know
where the beat is.

Default (``"time"``): everything in seconds, smoothing 83 ms, sigma 50 ms, a speed sample dated at the middle
of the two frames it was measured between.

Peers' conventions by name, for comparison with their figures (`CONVENTIONS`). They were written for 60
frames per second; the motion is resampled to the rate the name implies. Sources: Li et al., *AI
Choreographer*, ICCV 2021 (FACT); Siyao et al., *Bailando*, CVPR 2022; Tseng et al., *EDGE*, CVPR 2023;
DabFusion, 2024.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import argrelextrema

from tempose.metrics import curves
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence

SHIFTS = 100
MIN_SHIFTS = 20


@dataclass(frozen=True)
class Convention:
    """How a beat score is computed.

    Parameters
    ----------
    source : str
        Where it comes from, and what is our reading where the source says nothing.
    direction : str
        ``"music"`` (mean over music beats) or ``"motion"`` (mean over motion beats).
    rate : float or None
        Frames per second to which the motion is resampled first; None keeps its own.
    smoothing : float
        Sigma of the Gaussian over the speed curve, seconds; 0 for none.
    order : int
        Samples on either side a minimum must undercut.
    sigma : float
        Width of the kernel, seconds.
    frames : bool
        True: times are whole frames, a minimum is dated by its index as the peers' code does (half a frame
        early, or late).
    lead : bool
        True: the speed curve begins with a 0 for frame 0 (FACT), so that index i is the step into frame i.
    total : bool
        Sum over joints in place of the mean.
    """

    source: str
    direction: str = "music"
    rate: float | None = None
    smoothing: float = 5 / 60
    order: int = 1
    sigma: float = 0.05
    frames: bool = False
    lead: bool = False
    total: bool = False


_FACT = {"direction": "motion", "smoothing": 0.0, "order": 10, "frames": True, "lead": True, "total": True}

CONVENTIONS: dict[str, Convention] = {
    "time": Convention("ours: seconds, half-frame correct"),
    "bailando": Convention("Bailando's code at its 60 fps", rate=60, frames=True),
    "bailando30": Convention(
        "the same constants in frames at 30 fps, as LODGE, MEGADance, FlowerDance and Duolando run it: twice "
        "the tolerance, twice the smoothing",
        rate=30,
        smoothing=5 / 30,
        sigma=3 / 30,
        frames=True,
    ),
    "edge": Convention(
        "EDGE published no code for its beat score; read here as Bailando's form on its 30 fps motion with "
        "the constants scaled to time",
        rate=30,
        frames=True,
    ),
    "fact": Convention("FACT's code at its 60 fps", rate=60, **_FACT),
    "fact30": Convention(
        "FACT's constants in frames at 30 fps, as POPDG runs it", rate=30, sigma=3 / 30, **_FACT
    ),
    "dabfusion": Convention(
        "2D-MM Align: FACT's formula on 2D keypoints; sigma, unit, detector are unpublished: FACT's",
        rate=60,
        **_FACT,
    ),
    "motius": Convention("Motius (2026): Bailando's form through time, dated by frame index", frames=True),
}


def convention(name: str) -> Convention:
    """The convention of that name; raises `TemposeError` naming the known ones."""
    if name not in CONVENTIONS:
        raise TemposeError("convention_unknown", f"Known beat conventions: {', '.join(CONVENTIONS)}.")
    return CONVENTIONS[name]


def validate(poses: PoseSequence, beats: np.ndarray) -> np.ndarray:
    """Check motion and beats; returns the beats as a float array.

    Raises
    ------
    TemposeError
        Fewer than four frames, nobody visible, or beats that are not finite rising seconds. No beats at all are
        allowed (every score is then 0).
    """
    curves.validate(poses)
    try:
        beats = np.atleast_1d(np.asarray(beats, float))
    except (TypeError, ValueError):
        raise TemposeError("metrics_beats", "Beats must be seconds.") from None
    if beats.ndim != 1 or not np.isfinite(beats).all() or (np.diff(beats) <= 0).any():
        raise TemposeError("metrics_beats", "Beats must be finite seconds that rise strictly.")
    return beats


def motion_beats(poses: PoseSequence, convention: Convention = CONVENTIONS["time"]) -> np.ndarray:
    """(M,) seconds of the motion's beats."""
    if convention.rate:
        poses = curves.resampled(poses, convention.rate)
    speed = curves.mean_speed(curves.in_body_heights(poses, 1.0), poses.fps, convention.total)
    if convention.lead:
        speed = np.concatenate([[0.0], speed])
    if convention.smoothing:
        speed = gaussian_filter1d(speed, convention.smoothing * poses.fps)
    index = argrelextrema(speed, np.less, order=convention.order)[0]  # strict, never first or last
    if convention.frames:
        return index / poses.fps
    left, here, right = speed[index - 1], speed[index], speed[index + 1]
    vertex = (left - right) / (2 * (left - 2 * here + right))  # of the parabola through the three, ±½
    return (index + 0.5 + vertex) / poses.fps


def alignment(beats: np.ndarray, partners: np.ndarray, sigma: float = 0.05) -> float:
    """Mean over `beats` of the kernel of the distance to the nearest of `partners`; 0 if either is empty."""
    beats, partners = np.asarray(beats, float), np.asarray(partners, float)
    if beats.size == 0 or partners.size == 0:
        return 0.0
    distance = _nearest(beats, partners)
    return float(np.exp(-(distance**2) / (2 * sigma**2)).mean())


def _nearest(times: np.ndarray, partners: np.ndarray) -> np.ndarray:
    after = np.searchsorted(partners, times).clip(1, max(len(partners) - 1, 1))
    before = partners[after - 1]
    after = partners[np.minimum(after, len(partners) - 1)]
    return np.minimum(np.abs(times - before), np.abs(times - after))


def shifted(beats: np.ndarray, seconds: float, shifts: int = SHIFTS, seed: int = 0) -> list[np.ndarray]:
    """The beats circularly shifted within the clip by `shifts` random distances, spread evenly over its length."""
    if shifts < MIN_SHIFTS:
        raise TemposeError("metrics_shifts", f"A chance level needs {MIN_SHIFTS} shifts or more.")
    by = (np.arange(shifts) + np.random.default_rng(seed).random(shifts)) / shifts * seconds
    return [np.sort((beats + b) % seconds) for b in by]


def beat_scores(
    poses: PoseSequence,
    beats: np.ndarray,
    convention: Convention = CONVENTIONS["time"],
    shifts: int = SHIFTS,
) -> dict[str, float]:
    """Both directions with their chance levels, whatever the convention's own direction is.

    Parameters
    ----------
    poses : PoseSequence
    beats : (B,) float
        Music beats in seconds; second 0 is frame 0. Those outside of the clip are left out.
    convention : Convention
    shifts : int
        For the chance level, 20 or more.

    Returns
    -------
    dict
        ``bas``, ``bas_chance``, ``beat_lock``, ``mm_align``, ``mm_align_chance``, ``mm_align_excess``,
        ``motion_beats_per_second``, ``beat_coverage`` (motion beats per music beat, at most 1).
    """
    beats = validate(poses, beats)
    seconds = len(poses) / poses.fps
    beats = beats[(beats >= 0) & (beats < seconds)]
    motion = motion_beats(poses, convention)
    if convention.frames:
        rate = convention.rate or poses.fps
        beats = np.unique(np.round(beats * rate)) / rate

    def both(music: np.ndarray) -> tuple[float, float]:
        return alignment(music, motion, convention.sigma), alignment(motion, music, convention.sigma)

    bas, mm = both(beats)
    chance = np.mean([both(b) for b in shifted(beats, seconds, shifts)], axis=0)
    return {
        "bas": bas,
        "bas_chance": float(chance[0]),
        "beat_lock": bas - float(chance[0]),
        "mm_align": mm,
        "mm_align_chance": float(chance[1]),
        "mm_align_excess": mm - float(chance[1]),
        "motion_beats_per_second": len(motion) / seconds,
        "beat_coverage": min(1.0, len(motion) / len(beats)) if len(beats) else 0.0,
    }


def published(poses: PoseSequence, beats: np.ndarray, name: str) -> float:
    """The one number a peer would print for this dance, without its chance level."""
    rule = convention(name)
    return beat_scores(poses, beats, rule, MIN_SHIFTS)["bas" if rule.direction == "music" else "mm_align"]


def evaluate(dance: Dance, conventions: tuple[str, ...] = (), shifts: int = SHIFTS) -> dict[str, float]:
    """All scores of this module by the default convention, and peers' numbers as ``bas_NAME``."""
    scores = beat_scores(dance.poses, dance.beat_times, shifts=shifts)
    for name in conventions:
        scores[f"bas_{name}"] = published(dance.poses, dance.beat_times, name)
    return scores
