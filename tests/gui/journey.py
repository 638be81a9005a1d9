"""The way of an artist: beats, rig, dance, takes, tempo."""

import zipfile
from pathlib import Path

import bpy
import numpy as np


def installed(stage):
    """The zip's files are where extensions lie, enabled, and its panels are in both editors."""
    folder = Path(stage.part().__file__).parent
    with zipfile.ZipFile(next((stage.out.parent / "dist").glob("*.zip"))) as package:
        missing = [name for name in package.namelist() if not (folder / name).exists()]
    assert not missing, missing
    assert stage.part().__name__ in bpy.context.preferences.addons
    panels = [cls for cls in stage.part("panels").CLASSES if issubclass(cls, bpy.types.Panel)]
    spaces = {cls.bl_space_type for cls in panels if cls.is_registered}
    assert spaces == {"VIEW_3D", "SEQUENCE_EDITOR"}, spaces
    yield from stage.fresh()


def first_dance(stage):
    """The real model, from an empty scene to an Action; the keyboard accepts nothing by itself."""
    yield from stage.fresh()
    yield from stage.shot("1_start")
    yield from stage.connect("default")
    yield from stage.done("find_beats")
    assert "BPM" in stage.said(), stage.said()
    yield from stage.done("new_rig")
    stage.frame_rig()
    dance = stage.settings.generate
    dance.area, dance.first_frame, dance.last_frame = "FRAMES", 11, 300
    before = stage.scene.frame_current
    yield from stage.started()
    stage.scene.frame_set(40)
    yield from stage.shot("2_ghost")
    yield lambda: not stage.waits()
    assert stage.scene.frame_current == 40 != before
    take = stage.settings.takes[0]
    assert take.state == "PREVIEW", stage.said()
    assert stage.pose(40) != stage.pose(60)
    yield from stage.shot("3_take")
    yield from stage.done("accept_take")
    assert stage.rig.animation_data.action is not None
    assert stage.rig.animation_data.action.name in stage.said()
    yield from stage.shot("4_accepted")


def escape(stage):
    """ESC over the tab while it dances: nothing is left behind, and nothing is to be undone."""
    yield from stage.ready("default")
    before, pose = stage.census(), stage.pose(100)
    yield from stage.started()
    yield from stage.keys("Escape")  # over the view it is for whatever Blender does there
    assert stage.waits()
    yield from stage.keys("Escape", part="UI")
    yield lambda: not stage.waits()
    assert stage.said() == "Canceled. Nothing was changed.", stage.said()
    stage.unchanged(before)
    assert stage.pose(100) == pose
    yield from stage.shot("5_escaped")


def cancel_button(stage):
    """The Cancel button below the progress, with the mouse."""
    yield from stage.ready("default")
    before = stage.census()
    yield from stage.started()
    yield from stage.shot("6_progress")
    yield from stage.click("cancel")
    yield 0.3
    assert not stage.waits(), "the click has not met the Cancel button"
    stage.unchanged(before)


def takes(stage):
    """Three takes: flip, star, note, discard; each flip shows another dance."""
    yield from stage.ready("null", last=200)
    stage.settings.generate.count = 3
    yield from stage.done("generate")
    settings = stage.settings
    assert len(settings.takes) == 3, stage.said()
    assert settings.active_take == 2
    poses = {}
    for button, place in (("next_take", 0), ("next_take", 1), ("previous_take", 0), ("previous_take", 2)):
        yield from stage.done(button)
        assert settings.active_take == place, (button, settings.active_take)
        assert poses.setdefault(place, stage.pose(77)) == stage.pose(77)
    settings.takes[2].star, settings.takes[2].note = True, "the good one"
    yield from stage.shot("7_takes")
    names = [t.name for t in settings.takes]
    settings.active_take = 0
    yield from stage.done("discard_take")
    assert [t.name for t in stage.settings.takes] == names[1:]
    assert stage.settings.takes[1].star
    while stage.settings.takes:
        yield from stage.done("discard_take")
    left = stage.census()
    assert not left["texts"] and not left["actions"], left


def undone(stage):
    """Generate and Accept are one step each, back and forth, with the keyboard."""
    yield from stage.ready("null", last=200)
    rest = stage.pose(77)
    yield from stage.done("generate")
    danced = stage.pose(77)
    yield from stage.done("accept_take")
    yield from stage.keys("ctrl+z")
    yield lambda: stage.settings.takes[0].state == "PREVIEW"
    assert stage.pose(77) == danced
    yield from stage.keys("ctrl+z")
    yield lambda: not stage.settings.takes
    assert stage.pose(77) == rest
    yield from stage.keys("ctrl+shift+z")
    yield lambda: len(stage.settings.takes) == 1
    assert stage.pose(77) == danced
    yield from stage.keys("ctrl+shift+z")
    yield lambda: stage.settings.takes[0].state == "ACCEPTED"
    assert stage.pose(77) == danced


def tempo(stage):
    """A faster strip: the keys follow at once, Re-dance makes the sound, Accept keeps it."""
    yield from stage.ready("null")
    yield from stage.done("find_beats")
    yield from stage.done("generate")
    yield from stage.done("accept_take")
    last = stage.rig.animation_data.action.frame_range[1]
    stage.settings.tempo_factor = 1.25
    yield 0.5
    assert stage.rig.animation_data.action.frame_range[1] < last, "the keys have not followed"
    yield from stage.shot("8_tempo_preview")
    yield from stage.done("regenerate")
    take = stage.settings.takes[stage.settings.active_take]
    assert take.state == "PREVIEW" and take.bpm > stage.settings.takes[0].bpm * 1.2, stage.said()
    strips = {s.name: s for s in stage.scene.sequence_editor.strips_all}
    assert len(strips) == 2 and strips["Song"].mute
    yield from stage.done("accept_take")
    yield from stage.shot("9_tempo_accepted")
    assert stage.rig.animation_data.action.frame_range[1] < last


def _values(stage) -> dict:
    """(T,) per curve of the character's Action: its values at whole frames."""
    curves = stage.part("compat").fcurves_of(stage.rig)
    return {(c.data_path, c.array_index): np.array([c.evaluate(f) for f in range(11, 752)]) for c in curves}


def tempo_section(stage):
    """A section from the middle on is slower: what lies before it stays value for value."""
    stage.open_panels("Tempo")
    yield from stage.ready("default")
    yield from stage.done("find_beats")
    yield from stage.done("generate")
    yield from stage.done("accept_take")
    before = _values(stage)
    stage.scene.frame_set(400)
    with stage.in_area():
        bpy.ops.tempose.add_section()
    stage.settings.sections[0].factor = 0.8
    yield from stage.settled()
    yield from stage.shot("10_section_preview")
    yield from stage.click("regenerate")
    assert stage.waits(), "the click has not met Re-dance"
    yield lambda: not stage.waits()
    assert not stage.part("notes").is_error, stage.said()
    yield from stage.done("accept_take")
    after = _values(stage)
    kept = [np.abs(after[key][:300] - before[key][:300]).max() for key in before]
    # A curve that is cut where the new part begins is the same curve, but for the last bits of its float32.
    assert max(kept) < 1e-5, f"frames 11 to 310 have moved by {max(kept)}"
    moved = [np.abs(after[key][420:] - before[key][420:]).max() for key in before]
    assert max(moved) > 0.01, "nothing was danced again"
    yield from stage.shot("11_section_accepted")


SCENARIOS = (installed, first_dance, escape, cancel_button, takes, undone, tempo, tempo_section)
