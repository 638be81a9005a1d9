# SPDX-License-Identifier: GPL-3.0-or-later
"""What the worker thread does: the calls to the server behind each button. No bpy in here.

Each function takes a `Work` (for progress and cancelling) and plain data, and returns plain data.
"""

import contextlib
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tempose_pose.limits import MAX_FRAMES
from tempose_pose.skeletons import OPENPOSE_18

from ..dance.dance import DanceData, bad_answer, floats, number
from ..errors import Problem
from ..files import pose_drawing
from .client import Client

LOADING_SECONDS = 300.0


class Work(Protocol):
    """What a worker may tell the main thread."""

    def status(self, text: str) -> None: ...
    def progress(self, share: float) -> None: ...
    def sleep(self, seconds: float) -> None:
        """Wait; raises `Canceled` as soon as the person wants to stop."""
        ...

    def part(self, value: Any) -> None:
        """Hand over something finished, which stays whatever happens to the rest."""
        ...

    def show(self, kind: str, value: Any) -> None:
        """Hand over something to look at meanwhile."""
        ...

    def main(self, act: Callable[[], Any]) -> Any:
        """Have the main thread do something, and wait for what it returns or raises."""
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


def wait_ready(work: Work, client: Client, listening: Callable[[], object] | None = None) -> dict:
    """Wait until the server's model is loaded; returns its health with capabilities.

    `listening` says that the server is known to run (and raises when it has ended): then a health call without
    an answer only means that loading the model keeps it busy.
    """
    until = time.monotonic() + LOADING_SECONDS
    while True:
        try:
            health = client.health()
            if health["status"] == "SETUP_FAILED":
                raise Problem(
                    "server_setup", health["message"] or "The server could not load its model. See its log."
                )
            if health["status"] != "STARTING":
                return {**health, "capabilities": client.capabilities()}
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
    work: Work, url: str, token: str, listening: Callable[[], object] | None = None, certificate: str = ""
) -> dict:
    """Check a server: (url, token) and what it can do."""
    work.status("Connecting…")
    report = wait_ready(work, work.use(Client(url, token, certificate=certificate)), listening)
    return {"url": url, "token": token, "certificate": certificate, **report}


def start(work: Work, ready: Callable[[], tuple[str, str] | None]) -> dict:
    """Wait for a server that was just started; `ready` returns its address once it listens."""
    work.status("Starting the server…")
    until = time.monotonic() + 120
    while (address := ready()) is None:
        if time.monotonic() > until:
            raise Problem("server_slow", "The server did not start within two minutes. See its log.")
        work.sleep(0.05)
    return connect(work, *address, listening=ready)


def find_beats(work: Work, client: Client, sound: bytes | str) -> dict:
    """Upload a sound and get its beats."""
    work.status("Sending the sound…")
    digest, _ = work.use(client).ensure_sound(read_sound(sound))
    work.status("Listening for beats…")
    return client.analysis(digest)


def find_pose(work: Work, client: Client, pixels: np.ndarray) -> dict:
    """Have the joints in a picture (H, W, 3) uint8 found."""
    work.status("Looking for the pose…")
    return work.use(client).find_pose(pose_drawing.png(pixels))


def dance(
    work: Work, client: Client, sound: bytes | str, body: dict, stretch: list | None = None
) -> tuple[DanceData, bytes | None]:
    """Upload a sound, have it danced to, and get it at another tempo, the map `stretch`, if one is given."""
    work.status("Sending the sound…")
    digest, _ = work.use(client).ensure_sound(read_sound(sound))
    body = {**body, "audio": digest}
    stretched = None
    if stretch is not None:
        work.status("Changing the sound's tempo…")
        stretched = client.stretch(digest, stretch, stretch[-1][0])
    return _danced(work, client, body), stretched


def dances(work: Work, client: Client, sound: bytes | str, body: dict, seeds: Sequence[int]) -> list:
    """The same with several seeds, one after the other; each dance is handed over as soon as it is finished."""
    work.status("Sending the sound…")
    digest, _ = work.use(client).ensure_sound(read_sound(sound))
    made = []
    for number_, seed in enumerate(seeds):
        work.show("dance", number_)
        made.append(_danced(work, client, {**body, "audio": digest, "seed": seed}, number_, len(seeds)))
        _ = made[-1].packed  # here rather than while Blender waits
        work.part(made[-1])
    return made


def _danced(work: Work, client: Client, body: dict, number_: int = 0, count: int = 1) -> DanceData:
    """One dance of `count`, whose sound is on the server."""
    job = str(uuid.uuid4())
    try:
        _put(work, client, job, body)
        ended = client.follow(job, lambda name, data: _event(work, name, data, number_, count))
    except BaseException:
        _forget(client, job)
        raise
    if ended["state"] == "canceled":
        raise Problem("job_canceled", "The dance was canceled on the server. Generate again.")
    if ended["state"] == "failed":
        raise Problem(*ended["error"])
    work.status("Fetching the dance…")
    made = client.result(job)
    if abs(len(made.keypoints) / made.fps - body["seconds"]) > 0.1:
        raise bad_answer("a dance of another length than asked for")
    return made


def _put(work: Work, client: Client, job: str, body: dict) -> None:
    """Order the dance, again after a dropped connection, later when the queue is full."""
    tries = 0
    while True:
        try:
            client.put_job(job, body)
            return
        except Problem as problem:
            tries += 1
            if problem.code == "queue_full" and tries < 120:
                work.status("The server has other dances to make first…")
                work.sleep(getattr(problem, "retry_after", 2.0))
            elif problem.code == "server_gone" and tries < 3:
                work.sleep(0.5)
            else:
                raise


def _event(work: Work, name: str, data: dict, number_: int = 0, count: int = 1) -> None:
    if name == "state" and data.get("state") == "queued":
        position = data.get("position")
        ahead = f", {position} ahead" if isinstance(position, int) and position > 0 else ""
        work.status(f"Waiting for the server{ahead}…")
    elif name == "state" and data.get("state") == "running":
        work.status(f"Dancing take {number_ + 1} of {count}…" if count > 1 else "Dancing…")
    elif name == "progress":
        work.progress((number_ + number(data.get("progress"), 0, 1, "progress")) / count)
    elif name == "segment":
        work.show("segment", segment(data))


def segment(data: dict) -> tuple:
    """Frames that are finished: their first one, keypoints (T, 18, 2) and scores (T, 18)."""
    start = int(number(data.get("start"), 0, MAX_FRAMES, "segment"))
    frames = int(number(data.get("frames"), 0, MAX_FRAMES, "segment"))
    joints = len(OPENPOSE_18)
    keypoints = floats(data.get("keypoints"), (frames, joints, 2), "keypoints")
    return start, keypoints, floats(data.get("scores"), (frames, joints), "scores")


def _forget(client: Client, job: str) -> None:
    """Nobody waits for this job any more: tell the server, if it can still be told."""
    with contextlib.suppress(Problem):
        Client(client.url, client.token, timeout=5, certificate=client.certificate).cancel(job)
