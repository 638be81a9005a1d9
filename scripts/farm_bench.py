"""Throughput of Ray replicas on this machine's CPU: seconds for the same jobs with one replica, two, and so on.

python scripts/farm_bench.py --replicas 1 2 --jobs 6
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
from pathlib import Path

import httpx

LOAD = runpy.run_path(str(Path(__file__).with_name("load_test.py")))


def measure(replicas: int, jobs: int, seconds: float, steps: int, model: str) -> float:
    """Seconds from the first job's order to the last one's end, with the weights loaded before."""
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder) / "server.json"
        command = [sys.executable, "-m", "tempose_server", "--model", model, "--device", "cpu", "--engine", "ray",
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
                    body = {"audio": digest, "seconds": seconds, "reference": LOAD["REFERENCE"], "steps": steps,
                            "beats": {"beats": [0.0, 0.5], "downbeats": [0.0]}}  # fmt: skip
                    dance(client, body, 2 * replicas)  # until each has its weights
                    began = time.monotonic()
                    dance(client, body, jobs)
                    return time.monotonic() - began
            finally:
                server.terminate()
                server.wait(60)


def dance(client: httpx.Client, body: dict, number: int) -> None:
    """Order so many dances at once and wait for all."""
    names = [str(uuid.uuid4()) for _ in range(number)]
    for seed, name in enumerate(names):
        client.put(f"/v1/jobs/{name}", json={**body, "seed": seed}).raise_for_status()
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
    options = parser.parse_args()
    for replicas in options.replicas:
        taken = measure(replicas, options.jobs, options.seconds, options.steps, options.model)
        print(f"{replicas} replicas: {options.jobs} dances in {taken:.2f} s, "
              f"{60 * options.jobs / taken:.1f} a minute", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
