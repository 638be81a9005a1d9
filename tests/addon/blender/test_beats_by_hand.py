"""Beats tapped and dragged, in a window that is not there; and what is drawn of them."""

from types import SimpleNamespace

import numpy as np
import pytest
from blender_helpers import CLICKS, MODULE, beat_frames


def test_taps_from_a_script(blender, song, tempose):
    taps = " ".join(str(1 + 24 * t) for t in CLICKS[4:14])
    assert blender.ops.tempose.tap_tempo(frames=taps) == {"FINISHED"}
    found = tempose("music.song_grid").current(blender.context).grid
    assert np.abs(found.times[:, None] - CLICKS[None]).min(0).max() < 1e-3
    for bad in ("", "1 2", "x"):
        with pytest.raises(RuntimeError, match="at least 4"):
            blender.ops.tempose.tap_tempo(frames=bad)


def test_taps_that_come_late_are_measured_once_and_put_right_from_then_on(blender, song, grid, tempose):
    settings, times = tempose("preferences").get(blender.context), CLICKS[4:16]
    late = " ".join(str(1 + 24 * (t + 0.18)) for t in times)
    before = grid().grid
    try:
        assert blender.ops.tempose.tap_tempo(frames=late, measure=True) == {"FINISHED"}
        assert settings.tap_delay == pytest.approx(180, abs=1)
        assert "180 ms after" in tempose("notes").text
        assert (grid().grid.times == before.times).all() and (grid().grid.flags == before.flags).all()
        blender.ops.tempose.clear_beats()
        blender.ops.tempose.tap_tempo(frames=late)
        assert np.abs(grid().grid.times[:, None] - CLICKS[None]).min(0).max() < 2e-3
    finally:
        settings.tap_delay = 0.0


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
            scene=scene, view_layer=real.view_layer, screen=self.screen, preferences=real.preferences,
            window=SimpleNamespace(screen=self.screen), workspace=SimpleNamespace(status_text_set=self.status.append),
            window_manager=SimpleNamespace(modal_handler_add=self.handlers.append, windows=[]),
        )  # fmt: skip

    def x(self, frame):
        return round(100 + 5 * frame)


@pytest.fixture
def by_hand(blender, song, tempose, monkeypatch):
    """Start a modal button in a window that is not there; returns (button, screen, event)."""
    module, draw = tempose("operators.modal"), tempose("music.beat_draw")
    screen = Screen(blender, song)
    app = SimpleNamespace(background=False)
    preferences = blender.context.preferences
    fake = SimpleNamespace(window_manager=screen.context.window_manager, preferences=preferences, scene=song)
    tapping, dragging = tempose("operators.tap_tempo"), tempose("operators.drag_beat")
    for user in (tapping, dragging):
        monkeypatch.setattr(user, "bpy", SimpleNamespace(app=app, data=blender.data, types=blender.types))
    monkeypatch.setattr(draw, "bpy", SimpleNamespace(context=fake))
    monkeypatch.setattr(tempose("operators.buttons"), "redraw", lambda: None)
    bases = {"tap": tapping.TEMPOSE_OT_tap_tempo, "drag": dragging.TEMPOSE_OT_drag_beat}

    def make(name):
        body = {k: v for k, v in vars(bases[name]).items() if not k.startswith("__")}
        cls = type(
            "Button",
            (module.ByHand,),
            {**body, "frames": "", "measure": False, "report": lambda self, *a: said.append(a)},
        )
        if name == "tap":  # `super` in a copied method means the original class
            cls.stop = module.ByHand.stop
        if name == "drag":
            cls.stop = lambda self, context: (module.ByHand.stop(self, context), draw.hold())
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
    at = beat_frames(grid())[6]
    assert drag.invoke(context, event("NONE", "NOTHING")) == {"RUNNING_MODAL"}
    assert drag.modal(context, event("MOUSEMOVE", "NOTHING")) == {"PASS_THROUGH"}
    assert drag.modal(context, event("LEFTMOUSE", frame=at + 5)) == {"RUNNING_MODAL"}  # beside the lines
    assert drag.modal(context, event("LEFTMOUSE", frame=at)) == {"RUNNING_MODAL"}
    before = grid().grid.times
    drag.modal(context, event("MOUSEMOVE", "NOTHING", frame=at + 3))
    assert (grid().grid.times == before).all()  # written at the end only
    shown = tempose("music.beat_draw").laid_of(context, screen.screen.areas[0])
    assert shown.frames[6] == pytest.approx(at + 3, abs=0.2)
    assert drag.modal(context, event("LEFTMOUSE", "RELEASE", frame=at + 3)) == {"FINISHED"}
    assert beat_frames(grid())[6] == pytest.approx(at + 3, abs=0.2)
    assert screen.status[-1] is None


@pytest.mark.parametrize("key", ["ESC", "RIGHTMOUSE"])
def test_escape_puts_a_dragged_beat_back(grid, by_hand, tempose, key):
    make, screen, event = by_hand
    drag, context, at = make("drag"), screen.context, beat_frames(grid())[6]
    assert drag.invoke(context, event("LEFTMOUSE", frame=at, ctrl=True, alt=True)) == {"RUNNING_MODAL"}
    drag.modal(context, event("MOUSEMOVE", "NOTHING", frame=at + 3))
    assert drag.modal(context, event(key)) == {"CANCELLED"}
    assert grid().grid.times == pytest.approx(CLICKS)
    shown = tempose("music.beat_draw").laid_of(context, screen.screen.areas[0])
    assert shown.frames[6] == pytest.approx(at)
    assert screen.status[-1] is None


def test_the_shortcut_leaves_clicks_beside_beats_alone(grid, by_hand):
    make, screen, event = by_hand
    at = beat_frames(grid())[6]
    pressed = event("LEFTMOUSE", frame=at + 5, ctrl=True, alt=True)
    assert make("drag").invoke(screen.context, pressed) == {"PASS_THROUGH"}
    assert not screen.handlers


def test_shift_slides_all_beats_and_ctrl_means_whole_frames(grid, by_hand):
    make, screen, event = by_hand
    drag, context, at = make("drag"), screen.context, beat_frames(grid())[6]
    drag.invoke(context, event("NONE", "NOTHING"))
    drag.modal(context, event("LEFTMOUSE", frame=at, shift=True))
    drag.modal(context, event("MOUSEMOVE", "NOTHING", frame=at + 2.3, shift=True, ctrl=True))
    drag.modal(context, event("LEFTMOUSE", "RELEASE", frame=at + 2.3))
    after = np.asarray(beat_frames(grid()))
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
    found = tempose("music.song_grid").current(blender.context).grid
    assert found.bpm == pytest.approx(120, abs=1)
    again = make("tap")
    again._walls, again._frames = [1.0], [1.0]
    again.wait(context, "")
    assert again.modal(context, event("ESC")) == {"CANCELLED"}
    assert tempose("music.song_grid").current(blender.context).grid.bpm == pytest.approx(found.bpm)
    assert screen.status[-1] is None


def test_another_file_ends_dragging(grid, by_hand, tempose):
    make, screen, event = by_hand
    drag = make("drag")
    drag.invoke(screen.context, event("NONE", "NOTHING"))
    tempose("operators.modal").end()
    assert drag.modal(screen.context, event("MOUSEMOVE", "NOTHING")) == {"CANCELLED"}


# Drawing


def test_what_is_drawn_is_kept_until_the_grid_or_the_view_changes(grid, by_hand, tempose, blender):
    _, screen, _ = by_hand
    draw, area = tempose("music.beat_draw"), screen.screen.areas[0]
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

    draw = tempose("music.beat_draw")
    assert len(draw._handles) == 2
    addon_utils.disable(MODULE)
    assert draw._handles == []
    addon_utils.enable(MODULE, default_set=True)
    assert len(tempose("music.beat_draw")._handles) == 2
    assert blender.ops.tempose.start_server() == {"FINISHED"}
