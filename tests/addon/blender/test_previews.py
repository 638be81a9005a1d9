"""Nothing is lost while a take, or a tempo, is only previewed: discarded, saved, loaded, undone, edited, renamed."""

import numpy as np
import pytest

FRAMES = np.arange(1, 121, 7)


def rig_of(bpy):
    return next(ob for ob in bpy.data.objects if ob.type == "ARMATURE")


def facts(bpy, compat):
    """What moves the rig, and all that it does."""
    ob = rig_of(bpy)
    data = ob.animation_data
    return {
        "action": data.action.name,
        "slot": data.action_slot.identifier,
        "fake user": data.action.use_fake_user,
        "keys": {
            (c.data_path, c.array_index): [
                (*k.co, *k.handle_left, *k.handle_right) for k in c.keyframe_points
            ]
            for c in compat.fcurves_of(ob)
        },
        "still": [tuple(b.location) for b in ob.pose.bones if b.name.startswith("hand")],
        "actions": sorted(a.name for a in bpy.data.actions),
    }


@pytest.fixture
def moved(blender, ready):
    """A rig with an Action of the artist's own, in its second slot, and a hand put aside without keys."""
    ob = rig_of(blender)
    own = blender.data.actions.new("Mine")
    own.slots.new("OBJECT", "other")
    slot = own.slots.new("OBJECT", "mine")
    bag = own.layers.new("Layer").strips.new(type="KEYFRAME").channelbag(slot, ensure=True)
    curve = bag.fcurves.new('pose.bones["root"].location', index=1)
    for frame, value in ((1, 0.0), (60, 0.4), (120, -0.2)):
        curve.keyframe_points.insert(frame, value)
    ob.animation_data_create().action = own
    ob.animation_data.action_slot = slot
    bone = next(b for b in ob.pose.bones if "hand" in b.name or "forearm" in b.name)
    bone.location = (0.01, 0.02, 0.0)
    settings = ready.tempose.generate
    settings.area, settings.first_frame, settings.last_frame = "FRAMES", 49, 96
    return ready


def test_a_range_take_that_is_discarded_leaves_the_former_action_exactly(blender, moved, tempose):
    before = facts(blender, tempose("compat"))
    blender.ops.tempose.generate()
    assert rig_of(blender).animation_data.action.name != "Mine"
    assert blender.data.actions["Mine"].use_fake_user  # saved with the file, though nothing plays it now
    blender.ops.tempose.generate()
    blender.ops.tempose.previous_take()
    for _ in range(2):
        blender.ops.tempose.discard_take()
    assert facts(blender, tempose("compat")) == before


def test_the_former_action_survives_saving_and_loading_in_the_middle(blender, moved, tempose, tmp_path):
    before = facts(blender, tempose("compat"))
    blender.ops.tempose.generate()
    shown = facts(blender, tempose("compat"))
    for _ in range(2):  # twice: what has no user is gone after the second time
        blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file.blend"))
        blender.ops.wm.open_mainfile(filepath=str(tmp_path / "file.blend"))
    assert facts(blender, tempose("compat")) == shown
    blender.ops.tempose.discard_take()
    assert facts(blender, tempose("compat")) == before


def test_undo_of_a_preview_and_of_its_discarding(blender, moved, tempose):
    compat = tempose("compat")
    blender.ops.ed.undo_push(message="before")
    before = facts(blender, compat)
    blender.ops.tempose.generate("EXEC_DEFAULT", True)
    shown = facts(blender, compat)
    blender.ops.tempose.discard_take("EXEC_DEFAULT", True)
    assert facts(blender, compat) == before
    blender.ops.ed.undo()
    assert facts(blender, compat) == shown
    blender.ops.ed.undo()
    assert facts(blender, compat) == before
    blender.ops.ed.redo()
    blender.ops.tempose.discard_take()
    assert facts(blender, compat) == before


@pytest.fixture
def danced(blender, ready):
    """An accepted dance."""
    blender.ops.tempose.find_beats()
    blender.ops.tempose.generate()
    blender.ops.tempose.accept_take()
    return ready


def curve_of(bpy, compat):
    return next(c for c in compat.fcurves_of(rig_of(bpy)) if c.data_path == 'pose.bones["root"].location')


def test_each_edit_of_the_tempo_writes_into_one_preview_what_a_fresh_one_would_hold(blender, danced, tempose):
    compat = tempose("compat")
    danced.tempose.tempo_factor = 1.3
    first = rig_of(blender).animation_data.action
    for factor in (0.7, 1.9, 1.31):
        danced.tempose.tempo_factor = factor
        assert rig_of(blender).animation_data.action == first
    written = facts(blender, compat)["keys"]
    blender.ops.tempose.take_back_tempo()
    tempose("tempo.tempo_preview").forget()
    blender.ops.tempose.preview_tempo()
    assert facts(blender, compat)["keys"] == written


def test_keys_changed_in_a_preview_are_kept_beside_the_action(blender, danced, tempose):
    compat = tempose("compat")
    before = facts(blender, compat)
    danced.tempose.tempo_factor = 1.25
    curve = curve_of(blender, compat)
    curve.keyframe_points[30].co.y = 7.0
    curve.update()
    danced.tempose.tempo_factor = 1.5
    kept = [a for a in blender.data.actions if "edited preview" in a.name]
    assert len(kept) == 1 and kept[0].use_fake_user and kept[0].name in tempose("notes").text
    values = [k.co.y for c in tempose("keys.action_keys").curves(kept[0]) for k in c.keyframe_points]
    assert 7.0 in values
    danced.tempose.tempo_factor = 1.0
    blender.data.actions.remove(kept[0])
    assert facts(blender, compat) == before


def test_key_settings_wait_until_the_preview_is_over(blender, danced):
    assert blender.ops.tempose.apply_keys.poll()
    danced.tempose.tempo_factor = 1.25
    assert not blender.ops.tempose.apply_keys.poll()
    blender.ops.tempose.take_back_tempo()
    assert blender.ops.tempose.apply_keys.poll()


def test_a_preview_that_was_renamed_is_still_taken_back(blender, danced, tempose):
    before = facts(blender, tempose("compat"))
    danced.tempose.tempo_factor = 1.25
    rig_of(blender).animation_data.action.name = "Something else"
    assert tempose("tempo.tempo_preview").previewing(danced.tempose)
    blender.ops.tempose.take_back_tempo()
    assert facts(blender, tempose("compat")) == before


def test_after_undo_a_preview_is_made_of_what_is_there_then(blender, danced, tempose):
    compat = tempose("compat")
    danced.tempose.tempo_factor = 1.25
    blender.ops.ed.undo_push(message="preview")
    danced.tempose.tempo_factor = 0.8
    blender.ops.ed.undo_push(message="another")
    blender.ops.ed.undo()
    settings = blender.context.scene.tempose
    assert settings.tempo_factor == pytest.approx(1.25)
    settings.tempo_factor = 1.6
    last = curve_of(blender, compat).keyframe_points[-1].co.x
    assert last == pytest.approx(1 + 287 / 1.6, abs=1)
    settings.tempo_factor = 1.0
    assert len([a for a in blender.data.actions if "preview" in a.name]) == 0


def test_the_panel_computes_changes_once(blender, danced, tempose, monkeypatch, read):
    changes, regenerate = tempose("tempo.tempo_changes"), tempose("dance.regenerate")
    danced.tempose.tempo_factor = 1.25
    said = regenerate.in_words(read())
    monkeypatch.setattr(changes.retiming, "tempo_differs", None)  # would fail if it were asked again
    for _ in range(3):
        assert regenerate.in_words(read()) == said
