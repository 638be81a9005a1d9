"""The program of the server's children: `python -I child.py`, with its task on standard input.

It is isolated: neither the current folder nor the environment nor the user's own packages can lead it to other
code. It imports what the server itself imported, from the places that the server names. Its task comes through a
pipe, so that no folder or song shows in the list of processes.
"""

import json
import os
import signal
import sys


def tie(parent: int) -> None:
    """End this process with the server that started it (on Linux), even if that has ended already."""
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
    """Read the task, then import its code and run it."""
    job = json.loads(sys.stdin.readline())
    tie(job.pop("parent"))
    sys.path[:0] = [place for place in job.pop("packages") if place not in sys.path]
    if job.get("task") == "stay":
        from tempose_server import forks

        return forks.serve(tie)
    from tempose_server import decode

    return decode.main(job)


if __name__ == "__main__":
    sys.exit(main())
