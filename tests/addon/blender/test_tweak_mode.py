"""While an NLA strip is tweaked, Blender lets nothing give the character another Action: the buttons say so."""

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


def test_a_track_that_plays_alone_is_said(blender, tweaked):
    data = tweaked.animation_data
    data.use_tweak_mode = False
    data.nla_tracks[0].is_solo = True
    before = summary(blender)
    with pytest.raises(RuntimeError, match="star"):
        blender.ops.tempose.generate()
    assert summary(blender) == before
    data.nla_tracks[0].is_solo = False
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
