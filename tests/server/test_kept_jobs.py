"""What a server keeps of jobs and songs, how long, and what a full disk or a fault of its own does to them."""

import contextlib
import sqlite3
import time

import numpy as np
import pytest
from patience import PATIENCE

from tempose_server import worker
from tempose_server.errors import ApiError
from tempose_server.events import EventHub
from tempose_server.jobs import JobStore
from tempose_server.metrics import Metrics
from tempose_server.settings import ServerSettings


@pytest.fixture
def store(tmp_path):
    found = JobStore(
        ServerSettings(
            data_dir=tmp_path, keep_jobs=3, keep_days=1, runtime_file=tmp_path / "s.json", model="null"
        )
    )
    yield found
    found.close()


def create(store, name, **changes):
    values = {
        "client": "",
        "request_hash": "h",
        "request": "{}",
        "audio": "song",
        "short": True,
        "frames": 60,
    }
    return store.create(name, **{**values, "seed": 1, **changes})[0]


def test_only_the_last_finished_jobs_are_kept(store):
    for i in range(6):
        create(store, f"job{i}")
        if i < 5:
            store.start_next()
            store.result_path(f"job{i}").write_bytes(b"dance")
            store.end(f"job{i}", "succeeded")
    assert store.trim() == {"song"}
    assert [store._find(f"job{i}") is not None for i in range(6)] == [False, False, True, True, True, True]
    assert [store.result_path(f"job{i}").exists() for i in range(6)] == [
        False,
        False,
        True,
        True,
        True,
        False,
    ]


def test_finished_jobs_are_kept_for_so_many_days_of_a_running_server(store, monkeypatch):
    now = time.monotonic()
    for name, days in (("old", 0), ("young", 0.9)):
        create(store, name)
        store.start_next()
        monkeypatch.setattr("tempose_server.jobs.time.monotonic", lambda days=days: now + days * 86_400)
        store.end(name, "succeeded")
    monkeypatch.setattr("tempose_server.jobs.time.monotonic", lambda: now + 1.1 * 86_400)
    store.trim()
    assert [store._find(name) is not None for name in ("old", "young")] == [False, True]


@pytest.mark.parametrize("leap", [-40 * 365, 40 * 365])
def test_no_leap_of_the_clock_loses_a_dance(store, monkeypatch, leap):
    now = time.time()
    for i in range(6):
        create(store, f"job{i}")
        store.start_next()
        with monkeypatch.context() as patch:
            patch.setattr("tempose_server.jobs.time.time", lambda i=i: now + i * leap * 86_400)
            store.end(f"job{i}", "succeeded")
        store.trim()
    assert [store._find(f"job{i}") is not None for i in range(6)] == [False, False, False, True, True, True]


def test_a_server_forgets_what_it_need_not_keep(launch):
    server = launch(double=True, settings={"keep_jobs": 2})
    made = [server.new_job(seed=1) for _ in range(4)]
    for job_id in made[2:]:
        assert server.wait(job_id)["state"] == "succeeded"
    server.wait(server.new_job(seed=1))  # the one after it has cleared away
    assert server.client.get(f"/v1/jobs/{made[0]}").status_code == 404
    left = {path.stem for path in (server.folder / "data" / "results").iterdir()}
    assert not left & set(made[:2])


def test_the_end_of_a_job_holds_even_when_the_disk_is_full(store, monkeypatch):
    create(store, "job")
    store.start_next()

    def full(_):
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(store, "_save_end", full)
        store.end("job", "failed", {"code": "disk_full"})
        assert store.get("job").state == "failed"
    assert store.start_next() is None  # and saves what could not be saved
    assert not store._unsaved
    assert store.get("job").error == {"code": "disk_full"}


@contextlib.contextmanager
def full_disk():
    """In the place of a transaction."""
    raise sqlite3.OperationalError("database or disk is full")
    yield


@pytest.mark.parametrize("left", ["park", "crashed"])
def test_a_job_that_nobody_runs_runs_again_once_the_disk_has_room(store, monkeypatch, left):
    create(store, "job")
    for _ in range(3):  # what could not be counted is not: two crashes would be its end
        assert store.start_next().id == "job"
        with monkeypatch.context() as patch:
            patch.setattr(store, "_transaction", full_disk)
            getattr(store, left)("job")
            assert store.start_next() is None
    assert store.start_next().id == "job"


@pytest.mark.parametrize(("gently", "state"), [(True, "queued"), (False, "failed")])
def test_a_gentle_stop_on_a_full_disk_is_no_crash(store, monkeypatch, gently, state):
    create(store, "job")
    for _ in range(2):
        assert store.start_next().id == "job"
        with monkeypatch.context() as patch:
            patch.setattr(store, "_transaction", full_disk)
            store.park("job")
            if gently:
                store.close()
            else:
                store._db.close()
        store.__init__(store._settings)
    assert store.get("job").state == state


@pytest.mark.parametrize(("faults", "state"), [(1, "succeeded"), (2, "failed")])
def test_a_job_interrupted_by_a_fault_of_the_engine_comes_to_an_end(store, monkeypatch, faults, state):
    create(store, "job")
    engine = worker.Engine(store._settings, store, None, EventHub(), Metrics(dict))
    left = iter(range(faults))

    def run(job, replica):
        if next(left, None) is not None:
            raise OSError("Read-only file system")
        store.end(job.id, "succeeded")

    monkeypatch.setattr(engine, "_run", run)
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.01)
    engine.start()
    deadline = time.monotonic() + PATIENCE / 10
    while not (job := store.get("job")).finished and time.monotonic() < deadline:
        time.sleep(0.01)
    engine.stop(PATIENCE)
    assert job.state == state


def test_a_full_disk_refuses_a_new_job_plainly(store, monkeypatch):
    monkeypatch.setattr(store, "_transaction", full_disk)
    with pytest.raises(ApiError) as caught:
        create(store, "job")
    assert (caught.value.status, caught.value.code) == (507, "disk_full")
    monkeypatch.undo()
    assert store._find("job") is None


def test_songs_unused_for_longest_are_forgotten_but_none_that_is_needed(strict_server, tools, tmp_path):
    from tempose_server.audio_store import AudioStore
    from tempose_server.sandbox import Sandbox

    limits = ServerSettings(data_dir=tmp_path, keep_audio_bytes=200_000, runtime_file=tmp_path / "s.json")
    audio = AudioStore(limits, Sandbox(limits))
    for i, name in enumerate("abc"):
        with audio.staging() as folder:
            (folder / "audio").write_bytes(tools.wav(np.random.default_rng(i).normal(0, 0.1, 16_000)))
            audio.adopt(folder, name)
        time.sleep(0.02)
    audio.trim({"a"})
    assert [audio.seconds(name) is not None for name in "abc"] == [True, False, True]
