# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys follow the tempo at once, and the dance after a pause: the preview, and the timer of the automatic mode.

The preview is a copy of the Action, put in its place everywhere; taking it back puts the Action itself there again,
which nobody has touched.
"""

import time

import bpy

from . import again, job, keying, notes, splice, tempo_edit
from .errors import Problem
from .properties import picking

TICK = 0.5  # seconds between two looks while something is in the way
DRAGGING = ("TRANSFORM_", "SEQUENCER_", "MARKER_", "ANIM_", "TEMPOSE_")
_waiting: dict = {}  # of the automatic mode: the scene's name and the moment of the last edit
_busy = False  # our own changes are no edits


def previewing(settings) -> bool:
    """Whether the keys on show are a preview of a tempo."""
    return settings.tempo.before is not None and bpy.data.actions.get(settings.tempo.preview) is not None


def found(context) -> again.Changes | None:
    """What an edit of the tempo changes for the character that is meant; raises `Problem` where it cannot be told."""
    settings = context.scene.tempose
    ob = picking.pick_rig(context)
    scene, strip, reason = picking.pick_strip(context)
    if ob is None or reason:
        return None
    original = tempo_edit.original_of(scene, strip)
    plan = tempo_edit.edited(scene, original, settings)
    return again.changes(settings, ob, plan, tempo_edit.beats_for(scene, original, settings, plan))


def preview(context) -> str:
    """Move the keys to the tempo that the settings ask for; returns what to say."""
    settings = context.scene.tempose
    changes = found(context)
    if changes is None:
        raise Problem("no_dance", "There is no dance to this sound on this character yet; generate one.")
    if not _moves(changes):
        take_back(settings)
        return "At this tempo the keys stay where they are."
    base = changes.action
    copy = base.copy()
    try:
        masks, mine = keying.by_hand(base), {}
        for curve in keying.curves(copy):
            name = (curve.data_path, curve.array_index)
            made = splice.retimed(
                again.read(curve, masks[name]), changes.old, changes.new, not settings.tempo.exact
            )
            mine[name] = made.by_hand
            again.write(curve, made)
        keying.stamp(copy, mine)
    except BaseException:
        bpy.data.actions.remove(copy)
        raise
    take_back(settings)
    name, kept = base.name, base.use_fake_user
    copy.name = f"{name} (tempo preview)"
    base.user_remap(copy)
    base.use_fake_user = True  # nothing may be lost on saving meanwhile
    copy.use_fake_user = False
    settings.tempo.before, settings.tempo.before_kept, settings.tempo.preview = base, kept, copy.name
    return f"The keys of '{name}' are shown at the new tempo. Regenerate dances the changed parts again."


def _moves(changes: again.Changes) -> bool:
    """Whether any key goes anywhere."""
    frames = changes.old.span.frames.astype(float)
    return bool(abs(again.retiming.new_frames(frames, changes.old, changes.new) - frames).max() > 1e-3)


def take_back(settings) -> bool:
    """Put the keys as they were before the preview; returns whether there was one."""
    tempo = settings.tempo
    base, copy = tempo.before, bpy.data.actions.get(tempo.preview)
    if base is None:
        return False
    if copy is not None and copy != base:
        copy.user_remap(base)
        bpy.data.actions.remove(copy)
    base.use_fake_user = tempo.before_kept
    tempo.before, tempo.before_kept, tempo.preview = None, False, ""
    return True


# following edits


def edited(context) -> None:
    """Something about the tempo was changed in the panel."""
    global _busy  # noqa: PLW0603
    if _busy or context.scene is None:
        return
    settings = context.scene.tempose
    if settings.tempo.mode == "OFF":
        return
    if job.current is None:  # what a job was asked for stays as it is until it has ended
        _busy = True
        try:
            if found(context) is not None:
                preview(context)
        except Problem as problem:
            take_back(settings)
            notes.say(problem.message, error=True)
        finally:
            _busy = False
    if settings.tempo.mode == "AUTO":
        _wait(context.scene.name)


def _wait(scene: str) -> None:
    """Start waiting for a pause, or start anew."""
    _waiting.update(scene=scene, since=time.monotonic())
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=TICK)


def forget() -> None:
    """Nothing is waited for any more: another file, or the add-on is going."""
    _waiting.clear()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)


def waiting() -> float | None:
    """Seconds until the dance is made again by itself; None where nothing is waited for."""
    scene = bpy.data.scenes.get(_waiting.get("scene", ""))
    if scene is None or scene.tempose.tempo.mode != "AUTO":
        return None
    return max(0.0, scene.tempose.tempo.pause - (time.monotonic() - _waiting["since"]))


def in_the_way(context) -> str:
    """Why nothing may be started by itself now, or nothing."""
    if job.current is not None:
        return f"{job.current.title} is going on"
    if any(window.screen.is_animation_playing for window in context.window_manager.windows):
        return "the animation is playing"
    if any(bpy.app.is_job_running(kind) for kind in ("RENDER", "OBJECT_BAKE", "RENDER_PREVIEW")):
        return "a render is running"
    running = [op for w in context.window_manager.windows for op in getattr(w, "modal_operators", ())]
    if any(op.bl_idname.startswith(DRAGGING) for op in running):
        return "something is being dragged"
    return ""


def tick() -> float | None:
    """Called by Blender's timer: start when the artist has paused and nothing is in the way."""
    context = bpy.context
    left = waiting()
    window = next((w for w in context.window_manager.windows if w.scene.name == _waiting.get("scene")), None)
    if left is None or window is None:
        _waiting.clear()
        return None
    if left > 0:
        return max(left, 0.05)
    if in_the_way(context):
        return TICK
    _waiting.clear()
    with context.temp_override(window=window, scene=window.scene):
        try:
            changes = found(bpy.context)
            if changes is not None and changes.touched and bpy.ops.tempose.regenerate.poll():
                bpy.ops.tempose.regenerate("INVOKE_DEFAULT")
        except Problem as problem:
            notes.say(problem.message, error=True)
        except RuntimeError as error:  # an operator's report, which the panel shows already
            if not notes.text:
                notes.say(str(error), error=True)
    return None


@bpy.app.handlers.persistent
def _after_undo(*_args) -> None:
    """An undone edit is an edit: what is waited for is judged anew when the pause is over."""
    if _waiting:
        _waiting["since"] = time.monotonic()


def add() -> None:
    """Begin to look after undo."""
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
        handlers.append(_after_undo)


def remove() -> None:
    """Leave nothing behind."""
    forget()
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
        if _after_undo in handlers:
            handlers.remove(_after_undo)
