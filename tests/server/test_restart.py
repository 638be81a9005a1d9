"""Servers that are killed, stopped, started again, or have no space left."""

import contextlib
import shutil
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from patience import PATIENCE

SLOW = 1900


@pytest.mark.with_ray
def test_a_killed_server_loses_no_job(launch):
    server = launch(double=True)
    finished = server.new_job(seed=1)
    server.wait(finished, "succeeded")
    result = server.client.get(f"/v1/jobs/{finished}/result").content
    body = server.body(seed=1060)
    running = server.put_job(body=body).json()["id"]
    last = server.events(running, stop=lambda event: event[1] == "progress")[-1][0]
    waiting = server.new_job(seed=2)
    server.restart(hard=True)

    assert server.client.get(f"/v1/jobs/{finished}/result").content == result
    rest = server.events(running, after=last)
    assert [event[0] for event in rest if event[0]] == sorted({event[0] for event in rest if event[0]})
    assert min(event[0] for event in rest if event[0]) > last
    assert rest[0][1] == "state"  # the new run is told from its beginning
    assert [data["start"] for _, name, data in rest if name == "segment"] == [0, 0]
    assert rest[-1][2]["state"] == "succeeded"
    assert server.wait(waiting)["state"] == "succeeded"
    assert server.put_job(running, body).status_code == 200
    only_end = server.events(finished)
    assert [(name, data["state"]) for _, name, data in only_end] == [("state", "succeeded")]
    assert server.client.get(f"/v1/jobs/{running}/result").json()["seed"] == 1060


def test_a_job_that_kills_the_server_twice_is_not_run_a_third_time(launch):
    server = launch(double=True)
    server.song()
    deadly = server.new_job(seed=3000)
    innocent = server.new_job(seed=1)
    for _ in range(2):
        assert server.process.wait(PATIENCE) == 9
        server.start()
    failed = server.wait(deadly)
    assert (failed["state"], failed["error"]["code"]) == ("failed", "job_crashed")
    assert server.wait(innocent)["state"] == "succeeded"


def test_a_cancel_is_remembered_over_a_kill(launch):
    server = launch(double=True)
    running, waiting = server.new_job(seed=6000), server.new_job(seed=SLOW)
    server.events(running, stop=lambda event: event[1] == "progress")
    server.cancel(running)
    server.cancel(waiting)
    server.restart(hard=True)
    assert server.job(running)["state"] == "canceled"
    assert server.job(waiting)["state"] == "canceled"


@pytest.mark.with_ray
def test_a_stopped_server_parks_its_jobs_and_leaves_in_good_order(launch):
    server = launch(double=True)
    running = server.new_job(seed=1100)
    last = server.events(running, stop=lambda event: event[1] == "progress")[-1][0]
    waiting = server.new_job(seed=1)
    assert server.terminate() == 0
    assert not server.runtime_file.exists()
    assert "Tempose has stopped." in server.log
    assert "Traceback" not in server.log
    server.start()
    server.wait(running, "running")
    assert server.terminate() == 0
    server.start()  # parked twice; a job that crashed twice would not run again
    assert server.events(running, after=last)[-1][2]["state"] == "succeeded"
    assert server.wait(waiting)["state"] == "succeeded"


@pytest.mark.with_ray
def test_a_server_stopped_in_the_middle_of_a_long_step_begins_that_job_anew(launch):
    server = launch(double=True, settings={"shutdown_seconds": 0.5})
    running, canceled = server.new_job(seed=6002), server.new_job(seed=6002)
    for _ in range(2):  # a job that crashed twice would not run again
        server.events(running, stop=lambda event: event[1] == "progress")
        assert server.terminate() == 0
        server.start()
    assert server.wait(running)["state"] == "succeeded"
    server.wait(canceled, "running")
    server.cancel(canceled)
    assert server.terminate() == 0
    server.start()
    assert server.job(canceled)["state"] == "canceled"


def test_a_stopping_server_ends_its_event_streams(launch):
    server = launch(double=True)
    running = server.new_job(seed=SLOW)
    with server.client.stream("GET", f"/v1/jobs/{running}/events") as answer:
        lines = answer.iter_lines()
        next(lines)
        server.process.terminate()
        rest = list(lines)
    assert server.process.wait(PATIENCE) == 0
    assert rest


def test_a_call_under_way_is_answered_before_the_server_ends(launch):
    server = launch(double=True, settings={"child_seconds": 3})
    staging = server.folder / "data" / "staging"
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(server.put_audio, b"SLEEP")
        while not list(staging.iterdir()):
            time.sleep(0.02)
        server.process.terminate()
        assert answer.result().json()["code"] == "audio_costly"
    assert server.process.wait(PATIENCE) == 0


def test_a_call_that_never_ends_does_not_keep_the_server_from_stopping(launch):
    patient = {"upload_idle_seconds": 3600, "upload_grace_seconds": 3600, "shutdown_seconds": 1}
    server = launch(settings=patient)
    staging = server.folder / "data" / "staging"
    head = (
        f"PUT /v1/audio/{'0' * 64} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.token}\r\n"
        "Content-Type: application/octet-stream\r\nContent-Length: 100\r\n\r\nx"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as upload:
        upload.sendall(head.encode())
        while not list(staging.iterdir()):
            time.sleep(0.02)
        assert server.terminate() == 0
    assert not list(staging.iterdir())


def test_what_a_killed_server_left_half_done_is_cleared_away(launch):
    server = launch()
    half = server.folder / "data" / "staging" / "half"
    half.mkdir()
    (half / "audio").write_bytes(b"half an upload")
    server.restart(hard=True)
    assert not half.exists()


def test_a_runtime_file_of_another_server_is_left_alone(launch):
    server = launch()
    server.runtime_file.write_text('{"url": "http://127.0.0.1:1", "token": "other", "pid": 1}')
    assert server.terminate() == 0
    assert "other" in server.runtime_file.read_text()


def test_a_damaged_job_list_is_named(launch):
    server = launch()
    server.terminate()
    for name in ("jobs.sqlite", "jobs.sqlite-wal", "jobs.sqlite-shm"):
        (server.folder / "data" / name).unlink(missing_ok=True)
    (server.folder / "data" / "jobs.sqlite").write_bytes(b"not a database" * 1000)
    done = subprocess.run(
        server.command, env=server.environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 2
    assert "jobs.sqlite" in done.stderr
    assert "Traceback" not in done.stderr


def can_mount():
    if sys.platform != "linux" or not shutil.which("unshare"):
        return False
    test = ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(test, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs a mount namespace for a small disk")
def test_a_full_disk_fails_what_needs_it_and_nothing_else(launch, tools, tmp_path):
    disk = tmp_path / "own" / "data"
    disk.mkdir(parents=True)
    script = f'mount -t tmpfs -o size=3m tmpfs {disk} && exec "$@"'
    prefix = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh")
    server = launch(double=True, prefix=prefix)
    song = server.song()
    noise = tools.wav(np.random.default_rng(0).normal(0, 0.1, 1_000_000))
    full = server.put_audio(noise)
    assert (full.status_code, full.json()["code"]) == (507, "disk_full")
    assert server.client.head(f"/v1/audio/{song}").status_code == 200

    codes = []
    for i in range(60):  # half a megabyte of poses each: results soon have no room
        known = {
            "keypoints": np.random.default_rng(i).random((1200, 18, 2)).round(3).tolist(),
            "scores": np.ones((1200, 18)).tolist(),
            "mask": [[0, 1200]],
        }
        answer = server.put_job(seconds=40.0, known=known, seed=1)
        if answer.status_code == 507:
            codes.append("refused")
        else:
            job = server.wait(answer.json()["id"])
            codes.append(job["error"]["code"] if job["error"] else job["state"])
        if codes.count("disk_full") + codes.count("refused") == 3:
            break
    assert codes[0] == "succeeded"
    assert codes[-1] in ("disk_full", "refused")
    assert set(codes) <= {"succeeded", "disk_full", "refused"}
    assert server.client.get("/v1/health").json()["status"] == "READY"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_decoder_does_not_outlive_its_server(launch):
    server = launch(double=True, settings={"child_seconds": 60})

    def upload():
        with contextlib.suppress(httpx.HTTPError):  # the server is killed meanwhile
            server.put_audio(b"HANG")

    thread = threading.Thread(target=upload)
    thread.start()
    tasks = Path(f"/proc/{server.process.pid}/task")
    deadline = time.monotonic() + PATIENCE
    found = []
    while not found and time.monotonic() < deadline:
        for task in tasks.iterdir():
            found += (task / "children").read_text().split()
        time.sleep(0.05)
    process = server.process
    process.kill()
    process.wait(PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and any(alive(pid) for pid in found):
        time.sleep(0.05)
    assert found
    assert not any(alive(pid) for pid in found)
    thread.join(PATIENCE)


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
