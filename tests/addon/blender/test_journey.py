"""From a sound strip to a danced armature, and what each button leaves behind."""

import json
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from blender_helpers import MODULE, ROOT, add_strip, summary

from tempose_pose.reference import Reference


def test_the_happy_path_needs_no_settings(blender, server, scene, clicks, tempose):
    add_strip(scene, clicks)
    ops = blender.ops.tempose
    steps = [ops.find_beats, ops.new_rig, ops.generate, ops.accept_take]
    if tempose("server.connection").missing():
        steps.insert(0, ops.start_server)
    for step in steps:
        assert step() == {"FINISHED"}
    ob = blender.context.view_layer.objects.active
    action = ob.animation_data.action
    assert tuple(action.frame_range) == (1.0, 288.0)
    assert len(tempose("compat").fcurves_of(ob)) == 38
    assert action.name in tempose("notes").text  # it is said where the keys went
    assert ob.name in tempose("notes").text


def test_the_joints_land_where_the_dance_has_them(blender, ready, tempose):
    blender.ops.tempose.generate()
    rig, mapping, timing = tempose("character.rig"), tempose("character.mapping"), tempose("tempo.timing")
    ob = blender.context.view_layer.objects.active
    dance = tempose("dance.audition").data_of(ready.tempose.takes[0]).dance
    place = rig.placement(ob)
    for frame in (1, 100, 250):
        ready.frame_set(frame)
        pixels, _ = timing.resample(
            dance.poses.pixels, dance.poses.scores, dance.poses.fps, [(frame - 1) / 24]
        )
        wanted = dict(zip(mapping.JOINTS, place.to_plane(pixels)[0], strict=False))
        for link in mapping.TEMPOSE_RIG[1:]:
            tail = ob.pose.bones[link.name].tail
            assert np.hypot(tail.x - wanted[link.tail][0], tail.z - wanted[link.tail][1]) < 1e-4
            assert abs(tail.y) < 1e-5


def test_the_figure_follows_the_bones(blender, ready):
    ob = blender.context.view_layer.objects.active
    drawn = ob.children[0]

    def places():
        mesh = drawn.evaluated_get(blender.context.evaluated_depsgraph_get()).data
        flat = np.empty(3 * len(mesh.vertices), np.float32)
        mesh.vertices.foreach_get("co", flat)
        return flat.reshape(-1, 3)

    before = places()
    ob.pose.bones["forearm.L"].rotation_euler.z = 1.0
    blender.context.view_layer.update()
    moved = np.flatnonzero(np.abs(places() - before).max(1) > 1e-3)
    group = drawn.vertex_groups["forearm.L"].index
    assert len(moved) > 10
    assert all(drawn.data.vertices[i].groups[0].group == group for i in moved)
    assert all(len(v.groups) == 1 for v in drawn.data.vertices)


def test_discarding_leaves_nothing_behind(blender, ready):
    before = summary(blender)
    blender.ops.tempose.generate()
    assert summary(blender) != before
    blender.ops.tempose.discard_take()
    assert summary(blender) == before


def test_discarding_gives_an_animated_rig_its_action_back(blender, ready):
    blender.ops.tempose.generate()
    blender.ops.tempose.accept_take()
    action = blender.context.view_layer.objects.active.animation_data.action
    before = summary(blender)
    blender.ops.tempose.generate()
    blender.ops.tempose.discard_take()
    data = blender.context.view_layer.objects.active.animation_data
    assert data.action == action
    assert data.action_slot is not None
    assert summary(blender) == before


def test_discarding_a_regenerated_take_brings_the_sound_back(blender, ready):
    blender.ops.tempose.find_beats()
    ready.tempose.tempo_factor = 1.5
    before = summary(blender)
    blender.ops.tempose.regenerate()
    assert len(ready.sequence_editor.strips) == 2
    blender.ops.tempose.discard_take()
    after = summary(blender)
    before.pop("strips"), after.pop("strips")  # the original keeps an invisible mark
    assert after == before
    assert [s.mute for s in ready.sequence_editor.strips] == [False]


def test_regenerating_again_starts_from_the_original(blender, ready):
    for factor in (1.5, 0.75):
        ready.tempose.tempo_factor = factor
        blender.ops.tempose.regenerate()
        blender.ops.tempose.accept_take()
    strips = sorted(ready.sequence_editor.strips, key=lambda s: s.channel)
    assert [s.mute for s in strips] == [True, False]
    length = strips[1].duration if hasattr(strips[1], "duration") else strips[1].frame_final_duration
    assert abs(length - 288 / 0.75) <= 1
    assert strips[1].sound.packed_file is not None
    ready.tempose.tempo_factor = 1.0
    blender.ops.tempose.regenerate()
    blender.ops.tempose.accept_take()
    assert [(s.channel, s.mute) for s in ready.sequence_editor.strips] == [(1, False)]


def test_generating_after_a_tempo_edit_keeps_the_new_tempo(blender, ready, tempose):
    ready.tempose.tempo_factor = 2.0
    blender.ops.tempose.regenerate()
    blender.ops.tempose.accept_take()
    blender.ops.tempose.generate()
    assert len(tempose("dance.audition").data_of(ready.tempose.takes[1]).dance.poses.keypoints) == 180


def test_flipping_through_takes_shows_one_at_a_time(blender, ready):
    for _ in range(3):
        blender.ops.tempose.generate()
    settings = ready.tempose
    assert [t.seed for t in settings.takes] == ["0", "1", "2"]
    settings.active_take = 0
    assert not blender.ops.tempose.accept_take.poll()
    blender.ops.tempose.show_take()
    assert [t.action is not None for t in settings.takes] == [True, False, False]
    assert len(blender.data.actions) == 1
    blender.ops.tempose.accept_take()
    assert settings.takes[0].state == "ACCEPTED"


def test_takes_survive_saving_and_loading(blender, ready, tempose, tmp_path):
    blender.ops.tempose.generate()
    before = tempose("dance.audition").data_of(ready.tempose.takes[0]).dance.poses.keypoints
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file.blend"))
    blender.ops.wm.read_homefile(use_empty=True)
    blender.ops.wm.open_mainfile(filepath=str(tmp_path / "file.blend"))
    take = blender.context.scene.tempose.takes[0]
    assert (tempose("dance.audition").data_of(take).dance.poses.keypoints == before).all()
    assert blender.ops.tempose.accept_take() == {"FINISHED"}


def test_the_same_seed_gives_the_same_keys(blender, ready, tempose):
    ready.tempose.lock_seed = True
    values = []
    for _ in range(2):
        blender.ops.tempose.generate()
        curves = tempose("compat").fcurves_of(blender.context.view_layer.objects.active)
        values.append([tuple(k.co) for c in curves for k in c.keyframe_points])
    assert values[0] == values[1]


@pytest.mark.parametrize("proportions", ["ADULT", "CHILD"])
def test_a_rig_from_its_own_pose_stands_as_that_pose(blender, scene, proportions):
    scene.tempose.proportions = proportions
    blender.ops.tempose.new_rig()
    first = blender.context.view_layer.objects.active
    first.pose.bones["upper_arm.L"].rotation_euler.z = 1.2
    blender.context.view_layer.update()
    wrist = first.pose.bones["forearm.L"].tail.copy()
    scene.tempose.reference = "ARMATURE"
    blender.ops.tempose.new_rig()
    second = blender.context.view_layer.objects.active
    assert second is not first
    assert (second.data.bones["forearm.L"].tail_local - wrist).length < 1e-4


def test_a_rig_from_a_file_with_missing_joints_says_what_it_completed(blender, scene, tempose, tmp_path):
    reference = Reference.standing()
    rows = np.c_[reference.points, reference.pose.scores[0]]
    rows[[3, 4]] = 0
    path = tmp_path / "pose.json"
    path.write_text(json.dumps({"people": [{"pose_keypoints_2d": rows.ravel().tolist()}]}))
    scene.tempose.reference, scene.tempose.reference_file = "FILE", str(path)
    assert blender.ops.tempose.new_rig() == {"FINISHED"}
    assert "right elbow, right wrist" in tempose("notes").text


def test_a_section_can_be_set_by_frame_or_by_second(blender, ready):
    ready.frame_set(49)
    blender.ops.tempose.add_section()
    section = ready.tempose.sections[0]
    assert abs(section.start - 2.0) < 1e-4
    assert section.start_frame == 49
    section.start_frame = 97
    assert abs(section.start - 4.0) < 1e-4


def test_each_action_is_one_undo_step(blender, ready):
    blender.ops.ed.undo_push(message="before")
    before = summary(blender)
    blender.ops.tempose.generate("EXEC_DEFAULT", True)
    after = summary(blender)
    assert after["actions"] != before["actions"]
    blender.ops.ed.undo()
    assert summary(blender) == before
    blender.ops.ed.redo()
    assert summary(blender) == after


class Layout:
    """Takes what a panel draws, and insists that it exists."""

    def __init__(self, bpy, words):
        self.bpy, self.words = bpy, words

    def _part(self, **_):
        return Layout(self.bpy, self.words)

    row = column = _part

    def label(self, text="", icon="NONE"):
        self.words.append(text)

    def prop(self, data, name, **_):
        assert name in data.bl_rna.properties

    def prop_decorator(self, data, name):
        assert name in data.bl_rna.properties

    def prop_search(self, data, name, search_data, search_name, **_):
        assert name in data.bl_rna.properties and search_name in search_data.bl_rna.properties

    def operator(self, name, **_):
        assert hasattr(self.bpy.types, "TEMPOSE_OT_" + name.split(".")[1])
        self.words.append(name)
        return SimpleNamespace()

    def operator_menu_enum(self, name, property_name, **_):
        assert property_name in getattr(self.bpy.ops.tempose, name.split(".")[1]).get_rna_type().properties
        self.words.append(name)

    def template_list(self, kind, _identity, data, name, active, active_name, **_):
        assert hasattr(self.bpy.types, kind)
        assert name in data.bl_rna.properties and active_name in active.bl_rna.properties

    def progress(self, factor, text):
        assert 0 <= factor <= 1
        self.words.append(text)

    def template_ID(self, data, name, **_):
        assert name in data.bl_rna.properties

    def separator(self):
        pass


def drawn(bpy, tempose):
    """All that the panels say now."""
    words = []
    for panel in tempose("panels").CLASSES:
        if issubclass(panel, bpy.types.Panel):
            panel.draw(SimpleNamespace(layout=Layout(bpy, words)), bpy.context)
    return " ".join(words)


def test_the_panels_state_the_problem_at_every_stage(blender, connected, scene, clicks, tempose):
    panels = [c for c in tempose("panels").CLASSES if issubclass(c, blender.types.Panel)]
    assert {c.bl_space_type for c in panels} == {"VIEW_3D", "SEQUENCE_EDITOR"}
    assert {c.bl_category for c in panels} == {"Tempose"}
    assert "Add a sound strip in the Video Sequencer first" in drawn(blender, tempose)
    add_strip(scene, clicks)
    assert "Make a rig first" in drawn(blender, tempose)
    blender.ops.tempose.new_rig()
    scene.tempose.reference = "FILE"
    blender.ops.tempose.find_beats()
    blender.ops.tempose.generate()
    blender.ops.tempose.add_section()
    said = drawn(blender, tempose)
    assert "120.0 BPM" in said and "beats in a bar" in said and "12.0 s at this tempo" in said
    assert "music has changed" not in said
    strip = scene.sequence_editor.strips[0]
    setattr(strip, "content_start" if hasattr(strip, "content_start") else "frame_start", 77)
    assert "music has changed since this take" in drawn(blender, tempose)
    blender.data.objects.remove(blender.context.view_layer.objects.active)
    assert "rig of this take has been deleted" in drawn(blender, tempose)
    waiting = tempose("server.background_task").begin("Waiting", lambda work: work.sleep(60))
    assert "tempose.cancel" in drawn(blender, tempose)
    waiting.cancel()
    tempose("server.background_task").finish(waiting)


def test_the_add_on_imports_no_torch_and_the_null_server_neither(blender, ready, tempose):
    blender.ops.tempose.generate()
    assert not {"torch", "diffusers", "tempose", "librosa"} & {m.split(".")[0] for m in sys.modules}
    maps = Path(f"/proc/{tempose('server.server_process').running().process.pid}/maps")
    if not maps.exists():
        pytest.skip("this system does not tell what a process has loaded")
    assert "libtorch" not in maps.read_text()


def test_the_zip_holds_what_blender_wants_and_nothing_else(blender, tmp_path):
    import build_extension

    with zipfile.ZipFile(build_extension.build(tmp_path)) as archive:
        names = set(archive.namelist())
    assert {"blender_manifest.toml", "__init__.py", "LICENSE"} <= names
    assert not [n for n in names if n.endswith((".pyc", ".blend")) or "test" in n]
    assert (ROOT / "addon").is_dir()
    assert MODULE in blender.context.preferences.addons
