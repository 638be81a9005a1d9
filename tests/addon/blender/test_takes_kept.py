"""Takes are kept with the file, go without a trace, and can be looked at while the song plays."""

import numpy as np
import pytest
from census import census, differences


@pytest.fixture
def takes(blender, ready):
    """Three takes of two seconds, the last one shown; the seed is locked."""
    settings = ready.tempose
    settings.generate.area, settings.generate.last_frame, settings.generate.count = "FRAMES", 48, 3
    blender.ops.tempose.generate()
    return settings.takes


def test_they_survive_saving_and_loading_with_the_keys_set_by_hand(blender, ready, takes, tempose, tmp_path):
    ops, path = blender.ops.tempose, str(tmp_path / "file.blend")
    curve = tempose("keys.action_keys").curves(takes[2].action)[0]
    curve.keyframe_points[10].co.y += 0.5
    name, by_hand = (curve.data_path, curve.array_index), curve.keyframe_points[10].co.y
    ops.previous_take()
    takes[1].star, takes[1].note = True, "für später"
    before = census(blender)
    blender.ops.wm.save_as_mainfile(filepath=path)
    blender.ops.wm.read_homefile(use_empty=True)
    blender.ops.wm.open_mainfile(filepath=path)
    assert differences(before, census(blender)) == []
    assert ops.next_take() == {"FINISHED"}
    settings = blender.context.scene.tempose
    found = {
        (c.data_path, c.array_index): c for c in tempose("keys.action_keys").curves(settings.takes[2].action)
    }
    assert found[name].keyframe_points[10].co.y == np.float32(by_hand)
    assert ops.accept_take() == {"FINISHED"}
    accepted = census(blender)
    blender.ops.wm.save_as_mainfile(filepath=path)
    blender.ops.wm.open_mainfile(filepath=path)
    assert differences(accepted, census(blender)) == []


@pytest.mark.parametrize("way", ["shown", "flipped", "changed", "retimed", "undone"])
def test_discarding_all_leaves_nothing_behind(blender, ready, tempose, way):
    ops, settings = blender.ops.tempose, ready.tempose
    settings.lock_seed, settings.generate.last_frame, settings.generate.count = True, 48, 2
    if way != "retimed":
        settings.generate.area = "FRAMES"
    if way == "undone":
        blender.ops.ed.undo_push(message="before")
    before = census(blender)
    ops.generate("EXEC_DEFAULT", True)
    if way == "flipped":
        ops.previous_take()
    elif way == "changed":
        ops.mirror_take()
        settings.edit.amount = 0.5
        ops.scale_take()
        settings.edit.amount = type(settings.edit).bl_rna.properties["amount"].default
    elif way == "retimed":
        settings.tempo_factor = 1.25
        ops.preview_tempo()
        settings.tempo_factor = 1.0
    elif way == "undone":
        blender.ops.ed.undo()
        assert differences(before, census(blender)) == []
        blender.ops.ed.redo()
    settings = blender.context.scene.tempose
    assert len(settings.takes) > 1
    while len(settings.takes):
        settings.active_take = 0
        assert ops.discard_take() == {"FINISHED"}
    assert differences(before, census(blender)) == []


@pytest.mark.parametrize("keep_in", ["ACTION", "NLA"])
def test_accepting_says_in_words_where_the_keys_are(blender, ready, takes, tempose, keep_in):
    ready.tempose.generate.keep_in = keep_in
    blender.ops.tempose.accept_take()
    said, ob = tempose("notes").text, takes[2].rig
    if keep_in == "ACTION":
        assert f"in the Action '{ob.animation_data.action.name}' on '{ob.name}'" in said
    else:
        (track,) = ob.animation_data.nla_tracks
        assert f"in the Action '{track.strips[0].action.name}', on the NLA track '{track.name}'" in said
    assert "from 1 to 48" in said


def test_flipping_while_the_song_plays(blender, ready, takes):
    screen = blender.context.window_manager.windows[0].screen
    blender.ops.screen.animation_play()
    try:
        assert screen.is_animation_playing
        for place in (0, 1, 2, 0):
            ready.frame_set(ready.frame_current + 7)
            frame = ready.frame_current
            assert blender.ops.tempose.next_take() == {"FINISHED"}
            assert screen.is_animation_playing
            assert (ready.frame_current, ready.tempose.active_take) == (frame, place)
            root = takes[place].rig.pose.bones["root"]
            curve = (
                takes[place]
                .rig.animation_data.action.layers[0]
                .strips[0]
                .channelbags[0]
                .fcurves.find('pose.bones["root"].location', index=1)
            )
            blender.context.view_layer.update()
            assert root.location[1] == pytest.approx(curve.evaluate(frame), abs=1e-5)
    finally:
        blender.ops.screen.animation_cancel(restore_frame=False)


def test_an_accepted_take_is_shown_again_with_its_keys(blender, ready, tempose):
    ops, settings = blender.ops.tempose, ready.tempose
    for _ in range(2):
        ops.generate()
        ops.accept_take()
    first, second = settings.takes
    ob, action_of = first.rig, tempose("dance.audition").take_keys.action_of
    mine = action_of(first)
    settings.active_take = 1
    assert not ops.show_take.poll()  # it moves the character already
    settings.active_take = 0
    assert ops.show_take() == {"FINISHED"}
    assert ob.animation_data.action == mine and first.state == "ACCEPTED"
    assert action_of(second).users > 0 and not ops.show_take.poll()
    ob.animation_data.action = None
    blender.data.actions.remove(mine)
    assert ops.show_take() == {"FINISHED"}  # made anew
    assert settings.takes[0].state == "PREVIEW" and ob.animation_data.action == settings.takes[0].action


def test_what_was_said_goes_with_its_undo(blender, ready, tempose):
    ops, notes = blender.ops, tempose("notes")
    ops.ed.undo_push(message="before")
    ops.tempose.generate("EXEC_DEFAULT", True)
    assert "is shown" in notes.text
    ops.ed.undo()
    assert notes.text == ""
