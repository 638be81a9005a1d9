"""Run the server: bind, lock the data folder, tell where it is, and close in good order."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.util
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tempose import __version__
from tempose_pose.errors import TemposeError
from tempose_pose.local import private, programs, runtime_file, whole_files
from tempose_server import logs
from tempose_server.app import create_app
from tempose_server.service import Service
from tempose_server.settings import Settings

# Longer than clients keep an idle connection (mostly 5 s), or a request may meet the closing of its own.
KEEP_ALIVE_SECONDS = 15
BACKLOG = 64  # connections that asyncio takes at once, before anybody can turn one away
SWITCH_SECONDS = 0.001  # for which a thread may work in Python while others wait: health is asked meanwhile
OTHER_FILES = 100  # songs, results, children's pipes and the like
DATA = (
    "lock",
    "jobs.sqlite*",
    "audio",
    "results",
    "staging",
    "damaged",
    "empty",
    "numba",
)  # in the data folder


def run(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl+C.

    Raises
    ------
    TemposeError
        The address would be open to others, is taken, or a folder is in use, not writable or not safe.
    """
    settings.check_bind()
    settings.check_tls()
    runtime_file.prepare(settings.runtime_file)
    token = settings.configured_token or secrets.token_urlsafe(32)
    logs.set_up(settings, token)
    try:
        _serve(settings, token)
    except OSError as error:
        where = error.filename or settings.data_dir
        raise TemposeError("data_dir", f"{where} cannot be used: {error.strerror or error}.") from error


def _serve(settings: Settings, token: str) -> None:
    with (
        runtime_file.holding(settings.runtime_file),
        data_lock(settings.data_dir),
        _listening(settings) as listener,
    ):
        keep_compiled(settings.data_dir)
        stand_in_an_empty_folder(settings.data_dir)
        sys.setswitchinterval(SWITCH_SECONDS)
        address = listener.getsockname()
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        url = f"http{'s' if settings.tls_cert else ''}://{host}:{address[1]}"
        connections = room_for_connections(settings.connections)
        app, service = create_app(settings, token)
        config = uvicorn.Config(
            app,
            http=_Protocol,
            ws="none",
            loop="asyncio",
            lifespan="on",
            log_config=None,
            log_level="warning",
            access_log=False,  # `security` logs requests, without their query
            proxy_headers=False,
            server_header=False,
            ssl_certfile=settings.tls_cert,
            ssl_keyfile=settings.tls_key,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds)),
        )
        _Protocol.header_seconds = settings.header_seconds
        _Protocol.room = connections
        _Protocol.friends = app.friends
        _Server(config, settings, service, url, token).run(sockets=[listener])
    print("Tempose has stopped.", flush=True)
    if settings.engine == "ray" and service.engine.stuck:
        logging.shutdown()
        os._exit(0)  # Ray's library aborts when the interpreter ends under a thread that waits in it


def room_for_connections(wanted: int) -> int:
    """How many connections there can be with the files that this process may have open, which are raised first."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return wanted
    needed = wanted + BACKLOG + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < needed:
        more = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (more, hard))
            soft = more
    if soft == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(8, soft - BACKLOG - OTHER_FILES))


def stand_in_an_empty_folder(folder: Path) -> None:
    """Leave the folder that the server was started in: whatever lies there must not run here or in a child."""
    empty = folder / "empty"
    whole_files.make_folder(empty)
    for path in empty.iterdir():
        whole_files.remove(path)
    os.chdir(empty)
    sys.path[:] = [place for place in sys.path if place not in ("", ".")]


def keep_compiled(folder: Path) -> None:
    """Let librosa's compiled functions be kept in the folder where its own cannot be written.

    On a read-only disk, as in a container, librosa could not even be imported otherwise.
    """
    found = importlib.util.find_spec("librosa")
    home = Path("~").expanduser()
    if (
        found
        and found.origin
        and not any(os.access(place, os.W_OK) for place in (Path(found.origin).parent, home))
    ):
        os.environ.setdefault("NUMBA_CACHE_DIR", str(folder.resolve() / "numba"))


@contextlib.contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # The protocol is named because asyncio sends small answers at once only on sockets that name it.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise TemposeError(
            "address", f"The address {settings.host} cannot be used: {error.strerror}."
        ) from None
    with listener:
        try:
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
        except OSError as error:
            raise TemposeError(
                "address", f"Port {settings.port} on {settings.host} cannot be used: {error.strerror}."
            ) from None
        yield listener


@contextlib.contextmanager
def data_lock(folder: Path) -> Iterator[None]:
    """Hold the data folder; a second server on it is refused. A killed server's lock is free again."""
    private.claim_folder(folder, DATA, "data_dir")
    try:
        with programs.holding(folder / "lock"):
            yield
    except programs.Held:
        raise TemposeError(
            "data_dir_in_use",
            f"Another Tempose server uses the data folder {folder}. "
            "Stop it, or give this one its own --data-dir.",
        ) from None


def _place(settings: Settings) -> str:
    if settings.engine == "local":
        return ""
    number = f"{settings.replicas} replicas" if settings.replicas else "replicas"
    return f", {number} on the Ray cluster {settings.ray_address or 'of this machine'}"


class _Protocol(H11Protocol):
    """uvicorn's HTTP/1.1 with a deadline on the request's head, so that silent connections end."""

    header_seconds = 10.0
    room = 600
    friends: ClassVar[set[Any]] = set()  # clients that have shown the token
    _waiting: ClassVar[dict[_Protocol, None]] = {}  # connections that ask nothing, the longest silent first
    _going: ClassVar[set[_Protocol]] = set()  # turned away, and not yet closed
    _deadline: Any = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) - len(self._going) > self.room:
            # Rather one that says nothing than one who may have something to say.
            silent = next((one for one in self._waiting if one.client not in self.friends), None)
            one = silent or next(iter(self._waiting), self)
            one._head_came()
            self._going.add(one)
            one.transport.abort()
        if self not in self._going:
            self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._head_came()
        elif self._deadline is None:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
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


def _hasten_tls(loop: asyncio.AbstractEventLoop, seconds: float) -> None:
    """Give handshakes, and the peer's part in closing, so long; uvicorn leaves them at 60 s and 30 s."""
    deadlines = {"ssl_handshake_timeout": seconds, "ssl_shutdown_timeout": seconds}
    setattr(loop, "create_server", functools.partial(loop.create_server, **deadlines))  # noqa: B010 (a method)


class _Server(uvicorn.Server):
    """uvicorn's server with the runtime file around it, and an ordinary exit after a signal."""

    def __init__(self, config: uvicorn.Config, settings: Settings, service: Service, url: str, token: str):
        super().__init__(config)
        self._settings, self._service, self._url, self._token = settings, service, url, token

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self.config.ssl:
            _hasten_tls(asyncio.get_running_loop(), self._settings.header_seconds)
        await super().startup(sockets)
        if not self.started:
            return
        settings = self._settings
        runtime_file.write(settings.runtime_file, self._url, self._token)
        print(
            f"Tempose {__version__}\n"
            f"  address       {self._url}\n"
            f"  runtime file  {settings.runtime_file}\n"
            f"  data          {settings.data_dir}\n"
            f"  model         {settings.model} on {settings.device}{_place(settings)}\n"
            "Listening; the model loads meanwhile. Stop with Ctrl+C.",
            flush=True,
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        runtime_file.remove(self._settings.runtime_file, self._token)
        self._service.hub.stop()  # or the event streams would keep their connections open
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        handled = [signal.SIGINT, signal.SIGTERM] + ([signal.SIGBREAK] if sys.platform == "win32" else [])
        if (
            sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
        ):  # not under nohup
            handled.append(signal.SIGHUP)
        before = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
