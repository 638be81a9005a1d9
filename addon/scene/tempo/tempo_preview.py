# SPDX-License-Identifier: GPL-3.0-or-later
"""The instant preview of keys at an edited tempo: a copy of the Action, which replaces it everywhere.

Ending the preview restores the Action itself, which stays untouched. Its keys are read once; from then on an edit
of the tempo only rewrites what it changes in the copy.
"""

from dataclasses import dataclass

import bpy

from ...model.dance import retiming
from ...model.errors import Problem
from ...model.keys import splice
from ...model.keys.key_arrays import CurveKeys
from .. import notes
from ..keys import action_keys, curve_keys
from ..keys.base_keys import preview_of
from ..settings import SceneSettings
from .tempo_changes import TempoChange

WRITTEN = "tempose_preview"  # on previews: a mark of the keys as written


@dataclass(eq=False)
class _Read:
    """The keys of an Action, and the current keys of its preview."""

    action: int  # its identity in this session
    mark: str
    keys: list[CurveKeys]
    shown: list[CurveKeys]


_kept: list[_Read] = []  # for the Action that was previewed last


def previewing(settings: SceneSettings) -> bool:
    """Whether a tempo preview is shown."""
    return settings.tempo.before is not None and preview_of(settings.tempo) is not None


def preview(settings: SceneSettings, changes: TempoChange | None) -> str:
    """Move the keys to the requested tempo; return the message."""
    if changes is None:
        raise Problem(
            "no_dance",
            "No dance to this sound moves this character: generate one.",
        )
    if not _moves(changes):
        take_back(settings)
        return "At this tempo the keys stay where they are."
    tempo, base = settings.tempo, changes.action
    copy = preview_of(tempo)
    if copy is None or tempo.before != base or _is_edited(copy):
        take_back(settings)
        copy = None
    read = _read(base, copy is None)
    fresh = copy is None
    copy = base.copy() if fresh else copy
    try:
        _write(copy, read, changes, not tempo.exact)
    except BaseException:
        _kept.clear()
        if fresh:
            bpy.data.actions.remove(copy)
        else:
            take_back(settings)
        raise
    if fresh:
        kept = base.use_fake_user
        copy.name = f"{base.name} (tempo preview)"
        base.user_remap(copy)
        base.use_fake_user = True  # nothing may be lost if the file is saved meanwhile
        copy.use_fake_user = False
        tempo.before, tempo.before_kept, tempo.shown = base, kept, copy
    return f"The keys of '{base.name}' are shown at the new tempo. Re-dance dances the changed parts again."


def _moves(changes: TempoChange) -> bool:
    """Whether any key moves."""
    frames = changes.old.span.frames.astype(float)
    return bool(abs(retiming.new_frames(frames, changes.old, changes.new) - frames).max() > 1e-3)


def _read(base: bpy.types.Action, fresh: bool) -> _Read:
    """The keys of an Action: the cached ones if nobody has touched it since."""
    mark = action_keys.digest(action_keys.places(base))
    if not _kept or (_kept[0].action, _kept[0].mark) != (base.session_uid, mark):
        masks = action_keys.by_hand(base)
        keys = [curve_keys.read(c, masks[c.data_path, c.array_index]) for c in action_keys.curves(base)]
        _kept[:] = [_Read(base.session_uid, mark, keys, [])]
    if fresh:
        _kept[0].shown = _kept[0].keys  # a copy begins the same as the Action
    return _kept[0]


def _write(copy: bpy.types.Action, read: _Read, changes: TempoChange, whole: bool) -> None:
    moves = splice.Moves(changes.old, changes.new, whole)
    made = [splice.retimed(keys, moves) for keys in read.keys]
    shown = read.shown or [None] * len(made)
    for curve, keys, before in zip(action_keys.curves(copy), made, shown, strict=True):
        curve_keys.write(curve, keys, before)
    read.shown = made
    copy[WRITTEN] = action_keys.digest([keys.co for keys in made])
    if action_keys.MARKS in copy:
        del copy[action_keys.MARKS]  # the Action's note: the copy's keys are elsewhere


def _is_edited(copy: bpy.types.Action) -> bool:
    """Whether somebody has moved, added or removed a key of a preview."""
    return copy.get(WRITTEN, "") not in ("", action_keys.digest(action_keys.places(copy)))


def take_back(settings: SceneSettings) -> bool:
    """End the preview and restore the keys; return whether there was one.

    A preview with keys that the artist changed is kept as an Action of its own.
    """
    tempo = settings.tempo
    base, copy = tempo.before, preview_of(tempo)
    if base is None:
        return False
    if copy is not None and copy != base:
        edited = _is_edited(copy)
        copy.user_remap(base)
        if edited:
            copy.name, copy.use_fake_user = f"{base.name} (edited preview)", True
            notes.say(f"The keys that you changed in the preview are kept in the Action '{copy.name}'.")
        else:
            bpy.data.actions.remove(copy)
    base.use_fake_user = tempo.before_kept
    tempo.before, tempo.before_kept, tempo.shown, tempo.preview = None, False, None, ""
    return True


def forget() -> None:
    """Forget the preview: another file was loaded, or the add-on is being disabled."""
    _kept.clear()
