# SPDX-License-Identifier: GPL-3.0-or-later
"""One worker thread and the queue that it talks through. No bpy in here: the thread must not touch it.

The main thread calls `pump` from a modal operator, or in a loop in background mode. With `main`, the worker has the
main thread do what only that may do.
"""

import inspect
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from ..dance.progress import Clock
from ..errors import Canceled, Problem, unexpected
from .client import Client

current: "BackgroundTask | None" = None
"""The task in progress; at most one."""
SLICE = 0.015
"""Seconds of one `pump`, whatever the worker thread says and has the main thread do."""
UNHEARD = 40  # how often a part is offered when nobody may be listening any more
WAITING = 200
"""Messages that may wait for the main thread; the worker thread waits before it says more."""


class _Asked:
    """Something for the main thread to do, and its outcome."""

    def __init__(self, act: Callable[[], Any]):
        self.act, self.value, self.problem, self.share = act, None, None, None
        self.over = threading.Event()
        self._steps = None

    def go_on(self, until: float) -> bool:
        """Do it, or a part of it; return whether it is finished."""
        try:
            if self._steps is None:
                self.value = self.act()
                if not inspect.isgenerator(self.value):
                    return self._end()
                self._steps = self.value
            while True:
                self.share = next(self._steps)
                if time.monotonic() >= until:
                    return False
        except StopIteration as end:
            self.value = end.value
        except Exception as problem:
            self.problem = problem
        return self._end()

    def close(self) -> None:
        """End it: nobody waits for it any more."""
        if self._steps is not None:
            self._steps.close()

    def _end(self) -> bool:
        self.over.set()
        return True


class BackgroundTask:
    """A task in a thread.

    Parameters
    ----------
    title : str
        Shown in the panel.
    task : callable (Work) → result

    Attributes
    ----------
    state : str
        ``running``, ``done``, ``failed`` or ``canceled``; changed by `pump` only.
    share : float or None
        Progress from 0 to 1, None while unknown.
    """

    def __init__(self, title: str, task: Callable[[Any], Any]):
        self.title, self.text = title, title
        self.share: float | None = None
        self.state, self.result, self.problem = "running", None, None
        self.started = time.monotonic()
        self.parts: list = []  # what is finished and worth keeping, even when the rest is canceled or fails
        self.keeps_parts = False  # whether what is shown can be kept when the rest is canceled
        self.shown: Callable[[str, Any], None] | None = None  # called by `pump` with what to show meanwhile
        self.left: float | None = None  # seconds, if known
        self._clock = Clock()
        self._stop = threading.Event()
        self._clients: list[Client] = []
        self._queue: queue.Queue = queue.Queue(WAITING)
        self._asked: _Asked | None = None
        self._thread = threading.Thread(target=self._run, args=(task,), name="tempose", daemon=True)
        self._thread.start()

    # in the thread

    def _run(self, task: Callable[[Any], Any]) -> None:
        try:
            self._say("done", task(self))
        except Canceled:
            self._say("canceled", None)
        except Problem as problem:
            self._say(*(("canceled", None) if self._stop.is_set() else ("failed", problem)))
        except Exception as error:  # whatever it is, it must be seen by a person, not a console
            self._say("failed", unexpected(error))

    def _say(self, kind: str, value: Any) -> None:
        """Tell the main thread something; wait while its queue is full."""
        unheard = 0
        while unheard < (UNHEARD if kind == "part" else 1):  # after a cancel only finished parts count
            try:
                self._queue.put((kind, value), timeout=0.05)
                return
            except queue.Full:
                unheard += self._stop.is_set()

    def status(self, text: str) -> None:
        self._say("text", text)
        self._check()

    def progress(self, share: float) -> None:
        self._say("share", share)
        self._check()

    def part(self, value: Any) -> None:
        """Report a finished part, which is kept whatever happens to the rest."""
        self._say("part", value)
        self._check()

    def show(self, kind: str, value: Any) -> None:
        """Report something to look at while the task goes on."""
        self._say(kind, value)
        self._check()

    def main(self, act: Callable[[], Any]) -> Any:
        """Have the main thread do something; return or raise what it does.

        A generator is advanced a little at each `pump`, so that Blender is not held up; its return value counts,
        and it yields its progress, from 0 to 1, or None. Anything may happen to the scene between two steps, so it
        must look its datablocks up anew in each. It is closed if the task ends first.
        """
        asked = _Asked(act)
        self._say("main", asked)
        while not asked.over.wait(0.02):
            self._check()
        self._check()
        if asked.problem is not None:
            raise asked.problem
        return asked.value

    def sleep(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Canceled

    def use(self, client: Client) -> Client:
        self._clients.append(client)
        self._check()
        return client

    def _check(self) -> None:
        if self._stop.is_set():
            raise Canceled

    # in the main thread

    def cancel(self) -> None:
        """Stop at once; the thread tells the server and ends by itself. Can be called from any thread."""
        self._stop.set()
        for client in list(self._clients):
            client.abort()

    def pump(self, seconds: float | None = None) -> str:
        """Take in the thread's messages and do what it asks, for at most so long; return the state."""
        stopped, until = self._stop.is_set(), time.monotonic() + (SLICE if seconds is None else seconds)
        while self.state == "running":
            if self._asked is not None and not stopped:
                over = self._asked.go_on(until)
                if self._asked.share is not None:
                    self._take_in("share", self._asked.share)
                if not over:
                    break
                self._asked = None
            try:
                kind, value = self._queue.get_nowait()
            except queue.Empty:
                break
            if kind == "part":
                self.parts.append(value)
            elif not stopped:  # otherwise the rest no longer counts
                self._take_in(kind, value)
                if self.state == "running" and time.monotonic() >= until:
                    break
        if self.state == "running" and stopped:
            self.state = "canceled"  # does not wait for the network
        if self.state != "running":
            self.close()
        return self.state

    def _take_in(self, kind: str, value: Any) -> None:
        if kind == "main":
            self._asked = value
        elif kind == "text":
            self.text, self.share, self.left = value, None, None
        elif kind == "share":
            self.share, self.left = value, self._clock.tell(time.monotonic(), value)
        elif kind == "done":
            self.state, self.result = "done", value
        elif kind == "failed":
            self.state, self.problem = "failed", value
        elif kind == "canceled":
            self.state = "canceled"
        elif self.shown is not None:
            self.shown(kind, value)

    def close(self) -> None:
        """Drop whatever the main thread has not finished."""
        asked, self._asked = self._asked, None
        if asked is not None:
            asked.close()

    def join(self, seconds: float) -> None:
        """Wait for the thread to end."""
        self._thread.join(seconds)


def begin(title: str, task: Callable[[Any], Any]) -> BackgroundTask:
    """Start a task and make it the current one."""
    global current  # noqa: PLW0603
    if current is not None:
        raise Problem("busy", f"{current.title} is still going on: wait, or cancel it.")
    current = BackgroundTask(title, task)
    return current


def finish(task: BackgroundTask) -> None:
    """The end of the task has been dealt with."""
    global current  # noqa: PLW0603
    task.close()
    if current is task:
        current = None


def abandon() -> None:
    """Cancel whatever is running: the add-on or the file is going away."""
    task = current
    if task is not None:
        task.cancel()
        finish(task)
        task.join(2.0)
