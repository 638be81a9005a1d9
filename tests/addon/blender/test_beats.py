"""The beat grid in Blender: buttons, markers on request, undo, and what the server is sent."""

from types import SimpleNamespace

import numpy as np
import pytest
from blender_helpers import CLICKS, MODULE, add_strip, summary


@pytest.fixture
def song(blender, scene, clicks):
    """A scene with the click track at frame 1, 24 frames a second."""
    add_strip(scene, clicks)
    return scene


@pytest.fixture
def grid(song, blender, tempose):
    """A grid on every click, two bars of four to four seconds; returns how to get what it is now."""
    beats, beat_edit = tempose("beats"), tempose("beat_edit")

    def now():
        return beat_edit.current(blender.context)

    beat_edit.put(song, now(), beats.from_times(CLICKS, CLICKS[::4], 0.2))
    return now


def frames(now):
    return [now.frame(t) for t in now.grid.times]


def test_half_double_nudge(blender, song, grid):
    ops = blender.ops.tempose
    assert ops.half_beats() == {"FINISHED"}
    assert np.diff(grid().grid.times) == pytest.approx(np.ones(11))
    ops.double_beats()
    assert grid().grid.times[:3] == pytest.approx(CLICKS[:3])
    ops.nudge_beats(direction="LATER")
    ops.nudge_beats(direction="LATER")
    ops.nudge_beats(direction="EARLIER")
    assert grid().grid.times[:3] == pytest.approx(CLICKS[:3] + 0.01, abs=1e-5)
    song.tempose.music.nudge_unit, song.tempose.music.nudge = "FRAMES", 1.0
    ops.nudge_beats(direction="LATER")
    assert grid().grid.times[:3] == pytest.approx(CLICKS[:3] + 0.01 + 1 / 24, abs=1e-5)


def test_a_nudge_is_a_nudge_of_what_is_heard(blender, connected, ready, tempose):
    """At twice the tempo ten milliseconds heard are twenty of the song."""
    ready.tempose.tempo_factor = 2.0
    blender.ops.tempose.regenerate()
    blender.ops.tempose.accept_take()
    beat_edit = tempose("beat_edit")
    now = beat_edit.current(blender.context)
    beat_edit.put(ready, now, tempose("beats").from_times(CLICKS))
    before = np.asarray(frames(beat_edit.current(blender.context)))
    blender.ops.tempose.nudge_beats(direction="LATER")
    after = np.asarray(frames(beat_edit.current(blender.context)))
    assert after - before == pytest.approx(np.full(24, 0.24))


def test_only_in_the_preview_range(blender, song, grid):
    song.use_preview_range = True
    song.frame_preview_start, song.frame_preview_end = 97, 193  # seconds 4 to 8
    song.tempose.music.only_range = True
    blender.ops.tempose.half_beats()
    times = grid().grid.times
    assert len(times) == 20
    assert np.diff(times[:8]) == pytest.approx(np.full(7, 0.5))
    song.use_preview_range = False
    with pytest.raises(RuntimeError, match="Set a preview range"):
        blender.ops.tempose.half_beats()


def test_beats_go_to_the_playhead(blender, song, grid):
    song.frame_set(70, subframe=0.25)
    blender.ops.tempose.move_beat()
    at = (70.25 - 1) / 24
    moved = grid().grid.times
    assert np.abs(moved - at).min() < 1e-6
    assert moved[0] == pytest.approx(CLICKS[0])
    blender.ops.ed.undo_push(message="x")
    song.frame_set(120)
    blender.ops.tempose.slide_beats()
    assert np.abs(grid().grid.times - (120 - 1) / 24).min() < 1e-6
    assert len(grid().grid) == len(CLICKS)


def test_downbeats_here(blender, song, grid):
    song.frame_set(round(1 + 24 * CLICKS[2]))
    song.tempose.music.metre = 3
    blender.ops.tempose.set_downbeat()
    assert grid().grid.downbeats == pytest.approx(CLICKS[2::3])
    blender.ops.tempose.set_downbeat(metre=2)
    assert grid().grid.downbeats == pytest.approx(CLICKS[::2])


def test_adding_and_removing_single_beats(blender, song, grid):
    song.frame_set(1 + 12)  # second 0.5, between two
    blender.ops.tempose.add_beat()
    assert len(grid().grid) == 25
    with pytest.raises(RuntimeError, match="already"):
        blender.ops.tempose.add_beat()
    blender.ops.tempose.remove_beat()
    assert grid().grid.times == pytest.approx(CLICKS)


def test_locks_by_preview_range_or_by_selected_markers(blender, song, grid):
    assert not blender.ops.tempose.lock_beats.poll()
    for frame in (49, 97):
        song.timeline_markers.new("mine", frame=frame).select = True
    blender.ops.tempose.lock_beats()
    blender.ops.tempose.nudge_beats()
    now = grid()
    inside = (now.grid.times > 2) & (now.grid.times < 4)
    assert now.grid.times[inside] == pytest.approx(CLICKS[(CLICKS > 2) & (CLICKS < 4)])
    assert now.grid.times[~inside] == pytest.approx(CLICKS[(CLICKS < 2) | (CLICKS > 4)] + 0.01)
    song.use_preview_range = True
    song.frame_preview_start, song.frame_preview_end = 1, 288
    blender.ops.tempose.lock_beats(unlock=True)
    assert grid().grid.locks == ()


def test_finding_beats_keeps_the_artists(blender, connected, song, grid, tempose):
    song.frame_set(70)
    blender.ops.tempose.move_beat(reach=0)
    moved = (70 - 1) / 24
    assert blender.ops.tempose.find_beats() == {"FINISHED"}
    found = grid().grid
    assert moved in np.round(found.times, 9) or np.abs(found.times - moved).min() < 1e-9
    assert len(found) >= len(CLICKS) - 1
    assert "1 beats of yours stay" in tempose("notes").text
    blender.ops.tempose.half_beats()
    before = grid().grid.times
    blender.ops.tempose.find_beats()
    assert set(before.tolist()) <= set(grid().grid.times.tolist())


def test_each_edit_is_one_undo_step(blender, song, grid, tempose):
    load = lambda: tempose("grids").text_of(blender.context.scene)  # noqa: E731
    blender.ops.ed.undo_push(message="before")
    before = load()
    blender.ops.tempose.half_beats("EXEC_DEFAULT", True)
    half = load()
    blender.ops.tempose.nudge_beats("EXEC_DEFAULT", True)
    nudged = load()
    assert len({before, half, nudged}) == 3
    for wanted in (half, before):
        blender.ops.ed.undo()
        assert load() == wanted
    for wanted in (half, nudged):
        blender.ops.ed.redo()
        assert load() == wanted


def test_an_edit_that_fails_changes_nothing(blender, song, grid):
    song.use_preview_range = True
    song.frame_preview_start, song.frame_preview_end = 1, 288
    blender.ops.tempose.lock_beats()
    before = (summary(blender), blender.context.scene["tempose_grids"])
    for button in ("half_beats", "double_beats", "nudge_beats", "set_downbeat", "move_beat", "remove_beat"):
        with pytest.raises(RuntimeError, match="lock"):
            getattr(blender.ops.tempose, button)()
    assert (summary(blender), blender.context.scene["tempose_grids"]) == before


def test_the_grid_survives_saving_and_another_sound_has_its_own(
    blender, song, grid, clicks, tempose, tmp_path
):
    blender.ops.tempose.half_beats()
    times = grid().grid.times
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file.blend"))
    blender.ops.wm.read_homefile(use_empty=True)
    blender.ops.wm.open_mainfile(filepath=str(tmp_path / "file.blend"))
    assert tempose("beat_edit").current(blender.context).grid.times == pytest.approx(times, abs=1e-6)
    other = tmp_path / "other.wav"
    other.write_bytes(clicks.read_bytes())
    scene = blender.context.scene
    second = add_strip(scene, other, channel=2)
    scene.tempose.strip = second.name
    assert not len(grid().grid)
    scene.tempose.strip = next(s.name for s in scene.sequence_editor.strips if s.name != second.name)
    assert grid().grid.times == pytest.approx(times, abs=1e-6)


def test_a_damaged_grid_counts_as_none(blender, song, tempose):
    for text in ("no json", "[]", '{"x": 1}'):
        song["tempose_grids"] = text
        assert not len(tempose("beat_edit").current(blender.context).grid)
    mark = tempose("beat_edit").current(blender.context).mark
    song["tempose_grids"] = '{"' + mark + '": {"times": "abc"}}'
    assert not len(tempose("beat_edit").current(blender.context).grid)


# Markers on request


def test_markers_come_and_go_and_the_exact_times_stay(blender, song, grid):
    exact = grid().grid.times
    assert len(song.timeline_markers) == 0
    song.tempose.music.show_markers = True
    assert len(song.timeline_markers) == len(CLICKS)
    assert song.timeline_markers[0].name == "♪ 1.1"
    assert [m.frame for m in song.timeline_markers] == [round(f) for f in frames(grid())]
    song.tempose.music.show_markers = False
    assert len(song.timeline_markers) == 0
    assert (grid().grid.times == exact).all()


def test_edits_of_markers_are_the_artists_word(blender, song, grid, tempose):
    song.tempose.music.show_markers = True
    marks = sorted(song.timeline_markers, key=lambda m: m.frame)
    marks[4].frame += 3
    song.timeline_markers.remove(marks[9])
    song.timeline_markers.new("♪ new", frame=1 + 12)
    marks[6].name = "♪ 9.1"
    found = grid().grid
    assert len(found) == len(CLICKS)
    assert np.abs(found.times - (round(1 + 24 * CLICKS[4]) + 3 - 1) / 24).min() < 1e-6
    assert np.abs(found.times - CLICKS[9]).min() > 0.2
    assert np.abs(found.times - 0.5).min() < 1e-6
    assert np.abs(found.downbeats - CLICKS[6]).min() < 1e-6
    untouched = [t for i, t in enumerate(CLICKS) if i not in (4, 9)]
    assert set(np.round(untouched, 5)) <= set(np.round(found.times, 5))  # exact, not on whole frames
    body = tempose("markers").read(song, grid().mark)
    assert body["beats"] == found.times.tolist()
    song.tempose.music.show_markers = False
    assert (grid().grid.times == found.times).all()


def test_throwing_all_markers_away_loses_nothing(blender, song, grid):
    song.tempose.music.show_markers = True
    before = grid().grid.times
    for marker in list(song.timeline_markers):
        song.timeline_markers.remove(marker)
    assert (grid().grid.times == before).all()


def test_locked_beats_do_not_follow_their_markers(blender, song, grid):
    song.use_preview_range = True
    song.frame_preview_start, song.frame_preview_end = 1, 288
    blender.ops.tempose.lock_beats()
    song.tempose.music.show_markers = True
    song.timeline_markers[3].frame += 5
    assert grid().grid.times == pytest.approx(CLICKS)


def test_discarding_a_tempo_edit_brings_markers_back(blender, connected, ready, tempose):
    blender.ops.tempose.find_beats()
    ready.tempose.music.show_markers = True
    before = sorted((m.frame, m.name) for m in ready.timeline_markers)
    ready.tempose.tempo_factor = 1.5
    blender.ops.tempose.regenerate()
    assert sorted((m.frame, m.name) for m in ready.timeline_markers) != before
    blender.ops.tempose.discard_take()
    assert sorted((m.frame, m.name) for m in ready.timeline_markers) == before


def test_the_dance_is_on_edited_beats(blender, connected, ready, tempose):
    from blender_helpers import dips, farthest

    beat_edit = tempose("beat_edit")
    beat_edit.put(ready, beat_edit.current(blender.context), tempose("beats").from_times(CLICKS + 0.13))
    blender.ops.tempose.generate()
    ob = blender.context.view_layer.objects.active
    assert farthest(1 + 24 * (CLICKS + 0.13), dips(ob, tempose("compat")))[0] <= 0.5


# Tapping and dragging


def test_taps_from_a_script(blender, song, tempose):
    taps = " ".join(str(1 + 24 * t) for t in CLICKS[4:14])
    assert blender.ops.tempose.tap_tempo(frames=taps) == {"FINISHED"}
    found = tempose("beat_edit").current(blender.context).grid
    assert np.abs(found.times[:, None] - CLICKS[None]).min(0).max() < 1e-3
    for bad in ("", "1 2", "x"):
        with pytest.raises(RuntimeError, match="at least 4"):
            blender.ops.tempose.tap_tempo(frames=bad)


class Screen:
    """A window with one timeline, 1000 pixels for frames 0 to 200."""

    def __init__(self, bpy, scene):
        self.status, self.handlers = [], []
        view2d = SimpleNamespace(region_to_view=lambda x, y: (x / 5, y))
        region = SimpleNamespace(
            type="WINDOW",
            x=100,
            y=50,
            width=1000,
            height=300,
            view2d=view2d,
            as_pointer=lambda: 1,
            tag_redraw=int,
        )
        space = SimpleNamespace(view_type="SEQUENCER")
        area = SimpleNamespace(type="SEQUENCE_EDITOR", regions=[region], spaces=SimpleNamespace(active=space))
        self.screen = SimpleNamespace(areas=[area], is_animation_playing=True)
        real = bpy.context
        self.context = SimpleNamespace(
            scene=scene, view_layer=real.view_layer, screen=self.screen,
            window=SimpleNamespace(screen=self.screen), workspace=SimpleNamespace(status_text_set=self.status.append),
            window_manager=SimpleNamespace(modal_handler_add=self.handlers.append, windows=[]),
        )  # fmt: skip

    def x(self, frame):
        return round(100 + 5 * frame)


@pytest.fixture
def by_hand(blender, song, tempose, monkeypatch):
    """Start a modal button in a window that is not there; returns (button, screen, event)."""
    module, draw = tempose("operators.beats_by_hand"), tempose("beat_draw")
    screen = Screen(blender, song)
    app = SimpleNamespace(background=False)
    preferences = blender.context.preferences
    fake = SimpleNamespace(window_manager=screen.context.window_manager, preferences=preferences, scene=song)
    monkeypatch.setattr(module, "bpy", SimpleNamespace(app=app, data=blender.data, types=blender.types))
    monkeypatch.setattr(draw, "bpy", SimpleNamespace(context=fake))
    monkeypatch.setattr(tempose("operators.base"), "redraw", lambda: None)
    bases = {"tap": module.TEMPOSE_OT_tap_tempo, "drag": module.TEMPOSE_OT_drag_beat}

    def make(name):
        body = {k: v for k, v in vars(bases[name]).items() if not k.startswith("__")}
        cls = type(
            "Button", (module._ByHand,), {**body, "frames": "", "report": lambda self, *a: said.append(a)}
        )
        if name == "tap":  # `super` in a copied method means the original class
            cls.stop = module._ByHand.stop
        if name == "drag":
            cls.stop = lambda self, context: (module._ByHand.stop(self, context), draw.hold())
        return cls()

    said = screen.said = []

    def event(kind, value="PRESS", frame=0.0, **more):
        keys = {"ctrl": False, "alt": False, "shift": False, **more}
        return SimpleNamespace(type=kind, value=value, mouse_x=screen.x(frame), mouse_y=100, **keys)

    yield make, screen, event
    module.end()
    draw.forget()


def test_a_beat_is_dragged_with_the_mouse(grid, by_hand, tempose):
    make, screen, event = by_hand
    drag, context = make("drag"), screen.context
    at = frames(grid())[6]
    assert drag.invoke(context, event("NONE", "NOTHING")) == {"RUNNING_MODAL"}
    assert drag.modal(context, event("MOUSEMOVE", "NOTHING")) == {"PASS_THROUGH"}
    assert drag.modal(context, event("LEFTMOUSE", frame=at + 5)) == {"RUNNING_MODAL"}  # beside the lines
    assert drag.modal(context, event("LEFTMOUSE", frame=at)) == {"RUNNING_MODAL"}
    before = grid().grid.times
    drag.modal(context, event("MOUSEMOVE", "NOTHING", frame=at + 3))
    assert (grid().grid.times == before).all()  # written at the end only
    shown = tempose("beat_draw").laid_of(context, screen.screen.areas[0])
    assert shown.frames[6] == pytest.approx(at + 3, abs=0.2)
    assert drag.modal(context, event("LEFTMOUSE", "RELEASE", frame=at + 3)) == {"FINISHED"}
    assert frames(grid())[6] == pytest.approx(at + 3, abs=0.2)
    assert screen.status[-1] is None


@pytest.mark.parametrize("key", ["ESC", "RIGHTMOUSE"])
def test_escape_puts_a_dragged_beat_back(grid, by_hand, tempose, key):
    make, screen, event = by_hand
    drag, context, at = make("drag"), screen.context, frames(grid())[6]
    assert drag.invoke(context, event("LEFTMOUSE", frame=at, ctrl=True, alt=True)) == {"RUNNING_MODAL"}
    drag.modal(context, event("MOUSEMOVE", "NOTHING", frame=at + 3))
    assert drag.modal(context, event(key)) == {"CANCELLED"}
    assert grid().grid.times == pytest.approx(CLICKS)
    shown = tempose("beat_draw").laid_of(context, screen.screen.areas[0])
    assert shown.frames[6] == pytest.approx(at)
    assert screen.status[-1] is None


def test_the_shortcut_leaves_clicks_beside_beats_alone(grid, by_hand):
    make, screen, event = by_hand
    at = frames(grid())[6]
    pressed = event("LEFTMOUSE", frame=at + 5, ctrl=True, alt=True)
    assert make("drag").invoke(screen.context, pressed) == {"PASS_THROUGH"}
    assert not screen.handlers


def test_shift_slides_all_beats_and_ctrl_means_whole_frames(grid, by_hand):
    make, screen, event = by_hand
    drag, context, at = make("drag"), screen.context, frames(grid())[6]
    drag.invoke(context, event("NONE", "NOTHING"))
    drag.modal(context, event("LEFTMOUSE", frame=at, shift=True))
    drag.modal(context, event("MOUSEMOVE", "NOTHING", frame=at + 2.3, shift=True, ctrl=True))
    drag.modal(context, event("LEFTMOUSE", "RELEASE", frame=at + 2.3))
    after = np.asarray(frames(grid()))
    assert after[6] == pytest.approx(round(at + 2.3), abs=1e-3)
    assert np.diff(after) == pytest.approx(np.full(23, 12.0))


def test_tapping_while_the_song_plays(song, by_hand, tempose, blender):
    make, screen, event = by_hand
    tap, context = make("tap"), screen.context
    song.sync_mode = "NONE"
    tap._walls, tap._frames, tap._scene, tap._sync = [], [], song.name, "NONE"
    tap.wait(context, "")
    assert tap.modal(context, event("MOUSEMOVE", "NOTHING")) == {"PASS_THROUGH"}
    for click in CLICKS[2:12]:
        song.frame_set(int(1 + 24 * click))
        assert tap.modal(context, event("T")) == {"RUNNING_MODAL"}
    assert "10 taps" in screen.status[-1]
    assert tap.modal(context, event("RET")) == {"FINISHED"}
    found = tempose("beat_edit").current(blender.context).grid
    assert found.bpm == pytest.approx(120, abs=1)
    again = make("tap")
    again._walls, again._frames = [1.0], [1.0]
    again.wait(context, "")
    assert again.modal(context, event("ESC")) == {"CANCELLED"}
    assert tempose("beat_edit").current(blender.context).grid.bpm == pytest.approx(found.bpm)
    assert screen.status[-1] is None


def test_another_file_ends_dragging(grid, by_hand, tempose):
    make, screen, event = by_hand
    drag = make("drag")
    drag.invoke(screen.context, event("NONE", "NOTHING"))
    tempose("operators.beats_by_hand").end()
    assert drag.modal(screen.context, event("MOUSEMOVE", "NOTHING")) == {"CANCELLED"}


# Drawing


def test_what_is_drawn_is_kept_until_the_grid_or_the_view_changes(grid, by_hand, tempose, blender):
    _, screen, _ = by_hand
    draw, area = tempose("beat_draw"), screen.screen.areas[0]
    region = area.regions[0]
    first, _ = draw.seen(screen.context, area, region)
    assert len(first.at) == 17
    assert draw.seen(screen.context, area, region)[0] is first
    region.view2d = SimpleNamespace(region_to_view=lambda x, y: (50 + x / 5, y))
    moved, _ = draw.seen(screen.context, area, region)
    assert moved is not first
    blender.ops.tempose.half_beats()
    assert len(draw.seen(screen.context, area, region)[0].at) < len(moved.at)
    blender.context.scene.tempose.music.show_grid = False
    assert not len(draw.seen(screen.context, area, region)[0].at)


def test_drawing_ends_with_the_add_on(blender, connected, tempose):
    import addon_utils

    draw = tempose("beat_draw")
    assert len(draw._handles) == 2
    addon_utils.disable(MODULE)
    assert draw._handles == []
    addon_utils.enable(MODULE, default_set=True)
    assert len(tempose("beat_draw")._handles) == 2
    assert blender.ops.tempose.start_server() == {"FINISHED"}
