"""Every change to a take makes a new one and leaves the rest key for key, with the null model."""

import numpy as np
import pytest
from blender_helpers import last, summary
from census import keys_of

from tempose_pose import skeletons

ONE = pytest.mark.one_blender  # how keys are chosen is the add-on's own matter


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
    poses = tempose("dance.audition").data_of(old_take).dance.poses.keypoints
    in_range(settings)
    settings.seed = 77
    ops.reroll()
    take = last(settings)
    assert take.seed == "77" and settings.seed == 78
    assert "re-rolled" in take.name
    assert "root" in differs(old, keys_of(take.action), 97, 192)
    made = tempose("dance.audition").data_of(take).dance.poses.keypoints
    inside = np.zeros(len(made), bool)
    inside[120:240] = True  # frames 97 to 192 at 24 per second are seconds 4 to 8
    assert np.array_equal(made[~inside], poses[~inside])
    assert not np.array_equal(made[inside], poses[inside])
    assert any(t.identity == mark for t in settings.takes)  # the old one is there


@pytest.mark.parametrize(
    "density", [*(pytest.param(kind, marks=ONE) for kind in ("POSES", "SPARSE")), "THREES"]
)
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
    audition, joints = tempose("dance.audition"), skeletons.OPENPOSE_18.joints
    old = audition.data_of(mirrored).dance.poses.keypoints
    assert not ops.lock_limbs.poll()
    settings.edit.left_leg = settings.edit.right_leg = True
    ops.lock_limbs()
    new = audition.data_of(last(settings)).dance.poses.keypoints
    legs = [i for i, j in enumerate(joints) if j.split("_")[-1] in ("hip", "knee", "ankle")]
    rest = [i for i in range(18) if i not in legs]
    assert np.array_equal(new[:, legs], old[:, legs])
    assert np.abs(new[:, rest] - old[:, rest]).max() > 0.01


def test_kept_poses_stay_and_it_dances_between_them(ready, ops, settings, mirrored, tempose):
    audition = tempose("dance.audition")
    old = audition.data_of(mirrored).dance.poses.keypoints
    for frame in (121, 25):
        ready.frame_set(frame)
        assert ops.keep_pose() == {"FINISHED"}
    assert not ops.keep_pose.poll()
    marker = ready.timeline_markers.new("hit", frame=217)
    marker.select = True
    ops.keep_marked_poses()
    assert [p.frame for p in settings.edit.poses] == [25, 121, 217]
    ops.dance_between()
    new = audition.data_of(last(settings)).dance.poses.keypoints
    for frame in (25, 121, 217):
        at = round((frame - 1) / 24 * 30)
        assert np.array_equal(new[at], old[at])
    assert np.abs(new[60] - old[60]).max() > 0.005
    ops.drop_pose()
    assert len(settings.edit.poses) == 2


@pytest.mark.parametrize(
    "feet, ground",
    [
        ("AUTO", True),
        *(pytest.param(*one, marks=ONE) for one in (("ALWAYS", True), ("AUTO", False), ("NEVER", False))),
    ],
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
