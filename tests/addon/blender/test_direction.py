"""What is asked of the dancer from moment to moment: keyed like anything else, and danced again where it changed."""

import numpy as np
import pytest


@pytest.fixture
def directed(blender, ready):
    """Two seconds of dance are to be made; the settings of the character's curves."""
    ready.tempose.generate.area, ready.tempose.generate.last_frame = "FRAMES", 96
    return ready.tempose.rig.data.tempose_direction


def hips(tempose, scene):
    """(T,) where a hip of the shown take is, in shares of the canvas."""
    audition = tempose("dance.audition")
    dance = audition.data_of(audition.active(scene.tempose)).dance
    return dance.poses.keypoints[:, dance.poses.skeleton.index("right_hip"), 0]


def test_keyed_curves_lead_the_dancer_and_a_change_is_danced_again_alone(blender, ready, directed, tempose):
    ops = blender.ops.tempose
    assert ops.generate() == {"FINISHED"}
    free = hips(tempose, ready)
    directed.use_path = True
    for frame, value in ((1, 0.0), (48, 0.0), (72, 0.3), (96, 0.3)):
        directed.path = value
        directed.keyframe_insert("path", frame=frame)
    assert ops.redirect() == {"FINISHED"}
    led = hips(tempose, ready)
    moved = led - free
    assert abs(moved[:40]).max() < 1e-6 and moved[-20:].min() > 0.02
    assert ready.tempose.takes[-1].name.endswith("as directed")
    with pytest.raises(RuntimeError, match="just these curves"):
        ops.redirect()
    assert ops.accept_take() == {"FINISHED"}
    rig = ready.tempose.rig
    assert (
        rig.data.animation_data.action != rig.animation_data.action
    )  # or discarding a take would take it along
    assert [c.data_path for c in tempose("compat").fcurves_of(rig.data)] == ["tempose_direction.path"]


def test_keys_of_the_armature_itself_in_the_dances_action_are_left_alone(blender, ready, directed):
    ops, data = blender.ops.tempose, ready.tempose.rig.data
    assert ops.generate() == {"FINISHED"}
    directed.keyframe_insert("zoom", frame=1)  # while it is switched off: Blender chooses the Action
    assert data.animation_data.action == ready.tempose.rig.animation_data.action
    assert ops.accept_take() == {"FINISHED"}


def test_curves_that_are_off_ask_for_nothing_and_face_front_asks_for_one(blender, ready, directed, tempose):
    curves_of = tempose("dance.direction").curves_of
    rig, span = ready.tempose.rig, tempose("reading").Reading(blender.context).playback.span
    directed.level = 0.5
    assert curves_of(rig, span) == {}
    assert blender.ops.tempose.face_front() == {"FINISHED"}
    asked = curves_of(rig, span)
    assert list(asked) == ["facing"] and np.array_equal(asked["facing"].values, [1.0])
    directed.keyframe_insert("facing", frame=1)
    assert not blender.ops.tempose.face_front.poll()


def keys_of(tempose, rig, name):
    """(frame, value, interpolation) of a curve's keys."""
    path = f"tempose_direction.{name}"
    (curve,) = [c for c in tempose("compat").fcurves_of(rig.data) if c.data_path == path]
    return [(p.co.x, p.co.y, p.interpolation) for p in curve.keyframe_points]


def test_what_the_song_asks_for_becomes_keys_that_can_be_changed(blender, ready, tempose):
    ops, rig = blender.ops.tempose, ready.tempose.rig
    assert ops.propose_curves(tolerance=0.1) == {"FINISHED"}
    asked = rig.data.tempose_direction
    assert asked.use_energy and asked.use_hits
    keys = keys_of(tempose, rig, "energy")
    assert 2 <= len(keys) < 12 and all(frame == round(frame) for frame, *_ in keys)
    assert {how for *_, how in keys} == {"LINEAR"}
    assert rig.animation_data is None or rig.animation_data.action != rig.data.animation_data.action
    assert ops.generate() == {"FINISHED"}
    assert set(tempose("dance.audition").data_of(ready.tempose.takes[0]).settings["curves"]) == {
        "energy",
        "hits",
    }


def test_a_preset_changes_the_range_alone(blender, ready, directed, tempose):
    ops, rig = blender.ops.tempose, ready.tempose.rig
    directed.use_energy = True
    for frame, value in ((1, 0.2), (96, 0.2)):
        directed.energy = value
        directed.keyframe_insert("energy", frame=frame)
    ready.tempose.generate.first_frame, ready.tempose.generate.last_frame = 25, 48
    assert ops.freeze() == {"FINISHED"}
    (curve,) = [c for c in tempose("compat").fcurves_of(rig.data) if c.data_path.endswith("energy")]
    at = {frame: curve.evaluate(frame) for frame in (1, 12, 24, 25, 40, 48, 49, 50, 96)}
    assert [frame for frame, value in at.items() if abs(value + 2.5) < 1e-5] == [25, 40, 48]
    assert [frame for frame, value in at.items() if abs(value - 0.2) < 1e-5] == [1, 12, 24, 49, 50, 96]
    assert ops.build_up() == {"FINISHED"}
    assert curve.evaluate(25) == pytest.approx(0) and curve.evaluate(48) == pytest.approx(1.2)
    assert curve.evaluate(24) == pytest.approx(0.2) and curve.evaluate(49) == pytest.approx(0.2)
    hits = keys_of(tempose, rig, "hits")
    assert hits[0][:2] == (24, 0.5) and hits[-1][:2] == (49, 0.5)
    rig.data.animation_data.action = None
    ready.tempose.generate.area = "PREVIEW"
    with pytest.raises(RuntimeError, match="preview range"):
        ops.freeze()


def test_sections_are_danced_as_each_of_them_says(blender, ready, tempose, read):
    ops, settings, form = blender.ops.tempose, ready.tempose, tempose("dance.form")
    now = tempose("music.song_grid").current(blender.context)
    made = [form.FormSection(0, 4, "A"), form.FormSection(4, 8, "B", style="House", energy=1.5)]
    tempose("music.song_form").write(settings.form, now.mark, made, 1)
    settings.generate.area = "SECTION"
    assert ops.generate() == {"FINISHED"}
    data = tempose("dance.audition").data_of(settings.takes[0])
    assert data.song_start == pytest.approx(4, abs=0.1) and data.song_seconds == pytest.approx(4, abs=0.1)
    (_, own) = tempose("dance.order").order(read(), False).request.sections
    assert (own.start, own.stop, own.name, own.energy, own.style) == (4, 8, "B", 1.5, "house")
    settings.form.sections[1].style = "Polka"
    with pytest.raises(RuntimeError, match="There is no style 'Polka'"):
        ops.generate()
    settings.form.sound = "another"  # the sections of another song count for nothing
    with pytest.raises(RuntimeError, match="Find the sections of the song first"):
        ops.generate()


def test_a_loop_runs_into_its_own_beginning_for_ever(blender, ready, directed):
    ops, settings = blender.ops.tempose, ready.tempose
    settings.generate.area = "STRIP"
    assert not ops.dance_loop.poll()
    settings.generate.area = "FRAMES"
    assert ops.dance_loop() == {"FINISHED"}
    action = settings.rig.animation_data.action
    curves = [c for bag in action.layers[0].strips[0].channelbags for c in bag.fcurves]
    assert action.use_cyclic and (action.frame_start, action.frame_end) == (1, 97)
    for curve in curves:
        at = np.array([curve.evaluate(frame) for frame in (1.0, 97.0, 193.0, 13.0, 109.0)])
        assert np.allclose(np.exp(1j * at[[0, 0, 3]]), np.exp(1j * at[[1, 2, 4]]), atol=1e-4)
    settings.keys.density = "SPARSE"
    assert ops.apply_keys() == {"FINISHED"}
    sparse = [c for bag in action.layers[0].strips[0].channelbags for c in bag.fcurves]
    assert all([m.type for m in c.modifiers] == ["CYCLES"] for c in sparse)
    assert max(point.co.x for c in sparse for point in c.keyframe_points) == pytest.approx(97)
    settings.generate.travel = 0.5
    assert ops.dance_loop() == {"FINISHED"}
    curves = [
        c
        for bag in settings.rig.animation_data.action.layers[0].strips[0].channelbags
        for c in bag.fcurves
        if c.modifiers[0].mode_after == "REPEAT_OFFSET"
    ]
    assert [c.data_path for c in curves] == ['pose.bones["root"].location']
    farther = [curves[0].evaluate(frame + 96) - curves[0].evaluate(frame) for frame in (1, 30, 200)]
    assert np.ptp(farther) < 1e-3 and farther[0] > 0.3  # half the height of the figure


def test_several_characters_dance_in_one_press_each_with_its_own_take(blender, ready, directed, tempose):
    ops, settings, lead = blender.ops.tempose, ready.tempose, ready.tempose.rig
    assert not ops.dance_together.poll()
    settings.proportions = "CHILD"
    ops.new_rig()
    child = blender.context.view_layer.objects.active
    assert child != lead
    lead.select_set(True)
    settings.generate.beats_apart = 2
    assert ops.dance_together(kind="CANON") == {"FINISHED"}
    first, second = (tempose("dance.audition").data_of(take).dance.poses for take in settings.takes)
    assert [take.rig for take in settings.takes] == [child, lead] and len(first) == len(second)
    assert {take.state for take in settings.takes} == {"PREVIEW"}
    assert child.animation_data.action != lead.animation_data.action
    wrist = first.skeleton.index("right_wrist")
    later = [
        poses.pixels[:, wrist] - poses.pixels[:, first.skeleton.index("neck")] for poses in (first, second)
    ]
    for a, b in zip(
        later[0][15:75:15], later[1][45:105:15], strict=True
    ):  # a second later, on a taller figure
        assert np.dot(a, b) > 0.98 * np.linalg.norm(a) * np.linalg.norm(b)
    assert ops.discard_take() == {"FINISHED"} and len(settings.takes) == 1
