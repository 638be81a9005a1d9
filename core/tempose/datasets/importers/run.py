"""`import_data`: find the jobs, read each, write its clips; a stopped run goes on where it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tempose.datasets.importers import aist, mocap_jobs, poses, video
from tempose.datasets.importers.options import KINDS, ImportOptions
from tempose.datasets.importers.store import Store, mark
from tempose.datasets.importers.takes import Dropped, ImportJob
from tempose.estimator import Estimator
from tempose.videos.people import OnFrame
from tempose_pose.errors import TemposeError

_MODULES = {"aist": aist, "bvh": mocap_jobs, "poses": poses, "video": video}
OnJob = Callable[[int, int, str], None]


@dataclass
class ImportReport:
    """What an import did."""

    clips: list[str] = field(default_factory=list)
    known: int = 0  # jobs read by an earlier run
    dropped: list[Dropped] = field(default_factory=list)
    failed: list[Dropped] = field(default_factory=list)


def kind_of(source: Path) -> str:
    """What a folder or file holds, by its looks."""
    if not source.exists():
        raise TemposeError("source_missing", f"There is no {source}.")
    for kind in KINDS:
        if _MODULES[kind].is_here(source):
            return kind
    raise TemposeError(
        "source_empty",
        f"{source} holds neither AIST++, BVH, pose files (JSON) nor videos: nothing to import.",
    )


def import_data(
    source: Path,
    out: Path,
    options: ImportOptions | None = None,
    *,
    kind: str = "auto",
    estimator: Estimator | None = None,
    on_job: OnJob | None = None,
    on_frame: OnFrame | None = None,
) -> ImportReport:
    """Import everything in `source` into the data folder `out`.

    A file that cannot be read does not stop the rest: it is in `ImportReport.failed` with its reason, and read again
    next time.

    Raises
    ------
    TemposeError
        There is nothing to import, or what it needs (a pose model) is missing.
    """
    options = options or ImportOptions()
    found = kind_of(source)
    kind = found if kind == "auto" else kind
    if kind not in _MODULES:
        raise TemposeError("kind_unknown", f"Unknown kind {kind!r}; known: auto, {', '.join(KINDS)}.")
    jobs: list[ImportJob] = (
        video.find(source, options, estimator, on_frame)
        if kind == "video"
        else _MODULES[kind].find(source, options)
    )
    if not jobs:
        raise TemposeError("source_empty", f"{source} holds nothing of the kind {kind}.")
    store, report = Store(out), ImportReport()
    for number, job in enumerate(jobs):
        if on_job:
            on_job(number, len(jobs), job.name)
        key, stamp = f"{kind}:{job.name}", mark(job, options)
        if store.done(key, stamp):
            report.known += 1
            continue
        try:
            takes, dropped = job.read()
        except TemposeError as error:
            report.failed.append(Dropped(job.name, error.message))
            continue
        report.clips += store.keep(key, stamp, takes, dropped)
        report.dropped += dropped
    if on_job:
        on_job(len(jobs), len(jobs), "")
    return report
