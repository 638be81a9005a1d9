"""The order of a dance: `PUT /v1/jobs/{uuid}`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tempose_pose.curves import Curve
from tempose_pose.errors import TemposeError
from tempose_pose.form import Section
from tempose_pose.grid import BeatGrid
from tempose_pose.request import DanceRequest
from tempose_pose.tempo import TempoMap
from tempose_pose.wire.known_poses import known_body, known_of
from tempose_pose.wire.poses import pose_body, pose_of

NUMBERS = ("energy", "steps", "guidance", "listen", "repeat")
"""Parts of a request that the server knows a default for."""


@dataclass(frozen=True, eq=False)
class JobRequest:
    """A requested dance and its song.

    Parameters
    ----------
    audio : str
        SHA-256 of the song's bytes, which the server has.
    dance : DanceRequest
    model : str
        ``"default"`` or ``"null"``.
    """

    audio: str
    dance: DanceRequest
    model: str = "default"

    def body(self) -> dict[str, Any]:
        """Its wire form."""
        return {"audio": self.audio, **dance_body(self.dance), "model": self.model}

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> JobRequest:
        """The inverse of `body`, for a body with checked types; raises as `dance_of`."""
        return cls(body["audio"], dance_of(body), body.get("model", "default"))


def dance_body(dance: DanceRequest) -> dict[str, Any]:
    """A request in its wire form, which is also kept with a take."""
    return {
        "seconds": float(dance.seconds),
        "tempo_map": tempo_body(dance.tempo_map),
        "beats": None if dance.grid is None else beats_body(dance.grid),
        "reference": pose_body(dance.reference),
        "style": dance.style,
        "seed": int(dance.seed),
        **{name: getattr(dance, name) for name in NUMBERS},
        "sections": None if dance.sections is None else [_section_body(s) for s in dance.sections],
        "curves": curves_body(dance.curves),
        "known": None if dance.known is None else known_body(dance.known),
    }


def dance_of(body: Mapping[str, Any]) -> DanceRequest:
    """The inverse of `dance_body`. Missing or null fields take the defaults of `DanceRequest`.

    Raises
    ------
    TemposeError
        The request contradicts itself.
    """
    reference = pose_of(body["reference"])
    if not (reference.scores > 0).any():
        raise TemposeError("reference_empty", "The reference pose has no joint that is seen.")
    beats, sections, known = (body.get(key) for key in ("beats", "sections", "known"))
    given = {name: body[name] for name in NUMBERS if body.get(name) is not None}
    dance = DanceRequest(
        reference=reference,
        seconds=float(body["seconds"]),
        tempo_map=tempo_of(body.get("tempo_map")),
        grid=None if beats is None else beats_of(beats),
        style=body.get("style"),
        seed=body.get("seed", 0),
        curves=curves_of(body.get("curves", {})),
        sections=None if sections is None else tuple(Section(**section) for section in sections),
        **given,
    )
    if known is None:
        return dance
    return replace(dance, known=known_of(known, dance.frames, reference.canvas))


def tempo_body(tempo_map: TempoMap) -> list[list[float]]:
    """Pairs of timeline second and song second."""
    return [[float(timeline), float(song)] for timeline, song in tempo_map.points]


def tempo_of(points: list[list[float]] | None) -> TempoMap:
    """The inverse of `tempo_body`; None: the recorded tempo."""
    return TempoMap() if points is None else TempoMap(tuple((a, b) for a, b in points))


def curves_body(curves: Mapping[str, Curve]) -> dict[str, list[list[float | None]]]:
    """Name → pairs of timeline second and value; null: not given from here on."""
    return {name: _curve_body(curve) for name, curve in curves.items()}


def curves_of(body: Mapping[str, Any]) -> dict[str, Curve]:
    """The inverse of `curves_body`."""
    return {name: _curve_of(points) for name, points in body.items()}


def beats_body(grid: BeatGrid) -> dict[str, list[float]]:
    """Beats and downbeats in song seconds."""
    return {"beats": grid.beats.tolist(), "downbeats": grid.downbeats.tolist()}


def beats_of(body: Mapping[str, Any]) -> BeatGrid:
    """The inverse of `beats_body`."""
    return BeatGrid(np.asarray(body["beats"], float), np.asarray(body.get("downbeats", ()), float))


def _section_body(section: Section) -> dict[str, Any]:
    """A section without fields at their default, for servers that do not know them."""
    usual = {"repeat": None, "energy": 1.0, "style": None}
    return {key: value for key, value in vars(section).items() if key not in usual or value != usual[key]}


def _curve_body(curve: Curve) -> list[list[float | None]]:
    """Pairs of timeline second and value; null: not given from there on."""
    pairs = zip(curve.times.tolist(), curve.values.tolist(), strict=True)
    return [[time, None if math.isnan(value) else value] for time, value in pairs]


def _curve_of(points: list[list[float | None]]) -> Curve:
    times, values = np.asarray([[math.nan if x is None else x for x in point] for point in points], float).T
    return Curve(times, values)
