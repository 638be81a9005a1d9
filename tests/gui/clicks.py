"""The hands of a person: clicks from an empty file to a dance, buttons that stay where they are, keys by density."""

import time

import bpy
from driver import SONG, say

DENSITIES = (
    ("EVERY", ""),
    ("TWOS", ""),
    ("THREES", ""),
    ("SPARSE", ""),
    ("POSES", "BAR"),
    ("POSES", "MOMENTS"),
)


def first_dance(stage):
    """From Blender's own first file to a playing dance: every press counts, a double click as two."""
    with bpy.context.temp_override(window=stage.window):
        bpy.ops.wm.read_homefile(use_factory_startup=True, app_template="")
    yield 0.5
    clicks, keys = 0, 0
    yield from stage.side_bar()
    keys, clicks = keys + 1, clicks + 1  # N, and the tab
    yield from stage.connect("default")
    clicks += 1  # Start Server
    yield from stage.click("add_song")
    clicks += 1
    yield lambda: any(
        a.type == "FILE_BROWSER" for w in bpy.context.window_manager.windows for a in w.screen.areas
    )
    yield 0.5
    window, area = next(
        (w, a) for w in bpy.context.window_manager.windows for a in w.screen.areas if a.type == "FILE_BROWSER"
    )
    params = area.spaces.active.params
    params.directory, params.filename = str(SONG.parent).encode(), SONG.name
    yield 1.0
    with bpy.context.temp_override(window=window, area=area, region=stage.region(area)):
        bpy.ops.file.execute("INVOKE_DEFAULT")
    clicks += 2  # a double click on the song
    yield lambda: stage.scene.sequence_editor is not None and len(stage.scene.sequence_editor.strips_all) == 1
    yield 0.5
    began = time.monotonic()
    yield from stage.click("generate")
    clicks += 1
    yield stage.waits
    yield lambda: not stage.waits()
    waited = time.monotonic() - began
    assert not stage.part("notes").is_error, stage.said()
    yield from stage.keys("space")
    keys += 1
    yield 1.5
    assert bpy.context.screen.is_animation_playing
    yield from stage.shot("playing")
    yield from stage.keys("space")
    say("figure", f"{clicks} clicks and {keys} keys, {waited:.0f} s of waiting after Generate")
    assert clicks <= 6


def still(stage):
    """What is under the pointer stays under it: before, while and after it dances, and after Accept."""
    yield from stage.ready("default", last=300)
    yield from stage.settled()
    region = stage.region(stage.area(), "UI")
    places = {}
    for name in ("generate", "cancel", "accept_take"):
        places[name] = yield from stage.find(name)

    def same(when):
        yield from stage.settled()
        for name, (x, y) in places.items():
            stage.window.cursor_warp(x, y)
            yield 0.3
            bpy.context.window_manager.clipboard = ""
            found = stage._under_pointer(region)  # nothing, where a button is grey
            assert found in (name, ""), f"{when}: where {name} was there is {found}"

    stage.press("generate")
    yield 0.5
    yield from same("while it dances")
    yield lambda: not stage.waits()
    yield from same("with a take")
    yield from stage.done("accept_take")
    yield from same("after Accept")
    for panel in ("Shape", "Tempo"):
        stage.scene.frame_set(stage.scene.frame_current + 1)
        yield from same(panel)
    yield from stage.shot("still")


def densities(stage):
    """Each density in the window: its keys in the Dope Sheet after Accept, and the figure in the view."""
    yield from stage.ready("null", last=300)
    yield from stage.connect("default")
    yield from stage.done("find_beats")
    yield from stage.done("generate")
    yield from stage.done("accept_take")
    stage.area("DOPESHEET_EDITOR").ui_type = "DOPESHEET"
    counts = {}
    keys = stage.settings.keys
    for density, poses in DENSITIES:
        keys.density, keys.poses = density, poses or "MOMENTS"
        yield from stage.done("apply_keys")
        action = stage.rig.animation_data.action
        curves = stage.part("compat").fcurves_of(stage.rig)
        counts[f"{density} {poses}".strip()] = sum(len(c.keyframe_points) for c in curves)
        assert stage.rig.mode == "POSE" and action is not None
        area = stage.area("DOPESHEET_EDITOR")
        with bpy.context.temp_override(window=stage.window, area=area, region=stage.region(area)):
            bpy.ops.action.view_all()
        stage.scene.frame_set(140)
        yield from stage.settled()
        yield from stage.shot(f"density_{density}_{poses}".lower().rstrip("_"))
    say("figure", str(counts))
    every = counts["EVERY"]
    assert (
        0.45 * every < counts["TWOS"] < 0.75 * every and counts["SPARSE"] < counts["THREES"] < counts["TWOS"]
    )


def editors(stage):
    """After Accept the Dope Sheet and the Graph Editor show the keys, framed."""
    yield from stage.fresh()
    stage.area("DOPESHEET_EDITOR").ui_type = "DOPESHEET"
    stage.area("PROPERTIES").ui_type = "FCURVES"
    yield from stage.connect("default")
    yield from stage.done("new_rig")
    stage.frame_rig()
    stage.settings.generate.area = "FRAMES"
    stage.settings.generate.first_frame, stage.settings.generate.last_frame = 11, 300
    yield from stage.done("find_beats")
    yield from stage.done("generate")
    yield from stage.click("accept_take")
    yield from stage.settled()
    yield from stage.shot("editors")
    assert stage.rig.mode == "POSE"


SCENARIOS = (first_dance, still, densities, editors)
