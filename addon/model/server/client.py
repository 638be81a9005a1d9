# SPDX-License-Identifier: GPL-3.0-or-later
"""The client: calls to a server, whose answers are not trusted. No bpy in here."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tempose_pose.compact import MEDIA_TYPE
from tempose_pose.dance import Dance
from tempose_pose.local import proof
from tempose_pose.tempo import TempoMap
from tempose_pose.wire.answers import (
    Analysis,
    AudioInfo,
    Capabilities,
    FoundPerson,
    FoundPose,
    Health,
    Job,
    VideoLine,
)
from tempose_pose.wire.arrays import from_base64
from tempose_pose.wire.dances import dance_of, unpacked
from tempose_pose.wire.job import JobRequest, tempo_body
from tempose_pose.wire.validation import read, unexpected

from ..errors import Canceled, Problem
from . import transport
from .answers import EVENT_BYTES, LINE_BYTES, STREAM_BYTES, mask_of, parse_events, parsed, refusal
from .caller import SHORT_BYTES, Caller, is_loopback

CAPABILITIES_BYTES = 1_000_000
ANALYSIS_BYTES = 8_000_000
RESULT_BYTES = 64_000_000  # more than the longest dance with hands and feet
FOUND_BYTES = 2_000_000  # people in a picture, with their masks
FILM_BYTES = RESULT_BYTES  # of the line with a dance from a video
SOUND_BYTES = 300_000_000


class Client(Caller):
    """The client of one server. Calls block; `abort`, from any thread, ends the call in progress."""

    # the plain calls

    def health(self, timeout: float = 5.0) -> Health:
        """State, version and device of the server."""
        return read(Health, self._json("GET", "/v1/health", timeout=timeout), "health report")

    def prove(self, timeout: float = 5.0) -> None:
        """Check that the server is there and knows the token; ask nothing else."""
        with self._answer("GET", proof.PATH, None, {}, timeout, most=timeout):
            pass

    def capabilities(self) -> Capabilities:
        """Skeletons, styles, models and limits."""
        answer = self._json("GET", "/v1/capabilities", limit=CAPABILITIES_BYTES)
        return read(Capabilities, answer, "list of capabilities")

    def ensure_sound(self, data: bytes) -> tuple[str, float]:
        """Upload a sound unless the server has it. Return its hash and its length in seconds (0 if not stated)."""
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
        """The joints of the people in a picture, the largest person first."""
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

    def read_video(
        self, path: Path, person: int, on_line: Callable[[VideoLine], None]
    ) -> tuple[bytes, float | None]:
        """The dance of a person in a video file: the bytes of a DANCE.npz, and where in the sound it begins.

        Parameters
        ----------
        on_line : callable
            Called with the server's progress.
        """
        kind = {"Content-Type": "application/octet-stream"}
        with (
            path.open("rb") as file,
            self._answer("POST", f"/v1/video?person={person}", file, kind, 600.0) as answer,
        ):
            if answer.status_code != 200:
                raise refusal(answer.status_code, transport.read(answer, SHORT_BYTES + 1))
            whole = 0
            for line in transport.lines(answer, FILM_BYTES):
                if (whole := whole + max(len(line), LINE_BYTES)) > STREAM_BYTES:
                    raise unexpected("lines without end")
                said = read(VideoLine, parsed(line), "line about a video")
                if said.error is not None:
                    raise Problem(said.error.code, said.error.message)
                if said.dance:
                    try:
                        return from_base64(said.dance), said.heard
                    except ValueError:
                        raise unexpected("a dance that cannot be read") from None
                on_line(said)
        self._check()
        raise self._gone()

    def put_job(self, job: str, asked: JobRequest) -> Job:
        """Order a dance. Safe to repeat: the same request with the same id is the same job."""
        answer = self._json("PUT", f"/v1/jobs/{job}", *_encoded(asked.body()), good=(200, 202))
        return read(Job, answer, "job")

    def job(self, job: str) -> Job:
        """State and progress."""
        return read(Job, self._json("GET", f"/v1/jobs/{job}"), "job")

    def cancel(self, job: str) -> Job:
        """Cancel this job, and only this one."""
        return read(Job, self._json("POST", f"/v1/jobs/{job}/cancel", b"", timeout=5), "job")

    def result(self, job: str) -> Dance:
        """The finished dance: exact from this machine, in compact form from another."""
        wanted = {} if is_loopback(self.host) else {"Accept": f"{MEDIA_TYPE}, application/json;q=0.5"}
        _, headers, data = self._call(
            "GET", f"/v1/jobs/{job}/result", None, wanted, good=(200,), timeout=60, limit=RESULT_BYTES
        )
        if headers.get("Content-Type", "").partition(";")[0].strip() == MEDIA_TYPE:
            return unpacked(data, self.skeletons)
        return dance_of(parsed(data), self.skeletons)

    # following a job

    def follow(self, job: str, on_event: Callable[[str, dict], None], patience: float = 30.0) -> Job:
        """Follow a job's events until it has ended, across dropped connections.

        Parameters
        ----------
        job : str
        on_event : callable (name, data)
            Called once for each event, even if it arrives twice.
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


def _encoded(body: dict) -> tuple[bytes, dict]:
    return json.dumps(body, allow_nan=False).encode(), {"Content-Type": "application/json"}
