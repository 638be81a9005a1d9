"""Replicas as Ray actors: one per GPU of a cluster, or CPU workers. Needs the extra `ray`.

Ray places the actors, reports when one has died, and moves songs and dances between machines. The queue, its fair
order and the results stay with the server.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import queue
import secrets
import shutil
import socket
import sys
import tempfile
import threading
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tempose.generator import Generator
from tempose.music.audio import Song
from tempose_pose.dance import Dance
from tempose_pose.errors import Canceled, TemposeError
from tempose_server import replica
from tempose_server.errors import is_disk_full, is_out_of_memory
from tempose_server.replica import About, Dancer, ReplicaLost, Task, Watch
from tempose_server.settings import ServerSettings

log = logging.getLogger("tempose.farm")

LOOK_SECONDS = 0.2  # seconds between checks of a silent replica
SONGS = 4  # kept in the cluster's object store
STARTS = 3  # of a cluster on this machine, before it counts as impossible
OBJECTS_BYTES = 500_000_000  # of the object store of a cluster started here: songs and finished dances


class Farm:
    """The connection to a Ray cluster: a running one (`ray_address`), or one of this machine's own."""

    def __init__(self, settings: ServerSettings):
        self._settings = settings
        self._opened, self._closing, self.leaving = threading.Event(), threading.Event(), threading.Event()
        self._error: TemposeError | None = None
        self._songs: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()
        # One thread opens and closes it: the cluster's processes end with the thread that started them.
        self._thread = threading.Thread(target=self._keep, name="farm", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait until the cluster can be used; raises `TemposeError` if it cannot."""
        self._opened.wait()
        if self._error:
            raise self._error

    def leave(self) -> None:
        """Stop all waiting for new replicas."""
        self.leaving.set()

    def close(self) -> None:
        self.leave()
        self._closing.set()
        self._thread.join(30)

    def _keep(self) -> None:
        folder = None
        try:
            if self._settings.ray_address is None:
                folder = tempfile.mkdtemp(prefix="tempose-ray-")  # 0700: Ray's sockets and logs are in it
            self._open(folder)
        except TemposeError as error:
            self._error = error
        except Exception:
            log.exception("no Ray cluster")
            where = self._settings.ray_address or "on this machine"
            self._error = TemposeError(
                "ray_failed", f"The Ray cluster {where} cannot be used; the log says why."
            )
        self._opened.set()
        self._closing.wait()
        if ray := sys.modules.get("ray"):
            with contextlib.suppress(Exception):
                ray.shutdown()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)

    def _open(self, folder: str | None) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"  # otherwise a late call would start another cluster
        os.environ["RAY_DISABLE_FAILURE_SIGNAL_HANDLER"] = "1"  # otherwise SIGTERM would end in an abort
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        if folder:  # a cluster of our own: only for this machine, and protected by a token
            os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # Ray's name for "all ports on loopback"
            os.environ.setdefault("RAY_prestart_worker_first_driver", "0")  # only replicas run there
            os.environ["RAY_AUTH_MODE"] = "token"
            os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
        try:
            import ray
        except ImportError:
            raise TemposeError(
                "ray_missing", "Ray is not installed: pip install 'tempose[ray]', or use --engine local."
            ) from None
        options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False, "namespace": "tempose"}
        if folder:
            options |= {
                "include_dashboard": False,
                "_temp_dir": folder,
                "object_store_memory": OBJECTS_BYTES,
            }
        else:
            options["address"] = self._settings.ray_address
            _knock(self._settings.ray_address)
        _start(ray, options, STARTS if folder else 1)
        log.info("Ray %s, %s", ray.__version__, ray.cluster_resources())

    def gpus(self) -> int:
        """The number of GPUs in the cluster; 0 if replicas should use none."""
        import ray

        if self._settings.device not in ("auto", "cuda"):
            return 0
        return int(ray.cluster_resources().get("GPU", 0))

    def song(self, sha256: str, song: Callable[[], Song]) -> Any:
        """A reference to the song's samples in the cluster, where they are put once."""
        import ray

        with self._lock:
            if sha256 not in self._songs:
                self._songs[sha256] = ray.put(song().samples)
            self._songs.move_to_end(sha256)
            while len(self._songs) > SONGS:
                self._songs.popitem(last=False)
            return self._songs[sha256]


def _start(ray: Any, options: dict[str, Any], tries: int) -> None:
    """Start or join a cluster. Ray allows half a minute for a start, which is too little on a busy machine."""
    for tries_left in reversed(range(tries)):
        try:
            ray.init(**options)
            return
        except Exception as error:
            if not tries_left:
                raise
            log.warning("Ray did not start, trying again: %s", error)
            ray.shutdown()


def _knock(address: str | None) -> None:
    """Check that anything answers there: if nothing does, Ray 2.60 sometimes ends the whole process."""
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():  # "auto" and the like
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
    except OSError as error:
        raise TemposeError(
            "ray_unreachable",
            f"No Ray cluster answers at {address}: {error.strerror or error}. Is it running?",
        ) from None


def open_replicas(settings: ServerSettings) -> tuple[Farm, list[RayReplica]]:
    """As many replicas as the settings say; by default as there are GPUs, and at least one."""
    farm = Farm(settings)
    number = settings.replicas
    if number is None:
        try:
            farm.wait()
            number = max(1, farm.gpus())
        except TemposeError:
            number = 1  # which will report why
    return farm, [RayReplica(farm, settings) for _ in range(number)]


class RayReplica:
    """The server's side of one actor."""

    def __init__(self, farm: Farm, settings: ServerSettings):
        self._farm, self._settings = farm, settings
        self._actor: Any = None

    def start(self) -> About:
        self._farm.wait()
        import ray
        from ray.exceptions import RayError

        self.stop()
        options: dict[str, Any] = {"max_concurrency": 4, "max_restarts": 0, "num_cpus": 1}
        if self._farm.gpus():
            options |= {"num_gpus": 1, "num_cpus": 0}
        kind: Any = ray.remote(**options)(Dancing)
        load = replica.load_generator  # pyright: ignore[reportPrivateImportUsage]  # one place to replace it
        self._actor = kind.remote(load, self._settings.model, self._settings.device)
        asked = self._actor.about.remote()
        waited = 0.0
        while not ray.wait([asked], timeout=LOOK_SECONDS)[0]:  # for a free place, and for the model
            if self._farm.leaving.is_set():
                raise ReplicaLost("the server stops")
            waited += LOOK_SECONDS
            if round(waited / LOOK_SECONDS) % 300 == 0:
                log.warning("a replica still waits for a place in the cluster, or loads its model")
        try:
            revision, device, skeleton, code, message = ray.get(asked)
        except RayError as error:
            raise ReplicaLost(str(error)) from error
        return About(revision, device, TemposeError(code, message) if code else None, skeleton)

    def dance(self, task: Task, song: Callable[[], Song], watch: Watch) -> Dance:
        import ray
        from ray.exceptions import RayError

        try:
            samples = self._farm.song(task.audio, song)
            stream = self._actor.dance.remote(
                task, [samples]
            )  # in a list, so that only the reference is sent
            asked = False
            while True:
                if not asked and watch.should_cancel():
                    asked = True
                    self._actor.cancel.remote(task.job_id)
                if not ray.wait([stream], timeout=LOOK_SECONDS)[0]:
                    continue
                message: Any = ray.get(next(stream))
                if (dance := _take(message, watch)) is not None:
                    return dance
        except StopIteration:
            raise ReplicaLost("the replica ended without a word") from None
        except RayError as error:
            raise ReplicaLost(type(error).__name__) from error

    def cancel(self, job_id: str) -> None:
        if self._actor is not None:
            with contextlib.suppress(Exception):  # `dance` asks again
                self._actor.cancel.remote(job_id)

    def free_memory(self) -> None:
        pass  # the actor died before it could report

    def stop(self) -> None:
        if self._actor is not None and (ray := sys.modules.get("ray")):
            with contextlib.suppress(Exception):
                ray.kill(self._actor)
        self._actor = None


def _take(message: tuple[Any, ...], watch: Watch) -> Dance | None:
    """Pass on an actor's reports; return the dance once it is there. Errors are re-raised unchanged."""
    kind, *rest = message
    match kind:
        case "segment":
            watch.on_segment(*rest)
        case "step":
            watch.on_step(*rest)
        case "dance":
            return rest[0]
        case "canceled":
            raise Canceled
        case "refused":
            raise TemposeError(*rest)
        case "memory":
            raise MemoryError
        case "disk":
            raise OSError(errno.ENOSPC, "no space left where a replica runs")
        case _:
            raise RuntimeError(f"in a replica:\n{rest[0]}")
    return None


class Dancing:
    """The actor in a replica's process, on any machine; it loads the model once, at its start."""

    def __init__(self, load: Callable[[str, str], Generator], model: str, device: str):
        self._dancer = Dancer(load, model, device)
        self._canceled: set[str] = set()

    def about(self) -> tuple[str | None, str | None, str | None, str | None, str | None]:
        about = self._dancer.about
        return (
            about.revision,
            about.device,
            about.skeleton,
            about.error and about.error.code,
            about.error and about.error.message,
        )

    def cancel(self, job_id: str) -> None:
        """Runs beside `dance`, which checks at every step."""
        self._canceled.add(job_id)

    def dance(self, task: Task, samples: list[Any]) -> Iterator[tuple[Any, ...]]:
        """Yield segments and steps as they come, then the dance or its error."""
        messages: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        thread = threading.Thread(target=self._dance, args=(task, samples, messages), daemon=True)
        thread.start()
        while (message := messages.get())[0] in ("segment", "step"):
            yield message
        self._canceled.discard(task.job_id)
        yield message

    def _dance(self, task: Task, samples: list[Any], messages: queue.SimpleQueue[tuple[Any, ...]]) -> None:
        def song() -> Song:
            import ray

            return Song(np.array(ray.get(samples[0])))

        watch = Watch(
            lambda start, keypoints, scores: messages.put(("segment", start, keypoints, scores)),
            lambda done, total: messages.put(("step", done, total)),
            lambda: task.job_id in self._canceled,
        )
        try:
            messages.put(("dance", self._dancer.dance(task, song, watch)))
        except Canceled:
            messages.put(("canceled",))
        except TemposeError as error:
            messages.put(("refused", error.code, error.message))
        except Exception as error:
            if is_out_of_memory(error):
                self._dancer.free_memory()
                messages.put(("memory",))
            elif is_disk_full(error):
                messages.put(("disk",))
            else:
                messages.put(("failed", traceback.format_exc()))
