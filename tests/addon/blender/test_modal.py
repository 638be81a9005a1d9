"""The way a button works in a window, played through with a window that is not there."""

from types import SimpleNamespace

import pytest


class Window:
    """What a modal operator needs of Blender's windows, and what it left behind."""

    def __init__(self, bpy):
        self.timers, self.handlers, self.status = [], [], []
        workspace = SimpleNamespace(status_text_set=self.status.append)
        manager = SimpleNamespace(
            event_timer_add=self.add, event_timer_remove=self.timers.remove, modal_handler_add=self.handlers.append,
            windows=[],
        )  # fmt: skip
        self.context = SimpleNamespace(window_manager=manager, window=object(), workspace=workspace)
        self.bpy = SimpleNamespace(
            app=SimpleNamespace(background=False),
            context=self.context,
            data=SimpleNamespace(workspaces=[workspace]),
        )

    def add(self, _seconds, window):
        assert window is self.context.window
        self.timers.append(object())
        return self.timers[-1]


@pytest.fixture
def window(blender, scene, tempose, monkeypatch):
    base, window = tempose("operators.base"), Window(blender)
    monkeypatch.setattr(base, "bpy", window.bpy)
    return window


@pytest.fixture
def button(tempose):
    """Makes a button out of a task for the thread; what it said is in `said`, what it wrote in `applied`."""
    base = tempose("operators.base")

    def make(task):
        class Button(base.JobButton):
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


TIMER, ESC = SimpleNamespace(type="TIMER", value="NOTHING"), SimpleNamespace(type="ESC", value="PRESS")
MOUSE = SimpleNamespace(type="MOUSEMOVE", value="NOTHING")


def until_ended(button, window, event=TIMER):
    for _ in range(2000):
        result = button.modal(window.context, event)
        if result != {"PASS_THROUGH"}:
            return result
        button._job.join(0.01)
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
    assert tempose("server.job").current is None
    assert pressed.said[-1] == ("WARNING", "Canceled. Nothing was changed.")


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
    assert tempose("server.job").current is None


def test_another_file_ends_the_waiting(window, button, tempose):
    pressed = button(lambda work: work.sleep(60))
    pressed.invoke(window.context, None)
    tempose("server.job").abandon()
    assert pressed.modal(window.context, TIMER) == {"CANCELLED"}
    assert pressed.applied == []
    assert window.timers == []


def test_disabling_the_add_on_takes_its_timers_away(window, button, tempose):
    pressed = button(lambda work: work.sleep(60))
    pressed.invoke(window.context, None)
    tempose("server.job").abandon()
    tempose("operators.base").end_waiting()
    assert window.timers == []
    assert window.status[-1] is None
