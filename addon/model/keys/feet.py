# SPDX-License-Identifier: GPL-3.0-or-later
"""Feet planted on the ground: no sliding, no sinking, no floating. No bpy in here.

`contacts` finds which foot carries. First the whole figure is lowered (or raised) so that the level on which it
stands is the ground; that changes slowly, so jumps survive. Then each foot that carries is pinned to one place. In
between, the correction fades out along a cubic that starts with the correction's own speed, so that a foot leaves
and lands without a jerk. The body takes what the corrections of both feet have in common, smoothed; the legs take
the rest, turned and stretched a little from the hip; knees keep their bend, and bend more where bones keep their
length.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tempose_pose.request import runs as runs_of

from ..character.mapping import JOINTS
from .contacts import LEFT_BEHIND, LOW, SHORTEST, contacts_of, floor_of, lowest_of, smooth
from .steps import stepping
from .swings import SLIDES, swung

SIDES = ("left", "right")
DRIFT = 0.15  # body heights that a standing foot may wander before it is taken for a step
STEP = 0.2  # seconds that such a step takes
FADE = 0.27  # seconds over which a correction fades in and out
BODY = 0.5  # seconds over which the body's share is smoothed
LEVEL = 0.5  # seconds over which the ground's level is smoothed
NEAR = 0.25  # the same if nobody may leave the ground
STILL = 5e-4  # body heights in a frame: below it, the foot stands
LONGER = 1.25  # a bent leg straightens rather than stretching its thigh by more than this
_I = {joint: i for i, joint in enumerate(JOINTS)}


@dataclass(frozen=True, eq=False)
class Travel:
    """How a whole figure travels while it dances.

    Parameters
    ----------
    way : (T, 2) float
        The offset added to its joints.
    beats : (B,) float
        Frames (not whole) on which it steps.
    """

    way: np.ndarray
    beats: np.ndarray


@dataclass(frozen=True)
class Planting:
    """The result of `plant`.

    Parameters
    ----------
    points : (T, 19, 2) float
    contacts : (T, 2) bool
        Whether the left and the right foot carry.
    """

    points: np.ndarray
    contacts: np.ndarray


def plant(
    points: np.ndarray,
    scores: np.ndarray,
    rate: float,
    height: float,
    mode: str = "AUTO",
    ground: float | None = None,
    travel: Travel | None = None,
) -> Planting:
    """Hold the feet where they carry.

    Parameters
    ----------
    points : (T, 19, 2) float
        Joints in the rig's plane, order `JOINTS`, second axis up.
    scores : (T, 19) float
        Missing feet are left alone.
    rate : float
        Frames per second.
    height : float
        The body's, in units of the plane.
    mode : str
        ``AUTO``: feet that carry; ``ALWAYS``: in addition, the lower foot never leaves the ground; ``NEVER``.
    ground : float, optional
        Height of standing ankles. None: where they stand in the dance.
    travel : Travel, optional
        Feet that carry stay on the floor while the figure travels, and step on its beats.
    """
    if mode == "NEVER" or len(points) < 4:
        return Planting(
            points if travel is None else points + travel.way[:, None], np.zeros((len(points), 2), bool)
        )
    ankles = np.stack([points[:, _I[f"{side}_ankle"]] for side in SIDES], 1)
    there = np.stack([scores[:, [_I[f"{s}_{j}"] for j in ("hip", "ankle")]].min(1) > 0 for s in SIDES], 1)
    if not there.any():
        return Planting(
            points if travel is None else points + travel.way[:, None], np.zeros(there.shape, bool)
        )
    bottom = _bottom(points, scores, ankles, there)
    contacts = contacts_of(ankles, there, rate, height, bottom)
    sunk = _sunk(bottom, lowest_of(ankles, there), rate, height, mode == "ALWAYS", ground)
    points, ankles = points + sunk[:, None], ankles + sunk[:, None]
    if mode == "ALWAYS":
        contacts = contacts_of(ankles, there, rate, height)
    rises, goes = np.zeros(len(points)), np.zeros(len(points), bool)
    if travel is not None:
        contacts = stepping(contacts, travel.way, travel.beats, rate, height) & there
        points, ankles = points + travel.way[:, None], ankles + travel.way[:, None]
        rises = travel.way[:, 1]
        goes = np.abs(np.gradient(travel.way, axis=0)).max(1) > STILL * height
    floor = None if ground is None else ground + rises
    moved, pinned = np.zeros_like(ankles), np.zeros_like(contacts)
    for side in range(2):
        moved[:, side], pinned[:, side] = _moves(
            ankles[:, side], contacts[:, side], rate, height, floor, goes
        )
    body = _body(moved, pinned, rate)
    out = points + body[:, None]
    for side, name in enumerate(SIDES):
        if there[:, side].any():
            leg = [_I[f"{name}_{joint}"] for joint in ("hip", "knee", "ankle")]
            goal = swung(ankles[:, side] + moved[:, side], pinned[:, side], rate, height, pinned[:, 1 - side])
            if floor is not None:
                goal[:, 1] = np.maximum(goal[:, 1], np.where(goes, goal[:, 1], floor))
            out[:, leg] = reached(out[:, leg], np.where(there[:, [side]], goal, out[:, leg[2]]))
    return Planting(out, pinned & contacts)


def plant_around(
    points: np.ndarray,
    scores: np.ndarray,
    turn: int,
    rate: float,
    height: float,
    mode: str,
    ground: float | None,
    far: float = 0.0,
    beats: np.ndarray | None = None,
) -> Planting:
    """`plant` for a dance that runs into its own beginning after `turn` frames.

    Three rounds in a row are planted and the middle one is used, so that a foot can carry across the seam.

    Parameters
    ----------
    far : float
        Distance to the right that a round covers, at an even pace.
    beats : (B,) float, optional
        Frames (not whole) on which the figure then steps. Both feet take equally many steps, so that each round
        begins with the same foot.
    """
    turn, count = min(turn, len(points)), len(points)
    rounds, travel = np.arange(3 * turn) % turn, None
    if far and beats is not None:
        way = np.stack([far * (np.arange(3 * turn) / turn - 1), np.zeros(3 * turn)], 1)
        inside = np.unique(beats[(beats >= 0) & (beats < turn)])
        inside = inside[: len(inside) - len(inside) % 2] if len(inside) > 1 else inside
        travel = Travel(way, np.concatenate([inside + k * turn for k in range(3)]))
    planted = plant(points[rounds], scores[rounds], rate, height, mode, ground, travel)
    middle, again = turn + np.arange(count) % turn, np.arange(count) // turn
    out = planted.points[middle]
    out[..., 0] += far * again[:, None]
    return Planting(out, planted.contacts[middle])


def stood(points: np.ndarray, goals: np.ndarray, held: np.ndarray) -> np.ndarray:
    """The figure (T, 19, 2) with its ankles on the goals (T, 2, 2) where these are held (T, 2)."""
    out = points.copy()
    for side, name in enumerate(SIDES):
        leg = [_I[f"{name}_{joint}"] for joint in ("hip", "knee", "ankle")]
        goal = np.where(held[:, [side]], goals[:, side], points[:, leg[2]])
        out[:, leg] = np.where(held[:, side, None, None], reached(points[:, leg], goal), points[:, leg])
    return out


def _bottom(points: np.ndarray, scores: np.ndarray, ankles: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The figure's lowest point (T,): its feet or, when it kneels, its knees."""
    knees = [_I[f"{side}_knee"] for side in SIDES]
    both = np.concatenate([ankles, points[:, knees]], 1)
    return lowest_of(both, np.concatenate([there, there & (scores[:, knees] > 0)], 1))


def _sunk(
    bottom: np.ndarray, lowest: np.ndarray, rate: float, height: float, always: bool, ground: float | None
) -> np.ndarray:
    """The offset (T, 2) that brings the level on which the figure stands, or always the lower foot, to the ground."""
    frames = np.arange(len(bottom))
    stands = bottom - floor_of(bottom, rate) <= LOW * height
    level = np.interp(frames, frames[stands], bottom[stands])
    level = smooth(level, max(round(LEVEL * rate), 1))
    up = (level if ground is None else ground) - level
    if always:
        up = up + level - smooth(lowest, max(round(NEAR * rate), 1))
    return np.stack([np.zeros_like(up), up], 1)


def _moves(
    ankle: np.ndarray,
    carries: np.ndarray,
    rate: float,
    height: float,
    floor: np.ndarray | None,
    goes: np.ndarray,
):
    """The correction (T, 2) of an ankle: constant while it carries, smooth in between; and where it is pinned (T,).

    While the figure travels (`goes`, (T,)), a standing foot is left behind until it steps.
    """
    move, pinned = np.zeros_like(ankle), np.zeros(len(ankle), bool)
    runs, stands = runs_of(carries), []
    calm = smooth(ankle, max(round(0.1 * rate), 1))[:, 0]
    for run in runs:
        stands += [run] if goes[slice(*run)].any() else _parts(calm, run, height, rate)
    for k, (first, last) in enumerate(stands):
        pin = np.median(ankle[first:last], axis=0)
        near = np.flatnonzero(np.abs(ankle[first:last, 0] - pin[0]) <= LEFT_BEHIND * height)
        start, end = (first + int(near[0]), first + int(near[-1]) + 1) if len(near) else (first, last)
        if goes[first:last].any():
            start, end = first, last
        if floor is not None:
            pin[1] = np.median(floor[first:last])
        stands[k] = start, end
        move[start:end] = pin - ankle[start:end]
        pinned[start:end] = True
    fade = max(round(FADE * rate), 2)
    ends = [(0, 0), *stands, (len(ankle), len(ankle))]
    for (_, left), (right, _) in pairwise(ends) if stands else ():
        _fade(move, left, right, fade, left > 0, right < len(ankle))
    return move, pinned


def _parts(calm: np.ndarray, run: tuple[int, int], height: float, rate: float) -> list[tuple[int, int]]:
    """The parts of a stand in which a foot did wander too far, without the moves between; `calm` (T,) is its path."""
    start, end = run
    shortest = max(round(SHORTEST * rate), 2)
    if end - start < 2 * shortest or np.ptp(calm[start:end]) <= DRIFT * height:
        return [run]
    speed = np.abs(np.gradient(calm[start:end]))
    left = right = (
        shortest + int(speed[shortest : len(speed) - shortest].argmax()) if end - start > 2 * shortest else 0
    )
    if speed.max() > 2 * speed[left]:  # it moves while it comes to stand, or while it leaves
        left = right = int(speed.argmax())
    fast = max(0.3 * speed[left], 0.5 * SLIDES * height)
    while left > 0 and speed[left - 1] > fast:
        left -= 1
    while right < len(speed) and speed[right] > fast:
        right += 1
    room = max(round(STEP * rate) - (right - left), 0)
    cut = start + left - room // 2, start + right + (room + 1) // 2
    parts = [part for part in ((start, cut[0]), (cut[1], end)) if part[1] - part[0] >= shortest]
    return [one for part in parts for one in _parts(calm, part, height, rate)] if parts else [run]


def _fade(move: np.ndarray, left: int, right: int, fade: int, from_left: bool, to_right: bool) -> None:
    """Fill the frames from `left` up to `right` between two stands, in place."""
    length = right - left
    if length <= 0:
        return
    first = _end(move, left - 1, -1) if from_left else None
    last = _end(move, right, 1) if to_right else None
    zero = (np.zeros(2), np.zeros(2))
    if first and last and length <= 2 * fade:
        move[left:right] = _cubic(*first, *last, length)
        return
    if first:
        n = min(fade, length)
        move[left : left + n] = _cubic(*first, *zero, n)
    if last:
        n = min(fade, length)
        move[right - n : right] = _cubic(*zero, *last, n)


def _end(move: np.ndarray, at: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """The correction at a stand's edge, and its speed there (per frame, forwards)."""
    inner = [at + step * k for k in range(4) if 0 <= at + step * k < len(move)]
    if len(inner) < 2:
        return move[at].copy(), np.zeros(2)
    speed = (move[inner[0]] - move[inner[-1]]) / (inner[0] - inner[-1])
    return move[at].copy(), speed


def _cubic(a: np.ndarray, da: np.ndarray, b: np.ndarray, db: np.ndarray, length: int) -> np.ndarray:
    """Frames 1 … length of a cubic over length + 1 steps."""
    span = length + 1
    t = (np.arange(1, span) / span)[:, None]
    u, v = da * span, db * span
    return a + t * (u + t * (3 * (b - a) - 2 * u - v + t * (2 * (a - b) + u + v)))


def _body(moved: np.ndarray, contacts: np.ndarray, rate: float) -> np.ndarray:
    """The body's share (T, 2): what the corrections of the feet that carry have in common, smoothed."""
    size = max(round(BODY * rate), 1)
    weight = contacts[..., None] + 1e-3
    common = (moved * weight).sum(1) / weight.sum(1)
    return smooth(smooth(common, size), max(size // 2, 1))


def reached(leg: np.ndarray, goal: np.ndarray) -> np.ndarray:
    """A limb (T, 3, 2) of hip, knee and ankle, or an arm's, turned about the first and stretched to the goal.

    A foot near its hip would fling the knee out, so the thigh grows no more than `LONGER`, or a straight leg needs.
    Where bones keep their length, the knee bends instead (see `character.legs`).
    """
    hip, knee = leg[:, 0], leg[:, 1] - leg[:, 0]
    before, after = leg[:, 2] - hip, goal - hip
    length, wanted = np.hypot(*before.T), np.hypot(*after.T)
    bones = np.hypot(*knee.T) + np.hypot(*(leg[:, 2] - leg[:, 1]).T)
    safe = (length > 1e-9) & (wanted > 1e-9)
    scale = np.divide(wanted, length, out=np.ones_like(length), where=safe)
    longest = np.maximum(np.divide(wanted, bones, out=np.ones_like(bones), where=safe), LONGER)
    turn = np.arctan2(after[:, 1], after[:, 0]) - np.arctan2(before[:, 1], before[:, 0])
    turn = np.where(safe, turn, 0.0)
    cos, sin = np.minimum(scale, longest) * (np.cos(turn), np.sin(turn))
    turned = np.stack([cos * knee[:, 0] - sin * knee[:, 1], sin * knee[:, 0] + cos * knee[:, 1]], 1)
    return np.stack([hip, hip + turned, np.where(safe[:, None], goal, leg[:, 2])], 1)
