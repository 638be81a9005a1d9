"""The parent's side of `forks`: one child that stays, and what it answers."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future

IDLE = 300.0  # seconds after which its memory, some 300 MB, is given back
PATIENCE = 2.0  # seconds for it to end
HAS_FORKS = sys.platform == "linux"  # elsewhere libraries that were imported do not outlive one unharmed

Process = subprocess.Popen[bytes]
Done = subprocess.CompletedProcess[bytes]


class WarmChild:
    """A child that has imported what analyses songs, and does one job at a time. Thread-safe.

    A thread of its own starts it: a child ends with the thread that did.

    Parameters
    ----------
    begun : callable
        Starts the process.
    """

    def __init__(self, begun: Callable[[], Process]):
        self._begun = begun
        self._free = threading.Lock()
        self._jobs: queue.SimpleQueue[tuple[bytes, float, Future[Done | None]] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def done(self, job: bytes, seconds: float) -> Done | None:
        """What became of a job; None: the child is at another one, or did not come to an answer.

        Raises
        ------
        subprocess.TimeoutExpired
            It took longer than `seconds`.
        """
        if not HAS_FORKS or not self._free.acquire(blocking=False):
            return None
        try:
            if self._thread is None:
                self._thread = threading.Thread(target=self._live, name="warm child", daemon=True)
                self._thread.start()
            answer: Future[Done | None] = Future()
            self._jobs.put((job, seconds, answer))
            return answer.result()
        finally:
            self._free.release()

    def end(self) -> None:
        """Let the child go. One that is at a job ends with this process at the latest."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join(PATIENCE)
            self._thread = None

    def _live(self) -> None:
        child: Process | None = None
        while True:
            try:
                asked = self._jobs.get(timeout=IDLE if child else None)
            except queue.Empty:
                child = _ended(child)
                continue
            if asked is None:
                _ended(child)
                return
            job, seconds, answer = asked
            try:
                child = child or self._begun()
                found = _answer(child, job, seconds)
                answer.set_result(found)
                child = child if found else _ended(child)
            except BaseException as error:
                child = _ended(child)
                answer.set_exception(error)


def _answer(child: Process, job: bytes, seconds: float) -> Done | None:
    assert child.stdin is not None and child.stdout is not None
    late = threading.Event()
    clock = threading.Timer(seconds, lambda: (late.set(), child.kill()))
    clock.start()
    line = b""
    with contextlib.suppress(OSError):  # it has ended
        child.stdin.write(job + b"\n")
        child.stdin.flush()
        line = child.stdout.readline()
    clock.cancel()
    if late.is_set():
        raise subprocess.TimeoutExpired(child.args, seconds)
    if not line.endswith(b"\n"):
        return None
    said = json.loads(line)
    return subprocess.CompletedProcess(
        child.args, said["returncode"], said["out"].encode(), said["err"].encode()
    )


def _ended(child: Process | None) -> None:
    if child is not None:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what a dead one was not told
                    pipe.close()
