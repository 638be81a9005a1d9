"""The server's metrics, for Prometheus. Labels come from short fixed lists, never from a request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from tempose_pose.wire.answers import ENDED, State

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
STATES = ("queued", "running", "succeeded", "failed", "canceled")
PACES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)


class Metrics:
    """The counters of one server."""

    def __init__(self, job_counts: Callable[[], dict[str, int]]):
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.registry.register(_Jobs(job_counts))
        self.ended = Counter(
            "tempose_jobs_ended", "Jobs that ended since the start", ["state"], registry=self.registry
        )
        self.pace = Histogram(
            "tempose_compute_seconds_per_dance_second",
            "Seconds computed for each second of dance, per succeeded job",
            buckets=PACES,
            registry=self.registry,
        )
        self.uploads = Counter(
            "tempose_uploads", "Songs uploaded: new, or there already", ["kind"], registry=self.registry
        )
        self.uploaded = Counter("tempose_upload_bytes", "Bytes of songs received", registry=self.registry)
        self.refusals = Counter(
            "tempose_refusals", "Requests answered with an error", ["status"], registry=self.registry
        )
        for state in ENDED:
            self.ended.labels(state)
        for kind in ("new", "known"):
            self.uploads.labels(kind)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)


class _Jobs(Collector):
    """Jobs by state, counted on request."""

    def __init__(self, job_counts: Callable[[], dict[str, int]]):
        self._counts = job_counts

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        counts = self._counts()
        jobs = GaugeMetricFamily("tempose_jobs", "Jobs that the server knows", labels=["state"])
        for state in get_args(State):
            jobs.add_metric([state], counts.get(state, 0))
        yield jobs
        yield GaugeMetricFamily("tempose_queue_length", "Jobs that wait", value=counts.get("queued", 0))
