"""What is said over HTTP: strict request bodies, and the shapes of the answers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tempose_pose.curves import CURVES, MAX_POINTS, Curve
from tempose_pose.errors import TemposeError
from tempose_pose.form import MAX_NAME, MAX_SECTIONS, Section
from tempose_pose.grid import BeatGrid
from tempose_pose.limits import (
    FARTHEST,
    FPS,
    MAX_BEATS,
    MAX_CANVAS,
    MAX_FRAMES,
    MAX_SECONDS,
    MAX_TEMPO_POINTS,
)
from tempose_pose.request import STYLES, DanceRequest, Known
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18, SKELETONS, skeleton
from tempose_pose.tempo import TempoMap
from tempose_server.errors import ApiError

MAX_COMPLAINTS = 5

# --- requests ---------------------------------------------------------------------------------------------


class Body(BaseModel):
    """A strict request body: no unknown keys, no other types, no NaN or infinity."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


Seconds = Annotated[float, Field(ge=-1e6, le=1e6)]
Coordinate = Annotated[float, Field(ge=-FARTHEST, le=FARTHEST)]
Score = Annotated[float, Field(ge=0, le=1)]
Pair = Annotated[list[Seconds], Field(min_length=2, max_length=2)]
TempoPoints = Annotated[list[Pair], Field(min_length=2, max_length=MAX_TEMPO_POINTS)]
Point = Annotated[list[Coordinate], Field(min_length=2, max_length=2)]
Points = Annotated[list[Point], Field(min_length=1, max_length=64)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
SkeletonName = Literal["openpose18", "coco17"]
assert set(SKELETONS) == {"openpose18", "coco17"}


class Beats(Body):
    """A beat grid in song seconds."""

    beats: Annotated[list[Seconds], Field(max_length=MAX_BEATS)]
    downbeats: Annotated[list[Seconds], Field(max_length=MAX_BEATS)] = []


class Reference(Body):
    """One pose; keypoints are shares of the canvas width and height."""

    skeleton: SkeletonName = "openpose18"
    keypoints: Points
    scores: Annotated[list[Score], Field(min_length=1, max_length=64)]
    canvas: Annotated[list[Annotated[int, Field(ge=1, le=MAX_CANVAS)]], Field(min_length=2, max_length=2)]


MaskRange = Annotated[list[Annotated[int, Field(ge=0, le=MAX_FRAMES)]], Field(min_length=2, max_length=2)]
Mask = Annotated[list[MaskRange], Field(max_length=MAX_FRAMES)]
Joints = Annotated[list[Literal[OPENPOSE_18.joints]], Field(max_length=64)]  # type: ignore[valid-type]


class KnownPart(Body):
    """Ranges of frames [start, stop) in which these joints are kept; all joints without `joints`."""

    mask: Mask
    joints: Joints | None = None


class KnownFrames(KnownPart):
    """Poses to keep, on openpose18 at 30 frames per second from the dance's frame 0.

    `keypoints` and `scores` are nested lists, or (for long dances) base64 of little-endian float32
    of shapes (T, 18, 2) and (T, 18). `more` keeps other joints in other ranges.
    """

    keypoints: str | Annotated[list[Points], Field(max_length=MAX_FRAMES)]
    scores: str | Annotated[list[list[Score]], Field(max_length=MAX_FRAMES)]
    more: Annotated[list[KnownPart], Field(max_length=MAX_FRAMES)] = []


CurvePoint = Annotated[list[Seconds | None], Field(min_length=2, max_length=2)]
CurvePoints = Annotated[list[CurvePoint], Field(min_length=1, max_length=MAX_POINTS)]


class SectionOfSong(Body):
    """A part of the song in song seconds; parts of one name are the same music."""

    start: Seconds
    stop: Seconds
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    mirrored: bool = False


class JobRequest(Body):
    """What to dance, to which song.

    `curves` maps names (see `/v1/capabilities`) to [timeline second, value] points; a value of null means that the
    curve is not given from there on. `sections` is the form of the song; without it, it is found.
    """

    audio: Sha256
    seconds: Annotated[float, Field(ge=0.5, le=MAX_SECONDS)]
    tempo_map: TempoPoints | None = None
    beats: Beats | None = None
    reference: Reference
    style: Literal[STYLES] | None = None  # type: ignore[valid-type]
    energy: Annotated[float, Field(ge=0.1, le=4)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    steps: Annotated[int, Field(ge=1, le=200)] | None = None
    guidance: Annotated[float, Field(ge=0, le=20)] | None = None
    listen: Annotated[float, Field(ge=0, le=3)] | None = None
    repeat: Annotated[float, Field(ge=0, le=1)] | None = None
    sections: Annotated[list[SectionOfSong], Field(max_length=MAX_SECTIONS)] | None = None
    curves: dict[Literal[CURVES], CurvePoints] = {}  # type: ignore[valid-type]
    model: Literal["default", "null"] = "default"
    known: KnownFrames | None = None

    @property
    def sha256(self) -> str:
        """Hash of everything that was said, however it was written down."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class StretchRequest(Body):
    """Which part of the song is wanted, at which tempo."""

    tempo_map: TempoPoints
    seconds: Annotated[float, Field(ge=0.01, le=MAX_SECONDS)]


def read(model: type[Body], value: Any) -> Any:
    """`value` as a `model`.

    Raises
    ------
    ApiError
        422 `request_invalid`; its details name the places, never what stood there.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise invalid(error.errors(include_url=False, include_input=False, include_context=False)) from None


def invalid(errors: list[Any]) -> ApiError:
    """One answer for pydantic's list of complaints, without anything the client sent."""
    complaints = []
    for item in errors[:MAX_COMPLAINTS]:
        place = [part for part in item["loc"] if part not in ("body", "path", "header", "query")]
        if item["type"] == "extra_forbidden":
            place = [*place[:-1], "(unknown key)"]
        complaints.append(
            {"where": ".".join(str(part) for part in place) or "(request)", "what": item["msg"]}
        )
    first = complaints[0]
    return ApiError(
        422, "request_invalid", f"The request is not right at {first['where']}: {first['what']}.", complaints
    )


def to_tempo_map(points: list[list[float]] | None) -> TempoMap:
    return TempoMap() if points is None else TempoMap(tuple((a, b) for a, b in points))


def to_dance_request(job: JobRequest) -> DanceRequest:
    """The core's request; raises `TemposeError` for what only the core can judge."""
    bones = skeleton(job.reference.skeleton)
    reference = PoseSequence(
        _array([job.reference.keypoints], "reference.keypoints"),
        _array([job.reference.scores], "reference.scores"),
        FPS,
        bones,
        (job.reference.canvas[0], job.reference.canvas[1]),
    )
    if not (reference.scores > 0).any():
        raise TemposeError("reference_empty", "The reference pose has no joint that is seen.")
    given = {name: getattr(job, name) for name in ("steps", "energy", "guidance", "listen", "repeat")}
    optional = {name: value for name, value in given.items() if value is not None}
    request = DanceRequest(
        reference=reference,
        seconds=job.seconds,
        tempo_map=to_tempo_map(job.tempo_map),
        grid=BeatGrid(np.asarray(job.beats.beats), np.asarray(job.beats.downbeats)) if job.beats else None,
        style=job.style,
        seed=job.seed,
        known=_known(job),
        curves={name: _curve(points) for name, points in job.curves.items()},
        sections=None
        if job.sections is None
        else tuple(Section(**part.model_dump()) for part in job.sections),
        **optional,
    )
    return request


def _curve(points: list[CurvePoint]) -> Curve:
    times, values = np.asarray([[math.nan if x is None else x for x in point] for point in points], float).T
    return Curve(times, values)


def unknown_frames(request: DanceRequest) -> int:
    """How many frames have anything to be danced: the work a job is."""
    return request.frames if request.known is None else int((~request.known.mask).any(1).sum())


def _known(job: JobRequest) -> Known | None:
    if job.known is None:
        return None
    frames = max(1, round(job.seconds * FPS))
    joints = OPENPOSE_18.joints
    keypoints = _array(job.known.keypoints, "known.keypoints", (-1, len(joints), 2))
    scores = _array(job.known.scores, "known.scores", (-1, len(joints)))
    if len(keypoints) > frames:
        raise TemposeError("known_long", "The known poses are longer than the dance.")
    missing = frames - len(keypoints)
    mask = np.zeros((frames, len(joints)), bool)
    for part in (job.known, *job.known.more):
        columns = slice(None) if part.joints is None else [joints.index(name) for name in part.joints]
        for start, stop in part.mask:
            if not start < stop <= len(keypoints):
                raise TemposeError(
                    "known_mask", "Each masked range must be [start, stop) within the known frames."
                )
            mask[start:stop, columns] = True
    poses = PoseSequence(
        np.pad(keypoints, ((0, missing), (0, 0), (0, 0))) if keypoints.ndim == 3 else keypoints,
        np.pad(scores, ((0, missing), (0, 0))) if scores.ndim == 2 else scores,
        FPS,
        OPENPOSE_18,
        (job.reference.canvas[0], job.reference.canvas[1]),
    )
    return Known(poses, mask)


def _array(value: Any, name: str, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Nested lists or base64 float32 as an array; ragged or broken ones are refused."""
    try:
        if isinstance(value, str):
            array = np.frombuffer(base64.b64decode(value, validate=True), "<f4").reshape(shape or (-1,))
        else:
            array = np.asarray(value, np.float32)
    except (ValueError, binascii.Error):
        raise TemposeError("pose_shape", f"The list {name} has not the shape it must have.") from None
    if not np.isfinite(array).all() or (np.abs(array) > FARTHEST).any():
        raise TemposeError("pose_not_finite", f"{name} holds values that cannot be.")
    return array


def encode(array: np.ndarray) -> str:
    """Base64 of little-endian float32."""
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()


# --- answers ----------------------------------------------------------------------------------------------

State = Literal["queued", "running", "succeeded", "failed", "canceled"]


class Problem(BaseModel):
    """Any answer other than success."""

    code: str
    message: str
    details: Any = None


class Health(BaseModel):
    status: Literal["STARTING", "READY", "BUSY", "SETUP_FAILED"]
    version: str
    device: str | None
    model_revision: str | None
    message: str


class ModelInfo(BaseModel):
    name: str
    revision: str | None


class SkeletonInfo(BaseModel):
    name: str
    joints: list[str]
    parents: list[int]
    limbs: list[list[int]]
    flip: list[int]


class Limits(BaseModel):
    audio_bytes: int
    audio_seconds: float
    dance_seconds: float
    queue: int
    json_bytes: int
    json_elements: int
    picture_bytes: int
    picture_pixels: int


class PoseEstimator(BaseModel):
    """Whether poses can be found in pictures; `message` says why not."""

    available: bool
    message: str


class Capabilities(BaseModel):
    models: list[ModelInfo]
    skeletons: list[SkeletonInfo]
    fps: float
    segment_frames: int
    overlap_frames: int
    styles: list[str]
    curves: dict[str, list[float]]
    audio_formats: list[str]
    picture_formats: list[str]
    pose_estimator: PoseEstimator
    limits: Limits


class FoundPose(BaseModel):
    """The largest person in a picture; keypoints are shares of the upright picture, score 0: not seen.

    `skeleton` is openpose18, or body25 (with feet) or body25_hands, where the model has them; `people` is how
    many were seen.
    """

    skeleton: str
    joints: list[str]
    keypoints: list[list[float]]
    scores: list[float]
    canvas: list[int]
    people: int


class AudioInfo(BaseModel):
    sha256: str
    seconds: float


class Analysis(BaseModel):
    """Song seconds throughout; `loudness` is the RMS of every tenth of a second, 1 the loudest.

    `confidence` is how probable it is that the grid is right as a whole; `heard`, for each beat, how probable a beat
    within 40 ms of it is (nothing where the sound is too short or too quiet to listen to).
    """

    seconds: float
    beats: list[float]
    downbeats: list[float]
    bpm: float
    confidence: float
    heard: list[float] = []
    tempo_curve: list[list[float]]
    loudness: list[float]


class Job(BaseModel):
    id: str
    state: State
    position: int | None
    progress: float
    error: Problem | None
    created: str
    updated: str
    frames: int
    seed: int


class Result(BaseModel):
    """A finished dance. Arrays are base64 of little-endian float32; times are timeline seconds."""

    fps: float
    skeleton: str
    joints: list[str]
    frames: int
    canvas: list[int]
    keypoints: str
    scores: str
    beat_times: list[float]
    downbeat_times: list[float]
    seams: list[int]
    seed: int
    model_revision: str
