"""librosa's compiled functions, made by one process at a time.

librosa keeps what numba compiled on disk, and numba does not guard that cache: processes that fill it side by side
can leave an index that names another's code, and from then on each of them crashes where it should analyse.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import platformdirs
from filelock import FileLock, Timeout

from tempose.music.spectra import SAMPLE_RATE, listened, mel_bands

SECONDS = 7  # of noise
PATIENCE = 180.0  # seconds for another process to compile, which takes some twenty
TRIES = 3  # of an installation, where a process that knows nothing of this lock fills the same cache
MARK, LOCK = "tempose.compiled", "tempose.lock"

COMPILE = "from tempose.music.compiled import compile_once; compile_once()"

_asked = threading.Event()  # in this process


def compile_once() -> None:
    """Have all compiled that songs are analysed with; to be called before librosa is used.

    Where that is done, this costs nothing. Else one process does it, on a moment of noise, and the others wait.
    """
    if _asked.is_set():
        return
    _asked.set()
    stamp = f"librosa {version('librosa')} numba {version('numba')} python {sys.version_info[:2]}"
    for folder in _cache_folders():
        with contextlib.suppress(OSError, NotImplementedError, Timeout):
            if _read(folder / MARK) == stamp:
                return
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / LOCK, timeout=PATIENCE):
                if _read(folder / MARK) != stamp:
                    _analyse_noise()
                    (folder / MARK).write_text(stamp, "utf-8")
            return


def install() -> bool:
    """Have all compiled by a child process, for an installation; whether that could be done.

    A program that uses librosa without this lock may fill the same cache at the same moment and bring the child
    down. What it left behind is thrown away then, and another child tries again.
    """
    for _ in range(TRIES):
        if subprocess.run([sys.executable, "-P", "-c", COMPILE], check=False).returncode == 0:
            return True
        folder = next(_cache_folders())
        kept = folder.parent if folder.name == "__pycache__" else folder  # librosa has one beside each module
        for path in [folder / MARK, *kept.rglob("*.nb[ci]")]:
            with contextlib.suppress(OSError):
                path.unlink()
    return False


def _cache_folders() -> Iterator[Path]:
    """Where numba keeps what it compiles: the first that can be written. Without any, nothing is kept."""
    if named := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(named)
    found = importlib.util.find_spec("librosa")
    if found and found.origin:
        yield Path(found.origin).parent / "__pycache__"
    yield platformdirs.user_cache_path("numba")


def _read(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""


def _analyse_noise() -> None:
    samples = np.random.default_rng(0).normal(0, 0.1, SECONDS * SAMPLE_RATE).astype(np.float32)
    listened(samples)
    mel_bands(samples)


if __name__ == "__main__" and not install():
    print("Could not compile ahead; the first song will take longer.", file=sys.stderr)
