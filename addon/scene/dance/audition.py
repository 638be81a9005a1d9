# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes in the scene: show as a preview, accept as an Action, or discard without a trace."""

import json
import uuid

import bpy

from ...model.dance import styles, takes, thumbnail
from ...model.dance.takes import Take
from ...model.errors import Problem, require
from ...model.tempo.timing import Span
from ..character import character, rig
from ..keys import action_keys, curve_keys, frame_rate, take_keys
from ..keys.background_keys import Ready
from ..music import mix, strip_marks, strips
from ..settings import ListedTake, SceneSettings
from ..tempo import tempo_preview, versions

PREVIEW = "Tempose preview"
HIDDEN = ".tempose keys"  # the leading dot keeps it out of lists


def active(settings: SceneSettings):
    """The take that is chosen in the list, or None."""
    return settings.takes[settings.active_take] if 0 <= settings.active_take < len(settings.takes) else None


def of_identity(settings: SceneSettings, mark: str):
    """The take with that identity; raises if it is gone."""
    take = next((t for t in settings.takes if t.identity == mark), None)
    if take is None:
        raise Problem(
            "take_gone", "The take was discarded meanwhile. Nothing was changed; choose another one."
        )
    return take


def data_of(take: ListedTake) -> Take:
    """The dance and data of a take."""
    if take.text is None:
        raise Problem("take_gone", "The data of this take has been deleted. Discard it and generate again.")
    return takes.from_text(take.text.as_string())


def add(
    settings: SceneSettings,
    ob: bpy.types.Object,
    data: Take,
    span: Span,
    show: bool = True,
    ready: Ready | None = None,
):
    """Add a take, shown on the rig unless `show` is off; nothing changes if this fails."""
    mark = uuid.uuid4().hex
    action = take_keys.bake(data, ob, span, settings, PREVIEW, mark, ready) if show else None
    if show:
        hide(settings, ob)
    text = bpy.data.texts.new(f".tempose take {mark[:8]}")  # the leading dot keeps it out of lists
    text.from_string(takes.to_text(data))
    take = settings.takes.add()
    numbers = {t.name for t in settings.takes}
    take.name = next(n for n in (f"Take {i}" for i in range(1, len(numbers) + 2)) if n not in numbers)
    take.identity, take.text, take.rig = mark, text, ob
    take.seed, take.bpm, take.fingerprint = str(data.dance.seed), data.dance.bpm, data.fingerprint
    take.style = styles.name_of(data.dance.style)
    take.thumbnail = thumbnail.thumbnail_of(data.dance.poses)
    if show:
        settings.active_take = len(settings.takes) - 1
        _show(take, ob, require(action))
    return take


def show(settings: SceneSettings, take: ListedTake, span: Span, ready: Ready | None = None) -> None:
    """Show another take."""
    ob = rig_of(take)
    action = _hidden_keys(take, span)
    if action is None:
        action = take_keys.bake(data_of(take), ob, span, settings, PREVIEW, take.identity, ready)
    hide(settings, ob)
    take.hidden_action = None
    take.state = "PREVIEW"  # also for an accepted one whose Action was deleted
    _show(take, ob, action)


def is_kept_as_action(take: ListedTake) -> bool:
    """Whether a take was accepted and its Action still exists; otherwise its keys are made anew."""
    return take.state == "ACCEPTED" and take_keys.action_of(take) is not None


def moves_its_rig(take: ListedTake) -> bool:
    """Whether an accepted take currently moves its character, by itself or from a track of the NLA."""
    data = take.rig.animation_data if take.rig is not None else None
    if data is None or take.state != "ACCEPTED":
        return False
    actions = [
        data.action,
        *(s.action for t in data.nla_tracks if not t.mute for s in t.strips if not s.mute),
    ]
    return any(a is not None and a.get(action_keys.TAKE) == take.identity for a in actions)


def show_accepted(settings: SceneSettings, take: ListedTake) -> None:
    """Make an accepted take move its character again; the previous Action stays, with a fake user."""
    ob = rig_of(take)
    hide(settings, ob)
    action, data = take_keys.action_of(take), ob.animation_data_create()
    if data.action is not None:
        data.action.use_fake_user = True  # nothing may be lost on saving
    take_keys.assign(ob, action)


def kept_keys(take: ListedTake) -> bool:
    """Whether the keys of a hidden take are still there."""
    return take.hidden_action is not None


def _hidden_keys(take: ListedTake, span: Span):
    """The keys of a hidden take, moved to where its strip is now; None if they must be made again."""
    action = take.hidden_action
    if action is None:
        return None
    action.name = PREVIEW
    frame_rate.fit(action, span)
    return action


def _show(take: ListedTake, ob: bpy.types.Object, action: bpy.types.Action) -> None:
    take.previous_pose = character.pose_now(ob)
    data = ob.animation_data_create()
    take.previous_action = data.action
    if data.action is not None:
        take.previous_slot = data.action_slot.identifier if data.action_slot else ""
        take.previous_fake_user = data.action.use_fake_user
        data.action.use_fake_user = True  # nothing may be lost if the file is saved meanwhile
    take.action = action
    take_keys.assign(ob, action)


def shown(settings: SceneSettings, ob: bpy.types.Object | None = None):
    """The take shown as a preview on a character (this one, or any), or None."""
    return next(
        (
            t
            for t in settings.takes
            if t.state == "PREVIEW" and t.action is not None and (ob is None or t.rig == ob)
        ),
        None,
    )


def hide(settings: SceneSettings, ob: bpy.types.Object | None = None) -> None:
    """End the preview: give a character (this one, or any) back what moved it before."""
    tempo_preview.take_back(settings)
    take = shown(settings, ob)
    if take is not None:
        _hide(take)


def _hide(take: ListedTake, keep: bool = True) -> None:
    action, ob = require(take.action), take.rig
    if ob is not None and ob.animation_data and ob.animation_data.action == action:
        data, previous = ob.animation_data, take.previous_action
        data.action = previous
        if rig.is_rig(ob):
            character.put_back(ob, take.previous_pose)
        if previous is not None:
            slot = previous.slots.get(take.previous_slot)
            if slot is not None:
                data.action_slot = slot
            previous.use_fake_user = take.previous_fake_user
        elif not data.drivers and not data.nla_tracks:
            ob.animation_data_clear()
    take.action, take.previous_action, take.previous_pose = None, None, ""
    if keep and (
        curve_keys.SPLICED in action or any(mask.any() for mask in action_keys.by_hand(action).values())
    ):
        take.hidden_action = action  # these keys cannot be made again from the take
        action.name = HIDDEN
    else:
        bpy.data.actions.remove(action)


def rig_of(take: ListedTake):
    """The rig of a take; raises if it has been deleted."""
    if reason := character.held_reason(take.rig):
        raise Problem("rig_tweaked", f"{reason}.")
    if take.rig is None or not take.rig.users_scene or not rig.is_rig(take.rig):
        raise Problem("rig_gone", "The rig of this take has been deleted. Discard the take.")
    return take.rig


def beneath(settings: SceneSettings, ob: bpy.types.Object):
    """The Action and slot that move a character beneath any shown take; (None, None) without one."""
    take = shown(settings, ob)
    if take is not None:
        action = take.previous_action
        return action, action.slots.get(take.previous_slot) if action is not None else None
    data = ob.animation_data
    return (data.action, data.action_slot) if data is not None and data.action is not None else (None, None)


def accept(scene: bpy.types.Scene, settings: SceneSettings, take: ListedTake, to_nla: bool = False) -> str:
    """Keep a take's keys as an Action or as an NLA strip; return in words where they are."""
    ob, action = rig_of(take), take.action
    if action is None:
        raise Problem("take_hidden", "Show this take first.")
    tempo_preview.take_back(settings)
    action = require(take.action)
    previous, slot = beneath(settings, ob)
    action.name = f"{ob.name} dance {take.bpm:.0f} BPM, seed {take.seed}"
    take.state, take.action = "ACCEPTED", None
    change = _sound_change(take)
    original = _original(scene, change) if change else None
    if original is not None:
        versions.drop_others(scene, original)
    take.sound = ""
    first, last = (round(f) for f in action.frame_range)
    bones = len({c.data_path.split('"')[1] for c in action_keys.curves(action)})
    total, dense = action_keys.count(action), (last - first + 1) * len(action_keys.curves(action))
    many = "every frame" if total == dense else f"{total} keys"
    where = f"in the Action '{action.name}' on '{ob.name}'"
    if to_nla:
        where = _to_nla(ob, action, previous, slot, take.name)
    return f"The keys are {where}: {bones} bones, {many} from {first} to {last}"


def undo_accept(settings: SceneSettings, take: ListedTake) -> None:
    """Make an accepted take a preview again, with its current keys; discarding it restores the previous Action."""
    ob, action = rig_of(take), take_keys.action_of(take)
    if action is None:
        raise Problem("take_gone", "The Action of this take has been deleted. Show the take again.")
    hide(settings, ob)
    data = ob.animation_data_create()
    for track in list(data.nla_tracks):
        for strip in [strip for strip in track.strips if strip.action == action]:
            track.strips.remove(strip)
            if not len(track.strips):
                data.nla_tracks.remove(track)
                break
    action.name, take.state = PREVIEW, "PREVIEW"
    if data.action == action:  # the previous Action is still known
        take.action = action
    else:
        _show(take, ob, action)


def _to_nla(
    ob: bpy.types.Object,
    action: bpy.types.Action,
    previous: bpy.types.Action | None,
    slot: bpy.types.ActionSlot | None,
    name: str,
) -> str:
    """Put an Action on an NLA track of its own, and the previous one on a track below; return in words where."""
    data, below = ob.animation_data_create(), ""
    data.action = None
    if previous is not None:
        track = _strip(data, previous, slot, previous.name)
        below = f"; '{previous.name}' is on the track '{track.name}' below"
    track = _strip(data, action, action.slots[0] if len(action.slots) else None, f"Tempose {name}")
    track.strips[0].extrapolation = "NOTHING" if previous is not None else "HOLD"
    return f"in the Action '{action.name}', on the NLA track '{track.name}' of '{ob.name}'{below}"


def _strip(data: bpy.types.AnimData, action: bpy.types.Action, slot: bpy.types.ActionSlot | None, name: str):
    track = data.nla_tracks.new()
    track.name = name
    strip = track.strips.new(action.name, round(action.frame_range[0]), action)
    if slot is not None:
        strip.action_slot = slot
    return track


def _sound_change(take: ListedTake) -> dict | None:
    """What a take changed about the sound; None if nothing, or if a damaged file no longer says.

    Such a take can still be accepted or discarded; the sound then stays as it is.
    """
    try:
        change = json.loads(take.sound or "null")
        before = change["before"]
        good = isinstance(change["original"], str) and isinstance(change["new"], str)
        if good and (
            before == {} or (isinstance(before["muted"], dict) and isinstance(before["live"], list))
        ):
            return change
    except (ValueError, TypeError, KeyError, RecursionError):
        pass
    return None


def _original(scene: bpy.types.Scene, change: dict):
    editor = scene.sequence_editor
    sources = [*(editor.strips_all if editor else ()), mix.Mix(scene)]
    return next((s for s in sources if s.get(strip_marks.ID) == change["original"]), None)


def discard(scene: bpy.types.Scene, settings: SceneSettings, take: ListedTake) -> None:
    """Remove a take without a trace: its keys, its data and its change of the sound."""
    tempo_preview.take_back(settings)
    if take.action is not None and take.state == "PREVIEW":
        _hide(take, keep=False)
    if change := _sound_change(take):
        original = _original(scene, change)
        if original is not None:
            live = strips.live_version(scene, original)
            if (live.name if live else "") == change["new"]:
                versions.restore(scene, original, change["before"])
        if change["new"]:
            versions.remove_version(scene, change["new"])
    if take.hidden_action is not None:
        bpy.data.actions.remove(take.hidden_action)
    if take.text is not None:
        bpy.data.texts.remove(take.text)
    index = next(i for i, t in enumerate(settings.takes) if t.identity == take.identity)
    settings.takes.remove(index)
    settings.active_take = max(0, min(settings.active_take, len(settings.takes) - 1))
