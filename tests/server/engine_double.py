"""A server like any other, but with an engine that does what a job's seed says, and a decoder that can crash.

Started as a program by the tests, with the options of `python -m tempose_server`.

seed // 1000: 1 slow (20 ms a step, seed % 1000 steps; from 900 on only a cancel ends it), 2 out of
memory, 3 the whole process dies, 4 an unexpected error, 5 the disk is full, 6 never looks whether it
was canceled (for half a second, and seed % 1000 seconds more).
"""

import errno
import json
import os
import sys
import time
from pathlib import Path

SECRET = "a detail that must stay in the log"


def crash_or_decode():
    """The child: real decoding, unless the file asks for a crash."""
    job = json.load(sys.stdin)
    sys.path[:0] = job.pop("packages")
    from tempose_server import child, decode

    child.tie(job.pop("parent"))
    real = decode.TASKS["decode"]

    def wrapped(folder: Path, **options):
        head = (folder / "audio").read_bytes()[:16]
        if head.startswith(b"CRASH"):
            os.abort()
        while head.startswith(b"HANG"):
            pass
        if head.startswith(b"GREEDY"):
            import numpy

            numpy.empty(10**10, numpy.uint8)  # never touched: refused only by the limit
        if head.startswith(b"SLEEP"):
            time.sleep(600)
        return real(folder, **options)

    decode.TASKS["decode"] = wrapped
    sys.exit(decode.main(job))


class Double:
    revision = "double-1"
    device = "cpu"

    def __init__(self):
        from tempose.null_model import NullModel

        self.null = NullModel()
        self.skeleton = self.null.skeleton

    def __call__(self, song, request, *, on_segment=None, on_step=None, should_cancel=None):
        from tempose_pose.errors import Canceled

        kind, rest = divmod(request.seed, 1000)
        if kind == 1:
            on_segment(0, request.reference.keypoints, request.reference.scores)
            steps = rest if rest < 900 else 100 * rest
            for step in range(steps):
                if should_cancel():
                    raise Canceled
                time.sleep(0.02)
                on_step(step + 1, steps)
        elif kind == 2:
            raise MemoryError
        elif kind == 3:
            on_step(0, 1)
            time.sleep(0.5)
            os._exit(9)
        elif kind == 4:
            raise RuntimeError(SECRET)
        elif kind == 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        elif kind == 6:
            on_step(0, 1)
            time.sleep(0.5 + rest)
            return self.null(song, request)
        return self.null(song, request, on_segment=on_segment, on_step=on_step, should_cancel=should_cancel)


def main():
    import typer

    from tempose_server import replica, sandbox
    from tempose_server.cli import serve

    real = replica.load_generator
    gate, loads = os.environ.get("DOUBLE_LOAD_GATE"), os.environ.get("DOUBLE_LOADS")

    def load(model, device="auto"):
        while gate and not Path(gate).exists():
            time.sleep(0.05)
        if model != "default":
            return real(model, device)
        if loads:
            with Path(loads).open("a") as file:
                print(os.getpid(), file=file)
        return Double()

    replica.load_generator = load
    sandbox.COMMAND = [sys.executable, "-I", __file__, "child"]
    typer.run(serve)


if __name__ == "__main__":
    crash_or_decode() if sys.argv[1:2] == ["child"] else main()
