"""Where the NLA or the rest position would hide a dance, the buttons say so and nothing is half-done."""

import pytest
from blender_helpers import summary


@pytest.fixture
def tweaked(blender, connected, ready):
    """A character whose dance is in the NLA, in tweak mode."""
    ops, ob = blender.ops.tempose, ready.tempose.rig
    assert ops.generate() == {"FINISHED"} and ops.accept_take() == {"FINISHED"}
    data = ob.animation_data
    action, slot = data.action, data.action_slot
    data.action = None
    track = data.nla_tracks.new()
    strip = track.strips.new("dance", 1, action)
    strip.action_slot = slot
    data.nla_tracks.active, strip.select = track, True
    data.use_tweak_mode = True
    assert data.use_tweak_mode
    return ob


@pytest.mark.parametrize("press", ["generate", "regenerate"])
def test_nothing_is_half_done(blender, tweaked, press):
    blender.context.scene.tempose.tempo_factor = 1.2
    before = summary(blender)
    with pytest.raises(RuntimeError, match="tweak"):
        getattr(blender.ops.tempose, press)()
    assert summary(blender) == before
    tweaked.animation_data.use_tweak_mode = False
    assert blender.ops.tempose.generate() == {"FINISHED"}


def play_alone(ob, on):
    ob.animation_data.nla_tracks[0].is_solo = on


def rest(ob, on):
    ob.data.pose_position = "REST" if on else "POSE"


def fade(ob, on):
    ob.animation_data.action_influence = 0.0 if on else 1.0


def add(ob, on):
    ob.animation_data.action_blend_type = "ADD" if on else "REPLACE"


@pytest.mark.parametrize(
    ("hide", "said"), [(play_alone, "star"), (rest, "Pose Position"), (fade, "Influence"), (add, "Replace")]
)
def test_what_would_hide_the_dance_is_said(blender, tweaked, hide, said):
    tweaked.animation_data.use_tweak_mode = False
    hide(tweaked, True)
    before = summary(blender)
    with pytest.raises(RuntimeError, match=said):
        blender.ops.tempose.generate()
    assert summary(blender) == before
    hide(tweaked, False)
    assert blender.ops.tempose.generate() == {"FINISHED"}


def test_a_take_cannot_be_accepted_into_a_tweaked_strip(blender, tweaked):
    tweaked.animation_data.use_tweak_mode = False
    assert blender.ops.tempose.generate() == {"FINISHED"}
    tweaked.animation_data.nla_tracks.active.strips[0].select = True
    tweaked.animation_data.use_tweak_mode = True
    before = summary(blender)
    with pytest.raises(RuntimeError, match="tweak"):
        blender.ops.tempose.accept_take()
    assert summary(blender) == before
