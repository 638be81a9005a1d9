# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of the worker thread: the calls to the server behind each button. No bpy in here.

Each function takes a `Work` (for progress and cancelling) and plain data, and returns plain data.
"""

import contextlib
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.local.runtime_file import RunningServer
from tempose_pose.request import DanceRequest
from tempose_pose.tempo import TempoMap
from tempose_pose.wire.answers import Analysis, Capabilities, FoundPerson, Health, Job, Progress, VideoLine
from tempose_pose.wire.codes import QUEUE_FULL
from tempose_pose.wire.dances import FinishedSegment
from tempose_pose.wire.job import JobRequest
from tempose_pose.wire.validation import read, unexpected

from ..dance import loops, takes
from ..errors import Problem
from ..files import png
from .client import Client

LOADING_SECONDS = 300.0
AHEAD = 4  # dances of one press that are on the server at a time; it may make that many at once
REMAKES = 3  # how often a dance may turn out to be damaged on the server


class Work(Protocol):
    """What a worker can tell the main thread."""

    def status(self, text: str) -> None: ...
    def progress(self, share: float) -> None: ...
    def sleep(self, seconds: float) -> None:
        """Wait; raise `Canceled` as soon as the person wants to stop."""
        ...

    def part(self, value: Any) -> None:
        """Hand over something finished, which is kept whatever happens to the rest."""
        ...

    def show(self, kind: str, value: Any) -> None:
        """Hand over something to look at meanwhile."""
        ...

    def main(self, act: Callable[[], Any]) -> Any:
        """Have the main thread do something; wait, and return or raise what it does."""
        ...

    def use(self, client: Client) -> Client:
        """Let a cancel abort this client's calls too."""
        ...


def read_sound(source: bytes | str) -> bytes:
    """The bytes of a packed sound, or of a file."""
    if isinstance(source, bytes):
        return source
    try:
        return Path(source).read_bytes()
    except OSError:
        raise Problem(
            "audio_missing", f"The sound file {Path(source).name} cannot be read. Is it still there?"
        ) from None


@dataclass(frozen=True)
class Report:
    """A server that is ready, and how to reach it."""

    url: str
    token: str
    certificate: str
    health: Health
    capabilities: Capabilities
    pid: int | None = None  # if a runtime file named it: only that process is accepted


def wait_ready(
    work: Work, client: Client, listening: Callable[[], object] | None = None
) -> tuple[Health, Capabilities]:
    """Wait until the server has loaded its model; return what it says about itself.

    `listening` tells whether the server is known to run (and raises if it has ended): then a health call without an
    answer only means that it is busy loading the model.
    """
    until = time.monotonic() + LOADING_SECONDS
    while True:
        try:
            health = client.health()
            if health.status == "SETUP_FAILED":
                raise Problem(
                    "server_setup", health.message or "The server could not load its model. See its log."
                )
            if health.status != "STARTING":
                return health, client.capabilities()
            listening = listening or (lambda: True)  # it has answered once
        except Problem as problem:
            if problem.code != "server_gone" or listening is None:
                raise
            listening()
        if time.monotonic() > until:
            raise Problem("server_slow", "The server did not get ready within five minutes. See its log.")
        work.status("The server is loading its model…")
        work.sleep(0.2)


def connect(
    work: Work,
    url: str,
    token: str,
    listening: Callable[[], object] | None = None,
    certificate: str = "",
    pid: int | None = None,
) -> Report:
    """Check a server and ask what it can do."""
    work.status("Connecting…")
    client = work.use(Client(url, token, certificate=certificate, pid=pid))
    return Report(url, token, certificate, *wait_ready(work, client, listening), pid=pid)


def start(work: Work, ready: Callable[[], RunningServer | None]) -> Report:
    """Wait for a server that was just started; `ready` returns its address once it listens."""
    work.status("Starting the server…")
    until = time.monotonic() + 120
    while (server := ready()) is None:
        if time.monotonic() > until:
            raise Problem("server_slow", "The server did not start within two minutes. See its log.")
        work.sleep(0.05)
    return connect(work, server.url, server.token, listening=ready, pid=server.pid)


def find_beats(work: Work, client: Client, sound: bytes | str) -> Analysis:
    """Upload a sound and get its beats."""
    work.status("Sending the sound…")
    digest, _ = work.use(client).ensure_sound(read_sound(sound))
    work.status("Listening for beats…")
    return client.analysis(digest)


def find_pose(work: Work, client: Client, pixels: np.ndarray) -> list[FoundPerson]:
    """Have the people in a picture (H, W, 3) uint8 found."""
    work.status("Looking for the pose…")
    return work.use(client).find_pose(png.png(pixels))


def dance_in_video(work: Work, client: Client, path: Path, person: int) -> tuple[Dance, float | None]:
    """Have the dance of a person in a video read.

    Returns
    -------
    dance : Dance
    heard : float or None
        Second of the video's sound at its first frame; None if it has no sound.
    """
    work.status("Sending the video…")

    def on_line(line: VideoLine) -> None:
        if line.waiting:
            work.status("Waiting for another video to be read…")
            return
        work.status("Looking at the video…" if not line.frame else f"Looking at frame {line.frame:,}…")
        if line.frames:
            work.progress(min(line.frame / line.frames, 1.0))

    data, heard = work.use(client).read_video(path, person, on_line)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "dance.npz"
        file.write_bytes(data)
        try:
            return Dance.load(file), heard
        except TemposeError:
            raise unexpected("a dance that cannot be read") from None


def dance(
    work: Work, client: Client, sound: bytes | str, asked: DanceRequest, stretch: TempoMap | None = None
) -> tuple[Dance, bytes | None]:
    """Upload a sound and have it danced to; also get it at another tempo if the map `stretch` is given."""
    work.status("Sending the sound…")
    digest, _ = work.use(client).ensure_sound(read_sound(sound))
    stretched = None
    if stretch is not None:
        work.status("Changing the sound's tempo…")
        stretched = client.stretch(digest, stretch, stretch.points[-1][0])
    return _danced(work, client, JobRequest(digest, asked)), stretched


def loop(work: Work, client: Client, sound: bytes | str, asked: DanceRequest) -> Dance:
    """A dance that leads back into its own beginning: its end is danced again, and more of it if a step is left."""
    made, _ = dance(work, client, sound, asked)
    digest, _ = work.use(client).ensure_sound(read_sound(sound))
    found = []
    for trial in range(len(loops.BRIDGES)):
        closing = loops.closing(made, asked, trial)
        found.append(loops.closed(made, closing, _danced(work, client, JobRequest(digest, closing))))
        if loops.step(found[-1], asked.seconds) <= 1:
            break
    return min(found, key=lambda loop: loops.step(loop, asked.seconds))


def dances(
    work: Work, client: Client, sound: bytes | str, asked: DanceRequest, seeds: Sequence[int]
) -> list[Dance]:
    """The same with several seeds; each dance is handed over in order, as soon as it is finished."""

    def finished(made: Dance) -> None:
        takes.poses_text(made)  # here rather than while Blender waits
        work.part(made)

    return _several(work, client, sound, [replace(asked, seed=seed) for seed in seeds], finished)


def dance_together(
    work: Work, client: Client, sound: bytes | str, asked: Sequence[DanceRequest]
) -> list[Dance]:
    """Several dances to one sound."""
    return _several(work, client, sound, asked, lambda made: None)


def _several(
    work: Work,
    client: Client,
    sound: bytes | str,
    asked: Sequence[DanceRequest],
    finished: Callable[[Dance], None],
) -> list[Dance]:
    """Dances to one sound, in order; the next ones are ordered meanwhile, for servers that make several at once."""
    work.status("Sending the sound…")
    digest, _ = work.use(client).ensure_sound(read_sound(sound))
    orders = [(str(uuid.uuid4()), JobRequest(digest, one)) for one in asked]
    made: list[Dance] = []
    for number, (job, order) in enumerate(orders):
        work.show("dance", number)
        ahead = orders[number + 1 : number + AHEAD]
        try:
            _put(work, client, job, order)
            with contextlib.suppress(Problem):  # the error is reported when it is their turn
                for later in ahead:
                    client.put_job(*later)
            made.append(_danced(work, client, order, number, len(orders), job))
            finished(made[-1])
        except BaseException:
            for later, _ in ahead:
                _forget(client, later)
            raise
    return made


def _danced(
    work: Work, client: Client, asked: JobRequest, number: int = 0, count: int = 1, job: str = ""
) -> Dance:
    """Dance `number` of `count` to a sound on the server; `job` is its id if it has been ordered already."""
    job = job or str(uuid.uuid4())
    for left in reversed(range(REMAKES)):
        try:
            _put(work, client, job, asked)
            ended = client.follow(job, lambda name, data: _event(work, name, data, number, count))
        except BaseException:
            _forget(client, job)
            raise
        if ended.state == "canceled":
            raise Problem("job_canceled", "The dance was canceled on the server. Generate again.")
        if ended.state == "failed":
            error = ended.error
            if error is None:
                raise Problem("failed", "The server could not make this dance.")
            raise Problem(error.code, error.message)
        work.status("Fetching the dance…")
        try:
            made = client.result(job)
            break
        except Problem as problem:
            if problem.code != "job_not_finished" or not left:
                raise
            work.sleep(0.5)  # damaged on the server's disk: it is danced again
    if abs(made.poses.seconds - asked.dance.seconds) > 0.1:
        raise unexpected("a dance of another length than asked for")
    return made


def _put(work: Work, client: Client, job: str, asked: JobRequest) -> None:
    """Order the dance: again after a dropped connection, and later if the queue is full."""
    tries = 0
    while True:
        try:
            client.put_job(job, asked)
            return
        except Problem as problem:
            tries += 1
            if problem.code == QUEUE_FULL and tries < 120:
                work.status("The server has other dances to make first…")
                work.sleep(getattr(problem, "retry_after", 2.0))
            elif problem.code == "server_gone" and tries < 3:
                work.sleep(0.5)
            else:
                raise


def _event(work: Work, name: str, data: dict, number: int = 0, count: int = 1) -> None:
    if name == "state":
        job = read(Job, data, "job")
        if job.state == "queued":
            ahead = f", {job.position} ahead" if job.position and job.position > 0 else ""
            work.status(f"Waiting for the server{ahead}…")
        elif job.state == "running":
            work.status(f"Dancing take {number + 1} of {count}…" if count > 1 else "Dancing…")
    elif name == "progress":
        work.progress((number + read(Progress, data, "progress report").progress) / count)
    elif name == "segment":
        segment = read(FinishedSegment, data, "segment")
        work.show("segment", (segment.start, *segment.arrays()))


def _forget(client: Client, job: str) -> None:
    """Nobody waits for this job any more: cancel it on the server, if that can be reached."""
    with contextlib.suppress(Problem):
        again = Client(
            client.url, client.token, timeout=5, certificate=client.certificate, local=client.local
        )
        again.cancel(job)
