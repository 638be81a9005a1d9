"""Takes: of a range, several at once, in the list, accepted and back, with the null model."""

import numpy as np
import pytest
from blender_helpers import frames_of, last, summary
from census import keys_of

# Ranges


def test_a_range_of_frames_is_danced_where_it_lies_and_on_the_beat(ops, settings, tempose):
    ops.generate()
    whole = tempose("dance.audition").data_of(settings.takes[0]).dance
    settings.generate.area = "FRAMES"
    settings.generate.first_frame, settings.generate.last_frame = 73, 144
    ops.generate()
    take = last(settings)
    assert frames_of(take.action) == (73, 144)
    data = tempose("dance.audition").data_of(take)
    assert data.tempo_map[0] == [0.0, 3.0] and data.settings["seconds"] == 3.0
    assert np.allclose(data.dance.beat_times, [b - 3 for b in whole.beat_times if 3 <= b < 6], atol=0.02)


def test_the_preview_range_is_danced_or_asked_for(blender, ready, ops, settings):
    settings.generate.area = "PREVIEW"
    with pytest.raises(RuntimeError, match="Set a preview range"):
        ops.generate()
    ready.use_preview_range = True
    ready.frame_preview_start, ready.frame_preview_end = 100, 124
    ops.generate()
    assert frames_of(last(settings).action) == (100, 124)


def test_bars_come_from_the_beat_grid(blender, ready, ops, settings, tempose, read):
    settings.generate.area, settings.generate.first_bar, settings.generate.last_bar = "BARS", 2, 3
    with pytest.raises(RuntimeError, match="Find Beats"):
        ops.generate()
    ops.find_beats()
    ops.generate()
    grid = read().beats
    first, stop = (1 + 24 * grid.downbeats[i] for i in (1, 3))
    assert frames_of(last(settings).action) == (np.ceil(first - 1e-6), np.ceil(stop - 1e-6) - 1)


def test_a_take_of_a_range_is_up_to_date_and_follows_its_strip(
    blender, ready, ops, settings, tempose, out_of_date
):
    settings.generate.area = "FRAMES"
    settings.generate.first_frame, settings.generate.last_frame = 73, 144
    ops.generate()
    ops.generate()
    assert not out_of_date(settings.takes[0])
    tempose("compat").move_strip(ready.sequence_editor.strips[0], 10)
    assert out_of_date(settings.takes[0])
    settings.active_take = 0
    ops.show_take()
    assert frames_of(settings.takes[0].action) == (83, 154)


# Several takes


def test_several_takes_with_seeds_one_after_the_other_in_one_step(blender, ready, ops, settings):
    settings.generate.count, settings.seed = 3, 7
    blender.ops.ed.undo_push(message="before")
    before = summary(blender)
    ops.generate("EXEC_DEFAULT", True)
    takes = blender.context.scene.tempose.takes
    assert [t.seed for t in takes] == ["7", "8", "9"]
    assert [t.action is not None for t in takes] == [False, False, True]
    assert blender.context.scene.tempose.seed == 10
    assert len(blender.data.actions) == 1
    blender.ops.ed.undo()
    assert summary(blender) == before


@pytest.mark.parametrize("how", ["canceled", "failed"])
def test_takes_that_were_finished_stay(blender, ready, ops, settings, tempose, monkeypatch, how):
    work, settings.generate.count = tempose("server.work"), 4
    real, made = work._danced, []

    def two_only(job, client, body, number=0, count=1, ahead=""):
        if len(made) == 2 and how == "failed":
            raise tempose("errors").Problem("x", "The roof is on fire.")
        if len(made) == 2:
            tempose("server.background_task").current.cancel()
            job.sleep(60)
        made.append(real(job, client, body, number, count, ahead))
        return made[-1]

    monkeypatch.setattr(work, "_danced", two_only)
    assert ops.generate() == {"FINISHED"}
    assert [t.seed for t in settings.takes] == ["0", "1"]
    said = tempose("notes").text
    assert said.startswith("Canceled. 2 takes" if how == "canceled" else "The roof is on fire. 2 takes")
    assert tempose("server.background_task").current is None and tempose("dance.ghost").shown() is None


def test_the_ghost_dances_while_the_job_runs_and_is_gone_afterwards(blender, ready, ops, settings, tempose):
    ghost, seen = tempose("dance.ghost"), []
    real = ghost.take_in

    def watch(kind, value):
        real(kind, value)
        shown = ghost.shown()
        ready.frame_set(50)
        seen.append((kind, ghost.words(shown), ghost.lines(ready, shown)))

    ghost.take_in = watch
    try:
        ops.generate()
    finally:
        ghost.take_in = real
    assert ghost.shown() is None and not ghost._handles
    segments = [(said, drawn) for kind, said, drawn in seen if kind == "segment"]
    assert segments and "of 288" in segments[0][0] and segments[-1][0].endswith("(100%)")
    points, colours, exact = segments[-1][1]
    assert exact and colours.shape == (len(points), 4)
    # It stands where the rig will stand.
    ob = settings.takes[0].rig
    tail = np.asarray(ob.matrix_world @ ob.pose.bones["forearm.L"].tail)
    assert np.abs(points - tail).max(1).min() < 2e-3


# The list


def test_flipping_goes_round_and_leaves_playback_alone(blender, ready, ops, settings):
    settings.generate.count = 3
    ops.generate()
    seen = []
    ready.frame_set(33)
    for button in (ops.next_take, ops.next_take, ops.previous_take, ops.previous_take):
        assert button() == {"FINISHED"}
        seen.append(settings.active_take)
        assert settings.takes[settings.active_take].action is not None
        assert sum(t.action is not None for t in settings.takes) == 1
    assert seen == [0, 1, 0, 2]
    assert ready.frame_current == 33
    assert len(blender.data.actions) == 1


def test_what_is_said_of_a_take_survives_saving(blender, ready, ops, settings, tmp_path):
    ops.generate()
    take = settings.takes[0]
    take.star, take.note, take.name = True, "für später", "Best"
    settings.edit.poses.add().frame = 12
    settings.generate.area, settings.generate.count = "BARS", 5
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file.blend"))
    blender.ops.wm.read_homefile(use_empty=True)
    blender.ops.wm.open_mainfile(filepath=str(tmp_path / "file.blend"))
    settings = blender.context.scene.tempose
    take = settings.takes[0]
    assert (take.star, take.note, take.name, take.seed) == (True, "für später", "Best", "0")
    assert settings.edit.poses[0].frame == 12
    assert (settings.generate.area, settings.generate.count) == ("BARS", 5)


def test_copying_a_seed_locks_it(blender, ops, settings):
    settings.seed = 41
    ops.generate()
    assert settings.seed == 42
    ops.copy_seed()
    assert (settings.seed, settings.lock_seed) == (41, True)
    assert not ops.reroll.poll()  # it would only dance the same again


def test_accepting_to_the_nla_says_where_the_keys_went(blender, ready, ops, settings, tempose):
    ops.generate()
    ops.accept_take()
    first = settings.takes[0].rig.animation_data.action
    ops.generate()
    settings.generate.keep_in = "NLA"
    ops.accept_take()
    ob = settings.takes[1].rig
    data, said = ob.animation_data, tempose("notes").text
    assert data.action is None
    assert data.nla_tracks[0].strips[0].action == first
    strip = data.nla_tracks[1].strips[0]
    assert (strip.frame_start, strip.action_slot is not None) == (1.0, True)
    assert data.nla_tracks[0].name in said and data.nla_tracks[1].name in said and ob.name in said
    ready.frame_set(60)
    moved = keys_of(strip.action)['pose.bones["root"].location', 0]
    assert ob.pose.bones["root"].location[0] == pytest.approx(moved[59, 1], abs=1e-5)


# Undone


@pytest.mark.parametrize("keep", ["ACTION", "NLA"])
def test_an_accepted_take_becomes_a_preview_again_and_leaves_nothing(blender, ready, ops, settings, keep):
    ob = blender.context.view_layer.objects.active
    ob.pose.bones["head"].keyframe_insert("rotation_euler", index=2, frame=5)
    mine = ob.animation_data.action
    settings.generate.keep_in = keep
    ops.generate()
    take = settings.takes[0]
    ops.accept_take()
    with pytest.raises(RuntimeError, match="has been accepted"):
        ops.accept_take()
    ops.undo_accept()
    assert take.state == "PREVIEW" and take.action == ob.animation_data.action != mine
    assert [t.name for t in ob.animation_data.nla_tracks] == ([mine.name] if keep == "NLA" else [])
    with pytest.raises(RuntimeError, match="has not been accepted"):
        ops.undo_accept()
    ops.discard_take()
    assert [a.name for a in blender.data.actions] == [mine.name]
    assert ob.animation_data.action == (mine if keep == "ACTION" else None)


def test_takes_have_a_picture_in_the_list(ops, settings, tempose):
    ops.generate()
    thumbnails, take = tempose("dance.thumbnails"), settings.takes[0]
    assert thumbnails.icon(take) == thumbnails.icon(take)  # always 0 without a window
    drawn = thumbnails._kept["icons"][take.thumbnail]
    assert tuple(drawn.image_size) == (64, 64) and len(thumbnails._kept["icons"]) == 1
    assert 0.02 < np.mean(list(drawn.image_pixels_float)[3::4]) < 0.4
    thumbnails.forget()
    assert not thumbnails._kept
    take.thumbnail = "damaged"
    assert thumbnails.icon(take) == 0
    take.thumbnail = ""  # as in files of older versions
    assert thumbnails.icon(take) == 0
