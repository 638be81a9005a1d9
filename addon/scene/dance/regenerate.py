# SPDX-License-Identifier: GPL-3.0-or-later
"""Dancing again after an edit of the tempo: only what has changed, unless everything is requested."""

from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING

import bpy

from tempose_pose.dance import Dance

from ...model.dance import retiming
from ...model.errors import Problem, require
from ...model.tempo.timing import Span
from ..character import rig
from ..keys import background_keys, base_keys, curve_keys
from ..keys.background_keys import Ready
from ..reading import Reading
from ..tempo import tempo_preview
from . import audition, carry_over, delivery, placement
from . import order as orders
from .carry_over import CarryOver
from .order import Order

if TYPE_CHECKING:
    from bpy.stub_internal.rna_enums import IconItems


def order(now: Reading) -> tuple[Order, CarryOver | None]:
    """The order, and what is kept; None: nothing is."""
    changes = now.changes
    part = changes.part if changes is not None else None
    asked = orders.order(now, True, part)
    if now.settings.tempo.again == "ALL" or changes is None:
        return asked, None
    if not changes.touched and not _sound_waits(now):
        raise Problem(
            "nothing_touched",
            "The dance fits this tempo: nothing is to be danced again. Generate makes another one.",
        )
    data = audition.data_of(changes.take)
    kept = carry_over.carry(changes, data, asked.request.seconds, now.settings.tempo.exact)
    if kept is None:
        return asked, None
    return replace(asked, request=replace(asked.request, known=kept.kept)), kept


def _sound_waits(now: Reading) -> bool:
    """Whether the sound still has to be put down at the requested tempo."""
    heard, wanted = now.playback, now.playback_asked
    return heard is not None and bool(
        now.settings.replace_sound
        and retiming.tempo_differs(heard.tempo, wanted.tempo, wanted.song_start, wanted.song_end)
    )


def apply(
    asked: Order, kept: CarryOver | None, made: Dance, wav: bytes | None, ready: Ready | None = None
) -> str:
    """Put the answer into the scene: a take with the kept keys wherever they can stay."""
    scene = bpy.data.scenes.get(asked.subject.scene)
    settings = scene.tempose if scene is not None else None
    if settings is not None:
        tempo_preview.take_back(settings)
    if kept is None or scene is None or settings is None:
        return delivery.apply(asked, made, wav, True, ready=ready)
    ob = _rig_of(scene, asked.subject.rig)
    take, _ = base_keys.take_of(settings, ob)
    if take is None or take.identity != kept.take:
        raise Problem(
            "take_gone", "The dance that was to be kept was replaced meanwhile. Press Re-dance again."
        )
    old, count = carry_over.keep_keys(settings, ob), len(settings.takes)
    sound_scene = bpy.data.scenes[asked.subject.sound_scene]
    try:
        said = delivery.apply(asked, made, wav, True, ready=background_keys.usable(ready, old))
        new = require(audition.active(settings))
        try:
            if curve_keys.SPLICED not in require(new.action):
                span = placement.span_of(sound_scene, new)
                carry_over.put_in(
                    require(new.action), old, kept, Span(span.left, asked.request.seconds, span.rate)
                )
        except BaseException:
            if len(settings.takes) > count:
                audition.discard(sound_scene, settings, require(audition.active(settings)))
            raise
    finally:
        bpy.data.actions.remove(old)
    return f"{said} {kept.kept.seconds:.1f} s were danced again; everything else kept its keys."


def put_in_steps(
    asked: Order, kept: CarryOver, made: Dance, find: Callable
) -> Generator[None, None, str | None]:
    """Put the kept keys into the Action that `find` returns, while the task runs."""
    span = delivery.keys_of(asked, made).span

    def both():
        target = delivery.target_of(asked)
        take, old = base_keys.take_of(target.scene.tempose, target.rig)
        new = find()
        there = new is not None and take is not None and take.identity == kept.take
        return (new, old) if there else None

    return carry_over.put_in_steps(both, kept, span)


def _rig_of(scene: bpy.types.Scene, mark: str):
    """The character of the order; raises if it has gone."""
    ob = rig.find(scene, mark)
    if ob is None:
        raise Problem(
            "rig_gone", "The rig was deleted meanwhile. The dance was thrown away; choose another rig."
        )
    return ob


def in_words(now: Reading) -> "tuple[str, IconItems]":
    """What would be danced again, and an icon."""
    changes = now.changes
    if changes is None:
        if now.rig is not None and now.base[0] is not None:
            return "The whole dance will be made anew: it belongs to another part of the music.", "INFO"
        return "There is no dance to this sound yet; Re-dance makes one.", "INFO"
    if not changes.touched:
        return "The dance fits this tempo: nothing will be danced again.", "CHECKMARK"
    if now.settings.tempo.again == "ALL" or changes.is_everything:
        return f"The whole dance will be danced again, {changes.seconds:.1f} s.", "FILE_REFRESH"
    bars = retiming.bars(changes.downbeats, changes.touched)
    if not bars:
        bars = " and ".join(f"{a:.1f}–{b:.1f} s of the song" for a, b in changes.touched[:3])
    long = f"about {changes.seconds:.0f} s" if changes.seconds >= 1 else "less than 1 s"
    return (
        f"{bars[0].upper()}{bars[1:]} will be danced again, {long}. The rest stays key for key.",
        "FILE_REFRESH",
    )


def length_in_words(now: Reading) -> str:
    """The length of the song at the requested tempo, in words."""
    asked, heard = now.playback_asked.span.seconds, now.playback.span.seconds if now.playback else 0.0
    text = f"{asked:.1f} s at this tempo"
    return f"{text} (now {heard:.1f} s)" if abs(asked - heard) > 0.05 else text
