"""Hands for dances that have none: shapes chosen by the dance, blended over frames, at the ends of the arms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tempose_pose.skeletons import FINGERS, HANDS, OPENPOSE_18

_J = OPENPOSE_18.at
POINTS = 21
OF_FOREARM = 0.7  # a hand's length, wrist to the tip of the middle finger, in forearms
TURN = 0.14  # seconds before a beat in which a hand changes its shape
MEET = 0.3  # trunk lengths: hands clap when the wrists are this near
PLAIN = 0.2  # of a forearm's length: shorter in the picture, its direction is ignored

# A flat hand that points up, thumb to the right, in lengths of a hand: where each finger begins, ...
_BEGINS = {
    "thumb": (0.12, 0.14), "index": (0.1, 0.47), "middle": (0.02, 0.5), "ring": (-0.06, 0.47), "little": (-0.13, 0.42)
}  # fmt: skip
# ... how long its three bones are, ...
_BONES = {
    "thumb": (0.15, 0.13, 0.1), "index": (0.21, 0.12, 0.09), "middle": (0.24, 0.14, 0.1),
    "ring": (0.22, 0.13, 0.1), "little": (0.16, 0.09, 0.08),
}  # fmt: skip
# ... and how far it leans towards the thumb, in degrees, with fingers together and spread.
_LEANS = {"thumb": (28, 62), "index": (5, 20), "middle": (1, 4), "ring": (-4, -12), "little": (-9, -30)}
_FOLDS = np.radians([62, 150, 205])  # depth of a fully curled finger's bones out of the picture


@dataclass(frozen=True)
class Shape:
    """How a hand is held.

    Parameters
    ----------
    curls : (5,) float
        Of each finger from the thumb: 0 straight, 1 in the fist.
    spread : float
        0 fingers together, 1 spread wide.
    """

    curls: tuple[float, float, float, float, float]
    spread: float

    @property
    def numbers(self) -> np.ndarray:
        """(6,) curls and spread."""
        return np.array([*self.curls, self.spread])


SHAPES = {
    "relaxed": Shape((0.25, 0.3, 0.38, 0.45, 0.5), 0.3),
    "flat": Shape((0.1, 0.0, 0.0, 0.0, 0.0), 0.05),
    "fist": Shape((0.9, 1.0, 1.0, 1.0, 1.0), 0.0),
    "point": Shape((0.7, 0.0, 0.95, 1.0, 1.0), 0.1),
    "spread": Shape((0.0, 0.0, 0.0, 0.0, 0.0), 1.0),
    "snap": Shape((0.6, 0.15, 0.7, 0.55, 0.6), 0.2),
    "clap": Shape((0.15, 0.05, 0.05, 0.05, 0.1), 0.0),
}
# For each style: shapes of hands while they move, and on hits.
TASTE = {
    "break": ("flat", "fist"), "house": ("relaxed", "snap"), "ballet_jazz": ("relaxed", "flat"),
    "street_jazz": ("flat", "spread"), "krump": ("fist", "spread"), "la_hip_hop": ("relaxed", "point"),
    "lock": ("fist", "point"), "middle_hip_hop": ("relaxed", "fist"), "pop": ("flat", "fist"),
    "waack": ("flat", "point"),
}  # fmt: skip
ANY_STYLE = ("relaxed", "spread")


def hand(numbers: np.ndarray) -> np.ndarray:
    """Points (T, 21, 2) of hands of length 1 that point up, thumb to the right, from `Shape.numbers` (T, 6)."""
    out = np.zeros((len(numbers), POINTS, 2))
    for k, finger in enumerate(FINGERS):
        curl, spread = numbers[:, k], numbers[:, -1]
        close, wide = np.radians(_LEANS[finger])
        lean = close + spread * (wide - close)
        if finger == "thumb":  # it folds across the palm
            lean = lean - 1.15 * curl
            shares = np.repeat((1 - 0.25 * curl)[:, None], 3, 1)
        else:
            shares = np.cos(curl[:, None] * _FOLDS)  # (T, 3) of each bone's length, as seen
        steps = np.asarray(_BONES[finger]) * shares
        along = np.concatenate([np.zeros((len(numbers), 1)), np.cumsum(steps, 1)], 1)  # (T, 4)
        way = np.stack([np.sin(lean), np.cos(lean)], -1)  # (T, 2)
        out[:, 1 + 4 * k : 5 + 4 * k] = np.asarray(_BEGINS[finger]) + along[..., None] * way[:, None]
    return out


def chosen(pixels: np.ndarray, fps: float, beats: np.ndarray, style: str = "", only: str = "") -> np.ndarray:
    """Shapes (T, 2, 6) of the left and the right hand through a dance.

    Slow hands are relaxed; others take the style's shape, with another on hits, which are beats at which a hand has
    just come to rest; hands that meet clap.

    Parameters
    ----------
    pixels : (T, 18, 2)
    beats : (B,)
        Seconds; without any, a change is possible twice a second.
    style : str
        One of `TASTE`, or any.
    only : str
        One shape throughout; empty: by the dance.
    """
    if only:
        return np.broadcast_to(SHAPES[only].numbers, (len(pixels), 2, 6))
    trunk = max(_trunk(pixels), 1e-6)
    moving, hit = TASTE.get(style, ANY_STYLE)
    times = np.asarray(beats, float) if len(beats) > 1 else np.arange(0, len(pixels) / fps, 0.5)
    wrists = pixels[:, [_J["left_wrist"], _J["right_wrist"]]]  # (T, 2, 2)
    steps = np.gradient(wrists, axis=0) if len(pixels) > 1 else np.zeros_like(wrists)
    speed = np.linalg.norm(steps, axis=-1) * fps / trunk  # (T, 2) trunks a second
    window = np.ones(max(round(0.1 * fps), 1))
    speed = np.stack([np.convolve(s, window / len(window), "same") for s in speed.T], 1)
    still, lively = np.percentile(speed, [35, 60])
    out = np.empty((len(pixels), 2, 6))
    for side in range(2):
        held: list[tuple[float, Shape]] = []
        for beat in times:
            at = int(np.clip(round(beat * fps), 0, len(pixels) - 1))
            before = speed[max(at - round(0.3 * fps), 0) : at + 1, side].max()
            now = SHAPES["relaxed"]
            if before > max(still, 0.3):
                rests = speed[at : at + round(0.1 * fps) + 1, side].min()
                stopped = before > lively and rests < 0.5 * before
                now = SHAPES[hit if stopped else moving]
            held.append((beat, now))
        out[:, side] = _held(held, len(pixels), fps)
    return _clapped(out, wrists, trunk, fps)


def nearest(numbers: np.ndarray) -> np.ndarray:
    """Index (...) into `SHAPES` of the shape nearest to `Shape.numbers` (..., 6)."""
    known = np.stack([shape.numbers for shape in SHAPES.values()])
    return np.abs(numbers[..., None, :] - known).sum(-1).argmin(-1)


def read(points: np.ndarray) -> np.ndarray:
    """Index (T,) into `SHAPES` of the shape that a hand looks most like; relaxed where it is not seen.

    It compares the distances of the fingertips from the wrist and from each other, in palms, so neither the hand's
    size nor its turn in the picture matters.

    Parameters
    ----------
    points : (T, 21, 3)
        Pixels and score of one hand, in the order of `HANDS`.
    """
    drawn = hand(np.stack([shape.numbers for shape in SHAPES.values()]))  # (S, 21, 2)
    known, seen = _features(drawn), _features(np.asarray(points[..., :2], float))  # (S, 6), (T, 6)
    found = np.abs(seen[:, None] - known).sum(-1).argmin(-1)
    return np.where(points[..., 2].min(-1) > 0, found, list(SHAPES).index("relaxed"))


def _features(points: np.ndarray) -> np.ndarray:
    """Distances (T, 6) of the fingertips from the wrist, and from one another, in palms."""
    tips, knuckles = points[:, [4, 8, 12, 16, 20]], points[:, [5, 9, 13, 17]]
    palm = np.linalg.norm(knuckles - points[:, :1], axis=-1).mean(-1, keepdims=True).clip(1e-6)  # (T, 1)
    reach = np.linalg.norm(tips - points[:, :1], axis=-1) / palm
    apart = np.linalg.norm(np.diff(tips[:, 1:], axis=1), axis=-1).sum(-1, keepdims=True) / palm
    return np.concatenate([reach, apart], 1)


def steady(held: np.ndarray, fps: float, seconds: float = TURN) -> np.ndarray:
    """Shape indices (T, N), without shapes of at most so many seconds; by default as long as a change takes."""
    out, least = np.array(held), max(round(seconds * fps) + 1, 2)
    for side in out.T:
        starts = np.flatnonzero(np.diff(side, prepend=-1))
        for start, end in zip(starts[::-1], np.append(starts[1:], len(side))[::-1], strict=True):
            if end - start < least and end < len(side):
                side[start:end] = side[end]  # the next shape comes early
    return out


def _held(held: list[tuple[float, Shape]], count: int, fps: float) -> np.ndarray:
    """Shapes (T, 6) from beat to beat, each reached on its beat."""
    seconds = np.arange(count) / fps
    out = np.broadcast_to(SHAPES["relaxed"].numbers, (count, 6)).copy()
    for beat, shape in held:
        share = np.clip((seconds - beat) / TURN + 1, 0, 1)
        ease = (share * share * (3 - 2 * share))[:, None]
        out += ease * (shape.numbers - out)
    return out


def _clapped(numbers: np.ndarray, wrists: np.ndarray, trunk: float, fps: float) -> np.ndarray:
    """The same shapes, flat where the wrists come together."""
    apart = np.hypot(*(wrists[:, 0] - wrists[:, 1]).T) / trunk
    near = np.clip((2 * MEET - apart) / MEET, 0, 1)
    window = np.ones(max(round(TURN * fps), 1))
    near = np.convolve(near, window / len(window), "same")[:, None, None]
    return numbers + near * (SHAPES["clap"].numbers - numbers)


def placed(pixels: np.ndarray, scores: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Pixels and scores (T, 42, 3) of both hands, in the order of `HANDS`, at the ends of a dance's arms.

    Parameters
    ----------
    pixels, scores : (T, 18, 2), (T, 18)
    numbers : (T, 2, 6)
        Their shapes; see `chosen`.
    """
    out = np.zeros((len(pixels), 2 * POINTS, 3))
    for k, side in enumerate(HANDS):
        elbow, wrist = _J[f"{side}_elbow"], _J[f"{side}_wrist"]
        arm = pixels[:, wrist] - pixels[:, elbow]
        length = np.hypot(*arm.T)
        usual = max(float(np.percentile(length, 75)), 1e-6)
        sure = (length > PLAIN * usual) & (scores[:, [elbow, wrist]].min(1) > 0)
        angle = np.arctan2(arm[:, 1], arm[:, 0])
        if sure.any():
            frames = np.arange(len(pixels))
            angle = np.interp(frames, frames[sure], np.unwrap(angle[sure]))
        along = np.stack([np.cos(angle), np.sin(angle)], -1)
        thumb = np.stack([-along[:, 1], along[:, 0]], -1) * (
            1 if side == "left" else -1
        )  # a hanging hand turns inwards
        flat = hand(numbers[:, k]) * OF_FOREARM * usual
        points = pixels[:, None, wrist] + flat[..., :1] * thumb[:, None] + flat[..., 1:] * along[:, None]
        out[:, k * POINTS : (k + 1) * POINTS, :2] = points
        out[:, k * POINTS : (k + 1) * POINTS, 2] = scores[:, wrist, None]
    return out


def at_rest(pixels: np.ndarray) -> dict[str, tuple[float, float]]:
    """Joint → pixels of two flat, slightly spread hands on the arms of one pose (18, 2)."""
    numbers = np.broadcast_to(Shape((0.0, 0.0, 0.0, 0.0, 0.0), 0.35).numbers, (1, 2, 6))
    points = placed(pixels[None], np.ones((1, len(OPENPOSE_18))), numbers)[0, :, :2]
    joints = [joint for side in HANDS for joint in HANDS[side]]
    return {joint: (float(x), float(y)) for joint, (x, y) in zip(joints, points, strict=True)}


def _trunk(pixels: np.ndarray) -> float:
    hips = pixels[:, [_J["left_hip"], _J["right_hip"]]].mean(1)
    return float(np.percentile(np.hypot(*(pixels[:, _J["neck"]] - hips).T), 75))
