"""What a person may do while a job runs, in the real window."""

from pathlib import Path

import bpy


def _ended(stage):
    yield lambda: not stage.waits()
    assert stage.part("dance.ghost").shown() is None
    assert not stage.part("operators.buttons")._timers


def render(stage):
    """A frame is rendered in the window; the dance comes in after it."""
    yield from stage.ready("default")
    render = stage.scene.render
    render.engine, render.filepath = "BLENDER_WORKBENCH", str(stage.out / "rendered")
    render.resolution_percentage = 20
    stage.scene.camera = bpy.data.objects.new("Camera", bpy.data.cameras.new("Camera"))
    stage.scene.collection.objects.link(stage.scene.camera)
    yield from stage.started()
    with stage.in_area():
        bpy.ops.render.render("INVOKE_DEFAULT", write_still=True)
    yield lambda: (stage.out / "rendered.png").exists() and not bpy.app.is_job_running("RENDER")
    yield from _ended(stage)
    assert len(stage.settings.takes) == 1, stage.said()


def save_and_load(stage):
    """Saving changes nothing; loading ends the job, and the file is as it was saved."""
    yield from stage.ready("null", last=200)
    yield from stage.done("generate")
    yield from stage.connect("default")
    stage.settings.generate.area = "STRIP"
    path, before = str(stage.out / "saved.blend"), stage.census()
    yield from stage.started()
    with stage.in_area():
        bpy.ops.wm.save_as_mainfile(filepath=path)
    yield 0.5
    assert stage.waits(), "saving has ended the job"
    with bpy.context.temp_override(window=stage.window):
        bpy.ops.wm.open_mainfile(filepath=path)
    yield from _ended(stage)
    yield 1.0
    stage.unchanged(before)
    stage.settings.generate.area = "FRAMES"
    yield from stage.connect("null")
    yield from stage.done("generate")
    assert len(stage.settings.takes) == 2
    Path(path).unlink()


def new_file(stage):
    """A new file ends the job, and gets nothing of it."""
    yield from stage.ready("default")
    yield from stage.started()
    yield from stage.fresh()
    before = stage.census()
    yield from _ended(stage)
    yield 1.5
    stage.unchanged(before)


def rig_deleted(stage):
    yield from stage.ready("default")
    yield from stage.started()
    yield from stage.keys("a", "Delete")  # all objects, by hand
    yield lambda: not any(ob.type == "ARMATURE" for ob in stage.scene.objects)
    before = stage.census()
    yield from _ended(stage)
    assert "rig was deleted" in stage.said(), stage.said()
    stage.unchanged(before)
    yield from stage.shot("rig_deleted")


def strip_deleted(stage):
    yield from stage.ready("default")
    yield from stage.started()
    stage.scene.sequence_editor.strips.remove(stage.strip)
    yield from _ended(stage)
    assert "strip was deleted" in stage.said(), stage.said()
    assert not stage.settings.takes


def renamed(stage):
    """Rig, strip and scene are called otherwise when the dance arrives."""
    yield from stage.ready("default")
    yield from stage.started()
    stage.rig.name, stage.strip.name = "Somebody", "Another Song"
    yield from _ended(stage)
    assert len(stage.settings.takes) == 1, stage.said()
    assert stage.settings.takes[0].rig.name == "Somebody"
    assert stage.pose(40) != stage.pose(60)


def frame_rate(stage):
    """At another frame rate the dance still ends with the strip."""
    yield from stage.ready("default")
    yield from stage.started()
    stage.scene.render.fps = 48
    yield from _ended(stage)
    assert len(stage.settings.takes) == 1, stage.said()
    strip = stage.scene.sequence_editor.strips["Song"]
    end = stage.rig.animation_data.action.frame_range[1]
    assert abs(end - strip.frame_final_end) <= 2, (end, strip.frame_final_end)


def undo(stage):
    """The step before the job is undone by keyboard while it runs: the dance comes in, or says why it cannot."""
    yield from stage.ready("default")
    with stage.in_area():
        bpy.ops.object.empty_add()
        bpy.ops.ed.undo_push(message="an empty")
    yield from stage.started()
    yield from stage.keys("ctrl+z")
    yield from _ended(stage)
    assert len(stage.settings.takes) == 1, stage.said()
    assert stage.pose(40) != stage.pose(60)


def disabled(stage):
    """The add-on is disabled while a job runs, and enabled again; nothing of it is left meanwhile."""
    yield from stage.ready("default")
    yield from stage.started()
    bpy.ops.preferences.addon_disable(module="bl_ext.user_default.tempose")
    yield 1.0
    assert not hasattr(bpy.types.Scene, "tempose")
    bpy.ops.preferences.addon_enable(module="bl_ext.user_default.tempose")
    yield 0.5
    assert not stage.waits()
    yield from stage.ready("null", last=200)
    yield from stage.done("generate")
    assert len(stage.settings.takes) == 1


def two_windows(stage):
    """Begun in a second window; each shows the progress, and ESC in the first one cancels."""
    yield from stage.ready("default")
    with stage.in_area():
        bpy.ops.wm.window_new_main()
    yield 1.0
    other = bpy.context.window_manager.windows[1]
    yield from stage.side_bar(window=other)
    stage.press("generate", window=other)
    ghost = stage.part("dance.ghost")
    yield lambda: ghost.shown() is not None and ghost.shown().dance.there.any()
    yield from stage.shot("two_windows")
    with bpy.context.temp_override(window=stage.window):
        stage.press("cancel")
    yield from _ended(stage)
    assert not stage.settings.takes


def window_closed(stage):
    """The window that a job was begun in is closed: the job ends, and the other window says why."""
    yield from stage.ready("null")
    if len(bpy.context.window_manager.windows) == 1:
        with stage.in_area():
            bpy.ops.wm.window_new_main()
        yield 1.0
    yield from stage.connect("default")
    other = bpy.context.window_manager.windows[1]
    stage.press("generate", window=other)
    ghost = stage.part("dance.ghost")
    yield lambda: ghost.shown() is not None and ghost.shown().dance.there.any()
    with bpy.context.temp_override(window=other):
        bpy.ops.wm.window_close()
    yield from _ended(stage)
    assert len(bpy.context.window_manager.windows) == 1
    assert "window" in stage.said(), stage.said()
    yield from stage.shot("window_closed")
    yield from stage.connect("null")
    yield from stage.done("generate")


def playing(stage):
    """The animation plays while the dance arrives."""
    yield from stage.ready("default", last=200)
    with stage.in_area():
        bpy.ops.screen.animation_play()
    yield from stage.started(frames=False)
    yield from _ended(stage)
    assert stage.window.screen.is_animation_playing
    with stage.in_area():
        bpy.ops.screen.animation_cancel()
    assert len(stage.settings.takes) == 1, stage.said()


SCENARIOS = (
    render,
    save_and_load,
    new_file,
    rig_deleted,
    strip_deleted,
    renamed,
    frame_rate,
    undo,
    disabled,
    two_windows,
    window_closed,
    playing,
)
