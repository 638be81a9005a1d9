"""The pictures of README and user guide: `make gui GUI=guide`, then copy them to docs/images."""

import bpy
from drawing import gingerbread, load_picture

SHARE = {"SEQUENCE_EDITOR": 0.3, "DOPESHEET_EDITOR": 0.5}  # of the 3D View's height


def _window(stage, kind: str = "SEQUENCE_EDITOR"):
    """The 3D View with its side bar, and a wide timeline of a kind below it; nothing else."""
    for unwanted in ("OUTLINER", "PROPERTIES", "DOPESHEET_EDITOR"):
        area = stage.area(unwanted)
        with bpy.context.temp_override(window=stage.window, area=area, region=stage.region(area)):
            bpy.ops.screen.area_close()
        yield 0.3
    if kind:
        with stage.in_area():
            bpy.ops.screen.area_split(direction="HORIZONTAL", factor=SHARE[kind])
        yield 0.3
        min((a for a in stage.window.screen.areas if a.type == "VIEW_3D"), key=lambda a: a.y).type = kind
    if hasattr(stage.window.workspace, "sequencer_scene"):  # from Blender 5.0 on
        stage.window.workspace.sequencer_scene = stage.scene
    yield 0.5
    yield from stage.side_bar()
    _all_of(stage, kind)
    yield from stage.settled()


def _all_of(stage, kind: str) -> None:
    """The dancer in the view, and the song from end to end below it."""
    stage.frame_rig()
    if not kind:
        return
    area = stage.area(kind)
    space = area.spaces.active
    space.show_region_ui = False
    if kind == "SEQUENCE_EDITOR":
        space.timeline_overlay.show_strip_source = False
    with bpy.context.temp_override(window=stage.window, area=area, region=stage.region(area)):
        (bpy.ops.sequencer if kind == "SEQUENCE_EDITOR" else bpy.ops.action).view_all()


def _scene(stage, *panels: str, model: str = "default", last: int = 0, kind: str = "SEQUENCE_EDITOR"):
    """A song with its beats and a dancer, these panels open, and below a timeline of a kind, if any."""
    stage.open_panels(*panels)
    yield from stage.ready(model, last)
    yield from _window(stage, kind)
    yield from stage.done("find_beats")


def window(stage):
    """A take, shown on the rig."""
    yield from _scene(stage, "Takes")
    stage.settings.generate.count = 3
    yield from stage.done("generate")
    stage.settings.takes[1].star, stage.settings.takes[2].note = True, "arms of this one"
    stage.scene.frame_set(260)
    _all_of(stage, "SEQUENCE_EDITOR")
    yield from stage.settled()
    yield from stage.shot("window", kept=True)


def ghost(stage):
    """The ghost while the dance arrives."""
    yield from _scene(stage, "Dance")
    stage.scene.frame_set(60)
    yield from stage.started()
    yield from stage.shot("ghost", stage.area(), kept=True)
    stage.press("cancel")
    yield lambda: not stage.waits()


def beats(stage):
    """Beats over the sequencer, a locked span, and their panel."""
    yield from _scene(stage, "Beats")
    scene = stage.scene
    scene.use_preview_range, scene.frame_preview_start, scene.frame_preview_end = True, 131, 250
    with stage.in_area():
        bpy.ops.tempose.lock_beats()
    scene.use_preview_range = False
    scene.frame_set(190)
    yield from stage.settled()
    yield from stage.shot("beats-sequencer", stage.area("SEQUENCE_EDITOR"), kept=True)
    yield from stage.shot("beats-panel", stage.region(stage.area(), "UI"), kept=True)


def keys(stage):
    """Sparse keys and beats in the Dope Sheet."""
    yield from _scene(stage, "Keys", kind="DOPESHEET_EDITOR", last=300)
    stage.settings.keys.density, stage.settings.keys.tolerance = "SPARSE", 4
    yield from stage.done("generate")
    yield from stage.done("accept_take")
    area = stage.area("DOPESHEET_EDITOR")
    with bpy.context.temp_override(window=stage.window, area=area, region=stage.region(area)):
        bpy.ops.anim.channels_expand()
    _all_of(stage, "DOPESHEET_EDITOR")
    yield from stage.settled()
    yield from stage.shot("beats-dope-sheet", stage.area("DOPESHEET_EDITOR"), kept=True)


def tempo(stage):
    """A section with a tempo of its own, as a preview."""
    yield from _scene(stage, "Tempo", kind="")
    yield from stage.done("generate")
    yield from stage.done("accept_take")
    stage.scene.frame_set(400)
    with stage.in_area():
        bpy.ops.tempose.add_section()
    section = stage.settings.sections[0]
    section.kind, section.bpm = "BPM", 105.0
    section.ramp, section.last_bpm = True, 140.0
    yield from stage.settled()
    yield from stage.shot("tempo-panel", stage.region(stage.area(), "UI"), kept=True)


def edit(stage):
    """Takes and their changes."""
    yield from _scene(stage, "Edit", model="null", last=300, kind="")
    stage.settings.generate.count = 2
    yield from stage.done("generate")
    stage.settings.edit.left_leg = stage.settings.edit.right_leg = True
    with stage.in_area():
        bpy.ops.tempose.keep_pose()
    yield from stage.settled()
    yield from stage.shot("edit-panel", stage.region(stage.area(), "UI"), kept=True)


def panels(stage):
    """Those that are shown nowhere else."""
    for name, label in (("dance-panel", "Dance"), ("keys-panel", "Keys"), ("output-panel", "Import/Export")):
        yield from _scene(stage, label, model="null", last=100, kind="")
        stage.settings.keys.density = "SPARSE"
        yield from stage.settled()
        yield from stage.shot(name, stage.region(stage.area(), "UI"), kept=True, tall=690)


def walk(stage):
    """A dancer on its way over the stage: three waypoints dropped by hand, the trail of a foot, and the panel."""
    yield from _scene(stage, "Stage", last=300, kind="")
    scene, area = stage.scene, stage.area()
    with bpy.context.temp_override(window=stage.window, area=area, region=stage.region(area)):
        bpy.ops.view3d.view_axis(type="FRONT")
    area.spaces.active.region_3d.view_distance *= 1.8
    yield from stage.settled()
    region = stage.region(area)
    for frame, share in ((31, 0.2), (121, 0.62), (211, 0.4)):
        scene.frame_set(frame)
        stage.press("drop_waypoint")
        yield from stage.mouse(
            region.x + round(share * region.width), region.y + region.height // 3, "click", "1"
        )
        yield 0.5
    assert len(stage.rig.tempose_stage.waypoints) == 3, stage.said()
    yield from stage.done("generate")
    settings = stage.settings.view
    settings.trail, settings.poses = "left_ankle", 2
    scene.frame_set(80)
    yield from stage.settled()
    yield from stage.shot("stage", area, kept=True)
    yield from _dot(stage)


def _dot(stage):
    """A dot of the trail, dragged with the mouse; nothing is kept of it."""
    from bpy_extras import view3d_utils
    from mathutils import Vector

    area, region = stage.area(), stage.region(stage.area())
    overlay, view = stage.part("dance.pose_overlay"), area.spaces.active.region_3d
    stage.settings.view.trail = "left_wrist"
    yield from stage.settled()
    with bpy.context.temp_override(window=stage.window, area=area, region=region):
        frames, places = overlay.dots(bpy.context, stage.rig)
    at = view3d_utils.location_3d_to_region_2d(region, view, Vector(places[1].tolist()))
    x, y, up = region.x + round(at.x), region.y + round(at.y), 40
    stage.press("drag_trail")
    yield from stage.mouse(x, y, "mousedown", "1")
    yield from stage.mouse(x + 10, y + up, "mouseup", "1")
    yield from stage.settled()
    assert f"frame {int(frames[1])}" in stage.said(), stage.said()
    yield from stage.shot("trail", area)


def picture(stage):
    """A picture with markers on its joints, and the puppet that it becomes."""
    stage.open_panels("Picture and Ink")
    yield from stage.fresh()
    yield from stage.connect("default")
    yield from _window(stage)
    pixels, joints = gingerbread()
    stage.settings.drawing.image = load_picture(stage, "Gingerbread", pixels)
    yield from stage.done("lay_out_picture")
    puppet = stage.part("character.puppet")
    puppet.mark(puppet.laid_out(stage.scene), joints)
    stage.frame_rig()
    yield from stage.settled()
    yield from stage.shot("picture", stage.area(), kept=True)
    yield from stage.done("make_puppet")
    yield from stage.done("generate")
    stage.scene.frame_set(260)
    stage.rig.hide_set(True)
    yield from stage.settled()
    yield from stage.shot("puppet", stage.area(), kept=True)


SCENARIOS = (window, ghost, beats, keys, tempo, edit, panels, walk, picture)
