# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to one server, which must first prove its identity; every call ends in time. No bpy in here."""

import contextlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from tempose_pose.local import proof
from tempose_pose.skeletons import Skeleton
from tempose_pose.wire.validation import unexpected

from ..errors import Canceled, Problem
from . import transport
from .answers import parsed, refusal

if TYPE_CHECKING:
    from requests import Response

SHORT_BYTES = 64_000  # far above the size of most answers
SLOWEST = 100_000  # bytes a second; a call slower than that, beyond `PATIENCE` time-outs, is given up
PATIENCE = 4
UNTRUSTED = (
    "This computer does not trust the server's certificate, or it is for another name. "
    "Choose the certificate in the add-on's preferences."
)


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split_url(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a server's address; raises `Problem` if it is not one."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, None
    if parts is None or parts.scheme not in ("http", "https") or not host or parts.path not in ("", "/"):
        raise Problem(
            "server_url",
            "The server's address looks like http://127.0.0.1:8000. Correct it in the preferences.",
        )
    return parts.scheme, host, port or (443 if parts.scheme == "https" else 80)


class Caller:
    """The connection to one server. Calls block; `abort`, from any thread, ends them with `Canceled`.

    Parameters
    ----------
    url, token : str
    timeout : float
        Seconds without a byte after which a call is given up.
    alive : callable, optional
        For a server that this Blender started: returns false once it has ended, so that nobody waits for it.
    skeletons : of Skeleton
        Skeletons that the server has named; dances may use them.
    certificate : str
        PEM file with a certificate to trust for https, besides those that this computer trusts.
    pid : int, optional
        For a server on this machine, from its runtime file: only this process on this port is accepted.
    local : bool
        Whether it was found by its runtime file: only this port is accepted. A server restarted there still has its
        jobs.

    On each connection the server must first prove that it knows the token (`tempose_pose.local.proof`); before
    that, neither the token nor anything else is sent.
    """

    def __init__(
        self,
        url: str,
        token: str,
        timeout: float = 30.0,
        alive: Callable[[], bool] | None = None,
        certificate: str = "",
        skeletons: tuple[Skeleton, ...] = (),
        pid: int | None = None,
        local: bool = False,
    ):
        self.scheme, self.host, self.port = split_url(url)
        if not token or any(ord(c) < 33 or ord(c) > 126 for c in token):
            raise Problem(
                "token_wrong",
                "The server's token is missing or not readable. Put it into the add-on's preferences.",
            )
        self.url, self.token, self.timeout = url.strip().rstrip("/"), token, timeout
        self.alive, self.own, self.certificate = alive or (lambda: True), alive is not None, certificate
        self.skeletons = skeletons
        self.pid, self.local = pid, local
        self._trust = trust(certificate) if self.scheme == "https" else None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def abort(self) -> None:
        """End the calls in progress and refuse new ones."""
        self._stop.set()
        with self._lock:
            _shut(self._open)

    @property
    def _place(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def _greet(self, sock: socket.socket) -> None:
        """Check that the server knows the token before anything is sent to it."""
        asked = proof.challenge()
        said = transport.ask_first(sock, self._place, proof.PATH, (proof.HEADER, asked), proof.ANSWER_BYTES)
        try:
            answer = parsed(said)
        except Problem:
            answer = {}
        if self.pid is not None:
            right = proof.is_right(answer.get("here"), self.token, asked, self.port, self.pid)
        elif self.local:
            right = proof.is_right(answer.get("port"), self.token, asked, self.port)
        else:
            right = proof.is_right(answer.get("proof"), self.token, asked)
        if not right:
            raise Problem(
                "server_unproven",
                f"What answers at {self.url} does not know this server's token, so nothing was sent to it. Connect "
                "again, or start the server; where the preferences name the address, see that the token there is "
                "that server's own.",
            )

    def _check(self) -> None:
        if self._stop.is_set():
            raise Canceled

    def _gone(self) -> Problem:
        """The problem of a server that does not answer; the advice depends on where it runs."""
        if self.own:
            said = "The Tempose server does not answer. Start it again in the Tempose panel."
        elif is_loopback(self.host):
            said = (
                f"The Tempose server on this machine does not answer at {self.url}. Start it again where it was "
                "started, then press Connect; or press Start Server."
            )
        else:
            said = (
                f"The Tempose server on {self.host} does not answer. See that it runs there and that the network "
                "reaches it, then try again; or connect to another server."
            )
        return Problem("server_gone", said)

    def _slow(self) -> Problem:
        return Problem(
            "server_slow",
            f"The server at {self.url} never finishes its answer. Try again; if that does not help, start the server "
            "again.",
        )

    @contextlib.contextmanager
    def _answer(
        self,
        method: str,
        path: str,
        body: bytes | IO[bytes] | None,
        headers: dict[str, str],
        timeout: float,
        most: float | None = None,
    ) -> "Iterator[Response]":
        """One call, with network errors turned into words; ended after `most` seconds."""
        self._check()
        sockets, late = [], threading.Event()

        def expire() -> None:
            late.set()
            with self._lock:
                _shut(sockets)

        watch = threading.Timer(most or timeout * PATIENCE, expire)
        watch.daemon = True

        def opened(sock: socket.socket) -> None:
            with self._lock:
                sockets.append(sock)
                self._open.add(sock)
            self._check()

        asked = {"Authorization": f"Bearer {self.token}", **headers}
        try:
            watch.start()
            with transport.exchange(
                method, f"{self.scheme}://{self._place}{path}", body, asked,
                timeout=timeout, trust=self._trust, opened=opened, greet=self._greet,
            ) as answer:  # fmt: skip
                if most is None:  # events may come for hours
                    watch.cancel()
                yield answer
            if late.is_set():  # an answer cut off there may look complete
                raise self._slow()
        except Problem as problem:
            if late.is_set():
                raise self._slow() from problem
            raise
        except transport.ODD as error:
            self._check()
            if late.is_set():
                raise self._slow() from error
            if not isinstance(error, transport.GONE):
                raise unexpected("something that is not HTTP") from error
            if isinstance(error, ssl.SSLCertVerificationError):
                raise Problem("certificate", UNTRUSTED) from error
            raise self._gone() from error
        finally:
            watch.cancel()
            with self._lock:
                self._open.difference_update(sockets)

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        good: tuple[int, ...],
        timeout: float | None = None,
        limit: int = SHORT_BYTES,
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of an answer; raises unless its status is among the good ones."""
        timeout = timeout or self.timeout
        most = PATIENCE * timeout + (len(body or b"") + limit) / SLOWEST
        with self._answer(method, path, body, headers or {}, timeout, most) as answer:
            status, answer_headers = answer.status_code, answer.headers
            limit = limit if status in good else SHORT_BYTES
            data = b"" if method == "HEAD" else transport.read(answer, limit + 1)
        self._check()
        if len(data) > limit:
            raise unexpected("more than it may")
        if status not in good:
            raise refusal(status, data, answer_headers.get("Retry-After"))
        return status, answer_headers, data

    def _json(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        *,
        good: tuple[int, ...] = (200, 201, 202),
        timeout: float | None = None,
        limit: int = SHORT_BYTES,
    ) -> dict:
        _, _, data = self._call(method, path, body, headers, good=good, timeout=timeout, limit=limit)
        return parsed(data)


def trust(certificate: str) -> ssl.SSLContext:
    """The trust in this computer's certificates and in the one given; host names are always checked."""
    context = ssl.create_default_context()
    if certificate:
        try:
            context.load_verify_locations(cafile=certificate)
        except OSError:  # ssl.SSLError is one
            raise Problem(
                "certificate",
                "The server's certificate is not a PEM file that can be read. Choose another one.",
            ) from None
    return context


def _shut(sockets: Iterable[socket.socket]) -> None:
    """Shut sockets down, to wake the threads that read from them."""
    for sock in sockets:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
