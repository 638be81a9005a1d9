# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing a take: each change makes a new take and leaves the old one alone. Main thread only."""

import math
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

from tempose_pose.tempo import TempoMap

from ..character import character, rig
from ..character.extremities import moved_along
from ..errors import Problem
from ..keys import blending, curve_keys, keys, making, stage
from ..keys.baking import Plan
from ..keys.making import Ready
from ..music import audio, sound_marks
from ..reading import Reading
from ..tempo.playback import Timing
from ..tempo.retiming import Piece
from ..tempo.timing import Span
from . import again, base, delivery, known, placement, shaping
from .chosen import chosen, danceable, no_music
from .dance import DanceData
from .known import Kept
from .order import STEPS, Order
from .takes import Take


@dataclass(frozen=True)
class Change:
    """What is danced again, and what of the take stays.

    Parameters
    ----------
    order : Order
        Of the part that music is heard in.
    take : str
        Its identity.
    kept : Kept
        Of the whole take.
    first, stop : int
        Frames of the part.
    before : DanceData
        The take at the frame rate of `kept`.
    what : str
        In words, for the new take's name.
    """

    order: Order
    take: str
    kept: Kept
    first: int
    stop: int
    before: DanceData
    what: str

    @property
    def asked(self) -> Kept:
        """What is kept of the part that is asked for."""
        return known.part(self.kept, self.first, self.stop)


def order(
    now: Reading,
    group,
    what: str,
    locked: Iterable[str] = (),
    frames: Iterable[int] | None = None,
    style: str | None = None,
    seed: int | None = None,
) -> Change:
    """Read what dancing a part of a take again needs.

    Parameters
    ----------
    what : str
        For the new take's name.
    locked : of joint names
        Stay as they are in the range too.
    frames : of int, optional
        Scene frames whose poses stay; None when this is not about key poses.
    style, seed : optional
        Instead of the take's own.
    """
    it = chosen(now, group)
    data, asked = it.data, it.data.settings
    if it.original is None:
        now.song.check()  # says what is missing
    if not placement.is_imported(data) and placement.is_out_of_date(it.take, it.playback):
        raise Problem("out_of_date", "The music has changed since this take was made: generate again.")
    count = known.frames_of(float(asked.get("seconds", it.span.seconds)))
    before = known.at_rate(data.dance)
    kept = known.all_of(before, count)
    part = danceable(it, count)
    spans = [(max(a, part.first / known.FPS), min(b, part.stop / known.FPS)) for a, b in it.spans]
    spans = [(a, b) for a, b in spans if a < b]
    if not spans:
        raise no_music(it)
    held = set(locked)
    free = [joint for joint in shaping.joints_of(shaping.LIMBS) if joint not in held]
    kept = known.again(kept, spans, joints=free)
    if frames is not None:
        at = [float(it.span.second_at(f)) for f in frames]
        inside = [s for s in at if any(a - 1e-6 <= s < b for a, b in spans)]
        if not inside:
            raise Problem("no_poses", "None of the kept poses lies in the range: press Keep This Pose there.")
        kept = known.keep(kept, inside)
    if kept.is_everything:
        raise Problem("nothing_free", "Everything is kept: nothing is left to dance. Untick a limb.")
    ob = it.take.rig
    pose = asked.get("reference") or rig.pose_of(ob, current=False).to_request()
    body = {
        "seconds": float(asked["seconds"]) if "seconds" in asked else part.seconds,
        "tempo_map": [list(p) for p in part.tempo.points],
        "beats": asked.get("beats", it.beats),
        "reference": pose,
        "style": (asked.get("style") if style is None else style) or None,
        "energy": asked.get("energy", float(now.settings.energy)),
        "seed": int(data.dance.seed if seed is None else seed),
        "steps": asked.get("steps", STEPS[now.settings.quality]),
        "guidance": None,
        "listen": asked.get("listen", float(now.settings.listen)),
        "repeat": asked.get("repeat", float(now.settings.repeat)),
        "model": "default",
        "known": known.to_body(known.part(kept, part.first, part.stop)),
    }
    sound = audio.fetch(now.context, it.scene, it.playback)
    return Change(
        Order(
            now.scene.name,
            it.scene.name,
            it.original.name,
            audio.facts(it.original, it.playback.visible),
            rig.identity(ob),
            sound.source,
            body,
            body["tempo_map"],
            data.song_start,
            data.song_seconds,
            character.notice(ob),
            [list(p) for p in it.playback.tempo.points],
            Span(float(it.span.frame_at(part.first / known.FPS)), part.seconds, it.span.rate),
        ),
        it.take.identity,
        kept,
        part.first,
        part.stop,
        before,
        what,
    )


def merged(change: Change, made: DanceData) -> DanceData:
    """The answer with all that stays of the take. Hands and feet of its own go with the new limbs."""
    before, kept, part = change.before, change.kept, slice(change.first, change.stop)
    made = known.merge(change.asked, made)
    keypoints, scores = kept.keypoints.copy(), kept.scores.copy()
    keypoints[part], scores[part] = made.keypoints, made.scores
    more = None
    if before.more is not None:
        size, frames = np.asarray(made.canvas, float), min(len(keypoints), len(before.more))
        own = before.more[:frames].astype(float) * (*size, 1.0)
        was, now = before.keypoints[:frames] * size, keypoints[:frames] * size
        more = moved_along(own, was, now, scores[:frames]) / (*size, 1.0)
        more = np.concatenate([more, np.repeat(more[-1:], len(keypoints) - frames, 0)]).astype(np.float32)
        same = (keypoints[:frames] == before.keypoints[:frames]).all((1, 2))
        more[:frames][same] = before.more[:frames][same]  # bit for bit
    ends = change.first, change.stop if change.stop < len(keypoints) else math.inf
    beats, downbeats = (
        known.with_part(old, [t + change.first / known.FPS for t in new], *ends)
        for old, new in (
            (before.beat_times, made.beat_times),
            (before.downbeat_times, made.downbeat_times),
        )
    )
    return replace(
        made,
        keypoints=keypoints,
        scores=scores,
        canvas=before.canvas,
        beat_times=beats,
        downbeat_times=downbeats,
        seams=_seams(change, made),
        more=more,
    )


def _seams(change: Change, made: DanceData) -> list[int]:
    def again_at(seam: int) -> bool:
        return any(a <= seam / known.FPS < b for a, b in change.kept.spans)

    new = {s + change.first for s in made.seams}
    return sorted({s for s in change.before.seams if not again_at(s)} | {s for s in new if again_at(s)})


def _take_of(change: Change, made: DanceData, target: delivery.Target) -> tuple[Any, Take, Span]:
    """The take that was changed, what the new one is, and where it lies."""
    asked = change.order
    old = stage.of_identity(target.scene.tempose, change.take)
    data = replace(stage.data_of(old), dance=made)
    if placement.is_imported(data):
        return old, data, placement.span_of_import(target.scene, data)
    playback = target.playback
    mark = sound_marks.mark_of_playback(replace(playback, tempo=TempoMap(asked.whole)))
    settings = {**data.settings, "style": asked.body["style"] or ""}
    data = replace(data, fingerprint=mark, settings=settings)
    return old, data, placement.span_at(playback, data)


def keys_of(change: Change, made: DanceData) -> Plan:
    """What the keys of the new take are to be made from."""
    target = delivery.target_of(change.order)
    _, data, span = _take_of(change, made, target)
    return keys.plan(data, target.rig, span, target.scene.tempose)


def putting_in(change: Change, made: DanceData, find: Callable) -> Generator:
    """The kept keys of the take put into the Action that `find` finds, while the job runs."""
    _, data, span = _take_of(change, made, delivery.target_of(change.order))

    def both():
        target = delivery.target_of(change.order)
        take, action = base.take_of(target.scene.tempose, target.rig)
        new = find()
        there = new is not None and take is not None and take.identity == change.take
        return (new, action) if there else None

    return again.putting_in(both, _around(data, span, change.kept.spans), span)


def apply(change: Change, made: DanceData, ready: Ready | None = None) -> str:
    """Put the new take beside the old one."""
    target = delivery.target_of(change.order)
    old, data, span = _take_of(change, made, target)
    return _add(target.scene.tempose, target.rig, data, span, old, change.what, change.kept.spans, ready)


def reshaped(now: Reading, group, what: str, change, whole: bool = False) -> str:
    """A take changed without a server: `change` gets the dance and the spans and returns a dance."""
    it = chosen(now, None if whole else group)
    data = replace(it.data, dance=change(it.data.dance, it.spans))
    spans = None if whole else it.spans
    return _add(now.settings, it.take.rig, data, it.span, it.take, what, spans)


def blended(now: Reading, strength: float) -> str:
    """A take whose keys are mixed with what moved the character before."""
    it = chosen(now, None)
    beneath, slot = stage.beneath(now.settings, stage.rig_of(it.take))
    if beneath is None:
        raise Problem(
            "no_base",
            "Nothing else moves this character. Accept a take first, then blend another one with it.",
        )
    mixed = {**it.data.settings, **blending.settings_for(beneath, slot, strength)}
    data = replace(it.data, settings=mixed)
    return _add(now.settings, stage.rig_of(it.take), data, it.span, it.take, f"{strength:.0%} strength")


def _add(
    settings,
    ob,
    data: Take,
    span: Span,
    old,
    what: str,
    spans: list | None = None,
    ready: Ready | None = None,
) -> str:
    name = old.name  # before the list grows: its items move
    kept = _keys_beneath(settings, ob, old, span) if spans else None
    try:
        take = stage.add(settings, ob, data, span, ready=making.fitting(ready, kept))
        if kept is not None and curve_keys.SPLICED not in take.action:
            try:
                again.put_in(take.action, kept, _around(data, span, spans), span)
            except BaseException:
                stage.discard(bpy.context.scene, settings, stage.active(settings))
                raise
    finally:
        if kept is not None:
            bpy.data.actions.remove(kept)
    taken = {t.name for t in settings.takes if t.identity != take.identity}
    names = [f"{name}, {what}", *(f"{name}, {what} {n}" for n in range(2, len(taken) + 3))]
    take.name = next(free for free in names if free not in taken)
    return f"'{take.name}' is a new take, shown on '{ob.name}'. '{name}' is kept as it was."


def _keys_beneath(settings, ob, old, span: Span):
    """A copy of the keys of the take that is changed; None where they are not on the character."""
    if old.state == "PREVIEW" and old.action is None:
        stage.show(settings, old, span)
    return again.keep_keys(settings, ob) if base.take_of(settings, ob)[0] == old else None


def _around(data: Take, span: Span, spans: list) -> again.Again:
    """All but these seconds stays, at the tempo that it has."""
    edges = [-math.inf]
    for start, stop in spans:
        edges += [math.ceil(float(span.frame_at(start)) - 1e-6), math.ceil(float(span.frame_at(stop)) - 1e-6)]
    edges.append(math.inf)
    pieces = [Piece(a, b, 0.0) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    here = Timing(span, TempoMap(data.tempo_map))
    return again.Again("", known.all_of(known.at_rate(data.dance)), pieces, here, here, [], True)
