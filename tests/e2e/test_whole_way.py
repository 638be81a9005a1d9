"""Song and pose in, keys out, through the real model: once for each Blender."""

from pathlib import Path

import numpy as np
import pytest

SONG = Path(__file__).resolve().parents[2] / "examples" / "demo_song.ogg"
SECONDS = 4


def curves_of(ob):
    slot = ob.animation_data.action_slot
    strips = [strip for layer in ob.animation_data.action.layers for strip in layer.strips]
    return [curve for strip in strips for curve in strip.channelbag(slot).fcurves]


def values(ob):
    return {
        (c.data_path, c.array_index): np.array([k.co.y for k in c.keyframe_points]) for c in curves_of(ob)
    }


def keys(ob):
    return {
        (c.data_path, c.array_index): np.array([tuple(k.co) for k in c.keyframe_points])
        for c in curves_of(ob)
    }


def length(strip):
    return strip.duration if hasattr(strip, "duration") else strip.frame_final_duration


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_full_path_with_the_real_model(blender):
    scene, ops = blender.context.scene, blender.ops.tempose
    scene.render.fps = 24
    scene.tempose.quality = "DRAFT"  # the way is the same as with more
    scene.tempose.keys.density = "EVERY"  # fewer keys are chosen anew over all of a take
    strip = scene.sequence_editor_create().strips.new_sound("song", str(SONG), 1, 33)
    edge = "right_handle_offset" if hasattr(strip, "right_handle_offset") else "frame_offset_end"
    setattr(strip, edge, length(strip) - SECONDS * 24)
    for step in (ops.start_server, ops.find_beats, ops.new_rig, ops.generate, ops.accept_take):
        assert step() == {"FINISHED"}
    ob = blender.context.view_layer.objects.active
    first = values(ob)
    assert tuple(ob.animation_data.action.frame_range) == (33, 33 + SECONDS * 24 - 1)
    assert all(np.isfinite(v).all() for v in first.values())
    moving = [key for key, v in first.items() if np.ptp(v) > 0.05]
    assert len(moving) > 15  # it dances: not one limb or two
    take = scene.tempose.takes[0]
    assert "null" not in take.text.as_string().split("\n")[0]

    scene.tempose.tempo_factor = 1.25
    assert ops.regenerate() == {"FINISHED"}
    assert ops.accept_take() == {"FINISHED"}
    last = round(SECONDS * 24 / 1.25)
    assert ob.animation_data.action.frame_range[1] == pytest.approx(33 + last - 1, abs=1)
    sounds = {s.name: s for s in scene.sequence_editor.strips}
    assert sounds["song"].mute
    new = next(s for s in sounds.values() if s.name != "song")
    assert not new.mute
    assert length(new) == pytest.approx(last, abs=1)

    # A second of it danced again: every other key stays to the bit, and it does not jump at the borders.
    before, edit = keys(ob), scene.tempose.edit
    edit.area, edit.first_frame, edit.last_frame = "FRAMES", 57, 80
    assert ops.reroll() == {"FINISHED"}
    after, changed = keys(ob), 0
    for name, old in before.items():
        new = after[name]
        outside = [k[(k[:, 0] < 57) | (k[:, 0] > 80)] for k in (old, new)]
        assert np.array_equal(*outside)
        inside = [k[(k[:, 0] >= 57) & (k[:, 0] <= 80), 1] for k in (old, new)]
        changed += (
            np.ptp(inside[1] - inside[0][: len(inside[1])]) > 0.01 if len(inside[0]) == len(inside[1]) else 1
        )
        if name[0].endswith("location"):
            steps = np.abs(np.diff(new[:, 1]))
            border = steps[[np.searchsorted(new[:, 0], f) - 1 for f in (57, 81)]]
            assert border.max() <= 2 * max(np.abs(np.diff(old[:, 1])).max(), steps[30:].max())
    assert changed > 10
