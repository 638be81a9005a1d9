"""Keys made anew: off the main thread, in one undo step, and on takes of which a part was danced again."""

import math
import threading

import character_helpers as made
import numpy as np
import pytest

from tempose_pose.tempo import TempoMap

FRAMES, FIRST = 120, 1
HAND = {20: 0.6, 61: -0.8}  # keys set by hand: in what is kept, and in what is danced again


@pytest.fixture
def own(blender, scene):
    """A rig of our own at 30 frames per second."""
    scene.render.fps = 30
    blender.ops.tempose.new_rig()
    return scene.tempose.rig


@pytest.fixture
def add(scene, tempose, own):
    """Makes takes that begin at frame 1; no server is needed."""

    def make(seed):
        take, _ = made.dance(tempose, own, seed=seed, size=30.0, frames=FRAMES)
        take.settings.update(left=float(FIRST), imported="here")
        span = tempose("tempo.timing").Span(float(FIRST), FRAMES / 30, 30.0)
        return tempose("dance.audition").add(scene.tempose, own, take, span), span

    return make


@pytest.fixture
def again_danced(blender, scene, tempose, own, add):
    """A take danced again from frame 41 to 80, with two keys of the artist."""
    again, keying, retiming = (
        tempose("dance.carry_over"),
        tempose("keys.action_keys"),
        tempose("dance.retiming"),
    )
    first, span = add(1)
    curve = arm(tempose, first.action)
    for frame, value in HAND.items():
        curve.keyframe_points[frame - FIRST].co.y = value
    curve.update()
    base = again.keep_keys(scene.tempose, own)
    second, _ = add(2)
    heard = tempose("tempo.playback").Timing(span, TempoMap([[0.0, 0.0], [4.0, 4.0]]))
    pieces = [retiming.Piece(-math.inf, 41, 0), retiming.Piece(81, math.inf, 0)]
    again.put_in(second.action, base, again.CarryOver("", None, pieces, heard, heard, [], True), span)
    assert keying.hand_set(second.action) == {name(curve): list(map(float, HAND))}
    return second


def name(curve):
    return curve.data_path, curve.array_index


def arm(tempose, action):
    wanted = ('pose.bones["upper_arm.L"].rotation_euler', 2)
    return next(c for c in tempose("keys.action_keys").curves(action) if name(c) == wanted)


def frames_of(curve):
    return [round(k.co.x) for k in curve.keyframe_points]


def everything(tempose, action):
    return {
        name(c): [
            (*k.co, *k.handle_left, *k.handle_right, k.interpolation, k.type) for k in c.keyframe_points
        ]
        for c in tempose("keys.action_keys").curves(action)
    }


def apply(blender, **options):
    assert blender.ops.tempose.apply_keys("EXEC_DEFAULT", True, **options) == {"FINISHED"}


def test_a_key_set_by_hand_in_what_is_danced_again_makes_no_spike(blender, tempose, again_danced):
    curve = arm(tempose, again_danced.action)
    values = np.array([curve.evaluate(f) for f in range(FIRST, FIRST + FRAMES)])
    assert values[61 - FIRST] == pytest.approx(HAND[61], abs=1e-6)
    usual = np.percentile(np.abs(np.diff(values)), 95)
    assert np.abs(np.diff(values))[41:78].max() < 2.5 * usual


@pytest.mark.parametrize(
    ("density", "interpolation"),
    [("SPARSE", "SMOOTH"), ("TWOS", "SMOOTH"), ("THREES", "STEPPED"), ("EVERY", "STEPPED")],
)
def test_a_partly_redanced_take_gets_its_keys_anew_but_for_the_artists(
    blender, scene, tempose, again_danced, density, interpolation
):
    keying, choice = tempose("keys.action_keys"), scene.tempose.keys
    blender.ops.ed.undo_push(message="before")
    before = everything(tempose, again_danced.action)
    choice.density, choice.interpolation, choice.beats = density, interpolation, False
    blender.ops.ed.undo_push(message="settings")
    apply(blender)
    take = blender.context.scene.tempose.takes[1]
    curve = arm(tempose, take.action)
    assert keying.hand_set(take.action) == {name(curve): list(map(float, HAND))}
    for frame, value in HAND.items():
        assert curve.evaluate(frame) == pytest.approx(value, abs=1e-6)
        key = next(k for k in curve.keyframe_points if round(k.co.x) == frame)
        assert key.type == "GENERATED"  # as it was: only its value was changed
    step = {"TWOS": 2, "THREES": 3, "EVERY": 1}.get(density)
    for other in keying.curves(take.action):
        if step and name(other) != name(curve):
            assert frames_of(other) == sorted({*range(FIRST, FRAMES, step), FRAMES})
        wanted = {"SMOOTH": "BEZIER", "STEPPED": "CONSTANT"}[interpolation]
        generated = [k for k in other.keyframe_points if name(other) != name(curve)]
        assert {k.interpolation for k in generated} <= {wanted}
        assert {k.type for k in generated} <= {"GENERATED"}
    assert keying.count(take.action) < len(keying.curves(take.action)) * FRAMES or density == "EVERY"
    blender.ops.ed.undo()
    assert everything(tempose, blender.context.scene.tempose.takes[1].action) == before


def test_replacing_takes_the_artists_keys_too(blender, scene, tempose, again_danced):
    scene.tempose.keys.density = "TWOS"
    apply(blender, by_hand="REPLACE")
    assert tempose("keys.action_keys").hand_set(scene.tempose.takes[1].action) == {}


def test_keys_are_searched_for_in_a_thread(blender, scene, tempose, add, monkeypatch):
    add(1)
    key_plan, seen = tempose("keys.key_plan"), []

    def watched(plan, tell=None, make=key_plan.make_keys):
        seen.append(threading.current_thread() is not threading.main_thread())
        return make(plan, tell)

    monkeypatch.setattr(key_plan, "make_keys", watched)
    scene.tempose.keys.density = "TWOS"
    apply(blender)
    assert seen == [True]


def test_a_canceled_search_changes_nothing(blender, scene, tempose, add, monkeypatch):
    take, _ = add(1)
    before, fitting = everything(tempose, take.action), tempose("keys.fitting")
    running = tempose("server.background_task")

    def canceled(search, tolerance):
        running.current.cancel()
        search.tell(7)
        raise AssertionError("it goes on after it was canceled")

    monkeypatch.setattr(fitting.Search, "sparse", canceled)
    scene.tempose.keys.density = "SPARSE"
    assert blender.ops.tempose.apply_keys() == {"CANCELLED"}
    assert everything(tempose, take.action) == before
    assert "Nothing was changed" in tempose("notes").text


def test_a_take_that_has_gone_meanwhile_is_not_keyed(blender, scene, tempose, add, monkeypatch):
    take, _ = add(1)
    operator = tempose("operators.keys").TEMPOSE_OT_apply_keys
    prepare, discard = operator.prepare, tempose("dance.audition").discard

    def gone(self, context):
        task = prepare(self, context)
        discard(context.scene, context.scene.tempose, take)
        return task

    monkeypatch.setattr(operator, "prepare", gone)
    with pytest.raises(RuntimeError, match="hidden or discarded meanwhile"):
        blender.ops.tempose.apply_keys()
    assert len(blender.data.actions) == 0
