"""The front: accepts connections in a thread of its own, answers health checks by itself, and passes the rest on.

The event loop that serves all other calls reads from many clients, and each of its turns waits for Python's global
lock once per client: while threads work, that adds up to some 40 ms. A request answered here waits for the lock
three times, however many clients there are. Requests that are invalid in any way, come in pieces, or ask for
anything else go to the loop with all their bytes, which were peeked at and not consumed; so there is only one place
that refuses. After the answer the connection comes back here. Silent connections wait here too, and the longest
silent one makes room.
"""

from __future__ import annotations

import contextlib
import json
import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

import h11

log = logging.getLogger("tempose.http")

QUESTIONS = ("/v1/health", "/v1/proof")
HEAD_BYTES = 8192
PAUSE_SECONDS = 0.05  # seconds to wait if no file descriptor is free for another connection

Scope = MutableMapping[str, Any]
Look = tuple[dict[str, Any], Callable[[], None]]  # the answer, and a function to call once it is sent


@dataclass
class _Guest:
    """A waiting connection: its deadline, and whether it has shown the token."""

    until: float
    known: bool = False


class Front:
    """A listener's connections, until a request that is not answered here.

    Parameters
    ----------
    listener : socket
        A bound socket; accepts from `start` to `stop`.
    answer : callable
        Returns the answer to a request (an ASGI scope) and a function to call afterwards; None: for the loop.
    pass_on : callable
        Passes a connection to the loop. Called in the front's thread.
    room : int
        Most connections that can wait here.
    silent_seconds, idle_seconds : float
        How long one may be silent: before its first request, and after an answer.
    sealed : bool
        Whether it is TLS: nothing can then be read here.
    """

    def __init__(
        self,
        listener: socket.socket,
        answer: Callable[[Scope], Look | None],
        pass_on: Callable[[socket.socket], None],
        *,
        room: int,
        silent_seconds: float,
        idle_seconds: float,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        sealed: bool = False,
    ):
        self._listener, self._answer, self._pass_on = listener, answer, pass_on
        self._room, self._silent, self._idle = room, silent_seconds, idle_seconds
        self._headers, self._sealed = headers, sealed
        self._waiting: dict[socket.socket, _Guest] = {}  # the longest silent first
        self._returning: deque[socket.socket] = deque()
        self._selector = selectors.DefaultSelector()
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)
        self._ear.setblocking(False)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="front", daemon=True)

    def start(self, backlog: int) -> None:
        self._listener.setblocking(False)
        self._listener.listen(backlog)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._ear, selectors.EVENT_READ, self._welcome)
        self._thread.start()

    def take_back(self, one: socket.socket) -> bool:
        """Let a connection that has shown the token wait here again, from any thread; false if there is no place."""
        if self._stopping or len(self._waiting) + len(self._returning) >= self._room // 2:
            return False
        self._returning.append(one)
        with contextlib.suppress(OSError):  # it has been woken for long enough, or is stopping
            self._bell.send(b"!")
        return True

    def stop(self) -> None:
        """Accept no more connections, and end those that wait here."""
        self._stopping = True
        if self._thread.ident is not None:
            self._bell.send(b"!")
            self._thread.join()
        for one in (self._listener, self._bell, self._ear, *self._waiting, *self._returning, self._selector):
            one.close()
        self._waiting.clear()

    # --- connections --------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping:
            try:
                self._turn()
            except Exception:  # without this thread the server would be deaf
                log.exception("the front goes on after")
                time.sleep(PAUSE_SECONDS)

    def _turn(self) -> None:
        soonest = min((guest.until for guest in self._waiting.values()), default=None)
        for key, _ in self._selector.select(soonest and max(0.0, soonest - time.monotonic())):
            if key.data == self._hear and key.fileobj not in self._waiting:
                continue  # an earlier one in this turn has taken its place
            try:
                key.data(key.fileobj)
            except Exception:
                log.exception("the front goes on after")
                if key.fileobj in self._waiting:
                    self._end(key.fileobj)  # type: ignore[arg-type]
        now = time.monotonic()
        for one in [one for one, guest in self._waiting.items() if guest.until <= now]:
            self._end(one)

    def _accept(self, listener: socket.socket) -> None:
        try:
            one, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return
        except OSError:  # no file is left
            if not self._make_room():
                time.sleep(PAUSE_SECONDS)
            return
        if len(self._waiting) >= self._room:
            self._make_room()
        with contextlib.suppress(OSError):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wait_for(one, _Guest(time.monotonic() + self._silent))

    def _welcome(self, ear: socket.socket) -> None:
        """Take in connections that come back from the loop."""
        ear.recv(HEAD_BYTES)
        while self._returning:
            self._wait_for(self._returning.popleft(), _Guest(time.monotonic() + self._idle, known=True))

    def _wait_for(self, one: socket.socket, guest: _Guest) -> None:
        one.setblocking(False)
        self._waiting[one] = guest
        self._selector.register(one, selectors.EVENT_READ, self._hear)

    def _make_room(self) -> bool:
        """End the longest silent connection, preferably a stranger's; return whether there was one."""
        strangers = (one for one, guest in self._waiting.items() if not guest.known)
        one = next(strangers, None) or next(iter(self._waiting), None)
        if one is not None:
            self._end(one)
        return one is not None

    def _leave(self, one: socket.socket) -> None:
        self._selector.unregister(one)
        del self._waiting[one]

    def _end(self, one: socket.socket) -> None:
        self._leave(one)
        one.close()

    # --- requests -----------------------------------------------------------------------------------------

    def _hear(self, one: socket.socket) -> None:
        """Answer a connection's request, or pass it on."""
        try:
            said = one.recv(HEAD_BYTES, socket.MSG_PEEK)
            if not said:
                return self._end(one)
            asked = None if self._sealed else question(said, one)
            look = asked and self._answer(asked[0])
            if not asked or not look:
                self._leave(one)
                return self._pass_on(one)
            one.recv(asked[1])
            text = written(look[0], self._headers, closing := ends(asked[0]))
            cut = one.send(text) < len(text)  # such a short answer fits, unless the client reads nothing
        except BlockingIOError:
            return
        except OSError:  # it is gone
            return self._end(one)
        look[1]()
        if cut or closing:
            return self._end(one)
        del self._waiting[one]  # the one that spoke last comes last
        self._waiting[one] = _Guest(time.monotonic() + self._idle, known=True)


def question(said: bytes, one: socket.socket) -> tuple[Scope, int] | None:
    """A request that can be answered here, as an ASGI scope, and its length in bytes; None for anything else."""
    if not said.startswith(tuple(f"GET {path} HTTP/1.1\r\n".encode() for path in QUESTIONS)):
        return None
    head, end, _ = said.partition(b"\r\n\r\n")
    reader = h11.Connection(h11.SERVER)
    try:
        reader.receive_data(head + end)
        event = reader.next_event()
        if not isinstance(event, h11.Request) or not isinstance(reader.next_event(), h11.EndOfMessage):
            return None  # incomplete, or with a body
    except h11.RemoteProtocolError:
        return None
    path = event.target.decode()
    return {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": event.target,
        "query_string": b"",
        "headers": list(event.headers),
        "server": one.getsockname()[:2],
    }, len(head + end)


def ends(scope: Scope) -> bool:
    """Whether a client wants its connection closed after the answer."""
    return any(name == b"connection" and b"close" in value.lower() for name, value in scope["headers"])


def written(value: dict[str, Any], headers: tuple[tuple[bytes, bytes], ...], closing: bool) -> bytes:
    """The bytes of a complete answer."""
    body = json.dumps(value).encode()
    lines = [
        b"HTTP/1.1 200 OK",
        b"date: " + formatdate(usegmt=True).encode(),
        b"content-type: application/json",
        b"content-length: %d" % len(body),
        *(name + b": " + said for name, said in headers),
        *([b"connection: close"] if closing else []),
    ]
    return b"\r\n".join([*lines, b"", body])
