"""The events of jobs, numbered so that they can be replayed.

Events are kept in memory only: the stored result is the truth, and events just show it coming.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass

from tempose_pose.wire.answers import Job, Progress
from tempose_pose.wire.dances import FinishedSegment

FINISHED_LOGS = 16  # finished jobs whose events are kept for replay


@dataclass(frozen=True)
class Event:
    """`data` is JSON text. Ids rise by one within a job."""

    id: int
    name: str
    data: str


class EventLog:
    """The events of one job. Written from the engine's thread, read on the event loop."""

    def __init__(self, hub: EventHub, first_id: int):
        self._hub = hub
        self._next = first_id
        self._events: list[Event] = []
        self._lock = threading.Lock()
        self._readers: set[asyncio.Event] = set()
        self.closed = False

    def add(self, name: str, data: Job | Progress | FinishedSegment, *, last: bool = False) -> None:
        """Append an event; a progress event replaces the one before it."""
        text = json.dumps(asdict(data))
        with self._lock:
            if self.closed:
                return
            if name == "progress" and self._events and self._events[-1].name == "progress":
                self._events.pop()
            self._events.append(Event(self._next, name, text))
            self._next += 1
            self.closed = last
        self._hub.wake(self._readers)

    @property
    def last_id(self) -> int:
        return self._next - 1

    def after(self, last_id: int) -> list[Event]:
        with self._lock:
            return [event for event in self._events if event.id > last_id]

    async def listen(self, last_id: int, heartbeat: float) -> AsyncIterator[Event | None]:
        """Events after `last_id` until the final one; None whenever nothing came for `heartbeat` seconds."""
        changed = asyncio.Event()
        self._readers.add(changed)
        try:
            while True:
                changed.clear()
                closed = self.closed  # read before looking, so that the closing event is included
                for event in self.after(last_id):
                    last_id = event.id
                    yield event
                if closed or self._hub.stopped:
                    return
                try:
                    async with asyncio.timeout(heartbeat):
                        await changed.wait()
                except TimeoutError:
                    yield None
        finally:
            self._readers.discard(changed)


class EventHub:
    """The event logs of all jobs that can still be watched."""

    def __init__(self):
        self._logs: OrderedDict[str, EventLog] = OrderedDict()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.stopped = False

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def log(self, job_id: str, first_id: int) -> EventLog:
        """The log of a job; a new one begins at `first_id`."""
        with self._lock:
            if job_id not in self._logs:
                self._logs[job_id] = EventLog(self, first_id)
                finished = [key for key, log in self._logs.items() if log.closed]
                for key in finished[:-FINISHED_LOGS]:
                    del self._logs[key]
            return self._logs[job_id]

    def begin_anew(self, job_id: str) -> None:
        """Reopen the log of a job that had ended; its ids go on rising."""
        with self._lock:
            if (ended := self._logs.pop(job_id, None)) is not None:
                self._logs[job_id] = EventLog(self, ended.last_id + 1)

    def wake(self, readers: set[asyncio.Event]) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_set_all, readers)

    def stop(self) -> None:
        """End every stream, so that the server can close."""
        self.stopped = True
        with self._lock:
            for log in self._logs.values():
                self.wake(log._readers)


def _set_all(readers: set[asyncio.Event]) -> None:
    for reader in list(readers):
        reader.set()
