"""The server's answers. Times are song seconds, in a dance timeline seconds; for the rest see docs/server.md.

The server fills these in, and FastAPI describes them; the add-on reads them with `validation.read`, which checks
every type, number and length against the definitions here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from tempose_pose.form import MAX_NAME, MAX_SECTIONS
from tempose_pose.limits import FARTHEST, MAX_BEATS, MAX_CANVAS, MAX_FRAMES, MAX_JOINTS
from tempose_pose.skeletons import LAYOUTS, Skeleton
from tempose_pose.wire.validation import AtMost, Rising, Whole, Within

State = Literal["queued", "running", "succeeded", "failed", "canceled"]
ENDED = ("succeeded", "failed", "canceled")
"""States that a job does not leave."""

Share = Annotated[float, Within(0, 1)]
Seconds = Annotated[float, Within(0, 1e6)]
Times = Annotated[list[float], AtMost(MAX_BEATS), Rising()]
Frame = Annotated[int, Within(0, MAX_FRAMES)]
Count = Annotated[int, Within(0, 2**63)]
Names = Annotated[list[str], AtMost(MAX_JOINTS)]
Indices = Annotated[list[Annotated[int, Within(-1, MAX_JOINTS)]], AtMost(MAX_JOINTS)]
Canvas = Annotated[list[Annotated[int, Within(1, MAX_CANVAS)]], Whole(2)]
Bytes = Annotated[str, AtMost(MAX_FRAMES * MAX_JOINTS * 12)]
"""Base64 of little-endian float32."""


@dataclass(frozen=True)
class Problem:
    """Any answer other than success: a code from `codes`, and a message for people."""

    code: str
    message: str
    details: Any = None


@dataclass(frozen=True)
class Health:
    """The state of the server."""

    status: Literal["STARTING", "READY", "BUSY", "SETUP_FAILED"]
    version: str
    device: str | None = None
    model_revision: str | None = None
    message: str = ""


@dataclass(frozen=True)
class ModelInfo:
    """A model; `skeleton` is its skeleton, None until it is loaded."""

    name: str
    revision: str | None = None
    skeleton: str | None = None


@dataclass(frozen=True)
class SkeletonInfo:
    """A joint layout; `flip` is each joint's partner on the other side."""

    name: str
    joints: Names
    parents: Indices
    limbs: Annotated[list[Annotated[Indices, Whole(2)]], AtMost(MAX_JOINTS)]
    flip: Indices

    @classmethod
    def of(cls, bones: Skeleton) -> SkeletonInfo:
        """A skeleton in its wire form."""
        limbs = [list(limb) for limb in bones.limbs]
        return cls(bones.name, list(bones.joints), list(bones.parents), limbs, list(bones.flip))

    def skeleton(self, ours: Iterable[Skeleton] = LAYOUTS.values()) -> Skeleton:
        """One of ours if they are equal, else a new one; raises `TemposeError` if it is invalid."""
        joints, parents = tuple(self.joints), tuple(self.parents)
        limbs = tuple((limb[0], limb[1]) for limb in self.limbs)
        if known := next((s for s in ours if s.joints == joints), None):
            return known
        return Skeleton(self.name, joints, parents, limbs)


@dataclass(frozen=True)
class Limits:
    """The server's limits."""

    dance_seconds: Annotated[float, Within(0, 1e9)]
    audio_bytes: Count = 0
    audio_seconds: Annotated[float, Within(0, 1e9)] = 0.0
    queue: Count = 0
    json_bytes: Count = 0
    json_elements: Count = 0
    picture_bytes: Count = 0
    picture_pixels: Count = 0
    video_bytes: Count = 0


@dataclass(frozen=True)
class PoseEstimator:
    """Whether the server finds poses in pictures; `message` says why not."""

    available: bool
    message: str = ""


@dataclass(frozen=True)
class Capabilities:
    """The server's capabilities and limits. Older servers leave out the fields with a default."""

    models: list[ModelInfo]
    skeletons: list[SkeletonInfo]
    fps: Annotated[float, Within(1, 1000)]
    segment_frames: Annotated[int, Within(1, MAX_FRAMES)]
    overlap_frames: Frame
    styles: Annotated[list[str], AtMost(500)]
    limits: Limits
    curves: dict[str, list[float]] = field(default_factory=dict)
    audio_formats: list[str] = field(default_factory=list)
    picture_formats: list[str] = field(default_factory=list)
    pose_estimator: PoseEstimator = PoseEstimator(False, "This server is too old to find joints in pictures")


@dataclass(frozen=True)
class FigureMask:
    """A person's mask in a picture: rows of bytes, 255 for certain; `data` is base64 of them, zlib-compressed."""

    width: Annotated[int, Within(1, 1024)]
    height: Annotated[int, Within(1, 1024)]
    data: Annotated[str, AtMost(2_000_000)]


@dataclass(frozen=True)
class FoundPerson:
    """A person in a picture; keypoints are shares of the upright picture, score 0: not seen, below 0.6: doubtful.

    `skeleton` is openpose18 or, if the model has them, body25 (with feet) or body25_hands.
    """

    skeleton: str
    joints: Names
    keypoints: list[Annotated[list[Annotated[float, Within(-FARTHEST, FARTHEST)]], Whole(2)]]
    scores: list[Share]
    mask: FigureMask | None = None


@dataclass(frozen=True)
class FoundPose:
    """The largest person in a picture, as in `FoundPerson`, then the `others`; `people` is how many were seen."""

    skeleton: str
    joints: Names
    keypoints: list[Annotated[list[Annotated[float, Within(-FARTHEST, FARTHEST)]], Whole(2)]]
    scores: list[Share]
    canvas: Canvas
    people: Annotated[int, Within(1, 10_000)]
    mask: FigureMask | None = None
    others: Annotated[list[FoundPerson], AtMost(100)] = field(default_factory=list)

    @property
    def first(self) -> FoundPerson:
        """The largest person, in the same form as the others."""
        return FoundPerson(self.skeleton, self.joints, self.keypoints, self.scores, self.mask)


@dataclass(frozen=True)
class VideoLine:
    """A line of the answer about a video: the progress or, in the last line, the dance or the error.

    `dance` is base64 of a DANCE.npz, `heard` the second of the video's sound at its first frame.
    """

    waiting: bool = False
    frame: Count = 0
    frames: Count = 0
    heard: Annotated[float, Within(-1e4, 1e4)] | None = None
    dance: Annotated[str, AtMost(64_000_000)] = ""
    error: Problem | None = None


@dataclass(frozen=True)
class AudioInfo:
    """A song that the server has."""

    sha256: str
    seconds: Seconds


@dataclass(frozen=True)
class FoundSection:
    """A part of a song; those with the same name are the same music."""

    start: Seconds
    stop: Seconds
    name: Annotated[str, AtMost(MAX_NAME)]


@dataclass(frozen=True)
class Analysis:
    """The analysis of a song; `loudness` is the RMS of every tenth of a second, 1 the loudest.

    `confidence` is the probability that the grid as a whole is right; `heard` is the probability, for each beat, of
    a beat within 40 ms of it (empty if the sound is too short or too quiet). `energy` is the liveliness that the
    sound suggests every tenth of a second, relative to the song's usual one, and `hits`, for each beat, how sharply
    the dancer should stop on it.
    """

    seconds: Seconds
    beats: Times
    downbeats: Times
    bpm: Annotated[float, Within(0, 2000)]
    confidence: Share
    heard: Annotated[list[Share], AtMost(MAX_BEATS)] = field(default_factory=list)
    tempo_curve: list[list[float]] = field(default_factory=list)
    loudness: list[float] = field(default_factory=list)
    energy: Annotated[list[Annotated[float, Within(-10, 10)]], AtMost(MAX_FRAMES)] = field(
        default_factory=list
    )
    hits: Annotated[list[Annotated[float, Within(-1, 1)]], AtMost(MAX_BEATS)] = field(default_factory=list)
    sections: Annotated[list[FoundSection], AtMost(MAX_SECTIONS)] = field(default_factory=list)


@dataclass(frozen=True)
class Job:
    """The state of a job; `position` counts the jobs ahead of it in the queue."""

    id: str
    state: State
    position: int | None = None
    progress: Share = 0.0
    error: Problem | None = None
    created: str = ""
    updated: str = ""
    frames: Frame = 0
    seed: Annotated[int, Within(0, 2**63)] = 0

    @property
    def ended(self) -> bool:
        """Whether it has reached its final state."""
        return self.state in ENDED


@dataclass(frozen=True)
class Progress:
    """An event: the progress of a job."""

    progress: Share
    done: Count = 0
    total: Count = 0
