"""Pictures that dance, ink, and poses as files, with *Picture and Ink* and *Import/Export* open."""

import sys
from pathlib import Path

import bpy
import numpy as np
from driver import ROOT, say

sys.path.append(str(ROOT / "tests"))
import pose_model


def load_picture(stage, name: str, pixels):
    """An image in Blender, read from a file as an artist opens it; pixels (H, W, 3 or 4) uint8."""
    pixels = np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])[..., :4] / 255.0
    made = bpy.data.images.new(name, pixels.shape[1], pixels.shape[0], alpha=True)
    made.pixels.foreach_set(pixels[::-1].astype(np.float32).ravel())
    made.filepath_raw, made.file_format = str(stage.out / f"{name}.png"), "PNG"
    made.save()
    bpy.data.images.remove(made)
    return bpy.data.images.load(str(stage.out / f"{name}.png"))


JOINTS = {
    "nose": (240, 118), "neck": (240, 205),
    "right_shoulder": (190, 232), "right_elbow": (140, 282), "right_wrist": (98, 325),
    "left_shoulder": (290, 232), "left_elbow": (340, 282), "left_wrist": (382, 325),
    "right_hip": (214, 388), "right_knee": (182, 488), "right_ankle": (152, 578),
    "left_hip": (266, 388), "left_knee": (298, 488), "left_ankle": (328, 578),
    "right_eye": (212, 105), "left_eye": (268, 105), "right_ear": (164, 118), "left_ear": (316, 118),
}  # fmt: skip
LIMBS = (
    ("neck", (240, 380), 62), ("neck", "right_wrist", 32), ("neck", "left_wrist", 32),
    ("right_hip", "right_ankle", 38), ("left_hip", "left_ankle", 38),
)  # fmt: skip


def gingerbread():
    """A figure with its arms and legs apart, on nothing: (H, W, 4) uint8; its joints in shares of the picture."""
    width, height = 480, 640
    y, x = np.mgrid[:height, :width] + 0.5
    inside = np.hypot(x - 240, y - 120) < 80
    for start, end, thick in LIMBS:
        (left, top), to = JOINTS[start], JOINTS.get(end, end)
        way = np.subtract(to, (left, top))
        along = np.clip(((x - left) * way[0] + (y - top) * way[1]) / (way @ way), 0, 1)
        inside |= np.hypot(x - left - along * way[0], y - top - along * way[1]) < thick
    dough = np.zeros((height, width, 4), np.uint8)
    dough[inside] = (176, 105, 52, 255)
    icing = np.abs(np.hypot(x - 240, y - 115) - 48) < 4
    icing &= y > 135
    for spot in (JOINTS["right_eye"], JOINTS["left_eye"], (240, 250), (240, 300), (240, 350)):
        icing |= np.hypot(x - spot[0], y - spot[1]) < 9
    dough[icing] = (250, 240, 225, 255)
    return dough, {joint: (x / width, y / height) for joint, (x, y) in JOINTS.items()}


def picture(stage):
    """From a picture to a puppet that dances, and its dance in ink; the buttons are clicked."""
    stage.open_panels("Picture and Ink")
    yield from stage.fresh()
    yield from stage.connect("null")
    pixels, joints = gingerbread()
    stage.settings.drawing.image = load_picture(stage, "Gingerbread", pixels)
    yield from stage.settled()
    yield from stage.shot("1_picture")
    yield from stage.click("lay_out_picture")
    markers = [ob for ob in stage.scene.objects if ob.type == "EMPTY"]
    assert len(markers) == 18, stage.said()
    stage.frame_rig()
    yield from stage.settled()
    yield from stage.shot("2_markers")
    puppet = stage.part("character.puppet")
    puppet.mark(puppet.laid_out(stage.scene), joints)  # as an artist drags them
    yield from stage.click("make_puppet")
    yield lambda: not stage.waits()
    assert stage.rig is not None
    assert not any(ob.type == "EMPTY" for ob in stage.scene.objects), "the markers are still there"
    yield from stage.shot("3_puppet")
    stage.settings.generate.area = "FRAMES"
    stage.settings.generate.first_frame, stage.settings.generate.last_frame = 11, 100
    yield from stage.done("generate")
    assert stage.pose(40) != stage.pose(60), stage.said()
    yield from stage.click("ink_dance")
    assert any(ob.type == "GREASEPENCIL" for ob in stage.scene.objects), stage.said()
    yield from stage.shot("4_ink")


def find_pose(stage):
    """The server puts the markers on the joints of a picture."""
    stage.open_panels("Picture and Ink")
    yield from stage.fresh()
    yield from stage.connect("null")
    points = pose_model.standing()
    stage.settings.drawing.image = load_picture(stage, "Dots", pose_model.dotted(points))
    yield from stage.settled()
    if not (stage.out.parent / "pose.json").exists():
        say("skip", "find_pose: needs onnx, onnxruntime and rtmlib")
        return
    yield from stage.connect("pose")
    yield from stage.click("find_pose")
    yield lambda: not stage.waits()
    assert not stage.part("notes").is_error, stage.said()
    stage.frame_rig()
    yield from stage.settled()
    yield from stage.shot("6_found")
    plane = stage.part("character.puppet").laid_out(stage.scene)
    markers = {child["tempose_joint"]: child.location for child in plane.children}
    width = 2 * 300 / 400  # of a picture that is 2 units tall
    for joint, index in (("nose", 0), ("left_wrist", 9), ("right_wrist", 10), ("left_ankle", 15)):
        wanted = ((points[index][0] - 0.5) * width, 2 - 2 * points[index][1])
        off = np.hypot(markers[joint].x - wanted[0], markers[joint].z - wanted[1])
        assert off < 0.05, (joint, tuple(markers[joint]), wanted)


def out_and_in(stage):
    """Poses go out through Blender's file window and come in again as a take."""
    stage.open_panels("Import/Export")
    yield from stage.ready("null", last=100)
    yield from stage.done("generate")
    yield from stage.settled()
    yield from stage.shot("7_out_and_in")
    for button, name in (("export_poses", "dance.json"), ("import_poses", "dance.json")):
        bpy.context.preferences.view.filebrowser_display_type = "SCREEN"
        yield from stage.click(button)
        yield lambda: any(a.type == "FILE_BROWSER" for a in stage.window.screen.areas)
        yield 0.5
        area = stage.area("FILE_BROWSER")
        area.spaces.active.params.directory = str(stage.out).encode()
        area.spaces.active.params.filename = name
        yield 0.5
        if button == "export_poses":
            yield from stage.shot("8_file_window")
        with bpy.context.temp_override(window=stage.window, area=area, region=stage.region(area)):
            bpy.ops.file.execute()
        yield lambda: not any(a.type == "FILE_BROWSER" for a in stage.window.screen.areas)
        yield 0.5
        assert not stage.part("notes").is_error, stage.said()
        assert (Path(stage.out) / name).stat().st_size > 1000, stage.said()
    assert len(stage.settings.takes) == 2, stage.said()
    yield from stage.settled()
    yield from stage.shot("9_imported")


SCENARIOS = (picture, find_pose, out_and_in)
