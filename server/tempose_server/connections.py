"""Connections on the event loop: their number, their arrival from the front, and the end of silent ones."""

from __future__ import annotations

import asyncio
import asyncio.sslproto
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

BACKLOG = 64  # connections between the front and the loop, or in the middle of a TLS handshake
IN_FRONT = 64  # that may wait in the front; or half as many as on the loop, if that is more
OTHER_FILES = 100  # songs, results, children's pipes and the like
WAIT_SECONDS = 0.1  # the front waits this long for the loop
READ_BYTES = 32_768  # read from a client before the loop turns to the next; asyncio reads 256 kB


def room_for_connections(wanted: int) -> int:
    """How many connections fit under the limit of open files, which is raised first."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    others = BACKLOG + IN_FRONT + OTHER_FILES
    needed = in_front(wanted) - IN_FRONT + wanted + others
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        more = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
    if soft == resource.RLIM_INFINITY:
        return wanted
    spare = soft - others
    return min(wanted, max(8, min(spare, (spare + IN_FRONT) * 2 // 3)))


def in_front(room: int) -> int:
    """How many may wait in the front for this many on the loop: they come in bursts, and speak later."""
    return max(IN_FRONT, room // 2)


class Arrivals:
    """Connections on their way from the front to the loop; with TLS, their handshakes, which may never end."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: Callable[[], Any],
        ssl: Any,
        seconds: float,
        room: int = 0,
    ):
        self._loop, self._protocol, self._seconds = loop, protocol, seconds
        deadlines = {"ssl_handshake_timeout": seconds, "ssl_shutdown_timeout": seconds}
        self._sealing: dict[str, Any] = {"ssl": ssl, **deadlines} if ssl else {}
        if ssl and hasattr(asyncio.sslproto.SSLProtocol, "max_size"):
            asyncio.sslproto.SSLProtocol.max_size = READ_BYTES
        self._places = threading.Semaphore(BACKLOG if ssl else max(BACKLOG, room // 2))
        self._under_way: dict[asyncio.Task[None], None] = {}  # the longest first

    def take(self, one: socket.socket) -> None:
        """Bring a connection to the loop, from any thread. Wait a little if the loop cannot keep up."""
        if not self._places.acquire(timeout=WAIT_SECONDS):
            return one.close()
        try:
            self._loop.call_soon_threadsafe(self._begin, one)
        except RuntimeError:  # the loop has ended
            one.close()

    def _begin(self, one: socket.socket) -> None:
        if self._sealing and len(self._under_way) >= BACKLOG:  # a handshake that may never end
            next(iter(self._under_way)).cancel()
        task = self._loop.create_task(self._connect(one))
        self._under_way[task] = None
        task.add_done_callback(self._arrived)
        if self._sealing:
            self._places.release()

    def _arrived(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        if not self._sealing:
            self._places.release()

    async def _connect(self, one: socket.socket) -> None:
        with contextlib.suppress(OSError):  # a handshake that failed, or was too late
            await self._loop.connect_accepted_socket(self._protocol, one, **self._sealing)

    def leave(self) -> None:
        """End those still under way."""
        for task in list(self._under_way):
            task.cancel()


class Protocol(H11Protocol):
    """uvicorn's HTTP/1.1 with a deadline on the request's head, so that silent connections end."""

    header_seconds = 10.0
    room = 600
    friends: ClassVar[set[Any]] = set()  # clients that have shown the token
    take_back: ClassVar[Callable[[socket.socket], bool]] = staticmethod(
        lambda _: False
    )  # see `Front.take_back`
    _waiting: ClassVar[dict[Protocol, None]] = {}  # idle connections, the longest silent first
    _open: ClassVar[dict[Protocol, None]] = {}  # all of them, the oldest first
    _going: ClassVar[set[Protocol]] = set()  # refused, and not yet closed
    _deadline: Any = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if hasattr(transport, "max_size"):
            transport.max_size = READ_BYTES
        if len(self.connections) - len(self._going) > self.room:
            # Rather a silent one than one that may be about to speak, rather a stranger than a client with the token.
            strangers = (
                one for one in (*self._waiting, *self._open)
                if one.client not in self.friends and one not in self._going
            )  # fmt: skip
            one = next(strangers, None) or next(iter(self._waiting), self)
            one._head_came()
            self._going.add(one)
            one.transport.abort()
        if self not in self._going:
            self._open[self] = None
            self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._head_came()
        elif self._deadline is None:
            self._await_head()

    def send_400_response(self, msg: str) -> None:
        """Refuse anything that is not HTTP, even in the middle of a request whose answer is under way."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()
        if self.cycle is not None:  # there is nobody left to answer
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def on_response_complete(self) -> None:
        """Give an idle connection back to the front, which may answer its next request at once."""
        super().on_response_complete()
        rests = self.conn.our_state is h11.IDLE is self.conn.their_state and not self.conn.trailing_data[0]
        plain = isinstance(self.loop, asyncio.SelectorEventLoop) and self.scheme == "http"
        if not (rests and plain and self.client in self.friends and not self.transport.is_closing()):
            return
        if self.transport.get_write_buffer_size():
            return
        try:
            same = self.transport.get_extra_info("socket").dup()
        except OSError:  # no file descriptor is left
            return
        if not Protocol.take_back(same):
            return same.close()
        self.transport.abort()  # closes its own half and sends nothing

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        self._open.pop(self, None)
        self._going.discard(self)
        self.friends.discard(self.client)
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._waiting[self] = None
        self._deadline = self.loop.call_later(self.header_seconds, self._too_late)

    def _head_came(self) -> None:
        self._waiting.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()
