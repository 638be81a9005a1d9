"""Running the server: bind, lock the data folder, write the runtime file, and shut down in good order."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from tempose import __version__
from tempose_pose.errors import TemposeError
from tempose_pose.local import permissions, programs, runtime_file, whole_files
from tempose_server import logs
from tempose_server.app import create_app
from tempose_server.connections import BACKLOG, Arrivals, Protocol, in_front, room_for_connections
from tempose_server.front import Front
from tempose_server.security import HARDENING, Doors
from tempose_server.service import Service
from tempose_server.settings import ServerSettings

# Longer than clients keep an idle connection (mostly 5 s), or a request may meet the closing of its own.
KEEP_ALIVE_SECONDS = 15
SWITCH_SECONDS = 0.001  # how long a thread may run Python while others wait: health checks come meanwhile
DATA = (
    "lock",
    "running",
    "jobs.sqlite*",
    "audio",
    "results",
    "staging",
    "damaged",
    "empty",
    "numba",
)  # in the data folder


def run(settings: ServerSettings) -> None:
    """Serve until SIGTERM or Ctrl+C.

    Raises
    ------
    TemposeError
        The address would be open to others or is taken, or a folder is in use, not writable or not safe.
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


def _serve(settings: ServerSettings, token: str) -> None:
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
            http=Protocol,
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
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=max(1, round(settings.shutdown_seconds)),
        )
        Protocol.header_seconds = settings.header_seconds
        Protocol.room = connections
        Protocol.friends = app.friends
        _Server(config, settings, service, _Place(listener, app, url, token)).run()
    print("Tempose has stopped.", flush=True)
    if settings.engine == "ray" and service.engine.stuck:
        logging.shutdown()
        os._exit(0)  # Ray's library aborts if the interpreter ends while a thread waits in it


def stand_in_an_empty_folder(folder: Path) -> None:
    """Leave the folder that the server was started in: nothing from there must run here or in a child."""
    empty = folder / "empty"
    whole_files.make_folder(empty)
    for path in empty.iterdir():
        whole_files.remove(path)
    os.chdir(empty)
    sys.path[:] = [place for place in sys.path if place not in ("", ".")]


def keep_compiled(folder: Path) -> None:
    """Cache librosa's compiled functions in the folder if its own cannot be written.

    Otherwise librosa could not even be imported on a read-only disk, as in a container.
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
def _listening(settings: ServerSettings) -> Iterator[socket.socket]:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # The protocol is given because asyncio sends small answers at once only on sockets that name it.
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
    """Lock the data folder; a second server on it is refused. A killed server's lock is released."""
    permissions.claim_folder(folder, DATA, "data_dir")
    try:
        with programs.holding(folder / "lock"):
            yield
    except programs.Held:
        raise TemposeError(
            "data_dir_in_use",
            f"Another Tempose server uses the data folder {folder}. "
            "Stop it, or give this one its own --data-dir.",
        ) from None


def _replicas(settings: ServerSettings) -> str:
    if settings.engine == "local":
        return f", {settings.replicas} dances at a time" if settings.replicas else ""
    number = f"{settings.replicas} replicas" if settings.replicas else "replicas"
    return f", {number} on the Ray cluster {settings.ray_address or 'of this machine'}"


@dataclass(frozen=True)
class _Place:
    """Where a server is found, and its doors."""

    listener: socket.socket
    doors: Doors
    url: str
    token: str


class _Server(uvicorn.Server):
    """uvicorn's server behind a front, with the runtime file around it and an ordinary exit after a signal."""

    def __init__(self, config: uvicorn.Config, settings: ServerSettings, service: Service, place: _Place):
        super().__init__(config)
        self._settings, self._service, self._place = settings, service, place

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=[])
        if not self.started:
            return
        settings, place = self._settings, self._place
        self._arrivals = Arrivals(
            asyncio.get_running_loop(),
            self._protocol,
            self.config.ssl,
            settings.header_seconds,
            Protocol.room,
        )
        self._front = Front(
            place.listener,
            place.doors.at_once,
            self._arrivals.take,
            room=in_front(Protocol.room),
            silent_seconds=settings.header_seconds,
            idle_seconds=KEEP_ALIVE_SECONDS,
            headers=HARDENING,
            sealed=bool(self.config.ssl),
        )
        Protocol.take_back = self._front.take_back
        self._front.start(BACKLOG)
        runtime_file.write(settings.runtime_file, place.url, place.token)
        print(
            f"Tempose {__version__}\n"
            f"  address       {place.url}\n"
            f"  runtime file  {settings.runtime_file}\n"
            f"  data          {settings.data_dir}\n"
            f"  model         {settings.model} on {settings.device}{_replicas(settings)}\n"
            "Listening; the model loads meanwhile. Stop with Ctrl+C.",
            flush=True,
        )

    def _protocol(self) -> Protocol:
        return Protocol(self.config, self.server_state, self.lifespan.state)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        runtime_file.remove(self._settings.runtime_file, self._place.token)
        await asyncio.to_thread(self._front.stop)
        self._arrivals.leave()
        self._service.hub.stop()  # otherwise event streams would keep their connections open
        await super().shutdown()

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
