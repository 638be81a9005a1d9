"""Scenes whose frames are not those of the sound: shown later by another scene, stretched, or at a new frame rate."""

import numpy as np
import pytest
from blender_helpers import CLICKS, add_strip, dips, farthest

QUARTER = 0.25  # of a frame


def danced(bpy):
    ops = bpy.ops.tempose
    assert ops.new_rig() == {"FINISHED"}
    assert ops.find_beats() == {"FINISHED"}
    assert ops.generate() == {"FINISHED"}
    assert ops.accept_take() == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def rate_of(scene):
    return scene.render.fps / scene.render.fps_base


@pytest.fixture
def edit(blender, scene, clicks):
    """A scene with the clicks from frame 30 on that shows the window's scene from frame 101 on: 96 frames later."""
    scene.frame_start, scene.frame_end = 5, 400
    found = blender.data.scenes.new("Edit")
    add_strip(found, clicks, frame=30)
    found.sequence_editor.strips.new_scene("Stage", scene, 2, 101)
    return found


def test_a_scene_strip_that_shows_the_character_later(blender, connected, edit, tempose):
    ob = danced(blender)
    heard = 30 + CLICKS * rate_of(edit)
    seen = dips(ob, tempose("compat")) + 96
    assert farthest(heard, seen)[0] <= QUARTER
    blender.context.scene.tempose.tempo_factor = 0.8
    assert blender.ops.tempose.preview_tempo() == {"FINISHED"}
    first = 30 + CLICKS * rate_of(edit) / 0.8
    assert farthest(first, dips(ob, tempose("compat")) + 96)[0] <= 0.75  # whole frames


def test_scene_strips_that_have_no_single_answer_say_so(blender, connected, edit, scene):
    blender.ops.tempose.new_rig()
    again = edit.sequence_editor.strips.new_scene("Again", scene, 3, 150)
    with pytest.raises(RuntimeError, match="more than once"):
        blender.ops.tempose.generate()
    again.mute = True
    again.use_reverse_frames, edit.sequence_editor.strips["Stage"].use_reverse_frames = False, True
    with pytest.raises(RuntimeError, match="reversed"):
        blender.ops.tempose.generate()
    assert not scene.tempose.takes


@pytest.mark.parametrize("old, new", [(100, 125), (200, 100)])
def test_stretched_time_has_its_keys_where_they_are_seen_on_the_click(
    blender, connected, scene, clicks, tempose, old, new
):
    scene.render.frame_map_old, scene.render.frame_map_new = old, new
    add_strip(scene, clicks, frame=17)
    ob = danced(blender)
    seen = dips(ob, tempose("compat")) * new / old
    assert farthest(17 + CLICKS * rate_of(scene), seen)[0] <= QUARTER
    take = scene.tempose.takes[0]
    span = tempose("dance.placement").span_of(scene, take)
    scene.tempose.edit.area, scene.tempose.edit.first_frame, scene.tempose.edit.last_frame = "FRAMES", 65, 160
    assert blender.ops.tempose.reroll() == {"FINISHED"}
    assert tempose("dance.placement").span_of(scene, scene.tempose.takes[1]) == span
    assert farthest(17 + CLICKS * rate_of(scene), dips(ob, tempose("compat")) * new / old)[0] <= QUARTER


@pytest.mark.parametrize("rate", [(60, 1.0), (25, 1.0), (30, 1.001)], ids=["60", "25", "29.97"])
def test_after_a_change_of_the_frame_rate_one_press_puts_the_keys_on_the_beat(
    blender, connected, scene, clicks, tempose, read, rate
):
    add_strip(scene, clicks, frame=40)
    ob = danced(blender)
    curve = tempose("compat").fcurves_of(ob)[0]
    curve.keyframe_points[20].co.y += 0.3
    values = [key.co.y for key in curve.keyframe_points]
    scene.render.fps, scene.render.fps_base = rate
    assert "24 frames a second" in read().off_rate
    with pytest.raises(RuntimeError, match="Fit to Frame Rate"):
        blender.ops.tempose.preview_tempo()
    assert blender.ops.tempose.fit_frame_rate() == {"FINISHED"}
    assert not read().off_rate
    assert farthest(40 + CLICKS * rate_of(scene), dips(ob, tempose("compat")))[0] <= QUARTER
    assert [key.co.y for key in curve.keyframe_points] == values
    hand = tempose("keys.action_keys").by_hand(ob.animation_data.action)
    assert np.flatnonzero(hand[curve.data_path, curve.array_index]).tolist() == [20]
    scene.tempose.tempo_factor = 0.8
    assert blender.ops.tempose.preview_tempo() == {"FINISHED"}
