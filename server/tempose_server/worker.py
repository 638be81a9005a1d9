"""The engine: a thread per replica that takes the next job and sees it to its end."""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tempose import __version__
from tempose_pose.errors import Canceled, TemposeError
from tempose_pose.limits import FPS
from tempose_pose.local import scrub
from tempose_pose.local.whole_files import Damaged, Seal
from tempose_pose.wire.answers import Health, Progress
from tempose_pose.wire.dances import FinishedSegment
from tempose_server.audio_store import AudioStore
from tempose_server.errors import (
    ApiError,
    disk_full,
    from_tempose,
    is_disk_full,
    is_out_of_memory,
    retry_later,
)
from tempose_server.events import EventHub, EventLog
from tempose_server.job_rows import JobRecord
from tempose_server.jobs import JobStore
from tempose_server.logs import JOB
from tempose_server.metrics import Metrics
from tempose_server.replica import About, Replica, ReplicaLost, Task, Watch, local_replicas
from tempose_server.schemas import JobBody, job_of
from tempose_server.settings import ServerSettings

if TYPE_CHECKING:
    from tempose_server.farm import Farm

log = logging.getLogger("tempose.engine")

IDLE_SECONDS = 1.0
LEAVE_SECONDS = 10.0  # seconds to wait for the threads of lost replicas
PAUSE_SECONDS = 2.0  # seconds before another attempt to replace a lost replica


class Engine:
    """Runs jobs until it is stopped; a failure of any kind ends only that job."""

    def __init__(
        self, settings: ServerSettings, jobs: JobStore, audio: AudioStore, hub: EventHub, metrics: Metrics
    ):
        self._metrics = metrics
        self._settings, self._jobs, self._audio, self._hub = settings, jobs, audio, hub
        self._farm: Farm | None = None
        self._replicas: Sequence[Replica] = ()
        self._about: dict[int, About] = {}  # of the present replicas, by place
        self._stopping = threading.Event()
        self._cancel: dict[str, threading.Event] = {}
        self._running: dict[str, Replica] = {}
        self.setup_error: TemposeError | None = None
        self._threads = [threading.Thread(target=self._begin, name="engine", daemon=True)]

    def start(self) -> None:
        self._threads[0].start()

    def stop(self, seconds: float) -> None:
        """Put the running jobs back and end the threads, which are abandoned after `seconds`."""
        self._stopping.set()
        if self._farm:
            self._farm.leave()
        with self._jobs.changed:
            self._jobs.changed.notify_all()
        deadline = time.monotonic() + seconds
        for thread in list(self._threads):
            thread.join(max(0.0, deadline - time.monotonic()))
        for running in list(self._running):  # in the middle of a step: the next server begins the job anew
            self._jobs.park(running)
        for replica in self._replicas:
            replica.stop()
        if self._farm:  # threads are told of their replicas' end, and must not use a closed cluster
            for thread in list(self._threads):
                thread.join(LEAVE_SECONDS)
            self._farm.close()

    @property
    def stuck(self) -> bool:
        """Whether a thread is still busy after `stop`."""
        return any(thread.is_alive() for thread in self._threads)

    @property
    def status(self) -> str:
        if self.setup_error:
            return "SETUP_FAILED"
        if not self._about:
            return "STARTING"
        return "BUSY" if self._running else "READY"

    @property
    def device(self) -> str | None:
        return next((about.device for about in list(self._about.values())), None)

    @property
    def revision(self) -> str | None:
        return next((about.revision for about in list(self._about.values())), None)

    @property
    def skeleton(self) -> str | None:
        """Name of the model's skeleton."""
        return next((about.skeleton for about in list(self._about.values())), None)

    @property
    def replicas(self) -> int:
        """The number of present replicas."""
        return len(self._about)

    def refusal(self, model: str) -> TemposeError | None:
        """Why jobs for a model are refused, or None; without weights the null model still dances."""
        return self.setup_error if model != "null" or not self._about else None

    @property
    def health(self) -> Health:
        """The state of the engine, with a message. From any thread, at any time."""
        status, error = self.status, self.setup_error  # in this order, because an error may come in between
        message = {"STARTING": "The model is loading.", "READY": "Ready.", "BUSY": "Dancing."}.get(status, "")
        return Health(
            status="SETUP_FAILED" if error else status,  # type: ignore[arg-type]
            version=__version__,
            device=self.device,
            model_revision=self.revision,
            message=scrub.paths(error.message) if error else message,
        )

    def log_of(self, job: JobRecord) -> EventLog:
        """The job's events; a job that ended before this start has only its final state."""
        events = self._hub.log(job.id, self._jobs.first_event_id(job))
        with self._jobs.changed:
            job = self._jobs.get(job.id)
            if not events.after(0):
                self._tell(job, events)
        return events

    def tell(self, job_id: str) -> None:
        """Announce the job's state to its watchers."""
        job = self._jobs.get(job_id)
        self._tell(job, self._hub.log(job_id, self._jobs.first_event_id(job)))

    def _tell(self, job: JobRecord, events: EventLog) -> None:
        events.add("state", self._jobs.describe(job), last=job.finished)

    def result(self, job: JobRecord) -> Path:
        """The file of a job's dance. A damaged one is set aside and danced again.

        Raises
        ------
        ApiError
            409: it is being made again, or cannot be.
        """
        try:
            return self._jobs.result(job)
        except Damaged:
            log.warning("job %s: its dance is damaged and is set aside", job.id)
        with self._jobs.changed:  # so that "queued" is announced before "running"
            job = self._jobs.remake(job.id)
            self._hub.begin_anew(job.id)
            self.tell(job.id)
        if job.state == "failed":
            raise ApiError(409, "job_failed", "The job ended without a dance.", job.error)
        raise retry_later(409, "job_not_finished", "The dance was damaged on the disk and is made again.", 1)

    def cancel(self, job_id: str) -> JobRecord:
        before = self._jobs.get(job_id)
        job = self._jobs.cancel(job_id)
        if job.state == "running":
            flag, replica = self._cancel.get(job_id), self._running.get(job_id)
            if flag:
                flag.set()
            if replica:
                replica.cancel(job_id)
        elif job.state != before.state:
            self.tell(job_id)
        return job

    def _begin(self) -> None:
        """Make the replicas; this thread then serves the first one."""
        settings = self._settings
        if settings.engine == "ray":
            from tempose_server.farm import open_replicas

            self._farm, self._replicas = open_replicas(settings)
        else:
            self._replicas = local_replicas(settings.model, settings.device, settings.replicas)
        for place in range(1, len(self._replicas)):
            thread = threading.Thread(target=self._work, args=(place,), name=f"engine-{place}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._work(0)

    def _work(self, place: int) -> None:
        replica = self._replicas[place]
        while not self._stopping.is_set():
            if place not in self._about and not self._start(place, replica):
                if self._about or not self.setup_error:
                    self._stopping.wait(PAUSE_SECONDS)
                    continue
                return  # nothing to replace: the set-up itself failed
            try:
                with self._jobs.changed:
                    job = self._jobs.start_next()
                    if job is None:
                        self._jobs.changed.wait(IDLE_SECONDS)
                        continue
                    self._cancel[job.id] = threading.Event()
                    self._running[job.id] = replica
            except Exception:  # for instance a full disk
                log.exception("the engine goes on after")
                self._stopping.wait(IDLE_SECONDS)
                continue
            try:
                JOB.set(job.id)
                self._run(job, replica)
            except ReplicaLost as loss:
                self._about.pop(place, None)
                log.warning("a replica was lost (%s); a new one takes its place", loss)
            except Exception:
                log.exception("the engine goes on after")
                self._take_up(job)
                self._stopping.wait(IDLE_SECONDS)
            finally:
                JOB.set(None)
                self._running.pop(job.id, None)
                self._cancel.pop(job.id, None)

    def _start(self, place: int, replica: Replica) -> bool:
        """Start a replica; return whether it could be started, perhaps with only the null model."""
        try:
            about = replica.start()
        except ReplicaLost as loss:
            log.warning("a replica could not be started: %s", loss)
            return False
        except TemposeError as error:
            self.setup_error = error
            log.error("set-up failed: %s", error.message)
            return False
        except Exception:
            log.exception("a replica could not be started")
            return False
        if about.error:
            self.setup_error = about.error
            log.error("set-up failed: %s", about.error.message)
        else:
            log.info("model %s (%s) on %s", self._settings.model, about.revision, about.device)
        self._about[place] = about
        return True

    def _run(self, job: JobRecord, replica: Replica) -> None:
        flag = self._cancel[job.id]
        state, error, seal, began = "failed", None, None, time.monotonic()
        try:
            self.tell(job.id)
            log.info("job %s runs", job.id)
            seal = self._dance(job, flag, replica)
            state = "succeeded"
        except Canceled:
            if self._stopping.is_set() and not flag.is_set():
                self._jobs.park(job.id)
                log.info("job %s parked", job.id)
                return
            state = "canceled"
        except ReplicaLost:
            if self._stopping.is_set():
                self._jobs.park(job.id)
                return
            log.warning("job %s lost its replica", job.id)
            self._ended(self._jobs.crashed(job.id))
            raise
        except TemposeError as problem:
            error = from_tempose(problem)
        except ApiError as problem:
            error = problem
        except Exception as problem:
            error = self._explain(problem, replica)
        ended = self._jobs.end(job.id, state, error.body if error else None, seal)
        if ended.state == "succeeded":
            self._metrics.pace.observe((time.monotonic() - began) * FPS / ended.frames)
        self._ended(ended)
        self.trim()

    def _take_up(self, job: JobRecord) -> None:
        """Run a job again that a fault of the engine interrupted; the second time, fail it."""
        try:
            if self._jobs.get(job.id).state == "running":
                self._ended(self._jobs.crashed(job.id))
        except Exception:
            log.exception("job %s is left as it is", job.id)

    def _ended(self, job: JobRecord) -> None:
        """Count and announce the state in which a replica left the job: a final one, or queued again."""
        if job.finished:
            self._metrics.ended.labels(job.state).inc()
        log.info("job %s %s%s", job.id, job.state, f" ({job.error['code']})" if job.error else "")
        self._tell(job, self._hub.log(job.id, self._jobs.first_event_id(job)))

    def _explain(self, problem: Exception, replica: Replica) -> ApiError:
        if is_out_of_memory(problem):
            log.warning("out of memory")
            replica.free_memory()
            return ApiError(
                503,
                "out_of_memory",
                "The device ran out of memory. Try a shorter dance, or close other programs.",
            )
        if is_disk_full(problem):
            log.warning("disk full")
            return disk_full()
        log.error("a job failed", exc_info=problem)
        return ApiError(500, "engine_failed", "The engine failed on this job; the server's log says more.")

    def _dance(self, job: JobRecord, flag: threading.Event, replica: Replica) -> Seal:
        """Make the dance and store it; return its seal."""
        asked = job_of(JobBody.model_validate_json(self._jobs.request(job.id)))
        grid = self._audio.grid(asked.audio) if asked.dance.grid is None else None  # made once, in a child
        task = Task(job.id, asked.model, asked.audio, asked.dance, grid)
        events = self._hub.log(job.id, self._jobs.first_event_id(job))

        def on_segment(start: int, keypoints: np.ndarray, scores: np.ndarray) -> None:
            events.add("segment", FinishedSegment.of(start, keypoints, scores))

        def on_step(done: int, total: int) -> None:
            share = done / max(total, 1)
            self._jobs.set_progress(job.id, share)
            events.add("progress", Progress(round(share, 4), int(done), int(total)))

        def should_cancel() -> bool:
            return flag.is_set() or self._stopping.is_set()

        if should_cancel():
            raise Canceled
        dance = replica.dance(
            task, lambda: self._audio.song(asked.audio), Watch(on_segment, on_step, should_cancel)
        )
        path = self._jobs.result_path(job.id)
        dance.save(path)
        return Seal.of_file(path)

    def trim(self, *songs: str) -> None:
        """Delete old jobs and songs, except those named and those that waiting jobs need."""
        try:
            self._audio.trim(self._jobs.trim() | set(songs))
        except (OSError, sqlite3.Error):
            log.exception("old jobs could not be cleared away")
