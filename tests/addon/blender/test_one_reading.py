"""A redraw and a press read the scene once, and pass on what they have read."""

import sys

import pytest
from blender_helpers import MODULE
from redraws import calls, draw, redraw

MOST_CALLS = 250  # into the add-on for drawing the whole tab
WITH_POLLS = 480  # and for asking each of its eighty buttons whether it is grey


@pytest.fixture
def full(blender, ready):
    """A scene with beats, two takes, a section, a previewed tempo and a kept pose."""
    settings = ready.tempose
    blender.ops.tempose.find_beats()
    settings.generate.count = 2
    blender.ops.tempose.generate()
    blender.ops.tempose.add_section()
    settings.sections[0].factor = 1.5
    settings.edit.area = settings.generate.area = "BARS"
    settings.character.show_all = True
    blender.ops.tempose.keep_pose()
    assert settings.tempo.before is not None and len(settings.takes) == 2
    return ready


@pytest.fixture
def counted(blender, tempose):
    """Counts the add-on's functions that are called, in all or by name."""

    def count(work):
        found = calls(work, sys.modules[MODULE])
        return sum(found.values()), lambda name: sum(n for (_, one), n in found.items() if one == name)

    return count


def test_drawing_the_tab_asks_each_room_once(blender, full, tempose, counted):
    draw(blender, tempose)  # what is worked out once and kept is there from now on
    count, times = counted(lambda: draw(blender, tempose))
    asked = ("pick", "sound_strips", "playback_of", "visible_span", "pick_rig", "playback_for", "changes_of")
    assert {name: times(name) for name in asked} == dict.fromkeys(asked, 1)
    assert count <= MOST_CALLS


def test_the_buttons_of_a_redraw_ask_nothing_anew(blender, full, tempose, counted):
    buttons = [redraw(blender, tempose)]
    count, times = counted(lambda: buttons.append(redraw(blender, tempose)))
    assert buttons[0] == buttons[1] > 50
    assert times("pick") == times("sound_strips") == times("visible_span") == times("pick_rig") == 1
    assert count <= WITH_POLLS


def test_generating_reads_the_scene_when_pressed_and_when_the_answer_is_put_into_it(blender, ready, counted):
    _, times = counted(blender.ops.tempose.generate)
    assert times("at_press") == 1 and times("pick") == times("poll") + 1
    # The press, what the keys are made from, and where they go: an artist may change the scene between them.
    assert times("visible_span") == times("playback_of") == 3
    assert times("order") == times("target_of") - 1 == 1  # found again for the keys, and for the take


def test_a_press_of_generate_crosses_each_room_once(blender, ready, read, tempose, counted):
    ready.tempose.rig.data.tempose_direction.use_energy = True
    blender.ops.tempose.drop_waypoint()
    dance = tempose("operators.dance")

    class Pressed(dance.DanceButton):
        read = dance.TEMPOSE_OT_generate.read

    _, times = counted(lambda: Pressed().prepare(blender.context))
    once = (
        *("at_press", "pick", "sound_strips", "visible_span", "playback_of", "fetch"),  # the song
        *("pick_rig", "identity", "map_of", "bones_of", "plane_of", "pose_of", "notice"),  # the character
        *("order", "curves_of", "way_of", "pins_of", "sections_of"),  # what is asked of it
    )
    assert {name: times(name) for name in once} == dict.fromkeys(once, 1)


def test_what_was_read_for_a_redraw_is_not_used_after_it(blender, full, tempose):
    reading, rig = tempose("reading"), blender.context.view_layer.objects.active
    kept = reading.keep(blender.context)
    assert kept.rig == rig and reading.reading_of(blender.context) is kept
    other = blender.data.scenes.new("Other")
    with blender.context.temp_override(scene=other, view_layer=other.view_layers[0]):
        assert reading.reading_of(blender.context).rig is None
    reading.drop()
    assert reading.reading_of(blender.context) is not kept
    blender.data.objects.remove(rig)
    assert reading.reading_of(blender.context).rig is None and not blender.ops.tempose.regenerate.poll()


def test_a_reading_cannot_be_changed(blender, song, read):
    now = read()
    assert now.playback.song_seconds == pytest.approx(12.0)
    with pytest.raises(AttributeError):
        now.playback = None
    blender.context.scene.sequence_editor.strips[0].name = "Renamed"
    assert now.playback is now.playback and read().song.strip.name == "Renamed"
