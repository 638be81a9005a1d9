"""A child that stays: it imports what analyses songs, which takes seconds, and forks for each job. Linux alone.

It is told each job in a line and answers in a line. No song gets into it: a fork limits itself, does one job and
ends, as any other child does (see `decode`).
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tempose_server import decode


def warm_up() -> None:
    """Import what `decode.analyse` imports, down to what librosa puts off."""
    from tempose.music.compiled import compile_once

    compile_once()
    import librosa

    import tempose.listening
    import tempose.music.audio
    import tempose.music.beat_ears
    import tempose.music.form  # noqa: F401

    _ = librosa.feature.melspectrogram


def serve(tie: Callable[[int], None]) -> int:
    """Do jobs from standard input until it ends; the exit status."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # libraries that print do not get between the answers
        decode.be_polite()
        warm_up()
        if len(list(Path("/proc/self/task").iterdir())) > 1:
            return 1  # a fork has one thread, and would wait for what the others hold
        for line in sys.stdin:
            print(json.dumps(_forked(json.loads(line), tie)), file=answers, flush=True)
    return 0


def _forked(job: dict[str, Any], tie: Callable[[int], None]) -> dict[str, Any]:
    """What became of a job: exit status, and what was written to standard output and standard error."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, Path(os.devnull).open() as nothing:
        own = os.getpid()
        if (fork := os.fork()) == 0:
            status = 1
            try:
                tie(own)
                for number, file in enumerate((nothing, out, err)):
                    os.dup2(file.fileno(), number)
                status = decode.do(job)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(status)
        _, status = os.waitpid(fork, 0)
        said = [(file.seek(0), file.read().decode("utf-8", "replace"))[1] for file in (out, err)]
        return {"returncode": os.waitstatus_to_exitcode(status), "out": said[0], "err": said[1]}
