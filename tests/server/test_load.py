"""Mixed load: for a quarter of a minute, or as long as TEMPOSE_LOAD_MINUTES says; and health under a real dance."""

import os
import runpy
import time
from pathlib import Path

import pytest

from tempose.generator import WEIGHTS

MINUTES = float(os.environ.get("TEMPOSE_LOAD_MINUTES", "0.25"))
SCRIPT = str(Path(__file__).parents[2] / "scripts" / "load_test.py")


@pytest.mark.timeout(300 + 120 * MINUTES)
def test_under_mixed_load_nothing_is_lost_and_memory_stays():
    load = runpy.run_path(SCRIPT)
    report = load["measure"](MINUTES)
    assert load["good"](report), report
    assert report["jobs"] > 3
    assert report["ends"]["succeeded"] > 0
    assert sum(report["ends"].values()) == report["jobs"]
    assert {"200", "202"} <= set(report["statuses"])


def test_a_lost_job_a_fault_and_growing_memory_are_each_noticed():
    good = runpy.run_path(SCRIPT)["good"]
    fine = {"lost": [], "faults": [], "statuses": {"200": 1}, "memory_flat": True, "server_exit": 0}
    assert good(fine)
    for change in ({"lost": ["x"]}, {"faults": ["x"]}, {"statuses": {"500": 1}}, {"memory_flat": False}):
        assert not good({**fine, **change})


@pytest.mark.slow
@pytest.mark.skipif(not (WEIGHTS / "model_index.json").is_file(), reason="needs the weights")
def test_health_answers_while_the_shipped_model_dances(launch):
    server = launch(model="default")
    job_id = server.new_job(seconds=60.0, steps=200)
    server.events(job_id, stop=lambda event: event[1] == "progress")  # it does dance
    taken = []
    for _ in range(20):
        began = time.monotonic()
        health = server.client.get("/v1/health").json()
        taken.append(1000 * (time.monotonic() - began))
        assert health["status"] == "BUSY"
        time.sleep(0.05)
    print(f"health: median {sorted(taken)[10]:.1f} ms, most {max(taken):.1f} ms")
    server.cancel(job_id)
    assert server.wait(job_id)["state"] == "canceled"
