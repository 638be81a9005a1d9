"""Ranges, several takes, flipping, accepting, and every change to a take, with the null model."""

import numpy as np
import pytest
from blender_helpers import summary
from census import keys_of

from tempose_pose import skeletons


def frames_of(action):
    return tuple(round(f) for f in action.frame_range)


def last(settings):
    return settings.takes[len(settings.takes) - 1]


# Ranges


def test_a_range_of_frames_is_danced_where_it_lies_and_on_the_beat(ops, settings, tempose):
    ops.generate()
    whole = tempose("dance.stage").data_of(settings.takes[0]).dance
    settings.generate.area = "FRAMES"
    settings.generate.first_frame, settings.generate.last_frame = 73, 144
    ops.generate()
    take = last(settings)
    assert frames_of(take.action) == (73, 144)
    data = tempose("dance.stage").data_of(take)
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

    def two_only(job, client, body, number=0, count=1):
        if len(made) == 2 and how == "failed":
            raise tempose("errors").Problem("x", "The roof is on fire.")
        if len(made) == 2:
            tempose("server.background_task").current.cancel()
            job.sleep(60)
        made.append(real(job, client, body, number, count))
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


# Changes


@pytest.fixture
def mirrored(ops, settings):
    """A take that the null model would not dance itself, so that dancing again can be told from keeping."""
    ops.generate()
    ops.mirror_take()
    return last(settings)


def differs(old, new, first, last):
    """Curves in which keys inside of the range differ, after checking that none outside does."""
    assert old.keys() == new.keys()
    changed = set()
    for name, before in old.items():
        after = new[name]
        outside_old, outside_new = (k[(k[:, 0] < first) | (k[:, 0] > last)] for k in (before, after))
        assert np.array_equal(outside_old, outside_new), name  # to the bit
        inside_old, inside_new = (k[(k[:, 0] >= first) & (k[:, 0] <= last)] for k in (before, after))
        if inside_old.shape != inside_new.shape or np.abs(inside_old - inside_new).max() > 1e-4:
            changed.add(name[0].split('"')[1])
    return changed


def in_range(settings, first=97, last=192):
    settings.edit.area, settings.edit.first_frame, settings.edit.last_frame = "FRAMES", first, last


@pytest.mark.parametrize("feet", ["NEVER", "AUTO"])
def test_a_range_danced_again_leaves_every_other_key_alone(blender, ready, ops, settings, feet, tempose):
    settings.keys.feet = feet
    ops.generate()
    ops.mirror_take()
    old_take = last(settings)
    mark, old = old_take.identity, keys_of(old_take.action)
    poses = tempose("dance.stage").data_of(old_take).dance.poses.keypoints
    in_range(settings)
    settings.seed = 77
    ops.reroll()
    take = last(settings)
    assert take.seed == "77" and settings.seed == 78
    assert "re-rolled" in take.name
    assert "root" in differs(old, keys_of(take.action), 97, 192)
    made = tempose("dance.stage").data_of(take).dance.poses.keypoints
    inside = np.zeros(len(made), bool)
    inside[120:240] = True  # frames 97 to 192 at 24 per second are seconds 4 to 8
    assert np.array_equal(made[~inside], poses[~inside])
    assert not np.array_equal(made[inside], poses[inside])
    assert any(t.identity == mark for t in settings.takes)  # the old one is there


@pytest.mark.parametrize("density", ["POSES", "SPARSE", "THREES"])
def test_few_keys_outside_of_a_range_keep_values_handles_and_tags(ready, ops, settings, density, tempose):
    """`foreach_get` of all that a key has, and how the curves play."""
    settings.keys.density = density
    ops.generate()
    ops.mirror_take()

    def everything(action):
        keying, own = tempose("keys.curve_keys"), {}
        for curve in tempose("keys.action_keys").curves(action):
            keys = keying.read(curve, np.zeros(len(curve.keyframe_points), bool))
            places = np.hstack([keys.co, keys.left, keys.right])
            plays = [curve.evaluate(f) for f in range(1, 289)]
            own[curve.data_path, curve.array_index] = places, keys.columns, np.array(plays)
        return own

    old = everything(last(settings).action)
    in_range(settings, 93, 188)
    settings.seed = 77
    ops.reroll()
    new = everything(last(settings).action)
    assert old.keys() == new.keys()
    for name, (places, columns, plays) in old.items():
        kept = (places[:, 0] < 93) | (places[:, 0] > 188)
        after, after_columns, after_plays = new[name]
        at = np.isin(after[:, 0], places[kept, 0])
        assert np.allclose(after[at], places[kept], atol=2e-4), name
        assert all(np.array_equal(after_columns[n][at], columns[n][kept]) for n in columns)
        outside = after[(after[:, 0] < 93) | (after[:, 0] > 188)]
        assert len(outside) - kept.sum() <= 2, name  # at most one beside the outermost on either side
        far = np.r_[0:92, 188:288]
        assert np.abs(after_plays[far] - plays[far]).max() <= 0.015 * max(np.ptp(plays), 1e-3), name
        steps, usual = (np.abs(np.diff(p, 2)).max() for p in (after_plays[80:200], plays))
        assert steps <= 3 * usual + 0.1 * np.ptp(after_plays) + 2e-3, name  # no jump where they meet: 0.1°


def test_a_change_comes_back_with_its_keys_after_flipping_away(ops, settings, mirrored):
    in_range(settings)
    ops.reroll()
    before = keys_of(last(settings).action)
    ops.previous_take()
    ops.next_take()
    after = keys_of(settings.takes[settings.active_take].action)
    assert settings.active_take == len(settings.takes) - 1
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_keys_set_by_hand_stay_outside_of_the_range(ops, settings, mirrored, tempose):
    curve = tempose("keys.action_keys").curves(mirrored.action)[0]
    curve.keyframe_points[10].co.y += 0.5
    by_hand = curve.keyframe_points[10].co.y
    name = curve.data_path, curve.array_index
    in_range(settings)
    ops.reroll()
    assert keys_of(last(settings).action)[name][10, 1] == np.float32(by_hand)


def test_locked_limbs_keep_their_poses_while_the_rest_is_danced_anew(ops, settings, mirrored, tempose):
    stage, joints = tempose("dance.stage"), skeletons.OPENPOSE_18.joints
    old = stage.data_of(mirrored).dance.poses.keypoints
    assert not ops.lock_limbs.poll()
    settings.edit.left_leg = settings.edit.right_leg = True
    ops.lock_limbs()
    new = stage.data_of(last(settings)).dance.poses.keypoints
    legs = [i for i, j in enumerate(joints) if j.split("_")[-1] in ("hip", "knee", "ankle")]
    rest = [i for i in range(18) if i not in legs]
    assert np.array_equal(new[:, legs], old[:, legs])
    assert np.abs(new[:, rest] - old[:, rest]).max() > 0.01


def test_kept_poses_stay_and_it_dances_between_them(ready, ops, settings, mirrored, tempose):
    stage = tempose("dance.stage")
    old = stage.data_of(mirrored).dance.poses.keypoints
    for frame in (121, 25):
        ready.frame_set(frame)
        assert ops.keep_pose() == {"FINISHED"}
    assert not ops.keep_pose.poll()
    marker = ready.timeline_markers.new("hit", frame=217)
    marker.select = True
    ops.keep_marked_poses()
    assert [p.frame for p in settings.edit.poses] == [25, 121, 217]
    ops.dance_between()
    new = stage.data_of(last(settings)).dance.poses.keypoints
    for frame in (25, 121, 217):
        at = round((frame - 1) / 24 * 30)
        assert np.array_equal(new[at], old[at])
    assert np.abs(new[60] - old[60]).max() > 0.005
    ops.drop_pose()
    assert len(settings.edit.poses) == 2


@pytest.mark.parametrize(
    "feet, ground", [("AUTO", True), ("ALWAYS", True), ("AUTO", False), ("NEVER", False)]
)
def test_locked_legs_stand_where_they_stood_between_kept_poses(ready, ops, settings, tempose, feet, ground):
    settings.keys.feet, settings.keys.ground = feet, ground
    ops.generate()
    ob = settings.takes[0].rig
    ready.frame_set(121)
    ops.keep_pose()
    ops.dance_between()

    def ankles():
        found = []
        for frame in (60, 121, 180):
            ready.frame_set(frame)
            at = tempose("character.character").joints(ob, current=True)
            found += [at["left_ankle"], at["right_ankle"]]
        return np.asarray(found)

    before, trunk = ankles(), settings.takes[-1].name
    settings.edit.left_leg = settings.edit.right_leg = True
    settings.seed += 3
    ops.lock_limbs()
    assert settings.takes[-1].name != trunk
    pixel = tempose("keys.take_keys").pixel_size(ob, tempose("character.character").plane_of(ob))
    assert np.abs(ankles() - before).max() < 2 * pixel
    settings.keys.density = "TWOS"
    ops.apply_keys()
    assert np.abs(ankles() - before).max() < 12 * pixel  # made anew, from the take


def test_another_style_in_a_range(ops, settings, mirrored, tempose):
    assert not ops.restyle.poll()
    in_range(settings)
    settings.edit.style = tempose("server.connection").current.capabilities.styles[0]
    old = keys_of(mirrored.action)
    seed = mirrored.seed
    ops.restyle()
    take = last(settings)
    assert "root" in differs(old, keys_of(take.action), 97, 192)
    assert take.seed == seed and tempose("dance.styles").name_of(settings.edit.style) in take.name


def test_calmer_in_a_range_changes_nothing_else(ops, settings):
    ops.generate()
    old = keys_of(last(settings).action)
    in_range(settings)
    settings.edit.amount = 0.3
    ops.scale_take()
    new = keys_of(last(settings).action)
    assert differs(old, new, 97, 192)
    name = 'pose.bones["root"].location', 0
    assert np.ptp(new[name][110:170, 1]) < np.ptp(old[name][110:170, 1])


def test_blending_lies_between_the_dance_and_what_was_there(blender, ops, settings):
    ops.generate()
    assert not ops.blend_take.poll()  # nothing else moves the rig
    ops.accept_take()
    below = keys_of(settings.takes[0].rig.animation_data.action)
    ops.generate()
    ops.mirror_take()
    above = keys_of(last(settings).action)
    settings.edit.strength = 0.25
    ops.blend_take()
    mixed = keys_of(last(settings).action)
    name = 'pose.bones["root"].location', 0
    wanted = 0.75 * below[name][:, 1] + 0.25 * above[name][:, 1]
    assert np.abs(mixed[name][:, 1] - wanted).max() < 1e-5
    ops.previous_take()
    ops.next_take()
    assert np.allclose(keys_of(settings.takes[settings.active_take].action)[name], mixed[name])


def test_each_change_is_one_undo_step_and_discarding_it_leaves_nothing(
    blender, ready, ops, settings, mirrored
):
    settings.edit.amount = 1.5
    in_range(settings)
    for button in (ops.reroll, ops.mirror_take, ops.scale_take):
        blender.ops.ed.undo_push(message="before")
        before = summary(blender)
        button("EXEC_DEFAULT", True)
        assert len(summary(blender)["takes"]) == len(before["takes"]) + 1
        blender.ops.ed.undo()
        assert summary(blender) == before
    scene = blender.context.scene
    texts, takes = len(blender.data.texts), len(scene.tempose.takes)
    ops.reroll()
    ops.discard_take()
    assert (len(blender.data.texts), len(scene.tempose.takes)) == (texts, takes)
    ops.show_take()
    assert len(blender.data.actions) == 1


def test_a_change_says_what_is_in_its_way(blender, ready, ops, settings, mirrored, tempose):
    in_range(settings, 1000, 1100)
    with pytest.raises(RuntimeError, match="outside"):
        ops.reroll()
    in_range(settings)
    tempose("compat").move_strip(ready.sequence_editor.strips[0], 5)
    with pytest.raises(RuntimeError, match="music has changed"):
        ops.reroll()
    assert len(settings.takes) == 2
    while len(settings.takes):
        settings.active_take = 0
        ops.discard_take()
    assert not ops.reroll.poll() and not ops.mirror_take.poll()


def test_every_new_button_and_setting_explains_itself(blender, scene, tempose):
    for button in (*tempose("operators.edit").CLASSES, *tempose("operators.takes").CLASSES):
        assert len(button.__doc__) > 15 and "UNDO" in button.bl_options
    for group in (scene.tempose.generate, scene.tempose.edit):
        own = [
            p
            for p in group.bl_rna.properties
            if p.identifier not in ("rna_type", "name", "active_pose", "poses")
        ]
        assert len(own) > 5
        assert [p.identifier for p in own if not p.description] == []


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
