# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP client. It trusts nothing that the server says. No bpy in here."""

import base64
import binascii
import contextlib
import hashlib
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from tempose_pose.compact import MEDIA_TYPE
from tempose_pose.dance import Dance
from tempose_pose.local import proof
from tempose_pose.skeletons import Skeleton
from tempose_pose.tempo import TempoMap
from tempose_pose.wire.answers import (
    Analysis,
    AudioInfo,
    Capabilities,
    FilmLine,
    FoundPerson,
    FoundPose,
    Health,
    Job,
)
from tempose_pose.wire.dances import dance_of, unpacked
from tempose_pose.wire.job import JobRequest, tempo_body
from tempose_pose.wire.reading import read, unexpected

from ..errors import Canceled, Problem
from . import transport
from .answers import EVENT_BYTES, mask_of, parse_events, parsed, refusal

if TYPE_CHECKING:
    from requests import Response

SHORT_BYTES = 64_000  # what most answers are far below
CAPABILITIES_BYTES = 1_000_000
ANALYSIS_BYTES = 8_000_000
RESULT_BYTES = 64_000_000  # the longest dance, with hands and feet, and some
FOUND_BYTES = 2_000_000  # people in a picture, with their masks
FILM_BYTES = 400_000_000  # of the line with a dance out of a video
SOUND_BYTES = 300_000_000
SLOWEST = 100_000  # bytes a second; a call that takes longer than that and `PATIENCE` time-outs has no end
PATIENCE = 4
UNTRUSTED = (
    "This computer does not trust the server's certificate, or it is for another name. "
    "Choose the certificate in the add-on's preferences."
)


def is_loopback(host: str) -> bool:
    """Whether an address names this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split_url(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a server's address; raises `Problem` when it is none."""
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


class Client:
    """One server. Calls block; `abort` from any thread ends the call in progress with `Canceled`.

    Parameters
    ----------
    url, token : str
    timeout : float
        Seconds without a byte after which a call is given up.
    alive : callable, optional
        Of a server that this Blender has started: answers false once it has ended, so that nobody waits for it.
    skeletons : of Skeleton
        That the server has named; a dance may be on one of them.
    certificate : str
        File (PEM) with the certificate to trust besides those that this computer trusts, for https.
    pid : int, optional
        Of a server of this machine whose runtime file was read: only this process at this very port will do.
    local : bool
        It was found by a runtime file: only this very port will do. A server started again there has its jobs still.

    On each connection the server first proves that it knows the token (`tempose_pose.local.proof`); before that it
    is told neither the token nor anything else.
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

    # the plain calls

    def health(self, timeout: float = 5.0) -> Health:
        """State, version and device of the server."""
        return read(Health, self._json("GET", "/v1/health", timeout=timeout), "health report")

    def prove(self, timeout: float = 5.0) -> None:
        """See that the server is there and knows the token; nothing else is asked of it."""
        with self._answer("GET", proof.PATH, None, {}, timeout):
            pass

    def capabilities(self) -> Capabilities:
        """Skeletons, styles, models and limits."""
        answer = self._json("GET", "/v1/capabilities", limit=CAPABILITIES_BYTES)
        return read(Capabilities, answer, "list of capabilities")

    def ensure_sound(self, data: bytes) -> tuple[str, float]:
        """Upload a sound unless the server has it. Returns its hash and its seconds (0 when not stated)."""
        digest = hashlib.sha256(data).hexdigest()
        status, _, _ = self._call("HEAD", f"/v1/audio/{digest}", good=(200, 404))
        if status == 200:
            return digest, 0.0
        answer = self._json(
            "PUT", f"/v1/audio/{digest}", data, {"Content-Type": "application/octet-stream"}, timeout=120
        )
        return digest, read(AudioInfo, answer, "sound").seconds

    def analysis(self, digest: str) -> Analysis:
        """Beats and downbeats of a sound, in song seconds, with tempo and confidence."""
        found = read(
            Analysis,
            self._json("GET", f"/v1/audio/{digest}/analysis", timeout=300, limit=ANALYSIS_BYTES),
            "list of beats",
        )
        if len(found.heard) not in (0, len(found.beats)):
            raise unexpected("a wrong list of how clearly beats are heard")
        return found

    def stretch(self, digest: str, tempo_map: TempoMap, seconds: float) -> bytes:
        """The sound as heard through a tempo map: a WAV file."""
        body = {"tempo_map": tempo_body(tempo_map), "seconds": seconds}
        _, _, data = self._call(
            "POST",
            f"/v1/audio/{digest}/stretch",
            *_encoded(body),
            good=(200,),
            timeout=300,
            limit=SOUND_BYTES,
        )
        if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
            raise unexpected("something that is not a WAV file")
        return data

    def find_pose(self, picture: bytes) -> list[FoundPerson]:
        """Where the joints of the people in a picture are, the largest first."""
        answer = self._json(
            "POST",
            "/v1/pose",
            picture,
            {"Content-Type": "application/octet-stream"},
            timeout=300,
            limit=FOUND_BYTES,
        )
        found = read(FoundPose, answer, "pose")
        people = [found.first, *found.others]
        for person in people:
            if not len(person.joints) == len(person.keypoints) == len(person.scores):
                raise unexpected("a pose that contradicts itself")
            if person.mask:
                mask_of(person.mask)  # raises what is wrong with it
        return people

    def film(
        self, path: Path, person: int, on_line: Callable[[FilmLine], None]
    ) -> tuple[bytes, float | None]:
        """The dance of a person in a video file: the bytes of a DANCE.npz, and where in its sound it begins.

        Parameters
        ----------
        on_line : callable
            Told how far the server is.
        """
        kind = {"Content-Type": "application/octet-stream"}
        with (
            path.open("rb") as file,
            self._answer("POST", f"/v1/film?person={person}", file, kind, 600.0) as answer,
        ):
            if answer.status_code != 200:
                raise refusal(answer.status_code, transport.read(answer, SHORT_BYTES + 1))
            for line in transport.lines(answer, FILM_BYTES):
                said = read(FilmLine, parsed(line), "line about a video")
                if said.error is not None:
                    raise Problem(said.error.code, said.error.message)
                if said.dance:
                    try:
                        return base64.b64decode(said.dance.encode(), validate=True), said.heard
                    except (binascii.Error, UnicodeEncodeError):
                        raise unexpected("a dance that cannot be read") from None
                on_line(said)
        self._check()
        raise self._gone()

    def put_job(self, job: str, asked: JobRequest) -> Job:
        """Order a dance. Safe to repeat: the same request under the same id is the same job."""
        answer = self._json("PUT", f"/v1/jobs/{job}", *_encoded(asked.body()), good=(200, 202))
        return read(Job, answer, "job")

    def job(self, job: str) -> Job:
        """State and progress."""
        return read(Job, self._json("GET", f"/v1/jobs/{job}"), "job")

    def cancel(self, job: str) -> Job:
        """Cancel this job, and only this one."""
        return read(Job, self._json("POST", f"/v1/jobs/{job}/cancel", b"", timeout=5), "job")

    def result(self, job: str) -> Dance:
        """The finished dance; exact from this machine, in few bytes from another one."""
        wanted = {} if is_loopback(self.host) else {"Accept": f"{MEDIA_TYPE}, application/json;q=0.5"}
        _, headers, data = self._call(
            "GET", f"/v1/jobs/{job}/result", None, wanted, good=(200,), timeout=60, limit=RESULT_BYTES
        )
        if headers.get("Content-Type", "").partition(";")[0].strip() == MEDIA_TYPE:
            return unpacked(data, self.skeletons)
        return dance_of(parsed(data), self.skeletons)

    # following a job

    def follow(self, job: str, on_event: Callable[[str, dict], None], patience: float = 30.0) -> Job:
        """Read a job's events until it has ended, across dropped connections.

        Parameters
        ----------
        job : str
        on_event : callable (name, data)
            Called for each event; one that came twice is passed on once.
        patience : float
            Seconds without any sign of life after which the server counts as gone.

        Returns
        -------
        Job
            As it ended.
        """
        last, pause, alive = 0, 0.2, time.monotonic()
        while True:
            try:
                for number_, name, data in self._events(job, last):
                    alive, pause = time.monotonic(), 0.2
                    if number_ is not None:
                        if number_ <= last:
                            continue
                        last = number_
                    on_event(name, data)
                    if name == "state" and (said := read(Job, data, "job")).ended:
                        return said
                ended = self.job(job)  # the stream ended without a last word
            except Problem as problem:
                if problem.code != "server_gone" or not self.alive() or time.monotonic() - alive > patience:
                    raise
                ended = None
            if ended and ended.ended:
                return ended
            if self._stop.wait(pause):
                raise Canceled
            pause = min(pause * 2, 3.0)
            if time.monotonic() - alive > patience:
                raise self._gone()

    def _events(self, job: str, last: int) -> Iterator[tuple[int | None, str, dict]]:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": str(last)} if last else {})}
        with self._answer("GET", f"/v1/jobs/{job}/events", None, headers, self.timeout) as answer:
            if answer.status_code != 200:
                raise refusal(answer.status_code, transport.read(answer, SHORT_BYTES))
            yield from parse_events(transport.lines(answer, EVENT_BYTES + 1))
        self._check()

    # the wire

    @property
    def _place(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def _greet(self, sock: socket.socket) -> None:
        """See that the server knows the token before it is told anything."""
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
        """The server does not answer: what can be done depends on where it runs."""
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
            f"The server at {self.url} does not come to an end with its answer. Try again; if it stays so, start the "
            "server anew.",
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
        """One call, with the network's errors turned into words; it is ended after `most` seconds."""
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
            if late.is_set():  # what was cut off there may look whole
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
        """Status, headers and body of an answer whose status is a good one."""
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
    """Trust in this computer's certificates, and in the one given; names are checked in any case."""
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
    """Wake the threads that read from them."""
    for sock in sockets:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _encoded(body: dict) -> tuple[bytes, dict]:
    return json.dumps(body, allow_nan=False).encode(), {"Content-Type": "application/json"}
