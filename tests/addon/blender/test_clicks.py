"""From an empty Blender to a dance in few clicks, and what the editors show then."""

from types import SimpleNamespace

import pytest
from redraws import Layout


@pytest.fixture
def hand(blender, connected, scene, clicks):
    """Presses buttons as a person would, and counts: what opens a file window takes one more click in there."""
    counted = []

    def click(name, **options):
        operator = getattr(blender.ops.tempose, name)
        assert operator.poll(), name
        counted.append(name)
        if "filepath" in options:
            counted.append("the file")
        assert operator("EXEC_DEFAULT", True, **options) == {"FINISHED"}

    return SimpleNamespace(press=click, counted=counted, song=str(clicks))


def test_an_empty_blender_dances_within_six_clicks(blender, scene, hand, tempose):
    blender.ops.tempose.stop_server()
    hand.counted.append("the Tempose tab")
    hand.press("start_server")
    hand.press("add_song", filepath=hand.song)
    hand.press("generate")
    hand.counted.append("play")
    assert len(hand.counted) <= 6
    assert (scene.frame_start, scene.frame_end) == (1, 288)
    ob = blender.context.view_layer.objects.active
    first = [tuple(b.matrix.translation) for b in ob.pose.bones]
    scene.frame_set(40)
    assert first != [tuple(b.matrix.translation) for b in ob.pose.bones]
    strip = scene.sequence_editor.strips[0]
    assert tempose("compat").strip_time(strip, "left_handle") == 1


def test_a_dancer_made_for_a_dance_that_fails_goes_with_it(blender, scene, hand, tempose, monkeypatch):
    hand.press("add_song", filepath=hand.song)
    objects = len(blender.data.objects)

    def fail(*_):
        raise tempose("errors").Problem("gone", "It went wrong.")

    monkeypatch.setattr(tempose("server.work"), "dance", fail)
    with pytest.raises(RuntimeError, match="It went wrong"):
        blender.ops.tempose.generate()
    assert len(blender.data.objects) == objects and scene.tempose.rig is None


def test_a_song_is_added_beside_what_is_there_and_the_frame_rate_is_asked_once(blender, scene, hand):
    hand.press("add_song", filepath=hand.song)
    scene.frame_end = 100
    hand.press("add_song", filepath=hand.song, rate="30", fit_end=False)
    assert [s.channel for s in scene.sequence_editor.strips] == [1, 2]
    assert (scene.render.fps, scene.frame_end) == (30, 100)
    with pytest.raises(RuntimeError, match="There is no file"):
        blender.ops.tempose.add_song(filepath="/nowhere/none.wav")


def test_a_camera_sees_all_of_the_picture_and_a_second_dancer_stands_clear(blender, scene, hand, tempose):
    hand.press("new_rig")
    hand.press("add_camera")
    ob, camera = scene.tempose.rig, scene.camera
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    blender.context.view_layer.update()
    place, plane = tempose("character.rig").placement(ob), tempose("character.rig").plane_of(ob)
    for corner in ((0, 0), place.canvas):
        at = world_to_camera_view(
            scene, camera, ob.matrix_world @ Vector(plane.lifted(place.to_plane(corner)))
        )
        assert -1e-3 <= at.x <= 1 + 1e-3 and -1e-3 <= at.y <= 1 + 1e-3 and at.z > 0
    hand.press("new_rig")
    second = scene.tempose.rig.location.x
    assert second > 1
    blender.ops.mesh.primitive_plane_add(size=20)  # a ground is stood on
    blender.ops.mesh.primitive_cube_add(location=(2 * second, 0, 1))
    hand.press("new_rig")
    assert scene.tempose.rig.location.x > 2 * second + 1


def test_after_accept_the_keyed_bones_are_selected_in_pose_mode(blender, ready, tempose):
    blender.ops.tempose.generate()
    ready.tempose.keys.density = "POSES"
    blender.ops.tempose.accept_take()
    ob = blender.context.view_layer.objects.active
    assert blender.context.mode == "POSE"
    compat = tempose("compat")
    keyed = {c.data_path.split('"')[1] for c in compat.fcurves_of(ob)}
    chosen = {b.name for b in ob.pose.bones if (b if hasattr(b, "select") else b.bone).select}
    assert chosen == keyed
    blender.ops.object.mode_set(mode="OBJECT")


class Rows(Layout):
    """Counts what stands below each other."""

    def __init__(self, bpy):
        super().__init__(bpy, [])
        self.__dict__["heights"] = []

    def column(self, **_):
        return self

    def row(self, **_):
        self.heights.append("row")
        return Layout(self.bpy, [])

    def progress(self, **_):
        self.heights.append("progress")

    def label(self, **_):
        self.heights.append("label")


def test_what_stands_above_the_steps_has_one_height_whatever_is_said(
    blender, connected, ready, tempose, monkeypatch
):
    main, found = tempose("panels.main"), []
    job = SimpleNamespace(text="Dancing…", share=0.4, left=3.0, keeps_parts=True)
    for said, running in (("", None), ("Short.", None), ("A long sentence. " * 40, None), ("", job)):
        tempose("notes").say(said)
        monkeypatch.setattr(tempose("server.background_task"), "current", running)
        layout = Rows(blender)
        main.MainPanel.draw(SimpleNamespace(layout=layout), blender.context)
        found.append(layout.heights)
    tempose("notes").say("")
    assert found[0] == found[1] == found[2] == found[3]
    assert not blender.ops.tempose.show_message.poll()
    tempose("notes").say("All of it.")
    assert blender.ops.tempose.show_message() == {"FINISHED"}


def test_takes_of_another_character_are_not_in_the_list(blender, ready, tempose):
    blender.ops.tempose.generate()
    blender.ops.tempose.new_rig()
    blender.ops.tempose.generate()
    drawn = blender.types.TEMPOSE_UL_takes
    shown = drawn.filter_items(
        SimpleNamespace(bitflag_filter_item=1), blender.context, ready.tempose, "takes"
    )[0]
    assert shown == [0, 1]
