"""Load test with mixed requests: are all jobs accounted for, does memory stay flat, does health answer?

    python scripts/load_test.py --minutes 3
    python scripts/load_test.py --minutes 60 --pace 2 --report hour.json

Several clients put jobs (some twice, some to cancel, some invalid), upload, watch and fetch for the given time,
with an average pause of `--pace` seconds. Every job is checked until it has ended as it should. Prints a JSON
report with memory over time; `--report` also writes it to a file each minute. Exits with 1 if a job was lost, an
answer was 5xx or memory grew.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import soundfile

from tempose_pose.grid import BeatGrid
from tempose_pose.request import DanceRequest
from tempose_pose.standing import standing_pose
from tempose_pose.wire.job import JobRequest

CLIENTS = 4
GROWTH, SLACK = 1.1, 30e6  # of memory, from the run's second quarter to its last


def song(number: int) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(number).normal(0, 0.1, 22_050)
    soundfile.write(file, noise, 22_050, format="WAV", subtype="PCM_16")
    return file.getvalue()


class Load:
    """The state that the clients share."""

    def __init__(self, url: str, token: str, seconds: float, pace: float = 0.05, report: Path | None = None):
        self.url, self.headers = url, {"Authorization": f"Bearer {token}"}
        self.began = time.monotonic()
        self.until = self.began + seconds
        self.pace, self.report = pace, report
        self.jobs: dict[str, str] = {}  # accepted ids that have not ended yet → their purpose
        self.accepted = 0
        self.ends: Counter[str] = Counter()
        self.lost: list[str] = []
        self.statuses: Counter[int] = Counter()
        self.memory: list[tuple[float, float]] = []  # (seconds since the start, bytes)
        self.health: list[float] = []
        self.faults: list[str] = []

    def client(self, name: str) -> httpx.Client:
        headers = {**self.headers, "X-Tempose-Client": name}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False)

    def use(self, number: int) -> None:
        """Run one client until the time is over."""
        chance = random.Random(number)
        data = song(number)
        digest = hashlib.sha256(data).hexdigest()
        with self.client(f"client-{number}") as client:
            kind = {"Content-Type": "application/octet-stream"}
            self.note(client.put(f"/v1/audio/{digest}", content=data, headers=kind))
            while time.monotonic() < self.until:
                job, what = (
                    str(uuid.uuid4()),
                    chance.choice(["keep", "keep", "twice", "cancel", "watch", "wrong"]),
                )
                dance = DanceRequest(
                    standing_pose(canvas=(720, 1280)), chance.choice([1.0, 4.0, 20.0]),
                    seed=chance.randrange(1000), grid=BeatGrid(np.asarray([0.0, 0.5]), np.zeros(1)),
                )  # fmt: skip
                body = JobRequest(digest, dance, "null").body()
                if what == "wrong":
                    self.note(client.put(f"/v1/jobs/{job}", json={**body, "seconds": "long"}))
                    self.note(client.put(f"/v1/audio/{digest}", content=data, headers=kind))
                    continue
                answer = self.note(client.put(f"/v1/jobs/{job}", json=body))
                if answer.status_code == 429:
                    time.sleep(0.2)
                    continue
                self.jobs[job] = what
                self.accepted += 1
                if what == "twice":
                    self.note(client.put(f"/v1/jobs/{job}", json=body))
                elif what == "cancel":
                    self.note(client.post(f"/v1/jobs/{job}/cancel"))
                elif what == "watch":
                    with client.stream("GET", f"/v1/jobs/{job}/events") as events:
                        events.read()
                    self.note(client.get(f"/v1/jobs/{job}/result"))
                time.sleep(chance.uniform(0, 2 * self.pace))

    def look(self) -> None:
        """Check health and memory, five times a second or at twice the pace of one client, and the jobs' ends."""
        saved = self.began
        with self.client("watch") as client:
            while time.monotonic() < self.until:
                began = time.monotonic()
                self.note(client.get("/v1/health"))
                self.health.append(time.monotonic() - began)
                for line in self.note(client.get("/v1/metrics")).text.splitlines():
                    if line.startswith("process_resident_memory_bytes"):
                        self.memory.append((time.monotonic() - self.began, float(line.split()[1])))
                for job in list(self.jobs)[:5]:
                    self.settle(client, job)
                if self.report and time.monotonic() > saved + 60:
                    saved = time.monotonic()
                    self.report.write_text(json.dumps(self.describe(), indent=2))
                time.sleep(max(0.2, self.pace / 2))

    def settle(self, client: httpx.Client, job: str) -> bool:
        """Whether the job has ended; it is then counted, as lost if it did not end as it should."""
        found = client.get(f"/v1/jobs/{job}").json()
        if (state := found.get("state", "unknown")) in ("queued", "running"):
            return False
        what = self.jobs.pop(job)
        self.ends[state] += 1
        kept = state == "succeeded" and client.get(f"/v1/jobs/{job}/result").status_code == 200
        if not kept and not (what == "cancel" and state == "canceled"):
            self.lost.append(f"{job} ({what}): {state}")
        return True

    def note(self, answer: httpx.Response) -> httpx.Response:
        self.statuses[answer.status_code] += 1
        return answer

    def guarded(self, work: Any, *arguments: Any) -> None:
        try:
            work(*arguments)
        except Exception as error:
            self.faults.append(f"{type(error).__name__}: {error}")

    def run(self) -> dict[str, Any]:
        threads = [threading.Thread(target=self.guarded, args=(self.use, n)) for n in range(CLIENTS)]
        threads.append(threading.Thread(target=self.guarded, args=(self.look,)))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with self.client("check") as client:
            for job in list(self.jobs):
                deadline = time.monotonic() + 120
                while not self.settle(client, job):
                    if time.monotonic() > deadline:
                        self.lost.append(f"{job} ({self.jobs.pop(job)}): did not end")
                        break
                    time.sleep(0.05)
        return self.describe()

    def describe(self) -> dict[str, Any]:
        """The report so far."""
        sizes = [size for _, size in self.memory]
        quarter = max(1, len(sizes) // 4)
        early, late = (float(np.median(part)) if part else 0.0
                       for part in (sizes[quarter : 2 * quarter], sizes[-quarter:]))  # fmt: skip
        marks = self.memory[:: max(1, len(self.memory) // 20)]
        health = 1000 * np.asarray(self.health or [0.0])
        return {
            "minutes": round((time.monotonic() - self.began) / 60, 1), "jobs": self.accepted,
            "ends": dict(self.ends), "under way": len(self.jobs), "lost": self.lost, "faults": self.faults,
            "statuses": {str(key): value for key, value in sorted(self.statuses.items())},
            "memory_mb": {"second quarter": round(early / 1e6, 1), "last quarter": round(late / 1e6, 1)},
            "memory_flat": late <= GROWTH * early + SLACK,
            "memory_over_time": [[round(at / 60, 1), round(size / 1e6, 1)] for at, size in marks],
            "health_ms": {"median": round(float(np.median(health)), 1),
                          "p99": round(float(np.quantile(health, 0.99)), 1), "most": round(float(health.max()), 1)},
        }  # fmt: skip


def measure(minutes: float, pace: float = 0.05, keep: Path | None = None) -> dict[str, Any]:
    """Start a server, load it for so long, stop it; return the report."""
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder) / "server.json"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TEMPOSE_SERVER_")}
        environment |= {"TEMPOSE_SERVER_KEEP_JOBS": "1000000"}  # jobs deleted on purpose are not lost
        command = [sys.executable, "-m", "tempose_server", "--model", "null", "--runtime-file", str(runtime)]
        with (Path(folder) / "log").open("wb") as log:
            server = subprocess.Popen(
                [*command, "--data-dir", str(Path(folder) / "data")], stdout=log, stderr=log, env=environment
            )
            try:
                deadline = time.monotonic() + 120
                while not runtime.exists():
                    if server.poll() is not None or time.monotonic() > deadline:
                        raise SystemExit("The server did not start.")
                    time.sleep(0.05)
                about = json.loads(runtime.read_text())
                report = Load(about["url"], about["token"], 60 * minutes, pace, keep).run()
                server.terminate()
                report["server_exit"] = server.wait(60)
                return report
            finally:
                if server.poll() is None:
                    server.kill()
                    server.wait()


def good(report: dict[str, Any]) -> bool:
    wrong = report["lost"] or report["faults"] or any(status >= "500" for status in report["statuses"])
    return not wrong and report["memory_flat"] and report["server_exit"] == 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--pace", type=float, default=0.05, help="mean rest of a client, in seconds")
    parser.add_argument("--report", type=Path, help="file for the report, renewed each minute")
    options = parser.parse_args()
    report = measure(options.minutes, options.pace, options.report)
    if options.report:
        options.report.write_text(json.dumps(report, indent=2))
    print(json.dumps(report, indent=2))
    raise SystemExit(0 if good(report) else 1)


if __name__ == "__main__":
    main()
