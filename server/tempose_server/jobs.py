"""Jobs in SQLite: created once, and found again after any restart.

States: queued → running → succeeded | failed | canceled. The dance is a file of its own (`results/ID.npz`), with
its length and hash in the job. The request is kept as long as that file, so that a dance damaged on the disk can be
made again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import threading
import time
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tempose_pose.local import whole_files
from tempose_pose.local.whole_files import Damaged, Seal
from tempose_pose.wire.answers import Job, Problem
from tempose_server.errors import ApiError, disk_full, is_disk_full, retry_later
from tempose_server.job_rows import COLUMNS, LAST, JobRecord, record_of
from tempose_server.job_table import CRASHED, CRASHES, JobTable
from tempose_server.settings import ServerSettings
from tempose_server.turns import Turns, Waiting

log = logging.getLogger("tempose.jobs")

IDS_PER_START = 1_000_000  # event ids rise across restarts
LOST = {
    "code": "result_lost",
    "message": "This dance was damaged on the server's disk and cannot be made again. Generate it once more.",
    "details": None,
}


class JobStore(JobTable):
    """All jobs of one data folder. Thread-safe; each change is one transaction, on disk when it returns."""

    def __init__(self, settings: ServerSettings):
        self._settings = settings
        self._results = settings.data_dir / "results"
        self._damaged = settings.data_dir / "damaged"
        whole_files.make_folder(self._results)
        super().__init__(settings.data_dir / "jobs.sqlite")
        self.changed = threading.Condition(self._lock)  # called when a job may be waiting
        self._progress: dict[str, float] = {}
        self._unsaved: dict[str, JobRecord] = {}  # ends that could not be saved on a full disk
        self._unparked: set[str] = set()  # jobs that nobody runs, although recorded as running
        self._turns = Turns()
        for part in self._results.glob("*.part"):
            part.unlink(missing_ok=True)  # unfinished files of a killed server

    def close(self) -> None:
        with self._lock:
            self._save_unsaved()
            super().close()

    # --- at the door --------------------------------------------------------------------------------------

    def create(
        self,
        job_id: str,
        client: str,
        request_hash: str,
        request: str,
        audio: str,
        short: bool,
        frames: int,
        seed: int,
    ) -> tuple[JobRecord, bool]:
        """The job of that id, and whether it is new.

        Raises
        ------
        ApiError
            409 if the id belongs to another request, 429 if the queue is full, 507 if the disk is.
        """
        now = time.time()
        blob = zlib.compress(request.encode(), 1)
        with self._lock:
            existing = self._find(job_id)
            if existing:
                if existing.request_hash != request_hash:
                    raise ApiError(
                        409,
                        "job_exists",
                        "This id already stands for another request. Use a new id.",
                    )
                return existing, False
            queued = self._queued()
            if len(queued) >= self._settings.queue:
                raise retry_later(429, "queue_full", "The server's queue is full. Try again in a moment.", 5)
            share = max(1, int(self._settings.queue * self._settings.queue_share))
            if sum(job.client == client for job in queued) >= share:
                raise retry_later(
                    429,
                    "queue_full",
                    f"Already {share} of your dances are waiting. Try again when some are done.",
                    5,
                )
            values = (
                job_id,
                client,
                request_hash,
                blob,
                audio,
                short,
                frames,
                str(seed),
                self._starts,
                now,
                now,
            )
            try:
                with self._transaction():
                    self._db.execute(
                        "INSERT INTO jobs (id, client, request_hash, request, audio, short, frames, seed, "
                        "state, born, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?)",
                        values,
                    )
            except sqlite3.Error as error:
                if is_disk_full(error):
                    raise disk_full() from error
                raise
            self.changed.notify_all()
            return self.get(job_id), True

    def get(self, job_id: str) -> JobRecord:
        found = self._find(job_id)
        if found is None:
            raise ApiError(404, "job_unknown", "The server knows no such job.")
        return found

    def _find(self, job_id: str) -> JobRecord | None:
        with self._lock:
            if job_id in self._unsaved:
                return self._unsaved[job_id]
            rows = self._db.execute(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", (job_id,)).fetchall()
        return record_of(rows[0]) if rows else None

    def cancel(self, job_id: str) -> JobRecord:
        """Cancel a job: at once if queued, within one step if running, no change otherwise."""
        with self._lock:
            job = self.get(job_id)
            if job.state == "queued":
                return self.end(job_id, "canceled")
            if job.state == "running" and not job.cancel:
                with contextlib.suppress(sqlite3.Error), self._transaction():
                    self._db.execute("UPDATE jobs SET cancel = 1 WHERE id = ?", (job_id,))
            return self.get(job_id)

    def position(self, job: JobRecord) -> int | None:
        """How many jobs start before this one; None if it is not waiting."""
        if job.state != "queued":
            return None
        order = [waiting.id for waiting in self._order()]
        return order.index(job.id) if job.id in order else None

    def counts(self) -> dict[str, int]:
        """How many jobs there are in each state."""
        with self._lock:
            return dict(self._db.execute("SELECT state, COUNT(*) FROM jobs GROUP BY state").fetchall())

    def first_event_id(self, job: JobRecord) -> int:
        return (self._starts - job.born) * IDS_PER_START + 1

    def progress(self, job: JobRecord) -> float:
        return 1.0 if job.state == "succeeded" else self._progress.get(job.id, 0.0)

    def set_progress(self, job_id: str, share: float) -> None:
        self._progress[job_id] = share

    def describe(self, job: JobRecord) -> Job:
        """The job as shown to clients."""
        return Job(
            id=job.id,
            state=job.state,  # type: ignore[arg-type]
            position=self.position(job),
            progress=round(self.progress(job), 4),
            error=Problem(**job.error) if job.error else None,
            created=_iso(job.created),
            updated=_iso(job.updated),
            frames=job.frames,
            seed=job.seed,
        )

    # --- the engine's side --------------------------------------------------------------------------------

    def _queued(self) -> list[JobRecord]:
        with self._lock:
            rows = self._db.execute(f"SELECT {COLUMNS} FROM jobs WHERE state = 'queued'").fetchall()
        return [job for job in map(record_of, rows) if job.id not in self._unsaved]

    def _order(self) -> list[Waiting]:
        with self._lock:
            waiting = [Waiting(job.id, job.client, job.number, job.short) for job in self._queued()]
            return self._turns.order(waiting)

    def start_next(self) -> JobRecord | None:
        """Mark the next job as running and return it; None if none waits."""
        with self._lock:
            self._save_unsaved()
            order = self._order()
            if not order:
                return None
            chosen = order[0]
            with self._transaction():
                self._db.execute(
                    "UPDATE jobs SET state = 'running', updated = ? WHERE id = ?", (time.time(), chosen.id)
                )
            self._turns.take(chosen, order)
            return self.get(chosen.id)

    def request(self, job_id: str) -> str:
        """The request as JSON text."""
        with self._lock:
            (blob,) = self._db.execute("SELECT request FROM jobs WHERE id = ?", (job_id,)).fetchone()
        return zlib.decompress(blob).decode()

    def canceled(self, job_id: str) -> bool:
        """Whether a running job was asked to stop."""
        return self.get(job_id).cancel

    def result_path(self, job_id: str) -> Path:
        return self._results / f"{job_id}.npz"

    def result(self, job: JobRecord) -> Path:
        """The file of a job's dance, checked byte by byte; raises `Damaged` if it is not what was written."""
        path = self.result_path(job.id)
        if job.seal is not None:
            job.seal.check(path)
        elif not path.is_file():
            raise Damaged(path.name)
        return path

    def remake(self, job_id: str) -> JobRecord:
        """Set a damaged dance aside and queue its job again; a job that cannot be run again has failed."""
        with self._lock:
            job = self.get(job_id)
            if job.state != "succeeded":  # another caller was faster
                return job
            whole_files.set_aside(self.result_path(job_id), self._damaged)
            with self._transaction():
                self._db.execute(
                    "UPDATE jobs SET state = CASE WHEN request IS NULL THEN 'failed' ELSE 'queued' END, "
                    "error = CASE WHEN request IS NULL THEN ? END, crashes = 0, cancel = 0, result_bytes = NULL, "
                    "result_sha256 = NULL, updated = ? WHERE id = ?",
                    (json.dumps(LOST), time.time(), job_id),
                )
            self.changed.notify_all()
            return self.get(job_id)

    def end(
        self, job_id: str, state: str, error: dict[str, Any] | None = None, seal: Seal | None = None
    ) -> JobRecord:
        """Record the job's final state, with the seal of its dance. A job canceled meanwhile ends as canceled.

        This works on a full disk too: the state is then remembered, and saved later.
        """
        with self._lock:
            job = self.get(job_id)
            if job.finished:
                return job
            if job.cancel:
                state, error = "canceled", None
            if state != "succeeded":
                self.result_path(job_id).unlink(missing_ok=True)
            if state != "succeeded":
                seal = None
            ended = replace(
                job,
                state=state,
                error=error,
                updated=time.time(),
                result_bytes=seal and seal.bytes,
                result_sha256=seal and seal.sha256,
            )
            try:
                self._save_end(ended)
            except sqlite3.Error:
                log.exception("job %s: its end could not be saved yet", job_id)
                self._unsaved[job_id] = ended
            self._progress.pop(job_id, None)
            return ended

    def park(self, job_id: str) -> None:
        """Put a running job that nobody runs any more back into the queue; on a full disk, once there is space."""
        with self._lock:
            self._unparked.add(job_id)
            self._save_unsaved()
            if job_id in self._unparked:
                log.warning("job %s: that nobody runs it could not be saved yet", job_id)

    def _save_parked(self, job_id: str) -> None:
        with self._transaction():
            self._db.execute(
                "UPDATE jobs SET state = CASE WHEN cancel THEN 'canceled' ELSE 'queued' END "
                "WHERE id = ? AND state = 'running'",
                (job_id,),
            )

    def crashed(self, job_id: str) -> JobRecord:
        """Put a job whose replica died back into the queue; the second time, fail it."""
        with self._lock:
            if self.get(job_id).finished:
                return self.get(job_id)
            with contextlib.suppress(sqlite3.Error), self._transaction():  # on a full disk nothing is counted
                self._db.execute("UPDATE jobs SET crashes = crashes + 1 WHERE id = ?", (job_id,))
            (crashes,) = self._db.execute("SELECT crashes FROM jobs WHERE id = ?", (job_id,)).fetchone()
            if crashes >= CRASHES:
                return self.end(job_id, "failed", CRASHED)
            self.park(job_id)
            self._progress.pop(job_id, None)
            self.changed.notify_all()
            return self.get(job_id)

    def _save_end(self, job: JobRecord) -> None:
        with self._transaction():
            self._count_seconds()
            self._db.execute(
                "UPDATE jobs SET state = ?, error = ?, request = CASE WHEN ? THEN request END, updated = ?, "
                f"result_bytes = ?, result_sha256 = ?, {LAST} WHERE id = ?",
                (job.state, json.dumps(job.error) if job.error else None, job.state == "succeeded", job.updated,
                 job.result_bytes, job.result_sha256, job.id),
            )  # fmt: skip

    def _save_unsaved(self) -> None:
        try:
            for job_id, job in list(self._unsaved.items()):
                self._save_end(job)
                del self._unsaved[job_id]
            for job_id in list(self._unparked):
                self._save_parked(job_id)
                self._unparked.discard(job_id)
        except sqlite3.Error:  # reported when it happened; tried again at every turn
            return

    # --- retention ----------------------------------------------------------------------------------------

    def trim(self) -> set[str]:
        """Delete finished jobs beyond `keep_jobs` or `keep_days`; return the songs that waiting jobs need.

        Days count while a server runs, and the job that ended last is the youngest, whatever the clock says.
        """
        finished = "state NOT IN ('queued', 'running')"  # in this form, SQLite uses the index of ends
        with self._lock:  # only deleted rows are read: there may be many others
            oldest = self._age() - self._settings.keep_days * 86_400
            (count,) = self._db.execute(f"SELECT COUNT(*) FROM jobs WHERE {finished}").fetchone()
            old = self._db.execute(
                f"SELECT id FROM jobs WHERE {finished} AND ended_age < ? UNION SELECT id FROM "
                f"(SELECT id FROM jobs WHERE {finished} ORDER BY ended, number LIMIT ?)",
                (oldest, max(0, count - self._settings.keep_jobs)),
            ).fetchall()
            if old:
                with self._transaction():
                    self._db.executemany("DELETE FROM jobs WHERE id = ?", old)
            for (job_id,) in old:
                self.result_path(job_id).unlink(missing_ok=True)
            needed = self._db.execute(
                "SELECT audio FROM jobs WHERE state IN ('queued', 'running')"
            ).fetchall()
        return {audio for (audio,) in needed}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
