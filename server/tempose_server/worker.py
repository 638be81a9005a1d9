"""The engine: one thread that loads the model and dances the jobs, one after another."""

from __future__ import annotations

import gc
import logging
import sqlite3
import sys
import threading
import time
from collections import OrderedDict

import numpy as np

from tempose.errors import Canceled, TemposeError
from tempose.generator import Generator, load_generator
from tempose.music.audio import Song
from tempose.request import FPS
from tempose_server.audio_store import AudioStore
from tempose_server.errors import ApiError, disk_full, is_disk_full, is_out_of_memory
from tempose_server.events import EventHub, EventLog, segment_event
from tempose_server.jobs import JobRecord, JobStore
from tempose_server.logs import JOB
from tempose_server.metrics import Metrics
from tempose_server.schemas import JobRequest, to_dance_request
from tempose_server.settings import Settings

log = logging.getLogger("tempose.engine")

SONGS = 2  # decoded songs kept at hand, for regenerations
IDLE_SECONDS = 1.0


class Engine:
    """Runs jobs until it is stopped; a job's failure, of whatever kind, ends that job alone."""

    def __init__(
        self, settings: Settings, jobs: JobStore, audio: AudioStore, hub: EventHub, metrics: Metrics
    ):
        self._metrics = metrics
        self._settings, self._jobs, self._audio, self._hub = settings, jobs, audio, hub
        self._generator: Generator | None = None
        self._null: Generator | None = None
        self._songs: OrderedDict[str, Song] = OrderedDict()
        self._stopping = threading.Event()
        self._cancel: dict[str, threading.Event] = {}
        self._running: str | None = None
        self.setup_error: TemposeError | None = None
        self._thread = threading.Thread(target=self._work, name="engine", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Put the running job back and end the thread, which after `seconds` is left to itself."""
        self._stopping.set()
        with self._jobs.changed:
            self._jobs.changed.notify_all()
        self._thread.join(seconds)
        running = self._running
        if running and self._thread.is_alive():  # deep in one step: the next server begins the job anew
            self._jobs.park(running)

    @property
    def status(self) -> str:
        if self.setup_error:
            return "SETUP_FAILED"
        if self._generator is None:
            return "STARTING"
        return "BUSY" if self._running else "READY"

    @property
    def device(self) -> str | None:
        return str(self._generator.device) if self._generator else None

    @property
    def revision(self) -> str | None:
        return self._generator.revision if self._generator else None

    @property
    def message(self) -> str:
        if self.setup_error:
            return self.setup_error.message
        return {"STARTING": "The model is loading.", "READY": "Ready.", "BUSY": "Dancing."}[self.status]

    def log_of(self, job: JobRecord) -> EventLog:
        """The job's events; a job that ended before this start has just its last state."""
        events = self._hub.log(job.id, self._jobs.first_event_id(job))
        with self._jobs.changed:
            job = self._jobs.get(job.id)
            if not events.after(0):
                self._tell(job, events)
        return events

    def tell(self, job_id: str) -> None:
        """Announce the job's state to whoever watches it."""
        job = self._jobs.get(job_id)
        self._tell(job, self._hub.log(job_id, self._jobs.first_event_id(job)))

    def _tell(self, job: JobRecord, events: EventLog) -> None:
        events.add("state", self._jobs.describe(job), last=job.finished)

    def cancel(self, job_id: str) -> JobRecord:
        before = self._jobs.get(job_id)
        job = self._jobs.cancel(job_id)
        if job.state == "running":
            flag = self._cancel.get(job_id)
            if flag:
                flag.set()
        elif job.state != before.state:
            self.tell(job_id)
        return job

    def _work(self) -> None:
        try:
            self._generator = load_generator(self._settings.model, self._settings.device)
            log.info(
                "model %s (%s) on %s", self._settings.model, self._generator.revision, self._generator.device
            )
        except TemposeError as error:
            self.setup_error = error
        except Exception:
            log.exception("the model could not be loaded")
            self.setup_error = TemposeError(
                "setup_failed", "The model could not be loaded; the server's log says why."
            )
        if self.setup_error:
            log.error("set-up failed: %s", self.setup_error.message)
        while not self._stopping.is_set():
            try:
                with self._jobs.changed:
                    job = self._jobs.start_next()
                    if job is None:
                        self._jobs.changed.wait(IDLE_SECONDS)
                        continue
                    self._cancel[job.id] = threading.Event()
                    self._running = job.id
                JOB.set(job.id)
                self._run(job)
            except Exception:  # for instance a full disk where the queue is kept
                log.exception("the engine goes on after")
                self._stopping.wait(IDLE_SECONDS)
            finally:
                JOB.set(None)
                if self._running:
                    self._cancel.pop(self._running, None)
                    self._running = None

    def _run(self, job: JobRecord) -> None:
        flag = self._cancel[job.id]
        state, error, began = "failed", None, time.monotonic()
        try:
            self.tell(job.id)
            log.info("job %s runs", job.id)
            self._dance(job, flag)
            state = "succeeded"
        except Canceled:
            if self._stopping.is_set() and not flag.is_set():
                self._jobs.park(job.id)
                log.info("job %s parked", job.id)
                return
            state = "canceled"
        except TemposeError as problem:
            error = ApiError(422, problem.code, problem.message)
        except ApiError as problem:
            error = problem
        except Exception as problem:
            error = self._explain(problem)
        ended = self._jobs.end(job.id, state, error.body if error else None)
        self._metrics.ended.labels(ended.state).inc()
        if ended.state == "succeeded":
            self._metrics.pace.observe((time.monotonic() - began) * FPS / ended.frames)
        log.info("job %s %s%s", job.id, ended.state, f" ({error.code})" if error else "")
        self._tell(ended, self._hub.log(job.id, self._jobs.first_event_id(ended)))
        self.trim()

    def _explain(self, problem: Exception) -> ApiError:
        if is_out_of_memory(problem):
            log.warning("out of memory")
            self._free_memory()
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

    def _free_memory(self) -> None:
        self._songs.clear()
        gc.collect()
        torch = sys.modules.get("torch")
        if torch is not None and torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _dance(self, job: JobRecord, flag: threading.Event) -> None:
        body = JobRequest.model_validate_json(self._jobs.request(job.id))
        request = to_dance_request(body)
        generator = self._model(body.model)
        song = self._song(body.audio)
        if request.grid is None:
            song.__dict__.setdefault("grid", self._audio.grid(body.audio))  # made once, in a child
        events = self._hub.log(job.id, self._jobs.first_event_id(job))

        def on_segment(start: int, keypoints: np.ndarray, scores: np.ndarray) -> None:
            events.add("segment", segment_event(start, keypoints, scores))

        def on_step(done: int, total: int) -> None:
            share = done / max(total, 1)
            self._jobs.set_progress(job.id, share)
            events.add("progress", {"done": int(done), "total": int(total), "progress": round(share, 4)})

        def should_cancel() -> bool:
            return flag.is_set() or self._stopping.is_set()

        if should_cancel():
            raise Canceled
        dance = generator(song, request, on_segment=on_segment, on_step=on_step, should_cancel=should_cancel)
        path = self._jobs.result_path(job.id)
        try:
            dance.save(path)
        except BaseException:
            path.with_name(path.name + ".part").unlink(missing_ok=True)
            raise

    def _model(self, name: str) -> Generator:
        if name == "null":
            if self._null is None:
                self._null = load_generator("null")
            return self._null
        if self._generator is None:
            raise self.setup_error or TemposeError("setup_failed", "The model is not loaded.")
        return self._generator

    def _song(self, sha256: str) -> Song:
        if sha256 not in self._songs:
            try:
                self._songs[sha256] = self._audio.song(sha256)
            except FileNotFoundError:
                raise TemposeError(
                    "audio_unknown", "The server no longer has this song. Upload it again."
                ) from None
        self._songs.move_to_end(sha256)
        while len(self._songs) > SONGS:
            self._songs.popitem(last=False)
        return self._songs[sha256]

    def trim(self, *songs: str) -> None:
        """Forget old jobs and songs, but none that a waiting job needs nor those named."""
        try:
            self._audio.trim(self._jobs.trim() | set(songs))
        except (OSError, sqlite3.Error):
            log.exception("old jobs could not be cleared away")
