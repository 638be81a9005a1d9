"""How many keys a dance gets, how they are joined, and whose they are."""

import re

import numpy as np
import pytest


@pytest.fixture
def shown(blender, ready):
    """A take of the null model, shown on its rig."""
    assert blender.ops.tempose.generate() == {"FINISHED"}
    return ready.tempose.takes[0]


@pytest.fixture
def choice(ready):
    return ready.tempose.keys


def curves(tempose, action):
    return {(c.data_path, c.array_index): c for c in tempose("keys.action_keys").curves(action)}


def frames_of(curve) -> list[int]:
    return [round(k.co.x) for k in curve.keyframe_points]


def played(curves_, frames) -> dict:
    return {name: np.array([c.evaluate(f) for f in frames]) for name, c in curves_.items()}


def joints(scene, ob, frames) -> np.ndarray:
    out = []
    for frame in frames:
        scene.frame_set(frame)
        out.append([[b.tail.x, b.tail.z] for b in ob.pose.bones])
    return np.array(out)


def apply(blender, **options):
    assert blender.ops.tempose.apply_keys(**options) == {"FINISHED"}


def some_curve(tempose, action):
    return curves(tempose, action)['pose.bones["upper_arm.L"].rotation_euler', 2]


def busiest(tempose, action):
    return max(curves(tempose, action).values(), key=lambda curve: len(curve.keyframe_points))


def test_on_twos_keys_lie_on_every_second_frame_with_the_same_poses(blender, ready, shown, choice, tempose):
    dense = played(curves(tempose, shown.action), range(1, 289))
    choice.density, choice.beats = "TWOS", False
    apply(blender)
    for name, curve in curves(tempose, shown.action).items():
        assert frames_of(curve) == [*range(1, 288, 2), 288]
        at = np.array(frames_of(curve)) - 1
        assert np.abs(played({name: curve}, at + 1)[name] - dense[name][at]).max() < 1e-5


@pytest.mark.parametrize("tolerance", [pytest.param(0.5, marks=pytest.mark.one_blender), 2.0])
def test_sparse_keys_are_as_near_as_stated(blender, ready, shown, choice, tempose, tolerance):
    ob, frames = shown.rig, range(1, 289)
    before = joints(ready, ob, frames)
    count = tempose("keys.action_keys").count(shown.action)
    choice.density, choice.tolerance = "SPARSE", tolerance
    apply(blender)
    assert tempose("keys.action_keys").count(shown.action) < count / 2
    pixel = tempose("keys.take_keys").pixel_size(ob, tempose("character.plane").FRONT)
    off = np.linalg.norm(joints(ready, ob, frames) - before, axis=-1) / pixel
    assert (
        0.01 * tolerance < np.sqrt((off**2).mean()) <= tolerance * 1.05
    )  # bones that follow are counted too
    said = re.search(r"typically ([\d.]+) pixels off, (\d+) at most", tempose("notes").text)
    assert float(said[1]) <= tolerance
    assert off.max() <= float(said[2]) + 0.6
    together = {}
    for (path, _), curve in curves(tempose, shown.action).items():
        together.setdefault(path, set()).add(tuple(frames_of(curve)))
    assert all(len(keys) == 1 for keys in together.values())  # the axes of a bone's place are keyed together


def test_by_default_there_are_poses_on_beats_and_extremes(blender, ready, shown, choice, tempose):
    choice.property_unset("density")
    assert (choice.density, choice.poses) == ("POSES", "MOMENTS")
    apply(blender)
    found = curves(tempose, shown.action)
    assert len({tuple(frames_of(c)) for c in found.values()}) == 1
    frames = frames_of(next(iter(found.values())))
    beats = tempose("dance.audition").data_of(shown).dance.beat_times
    on = {round(1 + 24 * b) for b in beats if round(1 + 24 * b) <= 288}
    assert on <= set(frames)
    assert len(frames) < 288 / 4
    kinds = {round(k.co.x): k.type for k in next(iter(found.values())).keyframe_points}
    assert {kinds[f] for f in on} <= {"KEYFRAME", "MOVING_HOLD"}
    assert set(kinds.values()) <= {"KEYFRAME", "MOVING_HOLD", "BREAKDOWN"}
    assert tempose("keys.action_keys").hand_set(shown.action) == {}


@pytest.mark.one_blender
def test_poses_by_the_bar_keep_their_budget(blender, ready, shown, choice, tempose):
    choice.density, choice.poses = "POSES", "BAR"
    counts = []
    for choice.per_bar in (2, 4, 8):
        apply(blender)
        counts.append(len(some_curve(tempose, shown.action).keyframe_points))
    assert counts == [1 + 2 * 6, 1 + 4 * 6, 1 + 8 * 6]  # twelve seconds at 120 are six bars


def test_stepped_keys_hold(blender, ready, shown, choice, tempose):
    choice.density, choice.interpolation, choice.beats = "THREES", "STEPPED", False
    apply(blender)
    curve = some_curve(tempose, shown.action)
    assert {k.interpolation for k in curve.keyframe_points} == {"CONSTANT"}
    assert curve.evaluate(3) == curve.evaluate(1) == curve.evaluate(2)
    assert {k.type for k in curve.keyframe_points} == {"GENERATED"}


@pytest.mark.one_blender
def test_settings_hold_for_new_takes_and_for_accepted_ones(blender, ready, choice, tempose):
    choice.density = "SPARSE"
    blender.ops.tempose.generate()
    blender.ops.tempose.accept_take()
    take = ready.tempose.takes[0]
    action = take.rig.animation_data.action
    sparse = tempose("keys.action_keys").count(action)
    assert "keys from 1 to 288" in tempose("notes").text
    choice.density = "EVERY"
    apply(blender)
    assert take.rig.animation_data.action == action
    assert tempose("keys.action_keys").count(action) == 288 * 38 > 2 * sparse


def test_fresh_keys_belong_to_nobody(blender, ready, shown, choice, tempose):
    keying = tempose("keys.action_keys")
    for density in ("EVERY", "SPARSE"):
        choice.density = density
        apply(blender)
        assert keying.hand_set(shown.action) == {}
    blender.ops.tempose.accept_take()
    blender.ops.ed.undo_push(message="here")
    assert keying.hand_set(ready.tempose.takes[0].rig.animation_data.action) == {}


def test_moved_changed_and_added_keys_belong_to_the_artist(blender, ready, shown, choice, tempose):
    keying = tempose("keys.action_keys")
    choice.density, choice.tolerance = "SPARSE", 0.5
    apply(blender)
    curve = busiest(tempose, shown.action)
    name = (curve.data_path, curve.array_index)
    keys = curve.keyframe_points
    keys[3].co.y += 0.5
    keys[5].handle_left.y += 0.1  # the right one is aligned to it
    keys[7].interpolation = "LINEAR"
    expected = {keys[i].co.x for i in (3, 5, 7)}
    between, neighbours = (keys[9].co.x + keys[10].co.x) / 2, {keys[9].co.x, keys[10].co.x}
    keys.insert(between, 1.0)  # Blender gives the neighbours other handles
    curve.update()
    found = keying.hand_set(shown.action)
    assert list(found) == [name]
    assert expected | {between} <= set(found[name]) <= expected | {between} | neighbours


def test_a_key_changed_among_many_leaves_its_neighbours_generated(blender, ready, shown, tempose):
    curve = some_curve(tempose, shown.action)
    curve.keyframe_points[50].co.y += 0.5
    curve.update()  # Blender computes the neighbours' handles anew
    assert list(tempose("keys.action_keys").hand_set(shown.action).values()) == [[51.0]]


def test_in_the_background_keys_set_by_hand_stay(blender, ready, shown, choice, tempose):
    choice.density, choice.tolerance = "SPARSE", 0.5
    apply(blender)
    curve = busiest(tempose, shown.action)
    name = (curve.data_path, curve.array_index)
    key = curve.keyframe_points[4]
    key.co.y, at = key.co.y + 0.7, key.co.x
    key.type = "EXTREME"
    curve.update()
    around = [curve.keyframe_points[3].co.x, at, curve.keyframe_points[5].co.x]
    shape = played({0: curve}, np.linspace(around[0], around[2], 40))[0]
    choice.density = "EVERY"
    apply(blender)
    curve = curves(tempose, shown.action)[name]
    assert np.allclose(played({0: curve}, np.linspace(around[0], around[2], 40))[0], shape, atol=2e-2)
    assert next(k.type for k in curve.keyframe_points if k.co.x == at) == "EXTREME"
    assert list(tempose("keys.action_keys").hand_set(shown.action).values()) == [[at]]
    assert "Of yours, 1 key was kept" in tempose("notes").text
    inside = [f for f in frames_of(curve) if around[0] < f < around[2]]
    assert inside == [round(at)]
    apply(blender, by_hand="REPLACE")
    assert tempose("keys.action_keys").hand_set(shown.action) == {}
    assert frames_of(curves(tempose, shown.action)[name]) == list(range(1, 289))


def test_other_curves_and_keys_outside_of_the_dance_are_left_alone(blender, ready, shown, choice, tempose):
    keying, compat = tempose("keys.action_keys"), tempose("compat")
    bag = compat.channelbag(shown.rig, shown.action)
    other = bag.fcurves.new('pose.bones["look.L"].location', index=0)
    other.keyframe_points.insert(10, 0.25)
    arm = some_curve(tempose, shown.action)
    arm.keyframe_points.insert(400, 0.5)
    choice.density = "TWOS"
    apply(blender, by_hand="REPLACE")
    kept = curves(tempose, shown.action)
    assert [k.co.y for k in kept['pose.bones["look.L"].location', 0].keyframe_points] == [0.25]
    assert frames_of(some_curve(tempose, shown.action))[-1] == 400
    assert set(keying.hand_set(shown.action)) == {
        ('pose.bones["look.L"].location', 0),
        ('pose.bones["upper_arm.L"].rotation_euler', 2),
    }


@pytest.mark.parametrize("by_hand", ["KEEP", "REPLACE"])
def test_locked_curves_stay_as_they_are(blender, ready, shown, choice, tempose, by_hand):
    curve, others = some_curve(tempose, shown.action), len(curves(tempose, shown.action)) - 1
    curve.lock = True
    name, before = (curve.data_path, curve.array_index), frames_of(curve)
    choice.density = "TWOS"
    apply(blender, by_hand=by_hand)
    found = curves(tempose, shown.action)
    assert frames_of(found[name]) == before == list(range(1, 289))
    assert sum(len(c.keyframe_points) < len(before) * 0.6 for c in found.values()) == others
    assert f"{len(before)} keys were kept" in tempose("notes").text


def test_a_failure_leaves_the_keys_as_they_were(blender, ready, shown, tempose, monkeypatch):
    keying = tempose("keys.action_keys")
    before = played(curves(tempose, shown.action), range(1, 289))
    made = [
        keying.KeyedCurve(path, i, "x", np.arange(1, 20), np.full(19, 7.0)) for path, i in list(before)[:3]
    ]
    made.append(keying.KeyedCurve('pose.bones["new"].location', 0, "x", np.arange(1, 3), np.full(2, np.nan)))
    with pytest.raises(tempose("errors").Problem, match="not numbers"):
        keying.rewrite(shown.rig, shown.action, made, keep=True)
    after = played(curves(tempose, shown.action), range(1, 289))
    assert after.keys() == before.keys()
    assert all(np.array_equal(after[name], before[name]) for name in before)


def test_an_action_of_somebody_else_is_all_by_hand(blender, ready, tempose):
    ob = blender.context.view_layer.objects.active
    ob.pose.bones["head"].keyframe_insert("rotation_euler", index=2, frame=5)
    action = ob.animation_data.action
    assert list(tempose("keys.action_keys").hand_set(action).values()) == [[5.0]]


def test_keys_that_are_retimed_keep_their_authors(blender, ready, shown, tempose):
    keying = tempose("keys.action_keys")
    some_curve(tempose, shown.action).keyframe_points[9].co.y += 1
    mine = keying.by_hand(shown.action)
    for curve in keying.curves(shown.action):
        for key in curve.keyframe_points:
            key.co_ui.x = key.co.x * 2
        curve.update()
    assert sum(map(len, keying.hand_set(shown.action).values())) > 288 * 30
    keying.stamp(shown.action, mine)
    assert list(keying.hand_set(shown.action).values()) == [[20.0]]


def test_the_button_says_why_it_is_grey(blender, scene):
    with pytest.raises(RuntimeError, match="There is no take"):
        blender.ops.tempose.apply_keys()
