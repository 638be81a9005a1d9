"""What lies about where a server is started, what its children are told, and folders it should not have."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from patience import PATIENCE

from tempose_server import sandbox

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_nothing_from_the_folder_the_server_is_started_in_runs(launch, tools, tmp_path):
    here, ran = tmp_path / "here", tmp_path / "ran"
    here.mkdir()
    for name in (
        "numpy",
        "soxr",
        "soundfile",
        "typer",
        "librosa",
        "sitecustomize",
        "usercustomize",
        "tempose_pose",
    ):
        (here / f"{name}.py").write_text(
            f"open({str(ran)!r}, 'a').write({name!r} + '\\n')\nraise SystemExit(3)\n"
        )
    server = launch(cwd=here)
    song = server.song()
    assert server.client.get(f"/v1/audio/{song}/analysis").status_code == 200
    body = {"tempo_map": [[0.0, 0.0], [1.0, 1.0]], "seconds": 1.0}
    assert server.client.post(f"/v1/audio/{song}/stretch", json=body).status_code == 200
    assert server.wait(server.new_job(model="null"))["state"] == "succeeded"
    assert not ran.exists(), ran.read_text()


def test_a_child_runs_nothing_that_its_folder_or_the_environment_leads_to(tmp_path):
    (tmp_path / "json.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    subprocess.run(
        sandbox.COMMAND, input=sandbox._told({}), cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert not (tmp_path / "ran").exists()


@linux
def test_a_child_whose_server_has_ended_before_does_nothing():
    told = json.dumps(
        {"packages": [], "parent": 1}
    ).encode()  # a killed one's children are the first process's
    done = subprocess.run(sandbox.COMMAND, input=told, capture_output=True, timeout=PATIENCE, check=False)
    assert (done.returncode, done.stderr) == (1, b"")


@linux
def test_what_a_child_is_told_stands_in_no_list_of_processes(launch):
    server = launch(double=True, settings={"child_seconds": 10}, environment={"PYTHONPATH_SECRET": "x"})
    thread = threading.Thread(target=lambda: server.put_audio(b"SLEEP"))
    thread.start()
    deadline, found = time.monotonic() + PATIENCE, []
    while not found:
        assert time.monotonic() < deadline
        for task in Path(f"/proc/{server.process.pid}/task").iterdir():
            found += [
                Path(f"/proc/{pid}") for pid in (task / "children").read_text().split()
                if b"child" in Path(f"/proc/{pid}/cmdline").read_bytes()
            ]  # fmt: skip
        time.sleep(0.05)
    said = found[0].joinpath("cmdline").read_bytes().decode().split("\0")
    assert "-I" in said
    assert str(server.folder) not in " ".join(said)
    assert b"PYTHON" not in found[0].joinpath("environ").read_bytes()
    assert not list(found[0].joinpath("cwd").resolve().iterdir())
    os.kill(int(found[0].name), signal.SIGKILL)
    thread.join(PATIENCE)


def test_a_long_tempo_map_reaches_the_child(server):
    song = server.song()
    points = [[i / 4000, i / 4000 * 1.1] for i in range(4000)]
    answer = server.client.post(f"/v1/audio/{song}/stretch", json={"tempo_map": points, "seconds": 0.9})
    assert answer.status_code == 200, answer.text


def refusal(server, *options):
    """What a further server says that does not start, with these options besides a data folder of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tempose_server", "--model", "null", *map(str, options)],
        capture_output=True, text=True, timeout=PATIENCE, env=server.environment, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_second_server_does_not_take_the_runtime_file_over(server, tmp_path):
    before = server.runtime_file.read_text()
    said = refusal(server, "--data-dir", tmp_path / "other", "--runtime-file", server.runtime_file)
    assert "--runtime-file" in said
    assert server.runtime_file.read_text() == before


def a_file(path):
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text("x")


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda at: (at / "s.json").mkdir(), "s.json"),
        (lambda at: a_file(at / "data"), "data"),
        *[
            (lambda at, name=name: a_file(at / "data" / name), name)
            for name in ("results", "audio", "staging", "damaged", "empty")
        ],
        (lambda at: (at / "data" / "lock").mkdir(parents=True, mode=0o700), "lock"),
        (lambda at: (at / "data" / "jobs.sqlite").mkdir(parents=True, mode=0o700), "jobs.sqlite"),
    ],
    ids=["runtime file", "data", "results", "audio", "staging", "damaged", "empty", "lock", "jobs"],
)
def test_what_is_not_what_it_should_be_is_named_in_words(server, tmp_path, spoil, named):
    spoil(tmp_path)
    if (tmp_path / "data").is_dir():
        (tmp_path / "data").chmod(0o700)
    said = refusal(server, "--data-dir", tmp_path / "data", "--runtime-file", tmp_path / "s.json")
    assert named in said


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_runtime_folder_that_cannot_be_written_is_named(server, tmp_path):
    place = Path("/proc") if os.geteuid() == 0 else tmp_path / "read-only"
    if os.geteuid():
        place.mkdir(mode=0o500)
    assert "--runtime-file" in refusal(
        server, "--data-dir", tmp_path / "data", "--runtime-file", place / "s.json"
    )


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no SIGHUP")
@pytest.mark.skipif(
    signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, reason="under nohup the server heeds none"
)
def test_a_hangup_parks_jobs_as_a_stop_does(launch):
    server = launch(double=True)
    running = server.new_job(seed=1900)
    server.wait(running, "running")
    for _ in range(2):  # a job that crashed twice would not be queued again
        server.process.send_signal(signal.SIGHUP)
        assert server.process.wait(PATIENCE) == 0
        assert not server.runtime_file.exists()
        server.start()
        server.wait(running, "running")
    server.cancel(running)
