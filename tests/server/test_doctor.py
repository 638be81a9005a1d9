"""The doctor finds what is wrong, says what to do, and its exit code tells."""

import json
import os
import socket
import subprocess
import sys
from importlib import metadata

import pytest
import typer
from patience import PATIENCE
from typer.testing import CliRunner

from tempose.weights_check import WEIGHT_FILE
from tempose_server import doctor


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Ask the doctor about a server in a folder of its own: (exit code, findings)."""
    for name in [name for name in os.environ if name.startswith("TEMPOSE_SERVER_")]:
        monkeypatch.delenv(name)
    app = typer.Typer()
    app.command()(doctor.doctor)
    (tmp_path / "run").mkdir(mode=0o700)

    def run(*options, model="null"):
        places = (
            *("--runtime-file", str(tmp_path / "run" / "server.json")),
            *("--data-dir", str(tmp_path / "data")),
        )
        done = CliRunner().invoke(app, [*places, "--model", str(model), "--json", *map(str, options)])
        return done.exit_code, [doctor.Finding(**f) for f in json.loads(done.stdout)["findings"]]

    return run


def about(found, name, level):
    """The one finding of that level about that thing."""
    (only,) = [finding for finding in found if finding.about == name and finding.level == level]
    return only


def test_the_command_finds_nothing_wrong_where_nothing_is(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tempose.cli", "doctor", "--model", "null",
         "--runtime-file", tmp_path / "server.json", "--data-dir", tmp_path / "data"],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("TEMPOSE_SERVER_")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "XX" not in done.stdout
    for name in ("packages", "address", "runtime file", "data folder", "weights"):
        assert f"ok  {name}: " in done.stdout


def test_a_taken_port_is_found(ask):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, found = ask("--port", taken.getsockname()[1])
    assert code == 1
    assert "--port" in about(found, "address", "wrong").todo


def test_an_open_address_without_a_token_is_found(ask):
    code, found = ask("--host", "0.0.0.0")
    assert code == 1
    assert "--token-file" in about(found, "address", "wrong").text


def test_a_token_that_others_can_read_is_found(ask, tmp_path):
    token = tmp_path / "token"
    token.write_text("t" * 40)
    token.chmod(0o644)
    code, found = ask("--token-file", token)
    assert code == 1
    assert "chmod 600" in about(found, "permissions", "wrong").text
    assert not any("t" * 40 in finding.text + finding.todo for finding in found)


def test_a_runtime_file_that_others_can_read_is_found_and_a_stale_one(ask, tmp_path):
    path = tmp_path / "run" / "server.json"
    path.write_text(json.dumps({"url": "http://127.0.0.1:1", "token": "x", "pid": os.getpid()}))
    path.chmod(0o644)
    code, found = ask()
    assert (code, about(found, "runtime file", "wrong").todo) == (1, f"chmod 600 {path}")
    path.chmod(0o600)
    code, found = ask()
    assert (code, "running" in about(found, "runtime file", "good").text) == (0, True)
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        pass
    for left in ({}, {"url": "http://127.0.0.1:1", "token": "x", "pid": ended.pid}):
        path.write_text(json.dumps(left))
        code, found = ask()
        assert (code, "gone" in about(found, "runtime file", "odd").text) == (0, True)


def test_an_invalid_data_folder_is_found(ask, tmp_path):
    (tmp_path / "file").write_text("")
    code, found = ask("--data-dir", tmp_path / "file" / "inside")
    assert (code, about(found, "data folder", "wrong").todo) == (1, "Give another --data-dir.")


def test_a_full_disk_is_found(ask, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: type("", (), {"free": 1000})())
    code, found = ask()
    assert (code, "space" in about(found, "data folder", "wrong").todo) == (1, True)


def test_a_damaged_list_of_jobs_and_an_open_folder_are_found(ask, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o755)
    (data / "jobs.sqlite").write_bytes(b"not a database, and longer than a header of one would be" * 99)
    code, found = ask()
    assert (code, "damaged" in about(found, "jobs", "wrong").text) == (1, True)
    assert about(found, "data folder", "odd").todo == f"chmod 700 {data}"


def test_damaged_weights_are_found(ask, tmp_path):
    for component in ("vae", "dit"):
        (tmp_path / "own" / component).mkdir(parents=True)
        (tmp_path / "own" / component / WEIGHT_FILE).write_bytes(b"\x80\x04pickle")
    (tmp_path / "own" / "model_index.json").write_text("{}")
    code, found = ask("--device", "cpu", model=tmp_path / "own")
    assert (code, "pickle" in about(found, "weights", "wrong").text) == (1, True)
    code, found = ask("--device", "cpu", model=tmp_path / "none")
    assert (code, "no Tempose weights" in about(found, "weights", "wrong").text) == (1, True)


def test_too_little_memory_and_a_missing_device_are_found(ask, tmp_path, monkeypatch):
    monkeypatch.setattr(doctor, "_free_memory", lambda: 10_000)
    code, found = ask("--device", "cpu", model=tmp_path / "none")
    assert (code, "Close other programs" in about(found, "memory", "wrong").todo) == (1, True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    code, found = ask("--device", "cuda", model=tmp_path / "none")
    assert (code, "cuda" in about(found, "device and memory", "wrong").text) == (1, True)


def test_packages_that_are_missing_or_too_old_are_found(ask, monkeypatch):
    real = metadata.version
    monkeypatch.setattr(
        doctor.metadata, "version", lambda name: {"uvicorn": "0.1", "scipy": None}.get(name, "") or real(name)
    )
    monkeypatch.setattr(doctor.metadata, "requires", lambda _: ["uvicorn>=0.34", "surely-not-there", "numpy"])
    code, found = ask()
    text = about(found, "packages", "wrong").text
    assert (code, "uvicorn>=0.34 (0.1)" in text, "surely-not-there" in text, "numpy" in text) == (
        1, True, True, False,
    )  # fmt: skip


def test_a_check_that_itself_fails_is_a_finding_and_the_others_go_on(ask, monkeypatch):
    def device_and_memory(settings):
        raise RuntimeError("the driver hangs")

    monkeypatch.setattr(doctor, "device_and_memory", device_and_memory)
    code, found = ask()
    assert (code, "the driver hangs" in about(found, "device and memory", "wrong").text) == (1, True)
    assert about(found, "weights", "good")


def test_a_wrong_setting_is_found(ask):
    code, found = ask("--port", "99999")
    assert (code, "port" in about(found, "settings", "wrong").text) == (1, True)
