"""The front: takes connections in a thread of its own, says by itself how the server is, and passes the others on.

The loop that serves all other calls reads what many clients send, and each of its turns waits for Python's one lock
once for every one of them: while threads work, that adds up to some 40 ms. A question that is answered here waits for
the lock three times, however many others there are. What is not right in every way, comes in pieces, or asks for
anything else goes to the loop with all its bytes, which were looked at and not taken; so there is one place that
refuses. Once that is answered, the connection comes back here. Connections that say nothing wait here too, and the
longest silent one makes room.
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
PAUSE_SECONDS = 0.05  # where no file is free for one more connection

Scope = MutableMapping[str, Any]
Look = tuple[dict[str, Any], Callable[[], None]]  # what is answered, and what is to be called once it is sent


@dataclass
class _Guest:
    """A connection that is waited for: until when, and whether it has shown the token."""

    until: float
    known: bool = False


class Front:
    """A listener's connections, up to the first request that is not answered here.

    Parameters
    ----------
    listener : socket
        Bound; listened to from `start` to `stop`.
    answer : callable
        What answers a request (an ASGI scope) and what is to be called then; None where it is for the loop.
    pass_on : callable
        Takes a connection to the loop. Called in the front's thread.
    room : int
        Connections that may wait here.
    silent_seconds, idle_seconds : float
        How long one may say nothing: before its first request, and after an answer.
    sealed : bool
        TLS: nothing can be read here.
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
        """Let a connection that has shown the token wait here again, from any thread; false without a place."""
        if self._stopping or len(self._waiting) + len(self._returning) >= self._room // 2:
            return False
        self._returning.append(one)
        with contextlib.suppress(OSError):  # it has been rung for long enough, or is stopping
            self._bell.send(b"!")
        return True

    def stop(self) -> None:
        """Take no more connections, and end those that wait here."""
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
                continue  # one before it in this turn has taken its place
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
        """Take in those that come back from the loop."""
        ear.recv(HEAD_BYTES)
        while self._returning:
            self._wait_for(self._returning.popleft(), _Guest(time.monotonic() + self._idle, known=True))

    def _wait_for(self, one: socket.socket, guest: _Guest) -> None:
        one.setblocking(False)
        self._waiting[one] = guest
        self._selector.register(one, selectors.EVENT_READ, self._hear)

    def _make_room(self) -> bool:
        """End the connection that was silent for longest, rather a stranger's; whether there was one."""
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
        """Answer what a connection asks, or pass it on."""
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
            cut = one.send(text) < len(text)  # so short an answer fits, but for who reads none
        except BlockingIOError:
            return
        except OSError:  # it is gone
            return self._end(one)
        look[1]()
        if cut or closing:
            return self._end(one)
        del self._waiting[one]  # the last to have spoken stands last
        self._waiting[one] = _Guest(time.monotonic() + self._idle, known=True)


def question(said: bytes, one: socket.socket) -> tuple[Scope, int] | None:
    """A request that may be answered here, as an ASGI scope, and its length in bytes; None for anything else."""
    if not said.startswith(tuple(f"GET {path} HTTP/1.1\r\n".encode() for path in QUESTIONS)):
        return None
    head, end, _ = said.partition(b"\r\n\r\n")
    reader = h11.Connection(h11.SERVER)
    try:
        reader.receive_data(head + end)
        event = reader.next_event()
        if not isinstance(event, h11.Request) or not isinstance(reader.next_event(), h11.EndOfMessage):
            return None  # not all of it, or one with a body
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
    """Whether a client wants its connection to end with the answer."""
    return any(name == b"connection" and b"close" in value.lower() for name, value in scope["headers"])


def written(value: dict[str, Any], headers: tuple[tuple[bytes, bytes], ...], closing: bool) -> bytes:
    """A whole answer."""
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
