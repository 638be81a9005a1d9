# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery of a dance from the server: a take on its rig and, at an edited tempo, the sound. Main thread only."""

import json
from dataclasses import dataclass, replace
from typing import Any

import bpy

from tempose_pose.dance import Dance
from tempose_pose.wire.job import curves_body, dance_body, tempo_body

from ...model.dance.takes import Take
from ...model.errors import Problem
from ...model.keys.key_plan import Plan
from ...model.tempo.playback import Playback
from ...model.tempo.timing import Span
from .. import compat
from ..character import rig
from ..keys import take_keys
from ..keys.background_keys import Ready
from ..music import markers, song_playback, sound_marks, strip_marks, strips
from ..music.mix import Mix
from ..tempo import versions
from . import audition, placement
from .order import Order, Subject
from .pins import staged


@dataclass(frozen=True, eq=False)
class Target:
    """Everything that an order was about, found again.

    Parameters
    ----------
    scene, sound_scene
    playback : Playback
        How the sound is played now: the strip may have been moved meanwhile.
    rig
    """

    scene: Any
    sound_scene: Any
    playback: Playback
    rig: Any

    def for_keys(self, playback: Playback) -> Playback:
        """A playback in frames of the character's keys."""
        return placement.for_keys(self.sound_scene, self.scene, playback)


def target_of(asked: Order) -> Target:
    """Find everything again; raises if something is gone."""
    about = asked.subject
    scene, sound_scene = bpy.data.scenes.get(about.scene), bpy.data.scenes.get(about.sound_scene)
    if scene is None or sound_scene is None:
        raise Problem(
            "scene_gone", "The scene was deleted meanwhile. The dance was thrown away; generate again."
        )
    ob = rig.find(scene, about.rig)
    if ob is None:
        raise Problem(
            "rig_gone", "The rig was deleted meanwhile. The dance was thrown away; choose another rig."
        )
    playback = _find_sound(sound_scene, about)
    if playback is None:
        raise Problem(
            "strip_gone",
            "The sound strip was deleted or cut meanwhile. The dance was thrown away; generate again.",
        )
    return Target(scene, sound_scene, playback, ob)


def _find_sound(scene: bpy.types.Scene, about: Subject) -> Playback | None:
    """The sound of an order, if it still plays the same; its strip may have been renamed."""
    found = compat.sound_strips(scene)
    named = Mix(scene) if "mix" in about.sound else next((s for s in found if s.name == about.strip), None)
    candidates = [named] if named is not None else []
    candidates += [s for s in found if not strips.is_version(s) and s != named]
    playbacks = (song_playback.playback_of(scene, strip) for strip in candidates)
    return next((p for p in playbacks if sound_marks.sounds_alike(p, about.sound)), None)


KEPT = (
    "seconds",
    "reference",
    "energy",
    "steps",
    "beats",
    "listen",
    "repeat",
)  # of an order, with its take


def take_of(asked: Order, made: Dance, target: Target) -> tuple[Take, Playback]:
    """The take for a dance, and the playback of its music."""
    now, request = target.playback, asked.request
    tempo, start, seconds = request.tempo_map, asked.song_start, asked.song_seconds
    left = round(float(now.span.frame_at(asked.whole.to_timeline(tempo.points[0][1]))), 6)
    said = dance_body(request)
    data = Take(
        made,
        tempo_body(tempo),
        start,
        seconds,
        sound_marks.mark_of_playback(replace(now, tempo=asked.whole)),
        {
            "style": request.style or "",
            "strip": asked.subject.strip,
            **{key: said[key] for key in KEPT},
            "curves": curves_body(asked.directed),
            **({"loop": True} if asked.loop else {}),
            **({"travel": asked.travel} if asked.travel else {}),
            **staged(asked.way, asked.pins),
        },
    )
    span = Span(left, request.seconds, now.span.rate)
    return data, replace(now, span=span, tempo=tempo, song_start=start, song_seconds=seconds)


def keys_of(asked: Order, made: Dance) -> Plan:
    """The plan for the keys of a finished dance."""
    target = target_of(asked)
    data, playback = take_of(asked, made, target)
    return take_keys.plan(data, target.rig, target.for_keys(playback).span, target.scene.tempose)


def apply(
    asked: Order,
    made: Dance,
    wav: bytes | None,
    new_tempo: bool,
    show: bool = True,
    ready: Ready | None = None,
) -> str:
    """Put a finished dance into the scene as a take; for an edited tempo, put the sound and the markers too."""
    target = target_of(asked)
    data, playback = take_of(asked, made, target)
    settings, strip = target.scene.tempose, None
    put_sound = new_tempo and settings.replace_sound
    before = versions.snapshot(target.sound_scene, target.playback.original) if put_sound else {}
    try:
        if put_sound:
            whole, now = asked.whole, target.playback
            span = Span(now.span.left, whole.points[-1][0], now.span.rate)
            heard = replace(now, span=span, tempo=whole)
            strip = versions.put(target.sound_scene, heard, wav, settings.mute_original)
            markers.follow(target.sound_scene, span, whole)
        take = audition.add(settings, target.rig, data, target.for_keys(playback).span, show, ready)
    except BaseException:
        if put_sound:
            versions.restore(target.sound_scene, target.playback.original, before)
            if strip is not None:
                compat.remove_strip(target.sound_scene, strip)
        raise
    if put_sound:
        own, new = target.playback.original.get(strip_marks.ID, ""), strip.name if strip else ""
        take.sound = json.dumps({"original": own, "new": new, "before": before})
    if not settings.lock_seed and not new_tempo:
        settings.seed = (settings.seed + 1) % 2**31
    tempo_text = f", {data.dance.bpm:.0f} BPM" if data.dance.bpm else ""
    said = (
        f"{take.name} (seed {take.seed}{tempo_text}) is shown on '{target.rig.name}'. Accept or discard it."
    )
    return f"{said} The sound is on channel {strip.channel}." if strip else said
