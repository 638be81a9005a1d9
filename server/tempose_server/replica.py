"""Replicas: each dances one job at a time with a loaded model. Those here are in the server's own process."""

from __future__ import annotations

import gc
import logging
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tempose.generator import Generator, load_generator
from tempose.music.audio import Song
from tempose.progress import OnSegment, OnStep
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.grid import BeatGrid
from tempose_pose.request import DanceRequest

log = logging.getLogger("tempose.engine")

SONGS = 2  # decoded songs kept in memory, for regenerations
MOST = 4  # default number of simultaneous dances in one process; Blender runs beside them


@dataclass(frozen=True)
class Task:
    """What a replica needs for one job.

    Parameters
    ----------
    job_id : str
    model : str
        ``"default"`` or ``"null"``.
    audio : str
        Hash of the song's file, by which the song may be cached.
    request : DanceRequest
    grid : BeatGrid or None
        The song's own beats, if the request has none.
    """

    job_id: str
    model: str
    audio: str
    request: DanceRequest
    grid: BeatGrid | None


@dataclass(frozen=True)
class Watch:
    """The observer of a dance: receives its progress, and says whether it should stop."""

    on_segment: OnSegment
    on_step: OnStep
    should_cancel: Callable[[], bool]


@dataclass(frozen=True)
class About:
    """What a replica has loaded; with an `error`, only the null model."""

    revision: str | None
    device: str | None
    error: TemposeError | None = None
    skeleton: str | None = None


class ReplicaLost(Exception):
    """The replica died during a dance; another one can take the job."""


class Replica(Protocol):
    """A replica. Used by one thread, except for `cancel`."""

    def start(self) -> About:
        """Load the model once; called again after `ReplicaLost`, for a replacement."""
        ...

    def dance(self, task: Task, song: Callable[[], Song], watch: Watch) -> Dance:
        """Dance a task; raises what a `Generator` does, and `ReplicaLost`."""
        ...

    def cancel(self, job_id: str) -> None:
        """Speed up the end of a dance whose `watch.should_cancel` is now true."""
        ...

    def free_memory(self) -> None: ...

    def stop(self) -> None: ...


class Dancer:
    """A model with the songs it danced to last. If the model cannot be loaded, the null model is used."""

    def __init__(self, load: Callable[[str, str], Generator], model: str, device: str):
        self._load = load
        self._models: dict[str, Generator] = {}
        self._songs: OrderedDict[str, Song] = OrderedDict()
        self._lock = threading.Lock()  # of the two above
        try:
            loaded = self._models["default"] = load(model, device)
            self.about = About(loaded.revision, str(loaded.device), skeleton=loaded.skeleton.name)
        except TemposeError as error:
            self.about = About(None, None, error)
        except Exception:
            log.exception("the model could not be loaded")
            error = TemposeError("setup_failed", "The model could not be loaded; the server's log says why.")
            self.about = About(None, None, error)

    def dance(self, task: Task, song: Callable[[], Song], watch: Watch) -> Dance:
        if task.model not in self._models:
            if task.model != "null":
                raise self.about.error or TemposeError("setup_failed", "The model is not loaded.")
            with self._lock:
                self._models.setdefault("null", self._load("null", "cpu"))
        heard = self._song(task.audio, song)
        if task.grid is not None:
            heard.__dict__["grid"] = task.grid
        return self._models[task.model](
            heard,
            task.request,
            on_segment=watch.on_segment,
            on_step=watch.on_step,
            should_cancel=watch.should_cancel,
        )

    def _song(self, sha256: str, song: Callable[[], Song]) -> Song:
        with self._lock:  # held while reading, so that others with the same song wait for it
            found = self._songs.pop(sha256, None) or song()
            self._songs[sha256] = found  # the last one used
            while len(self._songs) > SONGS:
                self._songs.popitem(last=False)
        return found

    def free_memory(self) -> None:
        """Free memory after the device ran out of it."""
        with self._lock:
            self._songs.clear()
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()


class LocalReplica:
    """A replica in the server's own process: a thread that dances with the shared model."""

    def __init__(self, dancer: Dancer):
        self._dancer = dancer

    def start(self) -> About:
        return self._dancer.about

    def dance(self, task: Task, song: Callable[[], Song], watch: Watch) -> Dance:
        return self._dancer.dance(task, song, watch)

    def cancel(self, job_id: str) -> None:
        pass  # `should_cancel` is checked at every step

    def free_memory(self) -> None:
        self._dancer.free_memory()

    def stop(self) -> None:
        pass


def local_replicas(model: str, device: str, wanted: int | None) -> list[LocalReplica]:
    """The replicas of this process, `wanted` or as many as suit its processor; loads the model.

    One dance keeps one core busy (docs/decisions/0003-one-thread.md), several keep several; a GPU takes one.
    """
    dancer = Dancer(load_generator, model, device)
    number = wanted or (min(MOST, usable_cores()) if dancer.about.device in (None, "cpu") else 1)
    return [LocalReplica(dancer) for _ in range(number)]


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
