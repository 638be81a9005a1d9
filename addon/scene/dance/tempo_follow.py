# SPDX-License-Identifier: GPL-3.0-or-later
"""Following edits of the tempo: the keys at once, and the dance after a pause, by a timer in automatic mode.

In automatic mode the dance follows the curves under *Direct* as well.
"""

import time

import bpy

from ...model.errors import Problem
from ...model.server import background_task
from .. import compat, notes, reading
from ..tempo import tempo_preview
from . import direction, revision

TICK = 0.5  # seconds between checks while something is in the way
DRAGGING = ("TRANSFORM_", "SEQUENCER_", "MARKER_", "ANIM_", "TEMPOSE_")
_waiting: dict = {}  # automatic mode: the scene's name and the moment of the last edit
_looked_at: dict[str, list] = {}  # by scene: its directing curves when last looked at
_undone: list[float] = []  # the moment of the last undo
_busy = False  # our own changes are not edits


def edited(context: bpy.types.Context) -> None:
    """Called when the tempo was changed in the panel."""
    global _busy  # noqa: PLW0603
    if _busy or context.scene is None:
        return
    settings = context.scene.tempose
    if settings.tempo.mode == "OFF":
        return
    if background_task.current is None:  # settings that a task works with must not change until it has ended
        _busy = True
        try:
            changes = reading.Reading(context).changes
            if changes is not None:
                tempo_preview.preview(settings, changes)
        except Problem as problem:
            tempo_preview.take_back(settings)
            notes.say(problem.message, error=True)
        finally:
            _busy = False
    if settings.tempo.mode == "AUTO":
        _wait(context.scene.name)


def directed(context: bpy.types.Context) -> None:
    """A curve under *Direct* was changed."""
    if not _busy and context.scene is not None and context.scene.tempose.tempo.mode == "AUTO":
        _wait(context.scene.name)


def _wait(scene: str) -> None:
    """Start waiting for a pause, or start over."""
    _waiting.update(scene=scene, since=time.monotonic())
    if not bpy.app.timers.is_registered(tick):
        bpy.app.timers.register(tick, first_interval=TICK)


def forget() -> None:
    """Stop waiting: another file was loaded, or the add-on is being disabled."""
    _waiting.clear()
    _undone.clear()
    _looked_at.clear()
    if bpy.app.timers.is_registered(tick):
        bpy.app.timers.unregister(tick)


def waiting() -> float | None:
    """Seconds until the dance is made again automatically; None if it is not going to be."""
    scene = bpy.data.scenes.get(_waiting.get("scene", ""))
    if scene is None or scene.tempose.tempo.mode != "AUTO":
        return None
    return max(0.0, scene.tempose.tempo.pause - (time.monotonic() - _waiting["since"]))


def in_the_way(context: bpy.types.Context) -> str:
    """Why nothing can be started automatically now, or nothing."""
    if background_task.current is not None:
        return f"{background_task.current.title} is going on"
    if any(window.screen.is_animation_playing for window in context.window_manager.windows):
        return "the animation is playing"
    if any(bpy.app.is_job_running(kind) for kind in ("RENDER", "OBJECT_BAKE", "RENDER_PREVIEW")):
        return "a render is running"
    running = [op for w in context.window_manager.windows for op in getattr(w, "modal_operators", ())]
    if any(op.bl_idname.startswith(DRAGGING) for op in running):
        return "something is being dragged"
    return ""


def tick() -> float | None:
    """Called by Blender's timer: start if the artist has paused and nothing is in the way."""
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
            now = reading.Reading(bpy.context)
            if now.changes is not None and now.changes.touched:
                if bpy.ops.tempose.regenerate.poll():
                    bpy.ops.tempose.regenerate("INVOKE_DEFAULT")
            elif revision.is_redirected(now) and bpy.ops.tempose.redirect.poll():
                bpy.ops.tempose.redirect("INVOKE_DEFAULT")
        except Problem as problem:
            notes.say(problem.message, error=True)
        except RuntimeError as error:  # an operator's report, which the panel already shows
            if not notes.text:
                notes.say(str(error), error=True)
    return None


@bpy.app.handlers.persistent
def _after_undo(*_args: object) -> None:
    """Undoing an edit is an edit too: decide anew after the pause."""
    _undone[:] = [time.monotonic()]
    if _waiting:
        _waiting["since"] = time.monotonic()


@bpy.app.handlers.persistent
def _after_edit(scene: bpy.types.Scene, graph: bpy.types.Depsgraph) -> None:
    """Notice keys changed in the Graph Editor, for which Blender has no callback of its own."""
    if scene.tempose.tempo.mode != "AUTO" or _busy or background_task.current is not None:
        return
    if _undone and time.monotonic() - _undone[0] < TICK:  # undoing a dance must not start it again
        return
    touched = {update.id.original for update in graph.updates if update.id is not None}
    if not any(isinstance(one, bpy.types.Armature | bpy.types.Action) for one in touched):
        return
    curves = _directing(scene)
    if curves != _looked_at.get(scene.name):  # posing touches armatures too
        _looked_at[scene.name] = curves
        if scene == bpy.context.scene and revision.is_redirected(reading.Reading(bpy.context)):
            _wait(scene.name)


def _directing(scene: bpy.types.Scene) -> list[tuple]:
    """The keys of the curves that direct the scene's characters."""
    return [
        (ob.name, curve.data_path, *(tuple(key.co) for key in curve.keyframe_points))
        for ob in scene.objects
        if ob.type == "ARMATURE"
        for curve in compat.fcurves_of(ob.data)
        if curve.data_path.startswith(direction.PATH)
    ]


def add() -> None:
    """Start watching for undo and for changed curves."""
    bpy.app.handlers.depsgraph_update_post.append(_after_edit)
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
        handlers.append(_after_undo)


def remove() -> None:
    """Leave nothing behind."""
    forget()
    if _after_edit in bpy.app.handlers.depsgraph_update_post:
        bpy.app.handlers.depsgraph_update_post.remove(_after_edit)
    for handlers in (bpy.app.handlers.undo_post, bpy.app.handlers.redo_post):
        if _after_undo in handlers:
            handlers.remove(_after_undo)
