"""Mixed load: for a quarter of a minute, or as long as TEMPOSE_LOAD_MINUTES says; and health under a real dance."""

import os
import runpy
import time
import tracemalloc
import uuid
from pathlib import Path

import pytest

from tempose.generator import WEIGHTS
from tempose_server import turns
from tempose_server.jobs import JobStore
from tempose_server.settings import ServerSettings

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


def history(folder, count, **settings):
    """A store with so many finished jobs, of which job i ended i seconds after a certain time."""
    store = JobStore(ServerSettings(data_dir=folder, runtime_file=folder / "server.json", **settings))
    ends = time.time() - count
    with store._transaction():
        store._db.executemany(
            "INSERT INTO jobs (id, client, request_hash, audio, short, frames, seed, state, born, created, updated) "
            "VALUES (?, 'me', 'h', 'a', 1, 30, '1', ?, 1, ?, ?)",
            [
                (str(uuid.UUID(int=i)), ("succeeded", "failed", "canceled")[i % 3], ends + i, ends + i)
                for i in range(count)
            ],
        )
    return store


def test_a_long_history_takes_no_memory_when_a_job_ends(tmp_path):
    store = history(tmp_path, 20_000, keep_jobs=1_000_000)
    store.trim()
    tracemalloc.start()
    try:
        store.trim()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(store.counts().values()) == 20_000
    assert peak < 100_000, peak  # bytes; reading every row took 4 MB, and the heap kept them
    store.close()


def test_the_oldest_jobs_are_forgotten_first(tmp_path):
    store = history(tmp_path, 30, keep_jobs=10)
    store.trim()
    kept = [row[0] for row in store._db.execute("SELECT id FROM jobs ORDER BY number")]
    assert kept == [str(uuid.UUID(int=i)) for i in range(20, 30)]
    store.close()


def test_the_turns_of_many_clients_are_not_all_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(turns, "CLIENTS", 3)
    store = history(tmp_path, 0)
    for client in "abacdea":
        job_id = str(uuid.uuid4())
        store.create(job_id, client, "h", "{}", "a", True, 30, 1)
        store.start_next()
        store.end(job_id, "succeeded")
    assert store._turns.remembered() == ["d", "e", "a"]
    store.close()


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
