# SPDX-License-Identifier: GPL-3.0-or-later
"""Dancing again after an edit of the tempo: only what has changed, unless everything is asked for."""

from collections.abc import Callable, Generator
from dataclasses import replace

import bpy

from ..errors import Problem
from ..keys import making, stage
from ..keys.making import Ready
from ..properties import pick_rig
from ..tempo import tempo_changes, tempo_edit, tempo_preview
from ..tempo.timing import Span
from . import again, dancing, known
from .again import Again
from .dance import DanceData


def order(context) -> tuple[dancing.Order, Again | None]:
    """What to ask the server for, and what is kept; None: nothing is."""
    settings = context.scene.tempose
    asked = dancing.order(context, True)
    if settings.tempo.again == "ALL":
        return asked, None
    changes = tempo_changes.found(context)
    if changes is None or changes.part:
        return asked, None
    if not changes.touched and not _sound_waits(context):
        raise Problem(
            "nothing_touched",
            "The dance fits this tempo: nothing is to be danced again. Generate makes another one.",
        )
    data = stage.data_of(changes.take)
    kept = again.plan(changes, data, asked.body["seconds"], settings.tempo.exact)
    if kept is None:
        return asked, None
    body = {**asked.body, "known": known.to_body(kept.kept)}
    return replace(asked, body=body), kept


def _sound_waits(context) -> bool:
    """Whether the sound is still to be put down at the tempo that is asked for."""
    settings = context.scene.tempose
    scene, original = dancing.chosen_original(context)
    now, wanted = tempo_edit.heard(scene, original), tempo_edit.edited(scene, original, settings)
    return bool(
        settings.replace_sound
        and again.retiming.tempo_differs(
            now.tempo, wanted.tempo, wanted.song_start, wanted.song_start + wanted.song_seconds
        )
    )


def apply(
    asked: dancing.Order, kept: Again | None, made: DanceData, wav: bytes | None, ready: Ready | None = None
) -> str:
    """Put the answer into the scene: a take whose keys are the kept ones wherever they may stay."""
    scene = bpy.data.scenes.get(asked.scene)
    settings = scene.tempose if scene is not None else None
    if settings is not None:
        tempo_preview.take_back(settings)
    if kept is None or settings is None:
        return dancing.apply(asked, made, wav, True, ready=ready)
    ob = pick_by_identity(scene, asked.rig)
    take, _ = again.base_take(settings, ob)
    if take is None or take.identity != kept.take:
        raise Problem(
            "take_gone", "The dance that was to be kept was replaced meanwhile. Press Regenerate again."
        )
    base, count = again.keep_keys(settings, ob), len(settings.takes)
    try:
        said = dancing.apply(asked, made, wav, True, ready=making.fitting(ready, base))
        new = stage.active(settings)
        try:
            if again.SPLICED not in new.action:
                again.put_in(new.action, base, kept, _span(asked, new))
        except BaseException:
            if len(settings.takes) > count:
                stage.discard(tempo_scene(asked), settings, stage.active(settings))
            raise
    finally:
        bpy.data.actions.remove(base)
    return f"{said} {kept.kept.seconds:.1f} s were danced again; everything else kept its keys."


def putting_in(asked: dancing.Order, kept: Again, made: DanceData, find: Callable) -> Generator:
    """The kept keys put into the Action that `find` finds, while the job runs."""
    span = dancing.keys_of(asked, made).span

    def both():
        scene, _, _, ob = dancing.still_there(asked)
        take, base = again.base_take(scene.tempose, ob)
        action = find()
        there = action is not None and take is not None and take.identity == kept.take
        return (action, base) if there else None

    return again.putting_in(both, kept, span)


def tempo_scene(asked: dancing.Order):
    """The scene with the sound."""
    return bpy.data.scenes[asked.sound_scene]


def pick_by_identity(scene, mark: str):
    """The character that was asked for; raises when it has gone."""
    from ..character import rig

    ob = rig.find(scene, mark)
    if ob is None:
        raise Problem(
            "rig_gone", "The rig was deleted meanwhile. The dance was thrown away; choose another rig."
        )
    return ob


def _span(asked: dancing.Order, take) -> Span:
    """Where the new take lies."""
    scene = bpy.data.scenes[asked.sound_scene]
    span = dancing.take_span(scene, take)
    return Span(span.left, asked.body["seconds"], span.rate)


def said(context) -> tuple[str, str]:
    """In words what would be danced again, and an icon."""
    settings = context.scene.tempose
    changes = tempo_changes.found(context)
    if changes is None:
        ob = pick_rig(context)
        if ob is not None and again.base_take(settings, ob)[0] is not None:
            return "The whole dance will be made anew: it belongs to another part of the music.", "INFO"
        return "There is no dance to this sound yet; Regenerate makes one.", "INFO"
    if changes.part:
        return "This take is of a part of the music; Regenerate dances to all of it.", "INFO"
    if not changes.touched:
        return "The dance fits this tempo: nothing will be danced again.", "CHECKMARK"
    if settings.tempo.again == "ALL" or changes.is_everything:
        return f"The whole dance will be danced again, {changes.seconds:.1f} s.", "FILE_REFRESH"
    bars = again.retiming.bars(changes.downbeats, changes.touched)
    if not bars:
        bars = " and ".join(f"{a:.1f}–{b:.1f} s of the song" for a, b in changes.touched[:3])
    long = f"about {changes.seconds:.0f} s" if changes.seconds >= 1 else "less than 1 s"
    return (
        f"{bars[0].upper()}{bars[1:]} will be danced again, {long}. The rest stays key for key.",
        "FILE_REFRESH",
    )


def heard(context) -> str:
    """In words what will be heard."""
    settings = context.scene.tempose
    scene, original = dancing.chosen_original(context)
    plan = tempo_edit.edited(scene, original, settings)
    now = tempo_edit.heard(scene, original).span.seconds
    text = f"{plan.span.seconds:.1f} s at this tempo"
    return f"{text} (now {now:.1f} s)" if abs(plan.span.seconds - now) > 0.05 else text
