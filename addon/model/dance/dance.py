# SPDX-License-Identifier: GPL-3.0-or-later
"""A dance as the server sends it, checked before anything else sees it. No bpy in here."""

import base64
import binascii
import io
import math
import zlib
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from tempose_pose.compact import unpack
from tempose_pose.limits import FARTHEST, MAX_BEATS, MAX_CANVAS, MAX_FRAMES
from tempose_pose.skeletons import OPENPOSE_18

from ..errors import Problem


@dataclass(frozen=True)
class DanceData:
    """Poses in timeline seconds.

    Parameters
    ----------
    keypoints : (T, 18, 2) float32
        Shares of the canvas, x right, y down.
    scores : (T, 18) float32
    fps : float
    canvas : (int, int)
    beat_times, downbeat_times : list of float
    seams : list of int
    seed : int
    model_revision : str
    more : (T, 48, 3) float32, optional
        Hands and feet, in the order of `EXTREMITIES`: shares of the canvas, and score. None: carried along.
    """

    keypoints: np.ndarray
    scores: np.ndarray
    fps: float
    canvas: tuple[int, int]
    beat_times: list
    downbeat_times: list
    seams: list
    seed: int
    model_revision: str
    more: np.ndarray | None = None

    @property
    def pixels(self) -> np.ndarray:
        return self.keypoints * np.asarray(self.canvas, np.float32)

    @cached_property
    def packed(self) -> str:
        """Keypoints, scores, hands and feet as text for a datablock; made once, as it takes a while."""
        rows, buffer = np.concatenate([self.keypoints, self.scores[..., None]], 2), io.BytesIO()
        if self.more is not None:
            rows = np.concatenate([rows, self.more], 1)
        np.save(buffer, rows.astype("<f4"), allow_pickle=False)
        return base64.b64encode(zlib.compress(buffer.getvalue(), 6)).decode()

    @property
    def bpm(self) -> float:
        """Tempo by the median beat interval; 0 with fewer than two beats."""
        return float(60 / np.median(np.diff(self.beat_times))) if len(self.beat_times) > 1 else 0.0


def bad_answer(what: str) -> Problem:
    """The server said something that it should not."""
    return Problem("server_answer", f"The server sent {what}. Is it a Tempose server of this version?")


def number(value, low: float, high: float, what: str) -> float:
    """A finite number within limits."""
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not good or not low <= value <= high:
        raise bad_answer(f"a wrong {what}")
    return value


def times(value, what: str, limit: int = MAX_BEATS) -> list[float]:
    """A rising list of finite seconds."""
    if not isinstance(value, list) or len(value) > limit:
        raise bad_answer(f"a wrong list of {what}")
    out = [float(number(v, -1e6, 1e6, what)) for v in value]
    if any(b <= a for a, b in pairwise(out)):
        raise bad_answer(f"{what} that do not rise")
    return out


def floats(text, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Base64 of little-endian float32 in the given shape, finite."""
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise bad_answer(f"unreadable {what}") from None
    if len(data) != 4 * math.prod(shape):
        raise bad_answer(f"{what} of a wrong size")
    array = np.frombuffer(data, "<f4").reshape(shape).astype(np.float32)
    if not np.isfinite(array).all():
        raise bad_answer(f"{what} that are not numbers")
    return array


def from_answer(answer) -> DanceData:
    """Check a result and make a dance of it."""
    if not isinstance(answer, dict):
        raise bad_answer("a result in an unknown form")
    frames, joints = int(number(answer.get("frames"), 1, MAX_FRAMES, "number of frames")), len(OPENPOSE_18)
    keypoints = floats(answer.get("keypoints"), (frames, joints, 2), "keypoints")
    return from_parts(answer, keypoints, floats(answer.get("scores"), (frames, joints), "scores"))


def from_compact(data: bytes) -> DanceData:
    """The same in few bytes, as a server sends it over slow links."""
    try:
        about, keypoints, scores = unpack(data)
    except Problem:
        raise bad_answer("a compact dance that cannot be read") from None
    return from_parts(about, keypoints, scores)


def from_parts(answer: dict, keypoints: np.ndarray, scores: np.ndarray) -> DanceData:
    """The same where the arrays, (T, 18, 2) and (T, 18), came apart from what else the result says."""
    if tuple(answer.get("joints") or ()) != OPENPOSE_18.joints:
        raise bad_answer("a skeleton that this add-on does not know")
    canvas = answer.get("canvas")
    if not isinstance(canvas, list) or len(canvas) != 2:
        raise bad_answer("a wrong canvas")
    width, height = (int(number(v, 1, MAX_CANVAS, "canvas")) for v in canvas)
    if np.abs(keypoints).max() > FARTHEST:
        raise bad_answer("keypoints far outside of the picture")
    revision = answer.get("model_revision")
    if not isinstance(revision, str) or len(revision) > 200:
        raise bad_answer("a wrong model revision")
    seams = answer.get("seams")
    if not isinstance(seams, list) or len(seams) > MAX_FRAMES:
        raise bad_answer("a wrong list of seams")
    return DanceData(
        keypoints,
        np.clip(scores, 0, 1),
        float(number(answer.get("fps"), 1, 1000, "frame rate")),
        (width, height),
        times(answer.get("beat_times"), "beats"),
        times(answer.get("downbeat_times"), "downbeats"),
        [int(number(s, 0, MAX_FRAMES, "seam")) for s in seams],
        int(number(answer.get("seed"), 0, 2**63, "seed")),
        revision,
    )
