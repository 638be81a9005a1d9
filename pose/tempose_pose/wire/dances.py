"""Finished dances, and finished parts of dances, on the wire."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import numpy as np

from tempose_pose import compact
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.limits import FARTHEST, MAX_FRAMES
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import LAYOUTS, Skeleton
from tempose_pose.wire.answers import Bytes, Canvas, Frame, Names, Times
from tempose_pose.wire.arrays import decode, encode
from tempose_pose.wire.validation import AtMost, Within, read, unexpected


@dataclass(frozen=True)
class AboutDance:
    """The fields of a dance besides its poses."""

    fps: Annotated[float, Within(1, 1000)]
    skeleton: str
    joints: Names
    frames: Annotated[int, Within(1, MAX_FRAMES)]
    canvas: Canvas
    beat_times: Times
    downbeat_times: Times
    seams: Annotated[list[Frame], AtMost(MAX_FRAMES)]
    seed: Annotated[int, Within(0, 2**63)]
    model_revision: Annotated[str, AtMost(200)]
    style: Annotated[str, AtMost(200)] = field(default="", kw_only=True)


@dataclass(frozen=True)
class Result(AboutDance):
    """A finished dance. Arrays are base64 of little-endian float32; times are timeline seconds."""

    keypoints: Bytes
    scores: Bytes


@dataclass(frozen=True)
class FinishedSegment:
    """An event: finished frames from `start` on; keypoints (frames, K, 2) and scores (frames, K)."""

    start: Frame
    frames: Annotated[int, Within(1, MAX_FRAMES)]
    keypoints: Bytes
    scores: Bytes

    @classmethod
    def of(cls, start: int, keypoints: np.ndarray, scores: np.ndarray) -> FinishedSegment:
        """Keypoints (T, K, 2) and scores (T, K) in their wire form."""
        return cls(int(start), len(keypoints), encode(keypoints), encode(scores))

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Keypoints (T, K, 2) and scores (T, K)."""
        scores = _array(self.scores, "scores", (self.frames, -1))
        return _array(self.keypoints, "keypoints", (*scores.shape, 2)), scores


def about(dance: Dance) -> AboutDance:
    """A dance's fields besides its poses."""
    poses = dance.poses
    return AboutDance(
        fps=poses.fps,
        skeleton=poses.skeleton.name,
        joints=list(poses.skeleton.joints),
        frames=len(poses),
        canvas=list(poses.canvas),
        beat_times=dance.beat_times.tolist(),
        downbeat_times=dance.downbeat_times.tolist(),
        seams=dance.seams.tolist(),
        seed=dance.seed,
        model_revision=dance.model_revision,
        style=dance.style,
    )


def result_of(dance: Dance) -> Result:
    """A dance in its wire form."""
    said = asdict(about(dance))
    return Result(**said, keypoints=encode(dance.poses.keypoints), scores=encode(dance.poses.scores))


def packed(dance: Dance) -> bytes:
    """A dance in its compact form."""
    return compact.pack(asdict(about(dance)), dance.poses.keypoints, dance.poses.scores)


def dance_of(answer: Any, skeletons: Iterable[Skeleton] = ()) -> Dance:
    """The dance of a `Result`.

    Parameters
    ----------
    answer : as JSON has it
    skeletons : of Skeleton
        Those that the server knows, besides `LAYOUTS`.

    Raises
    ------
    TemposeError
        ``"server_answer"``: it is not a dance, or contradicts itself.
    """
    result = read(Result, answer, "result")
    shape = (result.frames, len(result.joints))
    keypoints = _array(result.keypoints, "keypoints", (*shape, 2))
    return _dance(result, keypoints, _array(result.scores, "scores", shape), skeletons)


def unpacked(data: bytes, skeletons: Iterable[Skeleton] = ()) -> Dance:
    """The inverse of `packed`; raises as `dance_of`."""
    try:
        said, keypoints, scores = compact.unpack(data)
    except TemposeError:
        raise unexpected("a compact dance that cannot be read") from None
    if not np.isfinite(keypoints).all() or np.abs(keypoints).max() > FARTHEST:
        raise unexpected("keypoints far outside of the picture")
    return _dance(read(AboutDance, said, "dance"), keypoints, scores, skeletons)


def _dance(
    said: AboutDance, keypoints: np.ndarray, scores: np.ndarray, skeletons: Iterable[Skeleton]
) -> Dance:
    joints = tuple(said.joints)
    bones = next((s for s in (*LAYOUTS.values(), *skeletons) if s.joints == joints), None)
    if bones is None:
        raise unexpected("a skeleton that this add-on does not know")
    canvas = (said.canvas[0], said.canvas[1])
    return Dance(
        PoseSequence(keypoints, np.clip(scores, 0, 1), said.fps, bones, canvas),
        np.asarray(said.beat_times, float),
        np.asarray(said.downbeat_times, float),
        np.asarray(said.seams, np.int32),
        said.seed,
        said.model_revision,
        said.style,
    )


def _array(text: str, name: str, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return decode(text, name, shape)
    except TemposeError:
        raise unexpected(f"{name} that cannot be") from None
