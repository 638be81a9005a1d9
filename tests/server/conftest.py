"""Real servers in processes of their own, on loopback, with a client that knows them."""

import base64
import hashlib
import importlib.util
import io
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from patience import PATIENCE

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent))  # for helpers beside the tests
DOUBLE = Path(__file__).with_name("engine_double.py")
SHORT_DEADLINES = {  # long enough for honest calls on a busy machine
    "upload_idle_seconds": 3,
    "upload_grace_seconds": 4,
    "upload_bytes_per_second": 1e6,
    "header_seconds": 3,
    "heartbeat_seconds": 0.2,
    "uploads_at_once": 2,
    "audio_bytes": 4_000_000,
    "json_bytes": 2_500_000,
    "audio_seconds": 60,
    "child_seconds": 12,
    "queue": 24,
}


LEFT_OPEN = "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"


def pytest_collection_modifyitems(items):
    """Servers are killed while tests speak to them: a client's torn socket may be found by any later test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(LEFT_OPEN))


class Server:
    """A running server process, and one call per route."""

    def __init__(
        self,
        folder,
        *options,
        double=False,
        model="null",
        settings=None,
        prefix=(),
        environment=None,
        farm=None,
        cwd=None,
    ):
        self.folder, self.cwd = Path(folder), cwd
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.runtime_file = self.folder / "server.json"
        self.log_path = self.folder / "log.txt"
        start = [sys.executable, str(DOUBLE)] if double else [sys.executable, "-m", "tempose_server"]
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("TEMPOSE_SERVER_")},
            "PYTHONPATH": os.pathsep.join(str(ROOT / p) for p in ("core", "pose", "server")),
            "PYTHONUNBUFFERED": "1",
            "OMP_NUM_THREADS": "1",
            **({} if farm else {"TEMPOSE_SERVER_REPLICAS": "1"}),  # one after the other, wherever tests run
            **{f"TEMPOSE_SERVER_{key.upper()}": str(value) for key, value in (settings or {}).items()},
            **(farm.environment if farm else {}),
            **(environment or {}),
        }
        options = (*options, *("--engine", "ray", "--ray-address", farm.address)) if farm else options
        self.command = [
            *prefix,
            *start,
            *("--runtime-file", str(self.runtime_file)),
            *("--data-dir", str(self.folder / "data")),
            *("--model", "default" if double else model),
            *options,
        ]
        self.start()

    def start(self):
        self.runtime_file.unlink(missing_ok=True)
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=self.environment, cwd=self.cwd
            )
        deadline = time.monotonic() + PATIENCE
        while not self.runtime_file.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                pytest.fail(f"The server did not start:\n{self.log}")
            time.sleep(0.02)
        runtime = json.loads(self.runtime_file.read_text())
        if hasattr(self, "client"):
            self.client.close()
        self.url, self.token = runtime["url"], runtime["token"]
        self.port = int(self.url.rsplit(":", 1)[1])
        self.client = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=PATIENCE,
            trust_env=False,
        )
        self.songs = {}

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    def kill(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)
        if hasattr(self, "client"):
            self.client.close()

    def terminate(self):
        self.process.terminate()
        code = self.process.wait(PATIENCE)
        self.client.close()
        return code

    def restart(self, hard=False):
        self.kill() if hard else self.terminate()
        self.start()

    # --- calls ---

    def put_audio(self, data, sha256=None, **headers):
        sha256 = sha256 or hashlib.sha256(data).hexdigest()
        return self.client.put(
            f"/v1/audio/{sha256}",
            content=data,
            headers={"Content-Type": "application/octet-stream", **headers},
        )

    def song(self, seconds=2.0):
        """The hash of an uploaded song."""
        if seconds not in self.songs:
            answer = self.put_audio(wav(clicks(seconds)))
            assert answer.status_code in (200, 201), answer.text
            self.songs[seconds] = answer.json()["sha256"]
        return self.songs[seconds]

    def body(self, **changes):
        """A job's request that is right, with changes."""
        return {
            "audio": changes.pop("audio", None) or self.song(),
            "seconds": 2.0,
            "tempo_map": None,
            "beats": {"beats": [0.0, 0.5, 1.0, 1.5], "downbeats": [0.0]},
            "reference": reference(),
            "style": None,
            "energy": None,
            "seed": 1,
            "steps": None,
            "guidance": None,
            "model": "default",
            "known": None,
            **changes,
        }

    @staticmethod
    def uuid():
        return str(uuid.uuid4())

    def put_job(self, job_id=None, body=None, headers=None, **changes):
        job_id = job_id or str(uuid.uuid4())
        return self.client.put(f"/v1/jobs/{job_id}", json=body or self.body(**changes), headers=headers)

    def new_job(self, **changes):
        answer = self.put_job(**changes)
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def job(self, job_id):
        return self.client.get(f"/v1/jobs/{job_id}").json()

    def cancel(self, job_id):
        return self.client.post(f"/v1/jobs/{job_id}/cancel")

    def wait(self, job_id, *states):
        """The job once it is in one of the states (any last one if none are named)."""
        states = states or ("succeeded", "failed", "canceled")
        deadline = time.monotonic() + PATIENCE
        while True:
            job = self.job(job_id)
            if job["state"] in states:
                return job
            if job["state"] in ("succeeded", "failed", "canceled") or time.monotonic() > deadline:
                pytest.fail(f"waited for {states}, found {job}")
            time.sleep(0.02)

    def events(self, job_id, after=None, stop=None):
        """The job's events as (id, name, data), up to the end or to the first for which `stop` holds."""
        headers = {"Last-Event-ID": str(after)} if after is not None else {}
        found = []
        with self.client.stream("GET", f"/v1/jobs/{job_id}/events", headers=headers) as answer:
            assert answer.status_code == 200, answer.read()
            assert answer.headers["content-type"].startswith("text/event-stream")
            event = {}
            for line in answer.iter_lines():
                if line:
                    key, _, value = line.partition(":")
                    event[key] = value.strip()
                elif "id" in event:
                    found.append((int(event["id"]), event["event"], json.loads(event["data"])))
                    if stop and stop(found[-1]):
                        return found
                    event = {}
                elif "" in event:
                    found.append((None, "comment", event.pop("")))
                    if stop and stop(found[-1]):
                        return found
        return found

    def raw(self, data, pause=0.0):
        """Bytes over a bare socket; everything that comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(data)
            received = b""
            while chunk := connection.recv(65_536):
                received += chunk
        return received


def clicks(seconds, rate=22_050, bpm=120.0):
    """A click on every beat, over a quiet tone."""
    t = np.arange(round(seconds * rate)) / rate
    return 0.05 * np.sin(2 * np.pi * 220 * t) + 0.8 * np.exp(-60 * (t % (60 / bpm))) * np.sin(
        2 * np.pi * 1500 * t
    )


def wav(samples, rate=22_050, **options):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, **{"format": "WAV", "subtype": "PCM_16", **options})
    return file.getvalue()


def reference():
    return {
        "skeleton": "openpose18",
        "keypoints": [[0.4 + 0.01 * i, 0.1 + 0.045 * i] for i in range(18)],
        "scores": [1.0] * 18,
        "canvas": [720, 1280],
    }


def floats(text, *shape):
    """Base64 of little-endian float32 as an array."""
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(shape)


@pytest.fixture(scope="session")
def tools():
    """The helpers above, for tests that need more than a server."""

    class Tools:
        pass

    found = Tools()
    found.clicks, found.wav, found.reference, found.floats, found.Server = (
        clicks,
        wav,
        reference,
        floats,
        Server,
    )
    found.short_deadlines = SHORT_DEADLINES
    return found


class Farm:
    """A Ray cluster of CPU workers in processes of its own: a place for each replica that tests may hold at once."""

    def __init__(self, folder, cpus=8):
        self.folder = folder
        self.environment = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
        }
        self.log_path = folder / "ray.log"
        unmeasured = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}
        command = [sys.executable, str(Path(__file__).with_name("ray_cluster.py")), str(cpus)]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
                env={**unmeasured, **self.environment, "OMP_NUM_THREADS": "1",
                     "PYTHONPATH": os.pathsep.join(str(ROOT / p) for p in ("core", "pose", "server"))},
            )  # fmt: skip
        self.address = self.process.stdout.readline().strip()
        assert self.address, self.log_path.read_text(errors="replace")

    def stop(self):
        self.process.stdin.close()  # upon which it ends
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()


def pytest_generate_tests(metafunc):
    """Tests of what replicas do (marked `with_ray`) are run with each engine, others with the server's own worker."""
    if "engine" in metafunc.fixturenames:
        both = metafunc.definition.get_closest_marker("with_ray") is not None
        metafunc.parametrize(
            "engine", ["local", "ray"] if both else ["local"], indirect=True, scope="session"
        )


@pytest.fixture(scope="session")
def engine(request):
    """local or ray."""
    return request.param


@pytest.fixture(scope="session")
def farm(tmp_path_factory):
    """One Ray cluster for all tests that use one: it takes long to start."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("needs Ray: pip install 'tempose[ray]'")
    running = Farm(tmp_path_factory.mktemp("farm"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def place(engine, request):
    """The cluster that servers of this test use, or None."""
    return request.getfixturevalue("farm") if engine == "ray" else None


@pytest.fixture(scope="session")
def server(tmp_path_factory, place):
    """An ordinary server with the null model."""
    running = Server(tmp_path_factory.mktemp("server"), farm=place)
    yield running
    running.kill()


@pytest.fixture(scope="session")
def strict_server(tmp_path_factory, place):
    """A server with the engine double, small limits and short deadlines."""
    running = Server(tmp_path_factory.mktemp("strict"), double=True, settings=SHORT_DEADLINES, farm=place)
    yield running
    running.kill()


@pytest.fixture
def launch(tmp_path, place):
    """Start servers of one's own; they end with the test."""
    running = []

    def start(*options, folder="own", **named):
        running.append(Server(tmp_path / folder, *options, **{"farm": place, **named}))
        return running[-1]

    yield start
    for one in running:
        one.kill()
