# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing a take: each change makes a new take and leaves the old one alone. Main thread only."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import bpy

from .. import compat
from ..character import character, rig
from ..errors import Problem
from ..keys import blending, keys, stage
from ..keys.baking import Plan
from ..keys.making import Ready
from ..music import audio, markers
from ..tempo import area, tempo_edit
from ..tempo.retiming import Heard as OnTimeline
from ..tempo.retiming import Piece
from ..tempo.tempo_edit import Heard
from ..tempo.timing import Span, TempoMap
from . import again, dancing, known, shaping
from .dance import DanceData
from .dancing import Order
from .known import Kept
from .takes import Take


@dataclass(frozen=True)
class Change:
    """What is danced again, and what of the take stays."""

    order: Order
    take: str  # its identity
    kept: Kept
    what: str  # in words, for the new take's name
    seams: list[int]  # of the take


@dataclass(frozen=True)
class Chosen:
    """The take that is meant and where it lies now."""

    take: object
    data: Take
    scene: object  # of the sound
    original: object
    span: Span
    heard: Heard  # of the whole strip
    spans: list  # timeline seconds of the take that are to be changed


def chosen(context, group) -> Chosen:
    """The active take with the part of it that the settings mean; all of it without a group."""
    settings = context.scene.tempose
    take = stage.active(settings)
    if take is None:
        raise Problem("no_take", "There is no take: generate one.")
    data = stage.data_of(take)
    stage.rig_of(take)
    scene = compat.sound_scene(context)
    original = dancing.find_original(scene, data.settings.get("strip", ""))
    if original is None:
        raise Problem(
            "strip_gone",
            "The sound strip of this take has been deleted or renamed. Undo that, or discard the take.",
        )
    heard = tempo_edit.heard(scene, original)
    span = dancing.take_span(scene, take)
    mark = dancing.grid_mark(scene, original)
    part = area.seconds_of(context.scene, scene, group, heard, mark) if group else None
    shift = float(heard.span.second_at(span.left))
    start, stop = (0.0, span.seconds) if part is None else (part[0] - shift, part[1] - shift)
    start, stop = max(start, 0.0), min(stop, span.seconds)
    if stop <= start:
        raise Problem("range_outside", f"This range lies outside of {take.name}. Choose another one.")
    return Chosen(take, data, scene, original, span, heard, [(start, stop)])


def order(
    context,
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
    it = chosen(context, group)
    data, asked = it.data, it.data.settings
    if not dancing.same_music(it.take, it.scene, it.heard):
        raise Problem("out_of_date", "The music has changed since this take was made: generate again.")
    seconds = float(asked.get("seconds", it.span.seconds))
    count = known.frames_of(seconds)
    kept = (
        known.all_of(data.dance, count)
        if abs(data.dance.fps - known.FPS) < 1e-6
        else known.moved(data.dance, count, [(0.0, seconds, 0.0)])
    )
    held = set(locked)
    free = [joint for joint in shaping.joints_of(shaping.LIMBS) if joint not in held]
    kept = known.again(kept, it.spans, joints=free)
    if frames is not None:
        at = [float(it.span.second_at(f)) for f in frames]
        inside = [s for s in at if any(a - 1e-6 <= s < b for a, b in it.spans)]
        if not inside:
            raise Problem("no_poses", "None of the kept poses lies in the range: press Keep This Pose there.")
        kept = known.keep(kept, inside)
    if kept.is_everything:
        raise Problem("nothing_free", "Everything is kept: nothing is left to dance. Untick a limb.")
    ob, mark = it.take.rig, dancing.grid_mark(it.scene, it.original)
    pose = asked.get("reference") or rig.pose_of(ob, current=False).to_request()
    body = {
        "seconds": seconds,
        "tempo_map": [list(p) for p in data.tempo_map],
        "beats": asked["beats"] if "beats" in asked else markers.read(it.scene, mark),
        "reference": pose,
        "style": (asked.get("style") if style is None else style) or None,
        "energy": asked.get("energy", float(context.scene.tempose.energy)),
        "seed": int(data.dance.seed if seed is None else seed),
        "steps": asked.get("steps", dancing.STEPS[context.scene.tempose.quality]),
        "guidance": None,
        "model": "default",
        "known": known.to_body(kept),
    }
    sound = audio.fetch(context, it.scene, it.original)
    return Change(
        Order(
            context.scene.name,
            it.scene.name,
            it.original.name,
            audio.facts(it.scene, it.original),
            rig.identity(ob),
            sound.source,
            body,
            body["tempo_map"],
            data.song_start,
            data.song_seconds,
            character.notice(ob),
            [list(p) for p in it.heard.tempo.points],
            it.span,
        ),
        it.take.identity,
        kept,
        what,
        [round(s / data.dance.fps * known.FPS) for s in data.dance.seams],
    )


def merged(change: Change, made: DanceData) -> DanceData:
    """The answer with all that stays of the take."""
    made = known.merge(change.kept, made)

    def again_at(seam: int) -> bool:
        return any(a <= seam / made.fps < b for a, b in change.kept.spans)

    seams = {s for s in change.seams if not again_at(s)} | {s for s in made.seams if again_at(s)}
    return replace(made, seams=sorted(seams))


def _taken(change: Change, made: DanceData) -> tuple:
    """The take that was changed, what the new one is, and where it lies."""
    asked = change.order
    scene, sound_scene, original, _ = dancing.still_there(asked)
    old = stage.of_identity(scene.tempose, change.take)
    before, heard = stage.data_of(old), tempo_edit.heard(sound_scene, original)
    data = replace(
        before,
        dance=made,
        fingerprint=dancing.take_mark(sound_scene, replace(heard, tempo=TempoMap(asked.whole))),
        settings={**before.settings, "style": asked.body["style"] or ""},
    )
    return old, data, dancing.span_of(heard, data)


def keys_of(change: Change, made: DanceData) -> Plan:
    """What the keys of the new take are to be made from."""
    scene, _, _, ob = dancing.still_there(change.order)
    _, data, span = _taken(change, made)
    return keys.plan(data, ob, span, scene.tempose)


def apply(change: Change, made: DanceData, ready: Ready | None = None) -> str:
    """Put the new take beside the old one."""
    scene, _, _, ob = dancing.still_there(change.order)
    old, data, span = _taken(change, made)
    return _add(scene.tempose, ob, data, span, old, change.what, change.kept.spans, ready)


def reshaped(context, group, what: str, change, whole: bool = False) -> str:
    """A take changed without a server: `change` gets the dance and the spans and returns a dance."""
    it = chosen(context, None if whole else group)
    data = replace(it.data, dance=change(it.data.dance, it.spans))
    spans = None if whole else it.spans
    return _add(context.scene.tempose, it.take.rig, data, it.span, it.take, what, spans)


def blended(context, strength: float) -> str:
    """A take whose keys are mixed with what moved the character before."""
    settings = context.scene.tempose
    take = stage.active(settings)
    data = stage.data_of(take)
    base, slot = stage.beneath(settings, stage.rig_of(take))
    if base is None:
        raise Problem(
            "no_base",
            "Nothing else moves this character. Accept a take first, then blend another one with it.",
        )
    data = replace(data, settings={**data.settings, **blending.settings_for(base, slot, strength)})
    span = dancing.take_span(compat.sound_scene(context), take)
    return _add(settings, stage.rig_of(take), data, span, take, f"{strength:.0%} strength")


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
    base = old.name  # before the list grows: its items move
    kept = _keys_beneath(settings, ob, old, span) if spans else None
    try:
        take = stage.add(settings, ob, data, span, ready=ready)
        if kept is not None:
            try:
                again.put_in(take.action, kept, _around(data, span, spans), span, ob)
            except BaseException:
                stage.discard(bpy.context.scene, settings, stage.active(settings))
                raise
    finally:
        if kept is not None:
            bpy.data.actions.remove(kept)
    taken = {t.name for t in settings.takes if t.identity != take.identity}
    names = [f"{base}, {what}", *(f"{base}, {what} {n}" for n in range(2, len(taken) + 3))]
    take.name = next(name for name in names if name not in taken)
    return f"'{take.name}' is a new take, shown on '{ob.name}'. '{base}' is kept as it was."


def _keys_beneath(settings, ob, old, span: Span):
    """A copy of the keys of the take that is changed; None where they are not on the character."""
    if old.state == "PREVIEW" and old.action is None:
        stage.show(settings, old, span)
    return again.keep_keys(settings, ob) if again.base_take(settings, ob)[0] == old else None


def _around(data: Take, span: Span, spans: list) -> again.Again:
    """All but these seconds stays, at the tempo that it has."""
    edges = [-math.inf]
    for start, stop in spans:
        edges += [math.ceil(float(span.frame_at(start)) - 1e-6), math.ceil(float(span.frame_at(stop)) - 1e-6)]
    edges.append(math.inf)
    pieces = [Piece(a, b, 0.0) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    here = OnTimeline(span, TempoMap(data.tempo_map))
    return again.Again("", known.all_of(data.dance), pieces, here, here, [], True)
