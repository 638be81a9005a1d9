"""The program that a child of the server runs: `python -I child.py`, with its task on standard input.

Isolated: neither the folder it is started in nor the environment nor the user's own packages lead it to other code.
It imports what the server itself imported, from the places that the server names. What it is to do comes through a
pipe, so that no folder and no song stands in the list of processes.
"""

import json
import os
import signal
import sys


def tie(parent: int) -> None:
    """End this process with the server that started it (on Linux), also where that has ended already."""
    if sys.platform != "linux":
        return
    import ctypes

    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    except (OSError, AttributeError):
        return
    if os.getppid() != parent:
        os._exit(1)


def main() -> int:
    """Read the task, then import what does it."""
    job = json.load(sys.stdin)
    tie(job.pop("parent"))
    sys.path[:0] = [place for place in job.pop("packages") if place not in sys.path]
    from tempose_server import decode

    return decode.main(job)


if __name__ == "__main__":
    sys.exit(main())
