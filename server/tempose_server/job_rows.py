"""Jobs as rows in SQLite: the tables, and one job from them."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import Any

from tempose_pose.local.whole_files import Seal
from tempose_pose.wire.answers import ENDED

TABLES = """
CREATE TABLE IF NOT EXISTS server (key TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, client TEXT NOT NULL,
    request_hash TEXT NOT NULL, request BLOB, audio TEXT NOT NULL, short INTEGER NOT NULL,
    frames INTEGER NOT NULL, seed TEXT NOT NULL, state TEXT NOT NULL, error TEXT,
    cancel INTEGER NOT NULL DEFAULT 0, crashes INTEGER NOT NULL DEFAULT 0, born INTEGER NOT NULL,
    created REAL NOT NULL, updated REAL NOT NULL
);
"""
LATER = {  # columns added in later versions
    "result_bytes": "INTEGER",
    "result_sha256": "TEXT",
    "ended": "INTEGER NOT NULL DEFAULT 0",  # running number of ends in this data folder
    "ended_age": "REAL NOT NULL DEFAULT 0",  # seconds that servers had run on it by then
}
LAST = (  # set at a job's end, to make it the youngest
    "ended = (SELECT MAX(ended) + 1 FROM jobs), "
    "ended_age = (SELECT TOTAL(value) FROM server WHERE key = 'seconds')"
)
INDEXES = """
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state);
CREATE INDEX IF NOT EXISTS jobs_by_end ON jobs (ended, number);
DROP INDEX IF EXISTS jobs_by_age;
"""


@dataclass(frozen=True)
class JobRecord:
    """One row, without the request itself."""

    number: int
    id: str
    client: str
    request_hash: str
    audio: str
    short: bool
    frames: int
    seed: int
    state: str
    error: dict[str, Any] | None
    cancel: bool
    born: int
    created: float
    updated: float
    result_bytes: int | None
    result_sha256: str | None

    @property
    def seal(self) -> Seal | None:
        """The dance's seal; None also if it was made before dances were sealed."""
        if self.result_bytes is None or self.result_sha256 is None:
            return None
        return Seal(self.result_bytes, self.result_sha256)

    @property
    def finished(self) -> bool:
        return self.state in ENDED


COLUMNS = ", ".join(field.name for field in fields(JobRecord))


def record_of(row: tuple[Any, ...]) -> JobRecord:
    """The job in a row of `COLUMNS`."""
    job = JobRecord(*row)
    return replace(
        job,
        short=bool(job.short),
        seed=int(job.seed),
        error=json.loads(row[9]) if row[9] else None,
        cancel=bool(job.cancel),
    )
