"""Takes in the Asset Browser and from there onto other characters, and characters that form up."""

import numpy as np
import pytest
from blender_helpers import dips, farthest


def test_a_take_in_the_library_is_danced_by_another_figure_on_the_beats_of_another_song(
    blender, ready, tempose
):
    ready.tempose.generate.area, ready.tempose.generate.last_frame = "FRAMES", 150
    blender.ops.tempose.generate()
    first = ready.tempose.takes[0].rig
    assert blender.ops.tempose.add_to_library() == {"FINISHED"}
    (kept,) = [action for action in blender.data.actions if action.asset_data is not None]
    tags = {tag.name for tag in kept.asset_data.tags}
    assert {"120 BPM", "normal energy"} <= tags and any(tag.endswith(" bars") for tag in tags)
    assert tuple(kept.preview.image_size) == (64, 64)
    assert np.array(kept.preview.image_pixels_float).reshape(64, 64, 4)[..., 3].mean() > 0.02

    beats = 0.3 + 0.65 * np.arange(17)  # 92 a minute where it was danced at 120
    grid = tempose("music.song_grid")
    found = tempose("music.beats").from_times(beats, beats[2::4], 0.2)
    grid.put(ready, grid.current(blender.context), found)
    ready.tempose.proportions = "CHILD"
    blender.ops.tempose.new_rig()
    ready.frame_set(20)
    assert blender.ops.tempose.dance_phrase(phrase=kept.name) == {"FINISHED"}
    take = ready.tempose.takes[-1]
    assert take.rig != first
    begins = 1 + 24 * beats[2]  # the first bar at or after the playhead
    assert take.action.frame_range[0] == pytest.approx(begins, abs=1)
    off, count = farthest(1 + 24 * beats[3:], dips(take.rig, tempose("compat")))
    assert count > 4 and off < 1.0
    assert blender.ops.tempose.accept_take() == {"FINISHED"}


def test_a_formation_keeps_room_for_the_whole_dance(blender, ready, tempose):
    blender.ops.tempose.generate()
    lead = ready.tempose.takes[0].rig
    blender.ops.tempose.new_rig()
    other = blender.context.view_layer.objects.active
    other.location = lead.location
    lead.select_set(True)
    blender.context.view_layer.objects.active = lead
    assert blender.ops.tempose.form_up(kind="LINE") == {"FINISHED"}
    blender.context.view_layer.update()
    room = tempose("dance.formation").room_of
    apart = other.matrix_world.translation.x - lead.matrix_world.translation.x
    assert apart > room(ready.tempose, lead)[1] + room(ready.tempose, other)[0] > 0.3
    assert other.matrix_world.translation.z == pytest.approx(lead.matrix_world.translation.z)
    blender.ops.tempose.form_up(kind="V")
    blender.context.view_layer.update()
    assert other.matrix_world.translation.y > 0.1  # behind: the viewer is at −Y


def test_a_new_dance_begins_with_a_pose_of_the_library_and_ends_with_a_phrase(blender, ready, tempose):
    ops, choice = blender.ops.tempose, ready.tempose.generate
    choice.area, choice.last_frame = "FRAMES", 60
    ops.generate()
    ready.frame_set(40)
    assert ops.add_pose_to_library() == ops.add_to_library() == {"FINISHED"}
    pose, phrase = (
        next(a for a in blender.data.actions if mark in a) for mark in ("tempose_pose", "tempose_phrase")
    )
    assert "pose" in {tag.name for tag in pose.asset_data.tags}
    assert np.array(pose.preview.image_pixels_float).reshape(64, 64, 4)[..., 3].mean() > 0.02
    rig = ready.tempose.takes[0].rig
    joints = tempose("character.character").joints
    wanted = joints(rig, current=True)
    choice.last_frame, choice.phrase, choice.phrase_at = 200, pose.name, "START"
    assert ops.dance_with() == {"FINISHED"}
    ready.frame_set(1)
    found = joints(rig, current=True)
    assert max(np.abs(found[joint] - wanted[joint]).max() for joint in wanted) < 0.05
    choice.phrase, choice.phrase_at = phrase.name, "END"
    assert ops.dance_with() == {"FINISHED"}
    data = tempose("dance.audition").data_of(ready.tempose.takes[-1]).dance
    short = tempose("dance.library").read(phrase)[0]
    assert data.poses.keypoints[-30:, :18] == pytest.approx(short.poses.keypoints[-30:, :18], abs=0.1)
