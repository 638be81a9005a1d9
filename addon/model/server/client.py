# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP client. It trusts nothing that the server says. No bpy in here."""

import contextlib
import hashlib
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tempose_pose.compact import MEDIA_TYPE
from tempose_pose.limits import FARTHEST

from ..dance.dance import DanceData, bad_answer, from_answer, from_compact, number, times
from ..errors import Canceled, Problem
from . import transport
from .answers import EVENT_BYTES, MESSAGE_CHARACTERS, STATES, job_of, no_poses, parse_events, parsed, refusal

if TYPE_CHECKING:
    from requests import Response

JSON_BYTES = 64_000_000
SOUND_BYTES = 300_000_000
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
    certificate : str
        File (PEM) with the certificate to trust besides those that this computer trusts, for https.
    """

    def __init__(
        self,
        url: str,
        token: str,
        timeout: float = 30.0,
        alive: Callable[[], bool] | None = None,
        certificate: str = "",
    ):
        self.scheme, self.host, self.port = split_url(url)
        if not token or any(ord(c) < 33 or ord(c) > 126 for c in token):
            raise Problem(
                "token_wrong",
                "The server's token is missing or not readable. Put it into the add-on's preferences.",
            )
        self.url, self.token, self.timeout = url.strip().rstrip("/"), token, timeout
        self.alive, self.own, self.certificate = alive or (lambda: True), alive is not None, certificate
        self._trust = trust(certificate) if self.scheme == "https" else None
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()

    def abort(self) -> None:
        """End the calls in progress and refuse new ones."""
        self._stop.set()
        with self._lock:
            for sock in self._open:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)  # wakes the thread that reads from it

    # the plain calls

    def health(self, timeout: float = 5.0) -> dict:
        """State, version and device of the server."""
        answer = self._json("GET", "/v1/health", timeout=timeout)
        if not isinstance(answer.get("status"), str) or not isinstance(answer.get("version"), str):
            raise bad_answer("a health report in an unknown form")
        texts = ("status", "version", "device", "model_revision", "message")
        return {key: str(answer.get(key) or "")[:MESSAGE_CHARACTERS] for key in texts}

    def capabilities(self) -> dict:
        """Styles, models and limits."""
        answer = self._json("GET", "/v1/capabilities")
        styles, models = answer.get("styles"), answer.get("models")
        if (
            not isinstance(styles, list)
            or not isinstance(models, list)
            or len(styles) > 500
            or len(models) > 500
        ):
            raise bad_answer("capabilities in an unknown form")
        limits = answer.get("limits") if isinstance(answer.get("limits"), dict) else {}
        names = [m.get("name") for m in models if isinstance(m, dict)]
        return {
            "styles": [s[:60] for s in styles if isinstance(s, str)],
            "models": [n[:60] for n in names if isinstance(n, str)],
            "no_poses": no_poses(answer.get("pose_estimator")),
            "limits": {k: v for k, v in limits.items() if isinstance(v, int | float)},
        }

    def ensure_sound(self, data: bytes) -> tuple[str, float]:
        """Upload a sound unless the server has it. Returns its hash and its seconds (0 when not stated)."""
        digest = hashlib.sha256(data).hexdigest()
        status, _, _ = self._call("HEAD", f"/v1/audio/{digest}", good=(200, 404))
        if status == 200:
            return digest, 0.0
        answer = self._json(
            "PUT", f"/v1/audio/{digest}", data, {"Content-Type": "application/octet-stream"}, timeout=120
        )
        return digest, float(number(answer.get("seconds"), 0, 1e6, "length of the sound"))

    def analysis(self, digest: str) -> dict:
        """Beats and downbeats of a sound, in song seconds, with tempo and confidence.

        ``heard`` is how clearly each beat is heard, 0 to 1; empty where the server does not say.
        """
        answer = self._json("GET", f"/v1/audio/{digest}/analysis", timeout=300)
        found, heard = times(answer.get("beats"), "beats"), answer.get("heard") or []
        if not isinstance(heard, list) or len(heard) not in (0, len(found)):
            raise bad_answer("a wrong list of how clearly beats are heard")
        return {
            "seconds": float(number(answer.get("seconds"), 0, 1e6, "length of the sound")),
            "beats": found,
            "downbeats": times(answer.get("downbeats"), "downbeats"),
            "bpm": float(number(answer.get("bpm"), 0, 2000, "tempo")),
            "confidence": float(number(answer.get("confidence"), 0, 1, "confidence")),
            "heard": [float(number(value, 0, 1, "heard beats")) for value in heard],
        }

    def stretch(self, digest: str, points: list, seconds: float) -> bytes:
        """The sound as heard through a tempo map: a WAV file."""
        body = {"tempo_map": points, "seconds": seconds}
        _, _, data = self._call(
            "POST",
            f"/v1/audio/{digest}/stretch",
            *_encoded(body),
            good=(200,),
            timeout=300,
            limit=SOUND_BYTES,
        )
        if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
            raise bad_answer("something that is not a WAV file")
        return data

    def find_pose(self, picture: bytes) -> dict:
        """Where the joints of the largest person in a picture are.

        Returns
        -------
        dict
            ``joints``: joint → (x, y) in shares of the picture, of those that were seen; ``people``: how many were.
        """
        answer = self._json(
            "POST", "/v1/pose", picture, {"Content-Type": "application/octet-stream"}, timeout=300
        )
        names, points, scores = (answer.get(key) for key in ("joints", "keypoints", "scores"))
        if not (isinstance(names, list) and isinstance(points, list) and isinstance(scores, list)):
            raise bad_answer("a pose in an unknown form")
        if not len(names) == len(points) == len(scores) <= 200:
            raise bad_answer("a pose in an unknown form")
        joints = {}
        for name, point, score in zip(names, points, scores, strict=True):
            if not isinstance(name, str) or not isinstance(point, list) or len(point) != 2:
                raise bad_answer("a pose in an unknown form")
            x, y = (float(number(v, -FARTHEST, FARTHEST, "keypoint")) for v in point)
            if number(score, 0, 1, "score") > 0:
                joints[name] = (x, y)
        return {"joints": joints, "people": int(number(answer.get("people"), 1, 10_000, "number of people"))}

    def put_job(self, job: str, body: dict) -> dict:
        """Order a dance. Safe to repeat: the same body under the same id is the same job."""
        return job_of(self._json("PUT", f"/v1/jobs/{job}", *_encoded(body), good=(200, 202)))

    def job(self, job: str) -> dict:
        """State and progress."""
        return job_of(self._json("GET", f"/v1/jobs/{job}"))

    def cancel(self, job: str) -> dict:
        """Cancel this job, and only this one."""
        return job_of(self._json("POST", f"/v1/jobs/{job}/cancel", b"", timeout=5))

    def result(self, job: str) -> DanceData:
        """The finished dance; exact from this machine, in few bytes from another one."""
        wanted = {} if is_loopback(self.host) else {"Accept": f"{MEDIA_TYPE}, application/json;q=0.5"}
        _, headers, data = self._call("GET", f"/v1/jobs/{job}/result", None, wanted, good=(200,), timeout=60)
        if headers.get("Content-Type", "").partition(";")[0].strip() == MEDIA_TYPE:
            return from_compact(data)
        return from_answer(parsed(data))

    # following a job

    def follow(self, job: str, on_event: Callable[[str, dict], None], patience: float = 30.0) -> dict:
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
        dict
            The ended job.
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
                    if name == "state" and data.get("state") in STATES[2:]:
                        return job_of(data)
                ended = self.job(job)  # the stream ended without a last word
            except Problem as problem:
                if problem.code != "server_gone" or not self.alive() or time.monotonic() - alive > patience:
                    raise
                ended = None
            if ended and ended["state"] in STATES[2:]:
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
                raise refusal(answer.status_code, transport.read(answer, JSON_BYTES + 1))
            yield from parse_events(transport.lines(answer, EVENT_BYTES + 1))
        self._check()

    # the wire

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

    @contextlib.contextmanager
    def _answer(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str], timeout: float
    ) -> "Iterator[Response]":
        """One call, with the network's errors turned into words."""
        self._check()
        sockets = []

        def opened(sock: socket.socket) -> None:
            with self._lock:
                sockets.append(sock)
                self._open.add(sock)
            self._check()

        host = f"[{self.host}]" if ":" in self.host else self.host
        asked = {"Authorization": f"Bearer {self.token}", **headers}
        try:
            with transport.exchange(
                method, f"{self.scheme}://{host}:{self.port}{path}", body, asked,
                timeout=timeout, trust=self._trust, opened=opened,
            ) as answer:  # fmt: skip
                yield answer
        except transport.GONE as error:
            self._check()
            if isinstance(error, ssl.SSLCertVerificationError):
                raise Problem("certificate", UNTRUSTED) from error
            raise self._gone() from error
        finally:
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
        limit: int = JSON_BYTES,
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of an answer whose status is a good one."""
        with self._answer(method, path, body, headers or {}, timeout or self.timeout) as answer:
            data = b"" if method == "HEAD" else transport.read(answer, limit + 1)
            status, answer_headers = answer.status_code, answer.headers
        self._check()
        if len(data) > limit:
            raise bad_answer("more than it may")
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
    ) -> dict:
        _, _, data = self._call(method, path, body, headers, good=good, timeout=timeout)
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


def _encoded(body: dict) -> tuple[bytes, dict]:
    return json.dumps(body, allow_nan=False).encode(), {"Content-Type": "application/json"}
