"""Blender's main thread is not held up: what takes long is done in the worker thread, or a little at a time."""

import threading

import numpy as np
import pytest
from census import census, differences


@pytest.fixture
def who(tempose, monkeypatch):
    """Which threads have made keys."""
    key_plan, threads = tempose("keys.key_plan"), []

    def watched(*args, make=key_plan.make_keys):
        threads.append(threading.current_thread())
        return make(*args)

    monkeypatch.setattr(key_plan, "make_keys", watched)
    return threads


@pytest.fixture
def stepwise(blender, tempose, monkeypatch):
    """Each look at a job does one step of what the main thread is asked for; the calls in `between` come then."""
    job, state = tempose("server.background_task"), {"writing": 0, "between": []}
    pump = job.BackgroundTask.pump

    def pumping(self, *_):
        mark = tempose("keys.background_keys").MAKING
        if (making := next((a for a in blender.data.actions if mark in a), None)) is not None:
            state["writing"] += 1
            for call in state["between"]:
                call(making)
        return pump(self, 0.0)

    monkeypatch.setattr(job.BackgroundTask, "pump", pumping)
    return state


def keys_of(tempose, action):
    return {
        (c.data_path, c.array_index): [tuple(k.co) for k in c.keyframe_points]
        for c in tempose("keys.action_keys").curves(action)
    }


def short(scene, count=1):
    settings = scene.tempose
    settings.generate.area, settings.generate.last_frame, settings.generate.count = "FRAMES", 48, count
    settings.lock_seed = True
    return settings


@pytest.mark.parametrize("count", [1, 2])
def test_a_dance_that_arrives_becomes_keys_in_the_worker_thread(
    blender, ready, tempose, who, stepwise, count
):
    settings = short(ready, count)
    assert blender.ops.tempose.generate() == {"FINISHED"}
    assert who
    assert threading.main_thread() not in who
    action = settings.takes[-1].action
    assert stepwise["writing"] >= len(tempose("keys.action_keys").curves(action))
    assert tempose("keys.background_keys").MAKING not in action
    assert not any(a.name.startswith(".tempose making") for a in blender.data.actions)
    assert not any(mask.any() for mask in tempose("keys.action_keys").by_hand(action).values())


def test_the_keys_are_those_that_are_made_at_once(blender, ready, tempose):
    settings = short(ready)
    blender.ops.tempose.generate()
    take = settings.takes[0]
    slowly = keys_of(tempose, take.action)
    audition = tempose("dance.audition")
    span = tempose("dance.placement").span_of(ready, take)
    at_once = tempose("keys.take_keys").bake(audition.data_of(take), take.rig, span, settings, "at once")
    assert slowly == keys_of(tempose, at_once)
    assert slowly


@pytest.mark.parametrize(
    "again",
    [
        "reroll",
        *(
            pytest.param(name, marks=pytest.mark.one_blender)
            for name in ("regenerate", "show_take", "next_take", "previous_take")
        ),
    ],
)
def test_takes_danced_again_or_flipped_to_become_keys_in_the_worker_thread_too(
    blender, ready, tempose, who, again
):
    settings = short(ready, 2)
    if again == "regenerate":
        settings.generate.area, settings.generate.count = "STRIP", 1
    blender.ops.tempose.generate()
    settings.keys.density = "SPARSE"
    who.clear()
    if again == "reroll":
        settings.seed += 100
    elif again == "regenerate":
        settings.tempo_factor = 1.25
    elif again == "show_take":
        settings.active_take = 0
    assert getattr(blender.ops.tempose, again)() == {"FINISHED"}
    assert who
    assert threading.main_thread() not in who


@pytest.mark.parametrize("what", ["action removed", "curve removed", "strip moved", "rig renamed", "undone"])
def test_what_happens_while_keys_are_written_does_no_harm(blender, ready, tempose, stepwise, what):
    settings, done = short(ready), []
    if what == "undone":
        blender.ops.ed.undo_push(message="one")
        ready.timeline_markers.new("mine", frame=3)
        blender.ops.ed.undo_push(message="two")

    def between(action):
        if done or len(tempose("keys.action_keys").curves(action)) < 3:
            return
        done.append(what)
        if what == "action removed":
            blender.data.actions.remove(action)
        elif what == "curve removed":
            bag = action.layers[0].strips[0].channelbags[0]
            bag.fcurves.remove(bag.fcurves[0])
        elif what == "strip moved":
            tempose("compat").move_strip(ready.sequence_editor.strips_all[0], 5)
        elif what == "rig renamed":
            settings_rig(blender).name = "Somebody"
        else:
            blender.ops.ed.undo()

    stepwise["between"].append(between)
    assert blender.ops.tempose.generate() == {"FINISHED"}
    assert done == [what]
    stepwise["between"].clear()
    settings = blender.context.scene.tempose
    (take,) = settings.takes
    first = 6.0 if what == "strip moved" else 1.0
    assert take.action.frame_range[0] == first
    assert not any(a.name.startswith(".tempose making") for a in blender.data.actions)
    span = tempose("dance.placement").span_of(blender.context.scene, take)
    at_once = tempose("keys.take_keys").bake(
        tempose("dance.audition").data_of(take), take.rig, span, settings, "at once"
    )
    assert keys_of(tempose, take.action) == keys_of(tempose, at_once)


def settings_rig(blender):
    return next(ob for ob in blender.data.objects if ob.type == "ARMATURE")


def test_a_cancel_while_keys_are_written_leaves_nothing(blender, ready, tempose, stepwise):
    short(ready)
    before = census(blender)
    stepwise["between"].append(lambda _: tempose("server.background_task").current.cancel())
    assert blender.ops.tempose.generate() == {"CANCELLED"}
    assert differences(before, census(blender)) == []


def test_playing_meanwhile_does_not_have_the_keys_made_twice(blender, ready, tempose, who, stepwise):
    settings = short(ready)
    blender.ops.tempose.generate()  # what moves the rig while the next dance arrives
    who.clear()
    stepwise["between"].append(lambda _: ready.frame_set(ready.frame_current + 1))
    assert blender.ops.tempose.generate() == {"FINISHED"}
    assert len(who) == 1
    assert len(settings.takes) == 2


def test_plans_are_alike_when_all_that_counts_is(blender, ready, tempose):
    settings = short(ready)
    blender.ops.tempose.generate()
    take, keys, are_alike = settings.takes[0], tempose("keys.take_keys"), tempose("keys.key_plan").are_alike
    data = tempose("dance.audition").data_of(take)
    span = tempose("dance.placement").span_of(ready, take)

    def plan():
        return keys.plan(data, take.rig, span, settings)

    one = plan()
    assert are_alike(one, plan())
    settings.keys.feet = "NEVER"
    assert not are_alike(one, plan())
    settings.keys.feet = "AUTO"
    take.rig.pose.bones["forearm.L"].lock_rotation[2] = True
    assert not are_alike(one, plan())
    assert are_alike({"a": [np.arange(3)]}, {"a": [np.arange(3)]})
    assert not are_alike({"a": [np.arange(3)]}, {"a": [np.arange(4)]})


@pytest.mark.parametrize("button", ["reroll", "regenerate"])
def test_kept_keys_are_put_between_new_ones_a_little_at_a_time(
    blender, ready, tempose, stepwise, monkeypatch, button
):
    """And the result is what it is when all of it is done at once."""
    settings, again = ready.tempose, tempose("dance.carry_over")
    settings.lock_seed = True
    settings.tempo.mode = "OFF"
    blender.ops.tempose.generate()
    curve = tempose("keys.action_keys").curves(settings.takes[0].action)[3]
    curve.keyframe_points[20].co.y += 0.3  # by hand
    curve.keyframe_points[120].co.y += 0.3  # in what is danced again
    curve.update()
    if button == "reroll":
        settings.edit.area, settings.edit.first_frame, settings.edit.last_frame = "FRAMES", 97, 168
        settings.seed += 5
    else:
        section = settings.sections.add()
        section.start, section.factor = 6.0, 1.25
    at_once, put_in = [], again.put_in
    monkeypatch.setattr(again, "put_in", lambda *args: at_once.append(1) or put_in(*args))
    before = stepwise["writing"]
    assert getattr(blender.ops.tempose, button)() == {"FINISHED"}
    take = settings.takes[len(settings.takes) - 1]
    curves = tempose("keys.action_keys").curves(take.action)
    assert at_once == []
    assert stepwise["writing"] - before >= 2 * len(curves)
    slowly = keys_of(tempose, take.action)
    by_hand = {n: m.tolist() for n, m in tempose("keys.action_keys").by_hand(take.action).items()}
    assert sum(map(sum, by_hand.values())) == 2
    blender.ops.tempose.discard_take()
    settings.active_take = 0
    if settings.takes[0].action is None:
        blender.ops.tempose.show_take()
    monkeypatch.setattr(tempose("keys.background_keys"), "usable", lambda ready, base: None)
    assert getattr(blender.ops.tempose, button)() == {"FINISHED"}
    assert at_once == [1]
    take = settings.takes[len(settings.takes) - 1]
    assert keys_of(tempose, take.action) == slowly
    assert {n: m.tolist() for n, m in tempose("keys.action_keys").by_hand(take.action).items()} == by_hand


def test_a_key_set_by_hand_while_kept_keys_are_put_in_is_not_lost(blender, ready, tempose, stepwise):
    settings, keying, done = ready.tempose, tempose("keys.action_keys"), []
    blender.ops.tempose.generate()
    settings.edit.area, settings.edit.first_frame, settings.edit.last_frame = "FRAMES", 97, 168
    settings.seed += 5

    def between(action):
        if done or keying.MARKS not in action:  # until its own keys are all there
            return
        done.append(True)
        curve = keying.curves(ready.tempose.takes[0].action)[0]
        curve.keyframe_points[20].co.y = 5.0
        curve.update()

    stepwise["between"].append(between)
    assert blender.ops.tempose.reroll() == {"FINISHED"}
    assert done
    take = ready.tempose.takes[len(ready.tempose.takes) - 1]
    assert keying.curves(take.action)[0].keyframe_points[20].co.y == 5.0


def test_a_take_that_goes_while_its_keys_are_put_in_is_said_and_leaves_nothing(
    blender, ready, tempose, stepwise
):
    settings, keying, done = ready.tempose, tempose("keys.action_keys"), []
    blender.ops.tempose.generate()
    settings.edit.area, settings.edit.first_frame, settings.edit.last_frame = "FRAMES", 97, 168
    settings.seed += 5

    def between(action):
        if keying.MARKS in action and len(done) < 3:
            done.append(True)
            if len(done) == 3:
                audition = tempose("dance.audition")
                audition.discard(ready, ready.tempose, ready.tempose.takes[0])

    stepwise["between"].append(between)
    with pytest.raises(RuntimeError, match="take was discarded meanwhile"):
        blender.ops.tempose.reroll()
    assert len(done) == 3
    assert len(blender.data.actions) == 0


def test_an_action_that_goes_while_kept_keys_are_put_in_is_made_again(blender, ready, tempose, stepwise):
    settings, keying, done = ready.tempose, tempose("keys.action_keys"), []
    settings.lock_seed = True
    blender.ops.tempose.generate()
    settings.edit.area, settings.edit.first_frame, settings.edit.last_frame = "FRAMES", 97, 168
    settings.seed += 5
    assert blender.ops.tempose.reroll() == {"FINISHED"}
    wanted = keys_of(tempose, settings.takes[1].action)
    blender.ops.tempose.discard_take()
    settings.active_take = 0
    blender.ops.tempose.show_take()

    def between(action):
        if keying.MARKS in action and len(done) < 3:
            done.append(True)
            if len(done) == 3:
                blender.data.actions.remove(action)

    stepwise["between"].append(between)
    assert blender.ops.tempose.reroll() == {"FINISHED"}
    assert len(done) == 3
    assert keys_of(tempose, settings.takes[1].action) == wanted
