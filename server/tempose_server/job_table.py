"""The SQLite file of all jobs: opened, repaired after a kill, changed in one transaction at a time."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tempose_pose.errors import TemposeError
from tempose_pose.local import whole_files
from tempose_server.errors import is_disk_full
from tempose_server.job_rows import INDEXES, LAST, LATER, TABLES

CRASHES = 2  # a job that took the server down this often is not run again
CRASHED = {
    "code": "job_crashed",
    "message": "The server broke down more than once while it ran this job.",
    "details": None,
}


class JobTable:
    """The table of one data folder. Thread-safe; a transaction is on disk when it ends.

    A file `running` beside it exists while a server runs. An orderly stop removes it, which works even on a full
    disk: jobs recorded as running without it were given up in good order, and no crash is counted.
    """

    def __init__(self, path: Path):
        self._lock = threading.RLock()
        self._running = path.with_name("running")
        self._since = time.monotonic()  # of the server's age, already in the table
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._db.executescript(TABLES)
            there = {row[1] for row in self._db.execute("PRAGMA table_info(jobs)")}
            for name, kind in LATER.items():
                if name not in there:
                    self._db.execute(f"ALTER TABLE jobs ADD COLUMN {name} {kind}")
            self._db.executescript(INDEXES)
            self._starts = self._begin(self._running.exists())
            self._running.touch(mode=0o600)
            whole_files.sync_folder(path.parent)
        except (sqlite3.DatabaseError, OSError) as error:
            if is_disk_full(error):
                raise TemposeError(
                    "disk_full", f"There is no space left for the jobs in {path.parent}."
                ) from None
            if isinstance(error, OSError):
                raise
            raise TemposeError(
                "jobs_damaged", f"{path} cannot be read ({error}). Move it away to begin with no jobs."
            ) from None

    def _begin(self, killed: bool) -> int:
        """Count this start and reset the jobs that were running; return the number of starts."""
        now = time.time()
        with self._transaction():
            self._db.execute(
                "INSERT INTO server VALUES ('starts', 1) ON CONFLICT DO UPDATE SET value = value + 1"
            )
            self._db.execute(
                f"UPDATE jobs SET state = 'canceled', request = NULL, updated = ?, {LAST} "
                "WHERE state = 'running' AND cancel",
                (now,),
            )
            self._db.execute("UPDATE jobs SET crashes = crashes + ? WHERE state = 'running'", (int(killed),))
            self._db.execute(
                f"UPDATE jobs SET state = 'failed', error = ?, request = NULL, updated = ?, {LAST} "
                "WHERE state = 'running' AND crashes >= ?",
                (json.dumps(CRASHED), now, CRASHES),
            )
            self._db.execute("UPDATE jobs SET state = 'queued', updated = ? WHERE state = 'running'", (now,))
            return self._db.execute("SELECT value FROM server WHERE key = 'starts'").fetchone()[0]

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        with self._lock:
            with contextlib.suppress(sqlite3.Error), self._transaction():
                self._count_seconds()
            self._db.close()
            with contextlib.suppress(OSError):
                self._running.unlink()

    def _count_seconds(self) -> None:
        """Record how long servers have run on this data folder: an age that no clock can turn back."""
        now = time.monotonic()
        passed, self._since = now - self._since, now
        self._db.execute(
            "INSERT INTO server VALUES ('seconds', ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
            (passed,),
        )

    def _age(self) -> float:
        """Seconds that servers have run on this data folder."""
        (saved,) = self._db.execute("SELECT TOTAL(value) FROM server WHERE key = 'seconds'").fetchone()
        return saved + time.monotonic() - self._since
