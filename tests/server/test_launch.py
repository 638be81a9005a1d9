"""How a server starts: its token and runtime file, and what it refuses to start with."""

import json
import os
import stat
import subprocess
import sys

import pytest
from patience import PATIENCE


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_the_runtime_file_is_for_its_owner_alone(launch):
    before = os.umask(0)  # the mode must not depend on it
    try:
        server = launch()
    finally:
        os.umask(before)
    assert stat.S_IMODE(server.runtime_file.stat().st_mode) == 0o600
    runtime = json.loads(server.runtime_file.read_text())
    assert set(runtime) == {"url", "token", "pid", "started"}
    assert runtime["pid"] == server.process.pid
    assert len(runtime["token"]) >= 40
    assert not [name for name in server.folder.iterdir() if name.name.startswith(".server")]
    assert server.terminate() == 0
    assert not server.runtime_file.exists()


def test_each_launch_has_its_own_token(launch):
    server = launch()
    first = server.token
    server.restart()
    assert server.token != first


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_runtime_file_is_not_put_where_others_could_change_it(server, tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    options = ["--data-dir", tmp_path / "data", "--runtime-file", tmp_path / "open" / "s.json"]
    assert "Other users" in refusal(server, *options)
    assert not (tmp_path / "open" / "s.json").exists()


def refusal(server, *options, settings=None):
    """What a further server says when it does not start."""
    environment = server.environment | {
        f"TEMPOSE_SERVER_{k.upper()}": str(v) for k, v in (settings or {}).items()
    }
    command = [sys.executable, "-m", "tempose_server", "--model", "null", *map(str, options)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_an_open_address_needs_a_configured_token(server, tmp_path):
    for host in ("0.0.0.0", "some-name.example"):
        options = ["--host", host, "--data-dir", tmp_path / "data", "--runtime-file", tmp_path / "s.json"]
        assert "--token-file" in refusal(server, *options)
        assert not (tmp_path / "s.json").exists()


def test_a_token_file_that_others_can_read_is_refused(server, tmp_path):
    token = tmp_path / "token"
    token.write_text("k" * 40)
    token.chmod(0o644)
    options = ["--host", "0.0.0.0", "--data-dir", tmp_path / "data", "--runtime-file", tmp_path / "s.json"]
    assert "chmod 600" in refusal(server, *options, "--token-file", token)
    token.chmod(0o600)
    token.write_text("short")
    assert "32" in refusal(server, *options, "--token-file", token)


def test_a_second_server_on_the_same_data_folder_is_refused(server, tmp_path):
    options = ["--data-dir", server.folder / "data", "--runtime-file", tmp_path / "s.json"]
    assert "Another Tempose server" in refusal(server, *options)
    assert server.client.get("/v1/health").status_code == 200
    assert server.runtime_file.exists()


def test_wrong_settings_are_named(server, tmp_path):
    folder = ["--data-dir", tmp_path / "data", "--runtime-file", tmp_path / "s.json"]
    assert "TEMPOSE_SERVER_QUEUES" in refusal(server, *folder, settings={"queues": 3})
    assert "queue" in refusal(server, *folder, settings={"queue": "many"})
    settings = tmp_path / "settings.yaml"
    settings.write_text("quue: 3\n")
    assert "quue" in refusal(server, *folder, "--config", settings)
    assert str(server.port) in refusal(server, *folder, "--port", server.port)
