"""The way a button works in a window, played through with a window that is not there."""

import threading
from types import SimpleNamespace

import pytest


class Window:
    """What a modal operator needs of Blender's windows, and what it left behind."""

    def __init__(self, bpy):
        self.timers, self.handlers, self.status = [], [], []
        tab = SimpleNamespace(
            type="UI",
            x=600,
            y=0,
            width=200,
            height=500,
            active_panel_category="Tempose",
            tag_redraw=lambda: None,
        )
        area = SimpleNamespace(type="VIEW_3D", regions=[tab])
        self.screen = SimpleNamespace(is_animation_playing=False, areas=[area])
        workspace = SimpleNamespace(status_text_set=self.status.append)
        manager = SimpleNamespace(
            event_timer_add=self.add, event_timer_remove=self.timers.remove, modal_handler_add=self.handlers.append,
            windows=[SimpleNamespace(screen=self.screen)],
        )  # fmt: skip
        self.context = SimpleNamespace(
            window_manager=manager, window=SimpleNamespace(screen=self.screen), workspace=workspace,
            scene=bpy.context.scene, view_layer=bpy.context.view_layer,
        )  # fmt: skip
        self.later = []
        self.bpy = SimpleNamespace(
            app=SimpleNamespace(
                background=False,
                timers=SimpleNamespace(register=lambda call, first_interval: self.later.append(call)),
            ),
            context=self.context,
            data=SimpleNamespace(workspaces=[workspace]),
        )

    def add(self, _seconds, window):
        assert window is self.context.window
        self.timers.append(object())
        return self.timers[-1]


@pytest.fixture
def window(blender, scene, tempose, monkeypatch):
    base, window = tempose("operators.buttons"), Window(blender)
    monkeypatch.setattr(base, "bpy", window.bpy)
    return window


@pytest.fixture
def button(tempose):
    """Makes a button out of a task for the thread; what it said is in `said`, what it wrote in `applied`."""
    base = tempose("operators.buttons")

    def make(task):
        class Button(base.TaskButton):
            title = "Testing"
            said, applied = [], []

            def prepare(self, context):
                return task

            def apply(self, context, result):
                self.applied.append(result)
                return "Done."

            def report(self, kind, message):
                self.said.append((*kind, message))

        return Button()

    return make


TIMER = SimpleNamespace(type="TIMER", value="NOTHING")


def escape(x):
    return SimpleNamespace(type="ESC", value="PRESS", mouse_x=x, mouse_y=100)


ESC, ESC_ELSEWHERE = escape(700), escape(300)
MOUSE = SimpleNamespace(type="MOUSEMOVE", value="NOTHING")


def until_ended(button, window, event=TIMER):
    for _ in range(2000):
        result = button.modal(window.context, event)
        if result != {"PASS_THROUGH"}:
            return result
        button._task.join(0.01)
    raise AssertionError("it never ended")


def test_it_waits_without_holding_blender_and_then_writes(window, button):
    def task(work):
        work.status("Half-way")
        work.progress(0.5)
        work.sleep(0.05)
        return 42

    pressed = button(task)
    assert pressed.invoke(window.context, None) == {"RUNNING_MODAL"}
    assert len(window.timers) == 1
    assert pressed.modal(window.context, MOUSE) == {"PASS_THROUGH"}  # everything else goes on
    assert until_ended(pressed, window) == {"FINISHED"}
    assert pressed.applied == [42]
    assert window.timers == []
    assert window.status[-1] is None
    assert any("Half-way 50%" in text for text in window.status if text)


def test_escape_stops_at_once(window, button, tempose):
    pressed = button(lambda work: work.sleep(60))
    pressed.invoke(window.context, None)
    assert pressed.modal(window.context, ESC) == {"CANCELLED"}
    assert pressed.applied == []
    assert window.timers == []
    assert tempose("server.background_task").current is None
    assert pressed.said[-1] == ("WARNING", "Canceled. Nothing was changed.")


@pytest.mark.parametrize("where", ["beside the tab", "another tab", "while it plays"])
def test_escape_that_is_not_meant_for_the_job_goes_on_to_blender(window, button, where):
    pressed = button(lambda work: work.sleep(60))
    pressed.invoke(window.context, None)
    window.screen.is_animation_playing = where == "while it plays"
    if where == "another tab":
        window.screen.areas[0].regions[0].active_panel_category = "Item"
    event = ESC_ELSEWHERE if where == "beside the tab" else ESC
    assert pressed.modal(window.context, event) == {"PASS_THROUGH"}
    assert pressed.modal(window.context, TIMER) == {"PASS_THROUGH"}
    pressed._task.cancel()
    assert until_ended(pressed, window) == {"CANCELLED"}


def test_what_is_danced_is_kept_if_wished(blender, ready, tempose, monkeypatch):
    ghost, job = tempose("dance.ghost"), tempose("server.background_task")
    blender.ops.tempose.find_beats()
    pump = job.BackgroundTask.pump

    def stop_when_some_is_there(self, seconds=None):
        state = pump(self, 0.0)
        if state == "running" and ghost.danced() is not None and not self.parts:
            assert blender.ops.tempose.keep_danced() == {"FINISHED"}
        return pump(self, 0.0)

    assert not blender.ops.tempose.keep_danced.poll()
    monkeypatch.setattr(job.BackgroundTask, "pump", stop_when_some_is_there)
    monkeypatch.setattr(ghost.Arriving, "until", 4.0)
    assert blender.ops.tempose.generate() == {"FINISHED"}
    settings = blender.context.scene.tempose
    assert len(settings.takes) == 1
    data = tempose("dance.audition").data_of(settings.takes[0])
    assert len(data.dance.poses) == 120 and data.settings["seconds"] == 4.0
    assert max(data.dance.beat_times) < 4 and len(data.dance.beat_times) >= 7
    assert tempose("dance.audition").take_keys.action_of(settings.takes[0]).frame_range[1] <= 1 + 4 * 24
    assert "4.0 s, is kept" in tempose("notes").text
    monkeypatch.undo()
    assert blender.ops.tempose.reroll() == {"FINISHED"}  # it is a take like any other


def test_an_error_is_said_in_words(window, button, tempose):
    def task(work):
        raise tempose("errors").Problem("x", "The roof is on fire. Leave it.")

    pressed = button(task)
    pressed.invoke(window.context, None)
    assert until_ended(pressed, window) == {"CANCELLED"}
    assert pressed.said == [("ERROR", "The roof is on fire. Leave it.")]
    assert tempose("notes").is_error


def test_a_button_taken_away_by_blender_leaves_no_timer(window, button, tempose):
    pressed = button(lambda work: work.sleep(60))
    pressed.invoke(window.context, None)
    pressed.cancel(window.context)
    assert window.timers == []
    assert tempose("server.background_task").current is None


def test_a_closed_window_keeps_what_was_finished(window, button, tempose):
    def task(work):
        work.part("first")
        work.part("second")
        work.show("ready", None)
        work.sleep(60)

    pressed, kept = button(task), []
    pressed.salvage = lambda _context, parts: kept.extend(parts) or "Two are kept."
    pressed.invoke(window.context, None)
    while pressed._task._queue.qsize() < 3:
        pressed._task.join(0.01)
    pressed.cancel(window.context)
    assert kept == ["first", "second"]
    assert tempose("notes").text == "Canceled, as the window it was begun in was closed. Two are kept."
    assert tempose("server.background_task").current is None
    assert len(window.later) == 1  # a step for undo


@pytest.mark.parametrize("finished", [1, 2])
def test_takes_that_were_finished_when_the_window_closed_are_in_the_scene(
    window, ready, tempose, monkeypatch, finished
):
    dance, work = tempose("operators.dance"), tempose("server.work")

    def one(w, client, body, number=0, count=1, job="", make=work._danced):
        if number == finished:
            w.sleep(60)
        return make(w, client, body, number, count, job)

    class Generate(dance.DanceButton):
        def report(self, kind, message):
            pass

    monkeypatch.setattr(work, "_danced", one)
    generate = ready.tempose.generate
    generate.area, generate.last_frame, generate.count = "FRAMES", 48, 3
    pressed = Generate()
    assert pressed.invoke(window.context, None) == {"RUNNING_MODAL"}
    while len(pressed._task.parts) < finished:
        assert pressed.modal(window.context, TIMER) == {"PASS_THROUGH"}
        pressed._task.join(0.01)
    pressed.cancel(window.context)
    takes = ready.tempose.takes
    assert [bool(take.action) for take in takes] == [False] * (finished - 1) + [True]
    assert takes[-1].rig.animation_data.action == takes[-1].action
    assert "window" in tempose("notes").text
    assert "Nothing was changed" not in tempose("notes").text
    assert tempose("server.background_task").current is None


def test_the_main_thread_works_in_slices(window, button, tempose, monkeypatch):
    monkeypatch.setattr(tempose("server.background_task"), "SLICE", 0.0)
    steps, closed = [], []

    def act():
        try:
            for step in range(5):
                steps.append((step, threading.current_thread()))
                yield
        finally:
            closed.append(True)
        return "written"

    pressed = button(lambda work: work.main(act))
    pressed.invoke(window.context, None)
    seen = []
    while pressed.modal(window.context, TIMER) == {"PASS_THROUGH"}:
        if not seen or len(steps) != seen[-1]:
            seen.append(len(steps))
        pressed._task.join(0.005)
    assert [s for s in seen if s] == [1, 2, 3, 4, 5]
    assert {thread for _, thread in steps} == {threading.main_thread()}
    assert pressed.applied == ["written"]
    assert closed == [True]


@pytest.mark.parametrize("how", ["escape", "window closed", "another file"])
def test_work_half_done_in_the_main_thread_is_closed_when_the_job_ends(
    window, button, tempose, monkeypatch, how
):
    monkeypatch.setattr(tempose("server.background_task"), "SLICE", 0.0)
    closed = []

    def act():
        try:
            while True:
                yield
        finally:
            closed.append(threading.current_thread())

    pressed = button(lambda work: work.main(act))
    pressed.invoke(window.context, None)
    for _ in range(20):
        pressed.modal(window.context, TIMER)
        pressed._task.join(0.005)
    assert closed == []
    if how == "escape":
        pressed.modal(window.context, ESC)
    elif how == "window closed":
        pressed.cancel(window.context)
    else:
        tempose("server.background_task").abandon()
        pressed.modal(window.context, TIMER)
    assert closed == [threading.main_thread()]


def test_another_file_ends_the_waiting(window, button, tempose):
    pressed = button(lambda work: work.sleep(60))
    pressed.invoke(window.context, None)
    tempose("server.background_task").abandon()
    assert pressed.modal(window.context, TIMER) == {"CANCELLED"}
    assert pressed.applied == []
    assert window.timers == []


def test_disabling_the_add_on_takes_its_timers_away(window, button, tempose):
    pressed = button(lambda work: work.sleep(60))
    pressed.invoke(window.context, None)
    tempose("server.background_task").abandon()
    tempose("operators.buttons").end_waiting()
    assert window.timers == []
    assert window.status[-1] is None
