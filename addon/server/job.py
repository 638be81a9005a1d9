# SPDX-License-Identifier: GPL-3.0-or-later
"""One worker thread and the queue it talks through. No bpy in here: nothing in the thread may touch it.

The main thread calls `Job.pump` from a modal operator, or in a loop in background mode.
"""

import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from ..dance.arriving import Clock
from ..errors import Canceled, Problem
from .client import Client

current: "Job | None" = None
"""The job in progress; at most one."""


class Job:
    """A task in a thread.

    Parameters
    ----------
    title : str
        For the panel.
    task : callable (Work) → result

    Attributes
    ----------
    state : str
        ``running``, ``done``, ``failed`` or ``canceled``; changed by `pump` only.
    share : float or None
        Progress from 0 to 1, None while it cannot be told.
    """

    def __init__(self, title: str, task: Callable[[Any], Any]):
        self.title, self.text = title, title
        self.share: float | None = None
        self.state, self.result, self.problem = "running", None, None
        self.started = time.monotonic()
        self.parts: list = []  # what is finished and worth keeping, even when the rest is canceled or fails
        self.shown: Callable[[str, Any], None] | None = (
            None  # called by `pump` with what is to be seen meanwhile
        )
        self.left: float | None = None  # seconds, while they can be told
        self._clock = Clock()
        self._stop = threading.Event()
        self._clients: list[Client] = []
        self._queue: queue.Queue = queue.Queue()
        self._thread = threading.Thread(target=self._run, args=(task,), name="tempose", daemon=True)
        self._thread.start()

    # in the thread

    def _run(self, task) -> None:
        try:
            self._queue.put(("done", task(self)))
        except Canceled:
            self._queue.put(("canceled", None))
        except Problem as problem:
            self._queue.put(("canceled", None) if self._stop.is_set() else ("failed", problem))
        except Exception as error:  # whatever it is, a person must see it, not a console
            said = f"Something unexpected went wrong: {error!r}. Please report it: Copy Diagnostics has the facts."
            self._queue.put(("failed", Problem("unexpected", said)))

    def status(self, text: str) -> None:
        self._queue.put(("text", text))
        self._check()

    def progress(self, share: float) -> None:
        self._queue.put(("share", share))
        self._check()

    def part(self, value: Any) -> None:
        """Something is finished and stays, whatever happens to the rest."""
        self._queue.put(("part", value))
        self._check()

    def show(self, kind: str, value: Any) -> None:
        """Something to look at while the job goes on."""
        self._queue.put((kind, value))
        self._check()

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
        """Stop at once. The thread tells the server and ends by itself. May be called from any thread."""
        self._stop.set()
        for client in list(self._clients):
            client.abort()

    def pump(self) -> str:
        """Take in what the thread has said; returns the state."""
        stopped = self._stop.is_set()
        while self.state == "running":
            try:
                kind, value = self._queue.get_nowait()
            except queue.Empty:
                break
            if kind == "part":
                self.parts.append(value)
            elif stopped:
                continue  # the rest does not count any more
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
        if self.state == "running" and stopped:
            self.state = "canceled"  # without waiting for the network
        return self.state

    def join(self, seconds: float) -> None:
        """Wait for the thread to end."""
        self._thread.join(seconds)


def begin(title: str, task: Callable[[Any], Any]) -> Job:
    """Start a job and make it the current one."""
    global current  # noqa: PLW0603
    if current is not None:
        raise Problem("busy", f"{current.title} is still going on: wait, or cancel it.")
    current = Job(title, task)
    return current


def finish(job: Job) -> None:
    """The job's end has been dealt with."""
    global current  # noqa: PLW0603
    if current is job:
        current = None


def abandon() -> None:
    """Cancel whatever is going on: the add-on or the file is going away."""
    job = current
    if job is not None:
        job.cancel()
        finish(job)
        job.join(2.0)
