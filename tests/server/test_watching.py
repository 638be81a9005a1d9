"""Metrics and the log: what is counted and written, and what never is."""

import json
import logging
import sys
import uuid

import httpx
import pytest
from patience import PATIENCE

from tempose_server import logs
from tempose_server.settings import ServerSettings


def metrics(server):
    """Samples by name with labels."""
    answer = server.client.get("/v1/metrics")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/plain")
    pairs = (line.rsplit(" ", 1) for line in answer.text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_jobs_uploads_and_refusals_are_counted(launch):
    server = launch(double=True)
    before = metrics(server)
    assert before["tempose_queue_length"] == before['tempose_jobs{state="succeeded"}'] == 0
    server.song(1.0)
    server.put_audio(server.client.get("/v1/health").content)  # refused: no song
    for seed in (1, 4000):
        server.wait(server.new_job(seed=seed, audio=server.song(1.0), seconds=1.0))
    running = server.new_job(seed=1900, audio=server.song(1.0))
    server.wait(running, "running")
    server.new_job(seed=1, audio=server.song(1.0))
    after = metrics(server)
    assert after["tempose_queue_length"] == after['tempose_jobs{state="queued"}'] == 1
    for state in ("running", "succeeded", "failed"):
        assert after[f'tempose_jobs{{state="{state}"}}'] == 1
    assert after['tempose_jobs_ended_total{state="failed"}'] == 1
    assert after["tempose_compute_seconds_per_dance_second_count"] == 1
    assert after["tempose_compute_seconds_per_dance_second_sum"] > 0
    assert after['tempose_uploads_total{kind="new"}'] == 1
    assert after["tempose_upload_bytes_total"] > 40_000
    assert after['tempose_refusals_total{status="422"}'] == 1


def test_metrics_need_the_token(server):
    answer = httpx.get(f"{server.url}/v1/metrics", timeout=PATIENCE, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (401, "token_wrong")


@pytest.fixture(scope="module")
def written(tmp_path_factory, tools):
    """A server that wrote a JSON log: (server, finished job, failed job, entries, stderr and stdout)."""
    folder = tmp_path_factory.mktemp("written")
    path = folder / "tempose.log"
    server = tools.Server(folder / "own", "--log-file", str(path), "--log-json", double=True)
    try:
        good, bad = server.new_job(seed=1), server.new_job(seed=4000)
        server.wait(good), server.wait(bad)
        server.client.get(f"/v1/jobs/{uuid.uuid4()}?token={server.token}")
        server.client.get(f"/v1/{server.token}")
        server.terminate()
        entries = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        return server, good, bad, entries, path
    finally:
        server.kill()


def test_the_json_log_tells_what_happened_to_a_job(written):
    _, good, bad, entries, _ = written
    assert {"time", "level", "logger", "message"} <= set.intersection(*(set(entry) for entry in entries))
    ran = [entry for entry in entries if entry.get("job") == good and entry["logger"] == "tempose.engine"]
    assert [entry["message"].split()[-1] for entry in ran] == ["runs", "succeeded"]
    asked = [entry for entry in entries if entry.get("job") == good and entry["logger"] == "tempose.http"]
    assert (asked[0]["method"], asked[0]["status"]) == ("PUT", 202)
    (failed,) = [entry for entry in entries if entry.get("job") == bad and "traceback" in entry]
    assert "RuntimeError" in failed["traceback"]
    assert not any(entry.get("job") == bad for entry in entries[: entries.index(ran[0])])


def test_the_log_holds_neither_token_nor_folder(written):
    server, *_, path = written
    for text in (path.read_text("utf-8"), server.log.split("Listening")[1]):
        assert server.token not in text
        for folder in (server.folder, path.parent, sys.prefix):
            assert str(folder) not in text
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def root():
    """The root logger, as it was afterwards."""
    logger = logging.getLogger()
    before, level = list(logger.handlers), logger.level
    yield logger
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        if handler not in before:
            handler.close()
    logger.handlers[:] = before
    logger.setLevel(level)


@pytest.mark.parametrize("as_json", [False, True])
def test_the_log_is_rotated_and_cleaned(root, tmp_path, as_json):
    path = tmp_path / "log" / "a.log"
    path.parent.mkdir()
    settings = ServerSettings(
        log_file=path, log_json=as_json, log_bytes=3000, log_keep=2, data_dir=tmp_path / "d"
    )
    logs.set_up(settings, "T" * 40)
    log = logging.getLogger("tempose.test")
    for number in range(100):
        log.info("line %s of %s in %s for %s", number, "T" * 40, tmp_path / "d" / "x.npz", "/home/me/s.wav")
    log.info(r"GET /v1/jobs/abc and C:\Users\me\song.wav")
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["a.log", "a.log.1", "a.log.2"]
    assert all(file.stat().st_size <= 3000 and file.stat().st_mode & 0o777 == 0o600 for file in files)
    text = path.read_text("utf-8")
    assert "line 99 of … in (path).npz for (path).wav" in text
    assert "/v1/jobs/abc" in text
    assert "Users" not in text
    assert "home" not in text


def test_a_log_file_that_cannot_be_written_is_named(tools, tmp_path):
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "tempose_server", "--log-file", str(tmp_path / "none" / "a.log"),
         "--runtime-file", str(tmp_path / "server.json"), "--data-dir", str(tmp_path / "data")],
        capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "log file" in done.stderr
