"""Request bodies, strictly checked: the types of `tempose_pose.wire.job` as pydantic reads them.

Pydantic names each wrong place and writes the OpenAPI document; a test keeps these in step with the shared types.
Answers need no checking: they are the types of `tempose_pose.wire.answers`.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tempose_pose.curves import CURVES, MAX_POINTS
from tempose_pose.form import MAX_NAME, MAX_SECTIONS
from tempose_pose.limits import (
    FARTHEST,
    MAX_BEATS,
    MAX_CANVAS,
    MAX_FRAMES,
    MAX_JOINTS,
    MAX_SECONDS,
    MAX_TEMPO_POINTS,
)
from tempose_pose.request import STYLES
from tempose_pose.skeletons import LAYOUTS, skeleton
from tempose_pose.wire import job as wire
from tempose_pose.wire.arrays import encode
from tempose_pose.wire.poses import UNNAMED
from tempose_server.errors import ApiError

MAX_COMPLAINTS = 5
MANY = 100  # beyond this, errors are not listed: listing them would hold up all other calls


class StrictBody(BaseModel):
    """A strict request body: no unknown keys, no other types, no NaN or infinity.

    Long lists fail at their first wrong element (`fail_fast`): reporting each one would hold up all other calls.
    """

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True)


Seconds = Annotated[float, Field(ge=-1e6, le=1e6)]
Coordinate = Annotated[float, Field(ge=-FARTHEST, le=FARTHEST)]
Score = Annotated[float, Field(ge=0, le=1)]
Scores = Annotated[list[Score], Field(fail_fast=True)]
Pair = Annotated[list[Seconds], Field(min_length=2, max_length=2)]
TempoPoints = Annotated[list[Pair], Field(min_length=2, max_length=MAX_TEMPO_POINTS, fail_fast=True)]
Point = Annotated[list[Coordinate], Field(min_length=2, max_length=2)]
Points = Annotated[list[Point], Field(min_length=1, max_length=MAX_JOINTS, fail_fast=True)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
SkeletonName = Literal[tuple(LAYOUTS)]


class Beats(StrictBody):
    """A beat grid in song seconds."""

    beats: Annotated[list[Seconds], Field(max_length=MAX_BEATS, fail_fast=True)]
    downbeats: Annotated[list[Seconds], Field(max_length=MAX_BEATS, fail_fast=True)] = []


class ReferenceBody(StrictBody):
    """One pose; keypoints are shares of the canvas width and height."""

    skeleton: SkeletonName = UNNAMED  # type: ignore[valid-type]
    keypoints: Points
    scores: Annotated[list[Score], Field(min_length=1, max_length=MAX_JOINTS)]
    canvas: Annotated[list[Annotated[int, Field(ge=1, le=MAX_CANVAS)]], Field(min_length=2, max_length=2)]


MaskRange = Annotated[list[Annotated[int, Field(ge=0, le=MAX_FRAMES)]], Field(min_length=2, max_length=2)]
Mask = Annotated[list[MaskRange], Field(max_length=MAX_FRAMES, fail_fast=True)]
Joint = Annotated[str, Field(min_length=1, max_length=64)]
Joints = Annotated[list[Joint], Field(max_length=MAX_JOINTS)]


MAX_PARTS = 2_000  # most sets of kept poses with joints of their own


class KnownPart(StrictBody):
    """Ranges of frames [start, stop) in which these joints are kept; all joints without `joints`."""

    mask: Mask
    joints: Joints | None = None


class KnownFrames(KnownPart):
    """Poses to keep, at 30 frames per second from the dance's frame 0, on any skeleton of `/v1/capabilities`.

    `keypoints` and `scores` are nested lists, or (for long dances) base64 of little-endian float32
    of shapes (T, K, 2) and (T, K). `more` keeps other joints in other ranges.
    """

    skeleton: SkeletonName = UNNAMED  # type: ignore[valid-type]
    keypoints: str | Annotated[list[Points], Field(max_length=MAX_FRAMES, fail_fast=True)]
    scores: str | Annotated[list[Scores], Field(max_length=MAX_FRAMES, fail_fast=True)]
    more: Annotated[list[KnownPart], Field(max_length=MAX_PARTS, fail_fast=True)] = []

    @model_validator(mode="after")
    def _in_few_words(self) -> KnownFrames:
        """Turn nested lists into base64, so that a request is short to store and quick to read again."""
        for name, width in (("keypoints", 2), ("scores", None)):
            value = getattr(self, name)
            shape = (len(value), len(skeleton(self.skeleton)), *([width] if width else []))
            if not isinstance(value, str) and _shape(value) == shape:
                object.__setattr__(self, name, encode(np.asarray(value, np.float32)))
        return self


CurvePoint = Annotated[list[Seconds | None], Field(min_length=2, max_length=2)]
CurvePoints = Annotated[list[CurvePoint], Field(min_length=1, max_length=MAX_POINTS, fail_fast=True)]


class SectionOfSong(StrictBody):
    """A part of the song in song seconds; parts with the same name are the same music.

    `repeat` and `style` override those of the request; `energy` is a factor of the request's.
    """

    start: Seconds
    stop: Seconds
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    mirrored: bool = False
    repeat: Annotated[float, Field(ge=0, le=1)] | None = None
    energy: Annotated[float, Field(ge=0.1, le=4)] = 1.0
    style: Literal[STYLES] | None = None  # type: ignore[valid-type]


class JobBody(StrictBody):
    """What to dance, to which song.

    `curves` maps names (see `/v1/capabilities`) to [timeline second, value] points; a value of null means that the
    curve is not given from there on. `sections` is the form of the song; without it, it is found.
    """

    audio: Sha256
    seconds: Annotated[float, Field(ge=0.5, le=MAX_SECONDS)]
    tempo_map: TempoPoints | None = None
    beats: Beats | None = None
    reference: ReferenceBody
    style: Literal[STYLES] | None = None  # type: ignore[valid-type]
    energy: Annotated[float, Field(ge=0.1, le=4)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    steps: Annotated[int, Field(ge=1, le=200)] | None = None
    guidance: Annotated[float, Field(ge=0, le=20)] | None = None
    listen: Annotated[float, Field(ge=0, le=3)] | None = None
    repeat: Annotated[float, Field(ge=0, le=1)] | None = None
    sections: Annotated[list[SectionOfSong], Field(max_length=MAX_SECTIONS, fail_fast=True)] | None = None
    curves: dict[Literal[CURVES], CurvePoints] = {}  # type: ignore[valid-type]
    model: Literal["default", "null"] = "default"
    known: KnownFrames | None = None

    @property
    def sha256(self) -> str:
        """Hash of the contents, independent of formatting."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


class StretchRequest(StrictBody):
    """The wanted part of the song, and its tempo."""

    tempo_map: TempoPoints
    seconds: Annotated[float, Field(ge=0.01, le=MAX_SECONDS)]


def read(model: type[StrictBody], value: Any) -> Any:
    """`value` as a `model`.

    Raises
    ------
    ApiError
        422 `request_invalid`; its details name the places, never their contents.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        if error.error_count() > MANY:
            raise ApiError(
                422, "request_invalid", f"The request is wrong in {error.error_count()} places."
            ) from None
        raise invalid(error.errors(include_url=False, include_input=False, include_context=False)) from None


def invalid(errors: list[Any]) -> ApiError:
    """One answer for pydantic's list of errors, without anything the client sent."""
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


def _shape(value: list[Any]) -> tuple[int, ...] | None:
    """The shape of nested lists; None if they are ragged."""
    try:
        return np.asarray(value, np.float32).shape
    except ValueError:
        return None


def job_of(body: JobBody) -> wire.JobRequest:
    """The job in the form of core and add-on; raises `TemposeError` for contradictions between fields."""
    return wire.JobRequest.of(body.model_dump())
