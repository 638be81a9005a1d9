"""The parent's side of `decode`: start the child, limit its time, survive its death."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool

import tempose
import tempose_pose
import tempose_server
from tempose_pose.errors import TemposeError
from tempose_pose.local import scrub, whole_files
from tempose_server.errors import ApiError, disk_full, from_tempose
from tempose_server.settings import ServerSettings
from tempose_server.warm_child import WarmChild

log = logging.getLogger("tempose.child")

Answer = TypeVar("Answer")

COMMAND = [sys.executable, "-I", "-B", str(Path(__file__).with_name("child.py"))]
STAYING = COMMAND  # of the child that stays
PACKAGES = [
    str(Path(str(package.__file__)).parents[1]) for package in (tempose_pose, tempose, tempose_server)
]
ANSWER_BYTES = 16_000_000
_OUT_OF_TIME = {-getattr(signal, name) for name in ("SIGXCPU", "SIGKILL") if hasattr(signal, name)}
KEPT_ENVIRONMENT = (
    "PATH",
    "SYSTEMROOT",
    "TMPDIR",
    "TEMP",
    "TMP",
    "HOME",
    "NUMBA_CACHE_DIR",
    "LANG",
)


class Sandbox:
    """Runs decoding tasks, a few at a time. `run` blocks; routes call it through `in_turn`."""

    def __init__(self, settings: ServerSettings):
        self._settings = settings
        self._places = threading.BoundedSemaphore(settings.children_at_once)
        self._turns = asyncio.Semaphore(settings.children_at_once)
        self._empty = settings.data_dir / "empty"  # the children's current folder
        whole_files.make_folder(self._empty)
        self._long = asyncio.Semaphore(1)
        self._warm = WarmChild(self._staying)

    async def in_turn(self, call: Callable[..., Answer], *args: Any) -> Answer:
        """The result of a blocking call that runs a task, made in a thread once there is a place.

        Waiting takes no thread; otherwise all threads could be waiting, and no other route would answer.
        """
        async with self._turns:
            return await run_in_threadpool(call, *args)

    def run(
        self, task: str, folder: Path, *, trusted: bool = False, what: str = "audio", **options: Any
    ) -> dict[str, Any]:
        """The answer of one task.

        Parameters
        ----------
        task : str
            A name in `decode.TASKS`.
        folder : Path
            Folder of the song or picture; chosen by the server, never by a request.
        trusted : bool
            Whether the task reads only decoded data: then memory is not limited, for the analysis libraries.
        what : str
            The kind of input, such as audio or picture, for messages and codes of errors.

        Raises
        ------
        ApiError
            422 with the reason; a child that crashed, hung or was killed only fails this call.
        """
        settings = self._settings
        limits = {
            "seconds": settings.child_seconds,
            "memory": None if trusted else settings.child_memory_bytes,
            "file_bytes": settings.decoded_bytes,
        }
        job = {"task": task, "folder": str(folder.absolute()), "limits": limits, "options": options}
        with self._places:
            try:
                seconds = settings.child_seconds * 1.5
                done = self._warm.done(_told(job), seconds) if task == "analyse" else None
                done = done or self._started(job, seconds)
            except subprocess.TimeoutExpired:
                raise _too_costly(what) from None
        return self._answer(task, what, done)

    def _started(
        self, job: dict[str, Any], seconds: float | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """A child that has run to its end."""
        return subprocess.run(
            COMMAND,
            input=_told(job),
            capture_output=True,
            timeout=seconds,
            env=_environment(),
            cwd=self._empty,
            check=False,
        )

    def _staying(self) -> subprocess.Popen[bytes]:
        """The child that stays, told to."""
        child = subprocess.Popen(
            STAYING,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what goes wrong is seen in the child that does the job instead
            env=_environment(),
            cwd=self._empty,
        )
        assert child.stdin is not None
        child.stdin.write(_told({"task": "stay"}) + b"\n")
        return child

    def end(self) -> None:
        """Let the child that stays go."""
        self._warm.end()

    async def watched(
        self, task: str, folder: Path, patience: float, *, what: str, **options: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """Run a long task in a child, one at a time, and yield its `folder/progress` every `patience` seconds.

        Yields ``{"waiting": true}`` while another one runs. Closing the iterator ends the child. Raises as `run`
        does.
        """
        settings = self._settings
        while self._long.locked():
            yield {"waiting": True}
            await asyncio.sleep(patience)
        async with self._long:
            limits = {
                "seconds": settings.video_seconds,
                "memory": settings.child_memory_bytes,
                "file_bytes": settings.decoded_bytes,
            }
            job = {"task": task, "folder": str(folder.absolute()), "limits": limits, "options": options}
            with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
                child = subprocess.Popen(
                    COMMAND,
                    stdin=subprocess.PIPE,
                    stdout=out,
                    stderr=err,
                    env=_environment(),
                    cwd=self._empty,
                )
            try:
                assert child.stdin is not None
                with child.stdin as asked:
                    asked.write(_told(job))
                while child.poll() is None:
                    yield _noted(folder / "progress")
                    await asyncio.sleep(patience)
            finally:
                if child.poll() is None:
                    child.kill()
                    child.wait()  # at once, whether or not this task is being canceled
            said = [(folder / name).read_bytes() for name in ("out", "err")]
            self._answer(task, what, subprocess.CompletedProcess(COMMAND, child.returncode, *said))

    def prepare(self) -> None:
        """Compile the analysis libraries, if necessary, which takes longer than an analysis may.

        Analyses requested meanwhile wait for it, within their own deadline.
        """
        done = self._started({"task": "prepare"})
        if done.returncode:
            log.warning("the analysis libraries could not be prepared: %r", done.stderr[-2000:])

    def _answer(self, task: str, what: str, done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
        try:
            answer = (
                json.loads(done.stdout) if done.returncode == 0 and len(done.stdout) < ANSWER_BYTES else None
            )
        except ValueError:
            answer = None
        if done.returncode in _OUT_OF_TIME:
            raise _too_costly(what)
        if not isinstance(answer, dict):
            log.warning("child %s ended with %s: %r", task, done.returncode, done.stderr[-2000:])
            raise ApiError(
                422, f"{what}_crashed", f"The {what} could not be read: its decoder gave up on it."
            )
        if "errno" in answer:
            if answer["errno"] in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise disk_full()
            log.warning("child %s failed with errno %s: %r", task, answer["errno"], done.stderr[-2000:])
            raise ApiError(500, "internal", f"The server failed to handle the {what}; its log says more.")
        if "refusal" in answer:
            said = answer["refusal"]
            raise ApiError(said["status"], said["code"], scrub.paths(said["message"]), said["details"])
        if "error" in answer:
            raise from_tempose(TemposeError(answer["error"]["code"], answer["error"]["message"]))
        return answer


def _told(job: dict[str, Any]) -> bytes:
    """The text for a child's standard input."""
    return json.dumps({"packages": PACKAGES, "parent": os.getpid(), **job}, default=str).encode()


def _noted(path: Path) -> dict[str, Any]:
    """The progress that a child has noted: two numbers, or nothing yet."""
    try:
        said = json.loads(path.read_bytes())
        return {"frame": int(said["frame"]), "frames": int(said["frames"])}
    except (OSError, ValueError, KeyError, TypeError):
        return {"frame": 0, "frames": 0}


def _environment() -> dict[str, str]:
    """The part of our environment that a child gets, and one thread."""
    kept = {name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ}
    return kept | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def _too_costly(what: str) -> ApiError:
    return ApiError(422, f"{what}_costly", f"Reading this {what} takes too long; it may be damaged.")
