"""`make bench`: how long `/v1/health` and a cancel take while clients send the largest possible requests.

    python scripts/bench_health.py --seconds 20
    python scripts/bench_health.py --tls

It starts a server (null model). For each load, clients in a separate process send it over and over. Meanwhile this
process requests, in turns, health on a connection of its own (as the add-on does), a bare answer of another process
that does nothing else, health on a connection used for other requests, and then a cancel. The time of the bare
answer is the machine's share: all these processes share its cores. Milliseconds: median, 99th percentile, maximum.
Exits with 1 if the 99th percentile of health, on either connection, exceeds the bare one by more than `--most` (0:
nothing is asserted).
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import io
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

PATIENCE = 120


def job(seconds: float, **more: Any) -> bytes:
    """The body of a job."""
    import numpy as np

    from tempose_pose.grid import BeatGrid
    from tempose_pose.request import DanceRequest
    from tempose_pose.standing import standing_pose
    from tempose_pose.wire.job import JobRequest

    dance = DanceRequest(standing_pose(), seconds, grid=BeatGrid(np.array([0.0, 0.5]), np.zeros(1)))
    return json.dumps({**JobRequest("0" * 64, dance, "null").body(), **more}).encode()


def known(frames: int, ranges: int) -> bytes:
    """A body with kept poses, as nested lists, in so many ranges."""
    row = [[round(0.4 + 0.01 * i, 4), 0.1234] for i in range(18)]
    parts = [{"mask": [[i, i + 1]], "joints": ["nose"]} for i in range(min(ranges - 1, 2000))]
    mask = [[i, i + 1] for i in range(0, frames, 2)][: max(1, ranges - 2000)]
    poses = {"skeleton": "openpose18", "keypoints": [row] * frames, "scores": [[1.0] * 18] * frames}
    return job(frames / 30, known={**poses, "mask": mask, "more": parts})


def keys(count: int) -> bytes:
    return b"{" + b",".join(b'"%06d":1' % i for i in range(count)) + b"}"


LOADS: dict[str, tuple[int, Callable[[], bytes]]] = {  # number of clients, and the job that each sends
    "nothing": (0, bytes),
    "4 × a job of 2 s": (4, lambda: job(2.0)),
    "8 × 400,000 keys": (8, lambda: keys(400_000)),
    "8 × 3,000 keys": (8, lambda: keys(3_000)),  # small enough to be read in the server itself
    "8 × 12,000 ranges of known frames": (8, lambda: known(21_000, 12_000)),
    "8 × 16,000 known frames": (8, lambda: known(16_000, 1)),
    "8 × 23 MB in one string": (8, lambda: job(2.0, style="x" * 23_000_000)),
    "8 × 50,000 brackets": (8, lambda: b"[" * 50_000),
}


def connect(url: str, certificate: str = "") -> http.client.HTTPConnection:
    """A connection to a server; the certificate is for https."""
    scheme, _, host = url.partition("://")
    if scheme == "http":
        return http.client.HTTPConnection(host, timeout=PATIENCE)
    trust = ssl.create_default_context(cafile=certificate)
    return http.client.HTTPSConnection(host, timeout=PATIENCE, context=trust)


def send(url: str, token: str, name: str, certificate: str) -> None:
    """Send a load until standard input closes."""
    clients, make = LOADS[name]
    body = make()

    def client() -> None:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        while True:
            connection = connect(url, certificate)
            try:
                connection.request("PUT", f"/v1/jobs/{uuid.uuid4()}", body, headers)
                answer = connection.getresponse()
                answer.read()
                sys.stdout.write(f"{answer.status}\n")  # flushed at once: others write too
                sys.stdout.flush()
            except OSError:
                pass
            finally:
                connection.close()

    sys.stdout.write("begun\n")
    sys.stdout.flush()
    for _ in range(clients):
        threading.Thread(target=client, daemon=True).start()
    sys.stdin.read()
    os._exit(0)


BARE = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
connection, _ = listener.accept()
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
while connection.recv(65536):
    connection.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
"""


class Bare:
    """A process that answers without looking at the request."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-I", "-S", "-c", BARE], stdout=subprocess.PIPE)
        assert self.process.stdout
        self.line = Line(connect(f"http://127.0.0.1:{int(self.process.stdout.readline())}"), "")


class Line:
    """A persistent connection."""

    def __init__(self, connection: http.client.HTTPConnection, token: str):
        self.token, self.connection = token, connection

    def ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/json") -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": kind}
        self.connection.request(method, path, body or None, headers)
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read())


def sealed(folder: Path) -> tuple[str, str]:
    """Make a certificate and its key with the openssl program."""
    names = str(folder / "cert.pem"), str(folder / "key.pem")
    ask = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    ask += ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*ask, "-out", names[0], "-keyout", names[1]], check=True, capture_output=True)
    Path(names[1]).chmod(0o600)
    return names


class Server:
    """A server with one song and one finished job."""

    def __init__(self, folder: Path, tls: bool):
        runtime = folder / "server.json"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TEMPOSE_SERVER_")}
        command = [sys.executable, "-m", "tempose_server", "--model", "null", "--runtime-file", str(runtime)]
        self.certificate = ""
        if tls:
            self.certificate, key = sealed(folder)
            command += ["--tls-cert", self.certificate, "--tls-key", key]
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--data-dir", str(folder / "data")], stdout=log, stderr=log, env=kept
            )
        deadline = time.monotonic() + PATIENCE
        while not runtime.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"The server did not start:\n{(folder / 'log').read_text()}")
            time.sleep(0.05)
        said = json.loads(runtime.read_text())
        self.url, self.token = said["url"], said["token"]
        self.used, self.fresh = self.line(), self.line()

    def line(self) -> Line:
        return Line(connect(self.url, self.certificate), self.token)

    def a_job(self) -> str:
        import numpy as np
        import soundfile

        file, name = io.BytesIO(), str(uuid.uuid4())
        noise = np.random.default_rng(0).normal(0, 0.1, 44_100)
        soundfile.write(file, noise, 22_050, format="WAV")
        song = hashlib.sha256(file.getvalue()).hexdigest()
        self.used.ask("PUT", f"/v1/audio/{song}", file.getvalue(), "application/octet-stream")
        status, said = self.used.ask("PUT", f"/v1/jobs/{name}", job(2.0, audio=song))
        assert status == 202, said
        return name


def timed(calls: list[Callable[[], Any]], seconds: float) -> list[list[float]]:
    """Milliseconds of calls made in turns."""
    taken: list[list[float]] = [[] for _ in calls]
    until = time.monotonic() + seconds
    while time.monotonic() < until or len(taken[0]) < 20:
        for call, row in zip(calls, taken, strict=True):
            began = time.monotonic()
            status, _ = call()
            row.append(1000 * (time.monotonic() - began))
            assert status == 200
            time.sleep(0.01)
    return [sorted(row) for row in taken]


def measure(
    server: Server, bare: Bare, ended: str, name: str, seconds: float
) -> tuple[list[list[float]], Counter]:
    """Measure health, a bare answer, health on a used connection and cancels under a load; and the load's answers."""
    command = [sys.executable, __file__, "--send", name, "--to", server.url, "--trust", server.certificate]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "BENCH_TOKEN": server.token},
    ) as load:
        assert load.stdin and load.stdout
        load.stdout.readline()  # it has begun
        said: list[bytes] = []
        reader = threading.Thread(target=lambda: said.extend(load.stdout))  # type: ignore[union-attr]
        reader.start()
        time.sleep(0.5)
        lines = (server.fresh, bare.line, server.used)
        rows = timed([partial(line.ask, "GET", "/v1/health") for line in lines], seconds)
        rows += timed([partial(server.used.ask, "POST", f"/v1/jobs/{ended}/cancel")], seconds / 4)
        load.stdin.close()
        load.wait(PATIENCE)
        reader.join(PATIENCE)
    return rows, Counter(line.decode().strip() for line in said)


def share(row: list[float], part: float) -> float:
    """The given quantile of a sorted row."""
    return row[int(part * (len(row) - 1))]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="of each load")
    parser.add_argument(
        "--most", type=float, default=0.0, help="milliseconds that 99 of 100 answers may take"
    )
    parser.add_argument("--only", default="", help="only loads with this in their name")
    parser.add_argument("--tls", action="store_true", help="over https")
    parser.add_argument("--send", help=argparse.SUPPRESS)
    parser.add_argument("--to", help=argparse.SUPPRESS)
    parser.add_argument("--trust", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.send:
        send(options.to, os.environ["BENCH_TOKEN"], options.send, options.trust)

    from rich.console import Console
    from rich.table import Table

    table = Table(title="milliseconds: median / 99 of 100 / most")
    for heading in ("while there come", "health", "bare", "health, used", "cancel", "its answers"):
        table.add_column(heading, justify="left" if heading.startswith("while") else "right")
    slow = []
    with tempfile.TemporaryDirectory(prefix="tempose-bench-") as folder:
        server, bare = Server(Path(folder), options.tls), Bare()
        try:
            ended = server.a_job()
            for name in LOADS:
                if options.only in name:
                    rows, answered = measure(server, bare, ended, name, options.seconds)
                    said = [" / ".join(f"{share(row, q):.0f}" for q in (0.5, 0.99, 1)) for row in rows]
                    print(name, *said, dict(answered), sep="   ", flush=True)
                    table.add_row(name, *said, ", ".join(f"{n} × {status}" for status, n in answered.items()))
                    over = max(share(row, 0.99) for row in (rows[0], rows[2])) - share(rows[1], 0.99)
                    slow += [name] * (0 < options.most < over)
        finally:
            for process in (server.process, bare.process):
                process.terminate()
                process.wait(PATIENCE)
    Console().print(table)
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
