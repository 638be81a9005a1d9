"""Throughput of replicas on this machine's CPU: seconds for the same jobs with one replica, two, and so on.

python scripts/bench_replicas.py --replicas 1 2 --jobs 4 --engine local
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
import uuid
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np

from tempose_pose.grid import BeatGrid
from tempose_pose.request import DanceRequest
from tempose_pose.standing import standing_pose
from tempose_pose.wire.job import JobRequest

LOAD = runpy.run_path(str(Path(__file__).with_name("load_test.py")))


def measure(replicas: int, jobs: int, seconds: float, steps: int, model: str, engine: str) -> float:
    """Seconds from the first job's order to the last one's end, with the weights already loaded."""
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder) / "server.json"
        command = [sys.executable, "-m", "tempose_server", "--model", model, "--device", "cpu", "--engine", engine,
                   "--replicas", str(replicas), "--runtime-file", str(runtime),
                   "--data-dir", str(Path(folder) / "data")]  # fmt: skip
        with (Path(folder) / "log").open("w+b") as log:
            server = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"}
            )
            try:
                while not runtime.exists():
                    if server.poll() is not None:
                        raise SystemExit("The server did not start.")
                    time.sleep(0.05)
                about = json.loads(runtime.read_text())
                headers = {"Authorization": f"Bearer {about['token']}"}
                with httpx.Client(
                    base_url=about["url"], headers=headers, timeout=60, trust_env=False
                ) as client:
                    song = LOAD["song"](0)
                    digest = hashlib.sha256(song).hexdigest()
                    kind = {"Content-Type": "application/octet-stream"}
                    client.put(f"/v1/audio/{digest}", content=song, headers=kind).raise_for_status()
                    grid = BeatGrid(np.arange(0, 30, 0.5), np.arange(0, 30, 2.0), 1.0)
                    asked = DanceRequest(standing_pose(), seconds, steps=steps, grid=grid)
                    dance(client, digest, asked, 2 * replicas)  # waits until each has its weights
                    began = time.monotonic()
                    dance(client, digest, asked, jobs)
                    return time.monotonic() - began
            finally:
                server.terminate()
                server.wait(60)


def dance(client: httpx.Client, song: str, asked: DanceRequest, number: int) -> None:
    """Order so many dances at once and wait for them all."""
    names = [str(uuid.uuid4()) for _ in range(number)]
    for seed, name in enumerate(names):
        body = JobRequest(song, replace(asked, seed=seed)).body()
        client.put(f"/v1/jobs/{name}", json=body).raise_for_status()
    for name in names:
        while (state := client.get(f"/v1/jobs/{name}").json()["state"]) in ("queued", "running"):
            time.sleep(0.02)
        if state != "succeeded":
            raise SystemExit(f"A job ended {state}.")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--jobs", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=8.0, help="length of each dance")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--model", default="default")
    parser.add_argument("--engine", choices=("local", "ray"), default="local")
    options = parser.parse_args()
    for replicas in options.replicas:
        taken = measure(replicas, options.jobs, options.seconds, options.steps, options.model, options.engine)
        print(f"{replicas} replicas: {options.jobs} dances in {taken:.2f} s, "
              f"{60 * options.jobs / taken:.1f} a minute", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
