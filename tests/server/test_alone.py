"""Protections that another one would stand in for, each tried by itself, without a server where that will do."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from patience import PATIENCE

from tempose.music.audio import Song
from tempose.null_model import NullModel
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.grid import BeatGrid
from tempose_pose.request import DanceRequest
from tempose_pose.standing import standing_pose
from tempose_pose.wire.answers import Progress
from tempose_server import decode, events, sandbox
from tempose_server.errors import ApiError, is_disk_full
from tempose_server.metrics import Metrics
from tempose_server.routes import PARTS, PREFIX
from tempose_server.routes.bodies import rules
from tempose_server.security import Doors
from tempose_server.settings import ServerSettings

TOKEN = "t" * 40


def through(headers, receive=None, kind="http", **limits):
    """What the doors alone say to one request, and whether they let it in."""
    sent, inside = [], []

    async def app(scope, receive, send):
        inside.append(scope["type"])
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def nothing():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    settings = ServerSettings(**limits)
    doors = Doors(
        app, token=TOKEN, settings=settings, metrics=Metrics(dict), rules=rules(PARTS, PREFIX, settings)
    )
    scope = {
        "type": kind,
        "method": "PUT",
        "path": "/v1/audio/x",
        "raw_path": b"/v1/audio/x",
        "headers": headers,
    }
    asyncio.run(doors(scope, receive or nothing, send))
    return sent, inside


KEY = (b"authorization", f"Bearer {TOKEN}".encode())
HERE = [(b"host", b"127.0.0.1"), KEY]
UPLOAD = [*HERE, (b"content-type", b"application/octet-stream"), (b"transfer-encoding", b"chunked")]


def test_of_two_host_lines_neither_is_believed():
    assert through(HERE)[1] == ["http"]
    for hosts in ([], [(b"host", b"localhost"), (b"host", b"localhost")]):
        sent, inside = through([*hosts, KEY])
        assert (sent[0]["status"], inside) == (403, [])


def test_the_doors_open_no_websocket():
    sent, inside = through(HERE, kind="websocket")
    assert (sent, inside) == ([{"type": "websocket.close", "code": 1008}], [])


def test_a_pause_ends_an_upload_that_still_has_time():
    async def silent():
        await asyncio.sleep(3)
        return {"type": "http.request", "body": b"", "more_body": False}

    sent, _ = through(UPLOAD, silent, upload_idle_seconds=0.05, upload_grace_seconds=3600)
    assert sent[0]["status"] == 408


def test_a_slow_pace_ends_an_upload_that_never_pauses():
    drops = iter([True] * 300)

    async def drip():
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"x", "more_body": next(drops, False)}

    limits = {"upload_idle_seconds": 3600, "upload_grace_seconds": 0.2, "upload_bytes_per_second": 1e6}
    sent, _ = through(UPLOAD, drip, **limits)
    assert sent[0]["status"] == 408


LIMITED = """
import json, resource, sys
from tempose_server.decode import limit_self
limit_self(seconds=7, memory=5_000_000_000, file_bytes=4096)
names = ("RLIMIT_CPU", "RLIMIT_AS", "RLIMIT_FSIZE", "RLIMIT_CORE")
print(json.dumps({name: resource.getrlimit(getattr(resource, name)) for name in names}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits are those of Linux")
def test_the_decoder_limits_itself():
    done = subprocess.run(
        [sys.executable, "-c", LIMITED], capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert json.loads(done.stdout) == {
        "RLIMIT_CPU": [7, 8],
        "RLIMIT_AS": [5_000_000_000] * 2,
        "RLIMIT_FSIZE": [4096] * 2,
        "RLIMIT_CORE": [0, 0],
    }


CHILD = """
import json, os, pathlib, sys, time
folder = pathlib.Path(json.load(sys.stdin)["folder"])
(folder / str(os.getpid())).touch()
time.sleep(0.3)
print(json.dumps({"at_once": len(list(folder.iterdir())), "environment": sorted(os.environ)}))
(folder / str(os.getpid())).unlink()
"""


def test_few_decoders_run_at_once_and_none_is_told_the_token(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "COMMAND", [sys.executable, "-c", CHILD])
    monkeypatch.setenv("TEMPOSE_SERVER_TOKEN", TOKEN)
    (tmp_path / "songs").mkdir()
    box = sandbox.Sandbox(ServerSettings(children_at_once=2, data_dir=tmp_path / "data"))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: box.run("decode", tmp_path / "songs"), range(6)))
    assert max(answer["at_once"] for answer in answers) <= 2
    assert all("TEMPOSE_SERVER_TOKEN" not in answer["environment"] for answer in answers)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")  # noqa: PTH110
def test_an_array_that_a_full_disk_cuts_short_is_told_from_a_fault():
    with pytest.raises(OSError) as caught, open("/dev/full", "wb") as file:  # noqa: PTH123
        np.zeros(1_000_000).tofile(file)  # as np.save does, once its first line is written
    assert is_disk_full(caught.value)
    assert not is_disk_full(OSError("something else"))


@pytest.mark.parametrize("kind", ["error", "refusal"])
def test_what_a_child_says_names_no_folder_of_the_server(tmp_path, kind):
    said = {"status": 422, "code": "x", "message": "/srv/my songs/a b.wav is none.", "details": None}
    done = subprocess.CompletedProcess([], 0, json.dumps({kind: said}).encode(), b"")
    with pytest.raises(ApiError) as caught:
        sandbox.Sandbox(ServerSettings(data_dir=tmp_path / "data"))._answer("decode", "audio", done)
    assert caught.value.body == {"code": "x", "message": "(path).wav is none.", "details": None}


def test_a_server_has_the_analysis_compiled_before_any_song_comes(launch, tmp_path):
    cache = tmp_path / "numba"
    launch(environment={"NUMBA_CACHE_DIR": str(cache)})
    deadline = time.monotonic() + PATIENCE
    while not (cache / "tempose.lock").exists():  # taken by whoever compiles
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_comes_out_of_a_song_is_counted_in_bytes(tools, tmp_path):
    (tmp_path / "audio").write_bytes(tools.wav(np.stack([tools.clicks(4.0)] * 8, 1), format="FLAC"))
    with pytest.raises(TemposeError) as caught:
        decode.decode(tmp_path, audio_seconds=60, decoded_bytes=1_000_000)  # it has 2.8 MB
    assert caught.value.code == "audio_big"
    assert not (tmp_path / "pcm.npy").exists()


def test_more_connections_than_allowed_are_turned_away(launch):
    server = launch(settings={"connections": 4})
    server.client.close()
    head = f"PUT /v1/audio/{'0' * 64} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {server.token}\r\n"
    head += "Content-Type: application/octet-stream\r\nContent-Length: 9\r\n\r\n"

    def ask(path):
        key = {"Authorization": f"Bearer {server.token}"}
        return httpx.get(f"{server.url}/v1/{path}", headers=key, timeout=PATIENCE, trust_env=False)

    with contextlib.ExitStack() as open_ones:
        for _ in range(4):
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
            open_ones.enter_context(connection)
            connection.sendall(head.encode())
        deadline = time.monotonic() + PATIENCE
        while len(list((server.folder / "data" / "staging").iterdir())) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with pytest.raises(httpx.HTTPError):  # cut off at once
            ask("capabilities")
        assert ask("health").status_code == 200  # which takes no place
    deadline = time.monotonic() + PATIENCE
    while True:  # those that were left make room again
        with contextlib.suppress(httpx.HTTPError):
            if ask("capabilities").status_code == 200:
                break
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("settings", [{"connections": 600}, {"connections": 20}])
def test_silent_strangers_keep_nobody_out_and_fill_no_log(launch, settings):
    """With 256 files, and with few places: 300 connections that say nothing, or ask without a token and stay."""
    limit = ("sh", "-c", 'ulimit -Hn 256; ulimit -n 256; exec "$@"', "sh")
    server = launch(prefix=limit, settings={**settings, "header_seconds": 600})
    with contextlib.ExitStack() as strangers:
        for number in range(300):
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
            strangers.enter_context(connection)
            if number % 3 == 0:
                connection.sendall(b"GET /v1/capabilities HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            if number % 50 == 0:
                assert server.client.get("/v1/health").status_code == 200
        assert server.client.get("/v1/health").status_code == 200
        assert server.song()
        for _ in range(50):
            assert httpx.get(f"{server.url}/v1/health", trust_env=False).status_code == 401
            server.raw(b"GARBAGE\r\n\r\n")
    server.terminate()
    assert "Traceback" not in server.log
    assert server.log.count(" 401 ") == 1
    assert server.log.count("Invalid HTTP") <= 1


THREADS = 40  # for requests; anyio's number


@contextlib.contextmanager
def crowded(launch):
    """A server with twice as many small uploads as threads, none of which is soon decoded: (server, answered)."""
    server = launch(double=True, settings={"child_seconds": 60, "children_at_once": 1})
    server.song()
    staging = server.folder / "data" / "staging"
    answered = []

    def upload(i):
        with contextlib.suppress(httpx.HTTPError):  # the server is ended meanwhile
            answered.append(server.put_audio(b"SLEEP %d" % i).status_code)

    limits = httpx.Limits(max_connections=2 * THREADS + 1)
    with (
        httpx.Client(
            base_url=server.url,
            headers=server.client.headers,
            limits=limits,
            timeout=PATIENCE,
            trust_env=False,
        ) as many,
        ThreadPoolExecutor(2 * THREADS) as pool,
    ):
        server.client.close()
        server.client = many
        for i in range(2 * THREADS):
            pool.submit(upload, i)
        waiting = threading.Event()
        while len(list(staging.iterdir())) < THREADS:
            waiting.wait(0.02)
        try:
            yield server, answered
        finally:
            server.process.kill()


def test_health_answers_while_every_thread_waits_for_a_decoder(launch):
    with crowded(launch) as (server, answered):
        assert server.client.get("/v1/health").json()["status"] in ("STARTING", "READY")
        done = len(answered)
    assert done < THREADS / 2


def test_all_calls_answer_while_uploads_wait_for_a_decoder(launch):
    with crowded(launch) as (server, answered):
        song = server.song()
        for _ in range(3):
            assert server.client.head(f"/v1/audio/{song}").status_code == 200
            assert server.client.get("/v1/metrics").status_code == 200
            job = server.new_job()
            assert server.wait(job)["state"] == "succeeded"
            assert server.client.get(f"/v1/jobs/{job}/result").status_code == 200
        done = len(answered)
    assert done < THREADS / 2


def test_the_events_of_few_finished_jobs_are_kept():
    hub = events.EventHub()
    for i in range(100):
        hub.log(f"job{i}", 1).add("progress", Progress(1.0), last=True)
    hub.log("running", 1)
    assert len(hub._logs) <= events.FINISHED_LOGS + 1
    assert not hub.log("running", 1).closed


def test_a_dance_whose_writing_breaks_off_leaves_the_one_before_it(tmp_path, monkeypatch):
    grid = BeatGrid(np.array([0.0, 0.5]), np.array([0.0]))
    dance = NullModel()(Song(np.zeros(22_050)), DanceRequest(standing_pose(), 1.0, grid=grid))
    path = tmp_path / "dance.npz"
    dance.save(path)
    before = path.read_bytes()

    def broken(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", broken)
    with pytest.raises(OSError, match="space"):
        dance.save(path)
    assert path.read_bytes() == before
    monkeypatch.undo()
    assert Dance.load(path).seed == dance.seed


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_the_data_folder_is_for_its_owner_alone(tmp_path, launch):
    before = os.umask(0)
    try:
        server = launch()
    finally:
        os.umask(before)
    server.song(1.0)
    for path in (server.folder / "data", *(server.folder / "data").iterdir()):
        if path.is_dir():
            assert path.stat().st_mode & 0o777 == 0o700, path.name
