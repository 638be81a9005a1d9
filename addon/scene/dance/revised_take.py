# SPDX-License-Identifier: GPL-3.0-or-later
"""A changed take, added beside the one that it was made of. Main thread only."""

import math
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import Any

import bpy

from tempose_pose.dance import Dance
from tempose_pose.tempo import TempoMap
from tempose_pose.wire.job import curves_body

from ...model.dance import kept_poses
from ...model.dance.retiming import Piece
from ...model.dance.takes import Take
from ...model.errors import Problem, require
from ...model.keys.key_plan import Plan
from ...model.tempo.playback import Timing
from ...model.tempo.timing import Span
from ..keys import background_keys, base_keys, blend, curve_keys, take_keys
from ..keys.background_keys import Ready
from ..music import sound_marks
from ..reading import Reading
from ..settings import EditSettings, ListedTake, SceneSettings
from ..window import scene_of
from . import audition, carry_over, delivery, placement
from .revision import Revision
from .take_part import part_of


def _take_of(change: Revision, made: Dance, target: delivery.Target) -> tuple[Any, Take, Span]:
    """The changed take, the new one, and its place."""
    asked = change.order
    old = audition.of_identity(target.scene.tempose, change.take)
    data = audition.data_of(old)
    settings = {**_without_stands(data.settings), "curves": curves_body(change.curves)}
    if change.stands is not None:
        settings["stands"] = change.stands.to_text()
    data = replace(data, dance=made, settings=settings)
    if placement.is_imported(data):
        return old, data, placement.span_of_import(target.scene, data)
    playback = target.playback
    mark = sound_marks.mark_of_playback(replace(playback, tempo=asked.whole))
    data = replace(data, fingerprint=mark, settings={**settings, "style": asked.request.style or ""})
    return old, data, placement.span_at(target.for_keys(playback), data)


def keys_of(change: Revision, made: Dance) -> Plan:
    """The plan for the keys of the new take."""
    target = delivery.target_of(change.order)
    _, data, span = _take_of(change, made, target)
    return take_keys.plan(data, target.rig, span, target.scene.tempose)


def put_in_steps(change: Revision, made: Dance, find: Callable) -> Generator[None, None, str | None]:
    """Put the kept keys of the take into the Action that `find` returns, while the task runs."""
    _, data, span = _take_of(change, made, delivery.target_of(change.order))

    def both():
        target = delivery.target_of(change.order)
        take, action = base_keys.take_of(target.scene.tempose, target.rig)
        new = find()
        there = new is not None and take is not None and take.identity == change.take
        return (new, action) if there else None

    return carry_over.put_in_steps(both, _around(data, span, change.kept.spans), span)


def apply(change: Revision, made: Dance, ready: Ready | None = None) -> str:
    """Put the new take beside the old one."""
    target = delivery.target_of(change.order)
    old, data, span = _take_of(change, made, target)
    return put_beside(
        target.scene.tempose, target.rig, data, span, old, change.what, change.kept.spans, ready
    )


def reshape_take(
    now: Reading,
    group: EditSettings,
    what: str,
    change: Callable[[Dance, list[tuple[float, float]]], Dance],
    whole: bool = False,
) -> str:
    """Change a take without a server: `change` gets the dance and the spans and returns a dance."""
    it = part_of(now, None if whole else group)
    data = replace(it.data, dance=change(it.data.dance, it.spans), settings=_without_stands(it.data.settings))
    spans = None if whole else it.spans
    return put_beside(now.settings, require(it.take.rig), data, it.span, it.take, what, spans)


def _without_stands(settings: dict) -> dict:
    return {key: value for key, value in settings.items() if key != "stands"}


def blend_take(now: Reading, strength: float) -> str:
    """Make a take with keys that blend the dance with the Action that moved the character before."""
    it = part_of(now, None)
    beneath, slot = audition.beneath(now.settings, audition.rig_of(it.take))
    if beneath is None:
        raise Problem(
            "no_base",
            "Nothing else moves this character. Accept a take first, then blend another one with it.",
        )
    mixed = {**it.data.settings, **blend.settings_for(beneath, slot, strength)}
    data = replace(it.data, settings=mixed)
    return put_beside(
        now.settings, audition.rig_of(it.take), data, it.span, it.take, f"{strength:.0%} strength"
    )


def put_beside(
    settings: SceneSettings,
    ob: bpy.types.Object,
    data: Take,
    span: Span,
    old: ListedTake,
    what: str,
    spans: list | None = None,
    ready: Ready | None = None,
) -> str:
    """Add a new take beside the one that it was made from, with that one's keys outside `spans`, if given."""
    name = old.name  # read before the list grows, which moves its items
    kept = _keys_beneath(settings, ob, old, span) if spans else None
    try:
        take = audition.add(settings, ob, data, span, ready=background_keys.usable(ready, kept))
        if kept is not None and curve_keys.SPLICED not in require(take.action):
            try:
                carry_over.put_in(require(take.action), kept, _around(data, span, spans or []), span)
            except BaseException:
                audition.discard(scene_of(bpy.context), settings, require(audition.active(settings)))
                raise
    finally:
        if kept is not None:
            bpy.data.actions.remove(kept)
    taken = {t.name for t in settings.takes if t.identity != take.identity}
    names = [f"{name}, {what}", *(f"{name}, {what} {n}" for n in range(2, len(taken) + 3))]
    take.name = next(free for free in names if free not in taken)
    return f"'{take.name}' is a new take, shown on '{ob.name}'. '{name}' is kept as it was."


def _keys_beneath(settings: SceneSettings, ob: bpy.types.Object, old: ListedTake, span: Span):
    """A copy of the keys of the take being changed; None if they are not on the character."""
    if old.state == "PREVIEW" and old.action is None:
        audition.show(settings, old, span)
    return carry_over.keep_keys(settings, ob) if base_keys.take_of(settings, ob)[0] == old else None


def _around(data: Take, span: Span, spans: list) -> carry_over.CarryOver:
    """The carry-over that keeps everything but these seconds, at the current tempo."""
    edges = [-math.inf]
    for start, stop in spans:
        edges += [math.ceil(float(span.frame_at(start)) - 1e-6), math.ceil(float(span.frame_at(stop)) - 1e-6)]
    edges.append(math.inf)
    pieces = [Piece(a, b, 0.0) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    here = Timing(span, TempoMap(data.tempo_map))
    return carry_over.CarryOver("", kept_poses.all_of(data.dance), pieces, here, here, [], True)
