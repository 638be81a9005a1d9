"""Mixed load for a short while (`scripts/load_test.py --minutes 3` does it for longer)."""

import runpy
from pathlib import Path


def test_under_mixed_load_nothing_is_lost_and_memory_stays():
    load = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "load_test.py"))
    report = load["measure"](1 / 4)
    assert load["good"](report), report
    assert report["jobs"] > 3
    assert report["ends"]["succeeded"] > 0
    assert {"200", "202"} <= set(report["statuses"])


def test_a_lost_job_a_fault_and_growing_memory_are_each_noticed():
    good = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "load_test.py"))["good"]
    fine = {"lost": [], "faults": [], "statuses": {"200": 1}, "memory_flat": True, "server_exit": 0}
    assert good(fine)
    for change in ({"lost": ["x"]}, {"faults": ["x"]}, {"statuses": {"500": 1}}, {"memory_flat": False}):
        assert not good({**fine, **change})
