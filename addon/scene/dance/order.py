# SPDX-License-Identifier: GPL-3.0-or-later
"""Orders for the server: everything that a dance needs, read from the scene. Main thread only."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import bpy
import numpy as np

from tempose_pose.curves import Curve
from tempose_pose.form import Section
from tempose_pose.grid import BeatGrid
from tempose_pose.reference import Reference
from tempose_pose.request import STEPS as USUAL_STEPS
from tempose_pose.request import DanceRequest, Known
from tempose_pose.sequence import PoseSequence
from tempose_pose.tempo import TempoMap

from ...model.dance import styles
from ...model.dance import way as ways
from ...model.dance.pins import Pin, known_of
from ...model.dance.way import Way
from ...model.errors import Problem, require
from ...model.tempo import area
from ...model.tempo.playback import Playback, Timing
from ...model.tempo.timing import Span
from ..character import character, rig
from ..music import audio
from ..reading import Reading
from ..server import connection
from . import direction, pins, waypoints

STEPS = {"DRAFT": 3, "NORMAL": USUAL_STEPS, "FINE": 10}  # of the sampler


@dataclass(frozen=True)
class Subject:
    """What an order is about, to find it again. Names and marks only: undo invalidates references to datablocks.

    Parameters
    ----------
    scene, sound_scene, strip : str
    sound : dict
        How the strip sounded (`audio.facts`).
    rig : str
        The character's identity.
    """

    scene: str
    sound_scene: str
    strip: str
    sound: dict
    rig: str


@dataclass(frozen=True, kw_only=True)
class Order:
    """One order.

    Parameters
    ----------
    subject : Subject
    request : DanceRequest
    source : bytes or str
        The sound, or the path of its file.
    song_start, song_seconds : float
        The part of the song to dance to.
    whole : TempoMap
        That of the whole strip; the request's may be a part of it.
    span : Span
        Its place at the time of the order.
    notice : str
        A remark to add to the message.
    loop : bool
        Whether the dance leads back into its own beginning.
    travel : float
        Distance to the right that a round of a loop covers, in heights of the figure.
    way : Way, optional
        Where the whole figure goes.
    directed : dict of name to Curve
        The curves set under *Direct*; the request also asks for steps on the way.
    pins : tuple of Pin
        Hands and feet that are held.
    """

    subject: Subject
    request: DanceRequest
    source: bytes | str
    song_start: float
    song_seconds: float
    whole: TempoMap
    span: Span
    notice: str
    loop: bool = False
    travel: float = 0.0
    way: Way | None = None
    directed: Mapping[str, Curve] = field(default_factory=dict)
    pins: tuple[Pin, ...] = ()


def order(now: Reading, new_tempo: bool, part: tuple[float, float] | None = None) -> Order:
    """The order at the current tempo, or at the one set in the panel.

    Parameters
    ----------
    part : (start, stop), optional
        Song seconds to dance to at that tempo; by default all.
    """
    now.song.check()
    if now.rig is None:
        raise Problem("no_rig", f"{now.no_rig}.")
    scene, settings, playback = now.song.scene, now.settings, now.playback
    assert playback is not None  # the song has been checked
    styles.check(settings.style, connection.styles())
    sound, about = audio.fetch(now.context, scene, playback), subject(now, scene, playback, now.rig)
    whole = now.playback_asked if new_tempo else playback
    _check_length(whole)
    if not new_tempo:
        playback = range_of(now, whole)
    elif part is not None:
        playback = area.part_of(whole, *(float(whole.tempo.to_timeline(second)) for second in part))
    else:
        playback = whole
    if playback.span.seconds < audio.MIN_SECONDS:
        raise Problem(
            "audio_short", "At this tempo the strip is shorter than half a second. Lower the tempo."
        )
    pose = rig.pose_of(now.rig, settings.reference == "ARMATURE", now.physique)
    notice = character.notice(now.rig, character.stretches(now.rig, settings), build=now.physique)
    same = now.take if new_tempo else None  # the same dance, at another tempo
    span = now.staging.for_keys(playback).span
    beats = now.beats_asked if new_tempo else now.beats_for(playback)
    asked = _Staged.of(now, now.rig, now.staging.for_keys(whole), span, playback, beats)
    request = DanceRequest(
        reference=shown(pose),
        seconds=playback.span.seconds,
        tempo_map=playback.tempo,
        grid=beats,
        style=styles.style_of(settings.style) or None,
        energy=float(settings.energy),
        seed=int(same.seed) if same is not None else settings.seed,
        steps=STEPS[settings.quality],
        listen=float(settings.listen),
        repeat=float(settings.repeat),
        sections=sections_of(now),
        known=asked.known(shown(pose)),
        curves=asked.curves,
    )
    return Order(
        subject=about,
        request=request,
        source=sound.source,
        song_start=playback.song_start,
        song_seconds=playback.song_seconds,
        whole=whole.tempo,
        span=span,
        notice=f"{pose.notice} {notice}".strip(),
        way=asked.way,
        directed=asked.directed,
        pins=asked.pins,
    )


def looped(asked: Order, travel: float) -> Order:
    """The same order as a loop, in place or so many heights of the figure to the right each round."""
    curves, request = asked.directed, asked.request
    if travel and request.grid is not None:
        body = request.reference.pixels[0, :, 1]
        tall = float(np.ptp(body)) / request.reference.canvas[1]
        beats = np.asarray(request.tempo_map.to_timeline(request.grid.beats), float)
        around = ways.even(request.seconds, travel * tall)
        curves = ways.directed(curves, around, beats, request.seconds)
    request = replace(request, curves=curves)
    return replace(asked, request=request, loop=True, travel=travel, way=None)


def for_rig(asked: Order, now: Reading, ob: bpy.types.Object) -> Order:
    """The same order for another character, with its own body and direction.

    A character without a way of its own goes along with the lead.
    """
    pose = rig.pose_of(ob, current=now.settings.reference == "ARMATURE")
    playback = range_of(now, require(now.playback))
    staged = _Staged.of(
        now, ob, now.staging.for_keys(require(now.playback)), asked.span, playback, asked.request.grid
    )
    if not waypoints.is_used(ob) and asked.way is not None:
        staged = replace(staged, way=waypoints.way_beside(asked.way, require(now.rig), ob))
    request = replace(
        asked.request, reference=shown(pose), known=staged.known(shown(pose)), curves=staged.curves
    )
    about = replace(asked.subject, rig=rig.identity(ob))
    return replace(
        asked, subject=about, request=request, notice=pose.notice,
        way=staged.way, directed=staged.directed, pins=staged.pins,
    )  # fmt: skip


@dataclass(frozen=True)
class _Staged:
    """The direction of one character: curves, way and pins, with the beats and length of its dance."""

    directed: Mapping[str, Curve]
    way: Way | None
    pins: tuple[Pin, ...]
    beats: np.ndarray
    seconds: float

    @classmethod
    def of(
        cls,
        now: Reading,
        ob: bpy.types.Object,
        keyed: Timing,
        span: Span,
        playback: Playback,
        grid: BeatGrid | None,
    ) -> "_Staged":
        song = grid.beats if grid is not None else np.zeros(0)
        beats = playback.tempo.to_timeline(song)
        return cls(
            direction.curves_of(ob, span),
            waypoints.way_of(ob, keyed, span, song, now.physique if ob == now.rig else None),
            pins.pins_of(ob, span, now.staging),
            np.asarray(beats, float),
            playback.span.seconds,
        )

    @property
    def curves(self) -> dict[str, Curve]:
        """The curves for the server."""
        return ways.directed(self.directed, self.way, self.beats, self.seconds)

    def known(self, reference: PoseSequence) -> Known | None:
        """The poses that the model must keep: held joints that the figure can reach."""
        return known_of(self.pins, self.way, reference, self.seconds)


def sections_of(now: Reading) -> tuple[Section, ...] | None:
    """The artist's form of the song; None: the server finds it."""
    for section in now.form:
        styles.check(section.style, connection.styles())
    return tuple(section.asked for section in now.form) or None


def shown(pose: Reference) -> PoseSequence:
    """A pose in the form that the model takes: with hands and feet if it dances them."""
    return pose.whole if set(pose.more) & set(connection.skeleton().joints) else pose.pose


def subject(now: Reading, sound_scene: bpy.types.Scene, playback: Playback, ob: bpy.types.Object) -> Subject:
    """The sound of a playback and a character, to be found again."""
    sound = playback.original
    facts = audio.facts(sound, playback.visible)
    return Subject(now.scene.name, sound_scene.name, sound.name, facts, rig.identity(ob))


def _check_length(playback: Playback) -> None:
    """Refuse lengths that the server would refuse, before anything is sent."""
    server = connection.current
    limit = server.capabilities.limits.dance_seconds if server else None
    if limit and playback.span.seconds > limit:
        raise Problem("too_long", f"The server dances up to {limit / 60:.0f} minutes. Trim the strip.")


def range_of(now: Reading, playback: Playback) -> Playback:
    """The part of a strip to dance to, as set under *Range*."""
    here = now.staging.in_scene(playback)
    part = area.seconds_of(now.scene, now.settings.generate, here, now.beats, now.section)
    return playback if part is None else area.part_of(playback, *part)
