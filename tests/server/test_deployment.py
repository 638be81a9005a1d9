"""The examples in the documentation, tried: systemd unit, settings file, container's command, nginx."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
import yaml
from patience import PATIENCE

from tempose_server.serve import keep_compiled

DOCS = Path(__file__).parents[2] / "docs"


def example(page, language, holding):
    """The code block of a page that holds these words."""
    blocks = re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text("utf-8"), re.S)
    return next(block for block in blocks if holding in block)


def checked(server, *options):
    """`--check` with these options, on a place of its own."""
    return subprocess.run(
        [sys.executable, "-m", "tempose_server", *options, "--check"],
        env=server.environment, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


UNIT = example("running.md", "ini", "[Service]").replace("/opt/tempose/bin/tempose", sys.executable)


@pytest.fixture
def analysed(tmp_path):
    """What systemd-analyze says about a unit, with its exit code."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")

    def analyse(unit, *command):
        path = tmp_path / "tempose.service"
        path.write_text(unit)
        done = subprocess.run(
            ["systemd-analyze", *command, path], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return analyse


def test_systemd_takes_the_unit(analysed):
    assert "tempose" not in analysed(UNIT, "verify")[1]
    assert "tempose" in analysed(UNIT.replace("ProtectHome=yes", "ProtectHoome=yes"), "verify")[1]


def test_the_unit_leaves_the_server_few_rights(analysed):
    at_most = ("security", "--offline=true", "--threshold=20")  # tenths of systemd's measure: 2 of 10
    code, said = analysed(UNIT, *at_most)
    if "unrecognized option" in said:
        pytest.skip("needs systemd 250")
    assert code == 0, said
    for right in ("CapabilityBoundingSet=", "SystemCallFilter=@system-service"):
        assert right in UNIT
        assert analysed(UNIT.replace(right, "#"), *at_most)[0] != 0


def test_the_server_takes_the_settings_file(server, tmp_path):
    token = tmp_path / "token"
    token.write_text("t" * 40)
    token.chmod(0o600)
    values = yaml.safe_load(example("running.md", "yaml", "runtime_file"))
    path = tmp_path / "server.yaml"
    path.write_text(yaml.safe_dump({**values, "token_file": str(token)}))
    done = checked(server, "--config", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    path.write_text(yaml.safe_dump({**values, "token_file": str(token), "prot": 1}))
    assert "prot" in checked(server, "--config", str(path)).stderr


def test_the_server_takes_the_containers_command(server, tmp_path):
    recipe = example("running.md", "dockerfile", "ENTRYPOINT")
    entry = json.loads(re.search(r"ENTRYPOINT (\[.*?\])", recipe.replace("\\\n", ""), re.S)[1])
    assert entry[:2] == ["tempose", "serve"]
    assert "USER tempose" in recipe
    refused = checked(server, *entry[2:])
    assert refused.returncode == 2
    assert "token" in refused.stderr  # it listens for all, so it asks for one
    token = tmp_path / "token"
    token.write_text("t" * 40)
    token.chmod(0o600)
    assert checked(server, *entry[2:], "--token-file", str(token)).returncode == 0


def test_a_check_starts_nothing_and_finds_a_token_that_others_can_read(tmp_path):
    token, data = tmp_path / "token", tmp_path / "data"
    token.write_text("t" * 40)
    token.chmod(0o600)
    command = [
        sys.executable, "-m", "tempose_server", "--check", "--model", "null", "--token-file", token,
        "--data-dir", data, "--runtime-file", tmp_path / "server.json",
    ]  # fmt: skip

    def check():
        return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)

    assert (check().returncode, data.exists()) == (0, False)
    token.chmod(0o644)
    assert (check().returncode, "chmod 600" in check().stderr) == (2, True)


def test_on_a_read_only_disk_what_librosa_compiles_is_kept_with_the_data(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", "")
    monkeypatch.delenv("NUMBA_CACHE_DIR")  # and so put back afterwards
    monkeypatch.setattr(os, "access", lambda place, mode: True)
    keep_compiled(tmp_path)
    assert "NUMBA_CACHE_DIR" not in os.environ
    monkeypatch.setattr(os, "access", lambda place, mode: False)
    keep_compiled(tmp_path)
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "numba")
    keep_compiled(tmp_path / "other")  # whoever runs the server may say otherwise
    assert os.environ["NUMBA_CACHE_DIR"] == str(tmp_path / "numba")


@pytest.fixture
def proxy(server, tmp_path):
    """The address of an nginx, with the example's location, before the server."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("needs nginx")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    location = re.search(r"```\n(location.*?)```", (DOCS / "security.md").read_text("utf-8"), re.S)[1]
    config = tmp_path / "nginx.conf"
    places = "\n".join(
        f"{kind}_temp_path {tmp_path / kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"{'user root;' if os.getuid() == 0 else ''} daemon off; pid {tmp_path / 'pid'}; error_log stderr;\n"
        "events {}\n"
        f"http {{ access_log off; {places} server {{ listen 127.0.0.1:{port};\n"
        f"{location.replace('127.0.0.1:8765', f'127.0.0.1:{server.port}')}\n}} }}\n"
    )
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen([program, "-p", tmp_path, "-c", config], stdout=log, stderr=log)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert running.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    running.terminate()
    running.wait(PATIENCE)


def test_behind_nginx_songs_jobs_events_and_refusals_work(server, tools, proxy):
    direct = server.client
    with httpx.Client(base_url=proxy, headers=direct.headers, timeout=PATIENCE, trust_env=False) as through:
        server.client = through
        try:
            assert through.get("/v1/health").json()["status"] == "READY"
            big = tools.wav(tools.clicks(60.0), subtype="FLOAT")  # beyond nginx' own limit of 1 MB
            assert server.put_audio(big).status_code in (200, 201)
            job_id = server.new_job(seconds=12.0)
            events = server.events(job_id)
            assert [data["state"] for _, name, data in events if name == "state"][-1] == "succeeded"
            assert "segment" in {name for _, name, _ in events}
            assert through.get(f"/v1/jobs/{job_id}/result").json()["frames"] == 360
        finally:
            server.client = direct
        through.headers["Authorization"] = "Bearer wrong"
        assert through.get("/v1/health").status_code == 401
        assert through.get("/other", headers=direct.headers).status_code == 404


LINK = 250_000  # bytes a second: 2 Mbit/s


class SlowLink:
    """A proxy through which bytes come back no faster than `LINK`; it counts them."""

    def __init__(self, port):
        import threading

        self.port, self.bytes = port, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        import threading

        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.port))
            threading.Thread(target=self.carry, args=(near, far, 0), daemon=True).start()
            threading.Thread(target=self.carry, args=(far, near, LINK), daemon=True).start()

    def carry(self, source, target, pace):
        try:
            while data := source.recv(4096):
                if pace:
                    self.bytes += len(data)
                    time.sleep(len(data) / pace)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def close(self):
        self.listener.close()


def test_over_a_slow_link_a_minute_of_dance_takes_few_bytes(server):
    from tempose_pose.compact import MEDIA_TYPE, unpack

    job_id = server.new_job(seconds=60.0)
    server.wait(job_id, "succeeded")
    link, sizes = SlowLink(server.port), {}
    try:
        with httpx.Client(
            base_url=link.url, headers=server.client.headers, timeout=PATIENCE, trust_env=False
        ) as client:
            for kind in (MEDIA_TYPE, "application/json"):
                before, began = link.bytes, time.monotonic()
                answer = client.get(f"/v1/jobs/{job_id}/result", headers={"Accept": kind})
                sizes[kind] = link.bytes - before
                print(f"{kind}: {sizes[kind]} bytes in {time.monotonic() - began:.2f} s at 2 Mbit/s")
                if kind == MEDIA_TYPE:
                    assert unpack(answer.content)[1].shape == (1800, 18, 2)
    finally:
        link.close()
    assert sizes[MEDIA_TYPE] < 150_000
    assert sizes[MEDIA_TYPE] < sizes["application/json"] / 3
