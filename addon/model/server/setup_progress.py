# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress of setting up the server, as one share from 0 to 1, from pip's output. No bpy in here."""

import re
import time
from pathlib import Path
from typing import Protocol

DOWNLOADED, INSTALLED = 0.7, 0.9  # shares at which packages have been downloaded, and installed
HEAVY = {
    "torch": 30.0,
    "nvidia": 20.0,
    "triton": 15.0,
    "llvmlite": 4.0,
    "scipy": 4.0,
    "av": 4.0,
    "numpy": 3.0,
}
_BLOCK = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)==", re.MULTILINE)


class Worker(Protocol):
    """The task that sets up the server: it reports progress, and its `sleep` raises `Canceled` when asked to stop."""

    def status(self, text: str) -> None: ...
    def progress(self, share: float) -> None: ...
    def sleep(self, seconds: float) -> None: ...


def weight(package: str) -> float:
    """A package's share of the download, in typical packages."""
    return next((heavy for name, heavy in HEAVY.items() if re.match(rf"{name}\b", package.lower())), 1.0)


class Total:
    """A worker that reports one share for the whole set-up, whichever step is running.

    Parameters
    ----------
    work : Worker
        The task itself.
    lock : Path, optional
        Everything that will be downloaded; without it, only the steps count.
    """

    def __init__(self, work: Worker, lock: Path | None = None):
        self.work, self.share, self.done = work, 0.0, 0.0
        names = set(_BLOCK.findall(lock.read_text("utf-8"))) if lock is not None else set()
        self.of = max(sum(map(weight, names)), 1.0)
        self.seen: set[str] = set()

    def status(self, text: str) -> None:
        self.work.status(text)
        self.work.progress(self.share)  # a new text would remove the bar

    def progress(self, share: float) -> None:
        """Report the progress of the whole, which never goes back."""
        self.share = max(self.share, min(share, 1.0))
        self.work.progress(self.share)

    def sleep(self, seconds: float) -> None:
        self.work.sleep(seconds)

    def at(self, share: float) -> None:
        """Begin a step of the set-up."""
        self.progress(share)

    def package(self, name: str, part: float) -> None:
        """This part of a package has been downloaded, or was already."""
        if name in self.seen:
            return
        heavy = weight(name)
        self.progress(DOWNLOADED * (self.done + part * heavy) / self.of)
        if part >= 1:
            self.seen.add(name)
            self.done += heavy


class Pip:
    """Pip's lines, put into words for someone who waits."""

    def __init__(self, work: Total):
        self.work, self.name, self.told = work, "", 0.0

    def __call__(self, line: str) -> None:
        if found := re.match(r"\s*(?:Downloading|Using cached) ([A-Za-z0-9._]+?)-\d", line):
            if self.name:
                self.work.package(self.name, 1.0)
            self.name = found[1].replace("_", "-")
            self.work.status(f"Downloading {self.name}")
        elif found := re.match(r"Progress (\d+) of (\d+)", line):
            done, total = int(found[1]), max(int(found[2]), 1)
            if time.monotonic() - self.told > 0.2:
                self.told = time.monotonic()
                self.work.status(f"Downloading {self.name} ({done / 1e6:.0f} of {total / 1e6:.0f} MB)")
                self.work.package(self.name, min(done / total, 0.99))
        elif line.startswith("Installing collected"):
            self.work.status("Installing")
            self.work.progress(DOWNLOADED)
        elif line.startswith("Successfully installed"):
            self.work.progress((DOWNLOADED + INSTALLED) / 2)
