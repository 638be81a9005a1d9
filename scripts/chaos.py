"""Chaos test: load, kill -9, cut connections, a full disk and a leaping clock, all at once. Is anything lost?

    python scripts/chaos.py --minutes 60 --report chaos.json

Several clients use a server (null model, data on a small disk if run as root on Linux) and remember what it
acknowledged. Meanwhile it is killed and restarted, the disk is filled, the wall clock leaps by years, and clients
hang up in the middle of uploads, orders and events. At the end every acknowledged song must be there, and every
acknowledged job must have ended: danced, the same as seen before and as the same request gives again; canceled, if
requested; or failed for a reason caused here after it was acknowledged (the full disk, or two kills). Prints a JSON
report, and exits with 1 if anything was lost.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from tempose_pose.grid import BeatGrid
from tempose_pose.request import DanceRequest
from tempose_pose.standing import standing_pose
from tempose_pose.wire.job import JobRequest

CLIENTS, DISK, PATIENCE = 3, 64_000_000, 900
EXCUSED = {"disk_full": ("fill", 1), "job_crashed": ("kill", 2)}
"""What a job may fail of: what must have been brought about since it was acknowledged, and how often."""


def serve() -> None:
    """Run the server with a wall clock that is off by the value in a file."""
    import typer

    from tempose_server.cli import serve as command

    offset, real = Path(os.environ["CHAOS_CLOCK"]), time.time

    def leaping() -> float:
        with contextlib.suppress(OSError, ValueError):
            return real() + float(offset.read_text())
        return real()

    time.time = leaping
    typer.run(command)


class Chaos:
    """One server, its clients, and the disturbances."""

    def __init__(self, folder: Path, data: Path, seconds: float, seed: int, least: float = 1.0):
        self.folder, self.data, self.chance = folder, data, random.Random(seed)
        self.least = least  # seconds between disturbances
        self.runtime, self.clock = folder / "server.json", folder / "clock"
        self.lock = threading.Lock()
        self.songs: dict[str, bytes] = {}
        self.jobs: dict[str, dict[str, Any]] = {}  # acknowledged: what was asked
        self.before: dict[str, Counter[str]] = {}  # what had been brought about when it was
        self.canceled: set[str] = set()
        self.seen: dict[str, str] = {}  # hash of the dance, once fetched
        self.done: Counter[str] = Counter()  # disturbances, and answers
        self.full = False
        self.start()
        self.until = time.monotonic() + seconds

    def start(self) -> None:
        self.runtime.unlink(missing_ok=True)
        settings = {"KEEP_JOBS": "1000000", "KEEP_AUDIO_BYTES": "8000000", "QUEUE": "200"}
        environment = {
            **os.environ, "CHAOS_CLOCK": str(self.clock), "OMP_NUM_THREADS": "1",
            **{f"TEMPOSE_SERVER_{name}": value for name, value in settings.items()},
        }  # fmt: skip
        command = [sys.executable, __file__, "serve", "--model", "null", "--data-dir", str(self.data)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--runtime-file", str(self.runtime)], stdout=log, stderr=log, env=environment
            )
        until = time.monotonic() + PATIENCE
        while not self.runtime.exists():
            if self.process.poll() is not None:
                return  # perhaps a full disk: the next round starts it again
            if time.monotonic() > until:
                self.process.kill()
                raise SystemExit("The server did not start.")
            time.sleep(0.05)
        said = json.loads(self.runtime.read_text())
        self.url, self.headers = said["url"], {"Authorization": f"Bearer {said['token']}"}

    def client(self) -> Any:
        import httpx

        return httpx.Client(base_url=self.url, headers=self.headers, timeout=PATIENCE, trust_env=False)

    # --- clients ------------------------------------------------------------------------------------------

    def use(self, number: int) -> None:
        import httpx

        chance = random.Random(number)
        while time.monotonic() < self.until:
            with contextlib.suppress(httpx.HTTPError, OSError), self.client() as client:
                while time.monotonic() < self.until:
                    self.step(client, chance)
                    time.sleep(chance.uniform(0, 0.3 * self.least))
            time.sleep(0.2)

    def step(self, client: Any, chance: random.Random) -> None:
        what = chance.choice(
            [
                "upload",
                "order",
                "order",
                "order",
                "order, cut",
                "fetch",
                "fetch",
                "cancel",
                "upload, cut",
                "watch",
            ]
        )
        with self.lock:
            songs, jobs = list(self.songs), list(self.jobs)
        if what == "upload" or not songs:
            data = song(chance.randrange(12))
            answer = client.put(f"/v1/audio/{digest(data)}", content=data, headers=BINARY)
            self.note("upload", answer)
            if answer.is_success:
                with self.lock:
                    self.songs[digest(data)] = data
        elif what == "order":
            job, body = (
                str(uuid.uuid4()),
                self.body(chance.choice(songs), chance.randrange(50), chance.choice([1.0, 8.0])),
            )
            answer = client.put(f"/v1/jobs/{job}", json=body)
            self.note("order", answer)
            self.acknowledge(job, body, answer)
        elif what == "order, cut":  # a client without an answer asks again
            job, body = str(uuid.uuid4()), self.body(chance.choice(songs), chance.randrange(50), 1.0)
            said = json.dumps(body).encode()
            self.cut(f"PUT /v1/jobs/{job}", "application/json", said, len(said))
            answer = client.put(f"/v1/jobs/{job}", content=said, headers={"Content-Type": "application/json"})
            self.note("order again", answer)
            self.acknowledge(job, body, answer)
        elif what == "fetch" and jobs:
            self.fetch(client, chance.choice(jobs[-40:]))
        elif what == "cancel" and jobs and chance.random() < 0.3:
            job = chance.choice(jobs[-5:])
            with self.lock:
                self.canceled.add(job)
            self.note("cancel", client.post(f"/v1/jobs/{job}/cancel"))
        elif what == "upload, cut":
            self.cut(f"PUT /v1/audio/{'0' * 64}", "application/octet-stream", bytes(1000), 100_000)
        elif what == "watch" and jobs:
            with client.stream("GET", f"/v1/jobs/{chance.choice(jobs[-5:])}/events") as events:
                next(events.iter_lines(), None)

    def cut(self, ask: str, kind: str, data: bytes, length: int) -> None:
        """Hang up before the answer arrives."""
        self.done["cut"] += 1
        head = f"{ask} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\nContent-Type: {kind}\r\n"
        head += f"Authorization: {self.headers['Authorization']}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", int(self.url.rpartition(":")[2])), timeout=5) as half:
            half.sendall(head.encode() + data)

    def acknowledge(self, job: str, body: dict[str, Any], answer: Any) -> None:
        if answer.is_success:
            with self.lock:
                self.jobs[job], self.before[job] = body, self.done.copy()
                self.before[job]["fill"] -= self.full  # which is still running

    def fetch(self, client: Any, job: str) -> str:
        """The outcome of a job: its state, or `again` if its dance is being made again."""
        state = client.get(f"/v1/jobs/{job}").json().get("state", "unknown")
        if state != "succeeded":
            return state
        answer = client.get(f"/v1/jobs/{job}/result")
        if answer.status_code == 409:
            return "again"
        if answer.status_code == 200:
            found = digest(answer.content)
            with self.lock:
                if self.seen.setdefault(job, found) != found:
                    self.done["OTHER DANCE"] += 1
            return state
        return f"result {answer.status_code}"

    def body(self, audio: str, seed: int, seconds: float) -> dict[str, Any]:
        grid = BeatGrid(np.array([0.0, 0.5]), np.zeros(1))
        dance = DanceRequest(standing_pose(), seconds, grid=grid, seed=seed)
        return JobRequest(audio, dance, "null").body()

    def note(self, what: str, answer: Any) -> None:
        self.done[f"{what} {answer.status_code}"] += 1

    # --- disturbances -------------------------------------------------------------------------------------

    def disturb(self) -> None:
        ballast = self.data / "empty" / "ballast"
        while time.monotonic() < self.until:
            self.rest()
            what = self.chance.choice(["kill", "stop", "leap", "fill"])
            self.done[what] += 1
            if what == "leap":
                self.clock.write_text(str(self.chance.choice([-3e8, -3600, 0, 3600, 3e8])))
            elif what == "fill" and os.path.ismount(self.data.parent):
                self.full = True
                with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
                    for size in (1_000_000, 4096):
                        with contextlib.suppress(OSError):
                            while True:
                                file.write(bytes(size))
                time.sleep(self.chance.uniform(0.5, 3))
                if self.chance.random() < 0.5:
                    self.done["stop while full"] += 1
                    self.end(signal.SIGTERM)
                    if self.chance.random() < 0.5:
                        self.done["start while full"] += 1
                        self.start()
                ballast.unlink(missing_ok=True)
                self.full = False
                if self.process.poll() is not None:
                    self.start()
            elif what in ("kill", "stop"):
                heeded = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN  # not under nohup
                gently = self.chance.choice([signal.SIGTERM, signal.SIGHUP] if heeded else [signal.SIGTERM])
                self.end(signal.SIGKILL if what == "kill" else gently)
                self.start()
        ballast.unlink(missing_ok=True)

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait(PATIENCE)

    def rest(self) -> None:
        """Pause disturbances until the server has answered a few times, however slow it is."""
        answers, least = self.done.total() + self.chance.randrange(3, 40), time.monotonic() + self.least
        while time.monotonic() < min(least + 60, self.until) and (
            time.monotonic() < least or self.done.total() < answers
        ):
            time.sleep(0.05)

    def run(self) -> dict[str, Any]:
        threads = [threading.Thread(target=self.use, args=(n,)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        self.disturb()
        for thread in threads:
            thread.join()
        for _ in range(5):
            if self.process.poll() is not None:
                self.start()
        return self.settle()

    def settle(self) -> dict[str, Any]:
        """Follow every acknowledged song and job to its end."""
        ends, lost = Counter(), []
        with self.client() as client:
            for name in self.songs:
                if client.head(f"/v1/audio/{name}").status_code != 200:
                    lost.append({"song": name})
            for job in self.jobs:
                until = time.monotonic() + PATIENCE
                while (state := self.fetch(client, job)) in ("queued", "running", "again"):
                    if time.monotonic() > until:
                        break
                    time.sleep(0.05)
                code = (client.get(f"/v1/jobs/{job}").json().get("error") or {}).get("code", "")
                ends[f"{state} {code}".strip()] += 1
                if not (state == "succeeded" or (state == "canceled" and job in self.canceled)) and not (
                    state == "failed" and self.excused(job, code)
                ):
                    lost.append({"job": job, "state": state, "code": code})
            twice = self.again(client)
        self.process.terminate()
        self.process.wait(PATIENCE)
        log = (self.folder / "log").read_text(errors="replace")
        return {
            "acknowledged songs": len(self.songs), "acknowledged jobs": len(self.jobs), "ends": dict(ends),
            "lost": lost, "dances fetched": len(self.seen), "same request, other dance": twice,
            "brought about and answered": dict(sorted(self.done.items())),
            "tracebacks in the log": dict(Counter(_RAISED.findall(log))),
        }  # fmt: skip

    def excused(self, job: str, code: str) -> bool:
        """Whether a job may have failed for this reason."""
        what, often = EXCUSED.get(code, ("", 1))
        return self.done[what] - self.before[job][what] >= often

    def again(self, client: Any) -> int:
        """The number of dances that differ from those of equal requests."""
        by_request: dict[str, set[str]] = {}
        for job, found in self.seen.items():
            by_request.setdefault(json.dumps(self.jobs[job], sort_keys=True), set()).add(found)
        return sum(len(found) > 1 for found in by_request.values())


_RAISED = re.compile(r"^Traceback .*\n(?:[ |+].*\n|\n)*([\w.]+)", re.M)
BINARY = {"Content-Type": "application/octet-stream"}


def song(number: int) -> bytes:
    import numpy as np
    import soundfile

    file = io.BytesIO()
    soundfile.write(
        file, np.random.default_rng(number).normal(0, 0.1, 44_100), 22_050, format="WAV", subtype="PCM_16"
    )
    return file.getvalue()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def small_disk(folder: Path) -> Any:
    """An ext4 file system in a file, or a tmpfs, if they can be mounted; otherwise the plain folder."""
    folder.mkdir(mode=0o700)
    image = folder.with_name("disk.img")
    with image.open("wb") as file:
        file.truncate(DISK)
    ways = (
        [["mkfs.ext4", "-q", "-F", image], ["mount", "-o", "loop", image, folder]],
        [["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "tmpfs", folder]],
    )
    mounted = any(all(_done(*command) for command in way) for way in ways)
    if mounted:
        folder.chmod(0o700)
    try:
        yield folder / "data"
    finally:
        if mounted and not _done("umount", folder):
            _done("umount", "-l", folder)


def _done(*command: str | Path) -> bool:
    try:
        return not subprocess.run(command, capture_output=True, check=False).returncode
    except OSError:
        return False


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=26)
    parser.add_argument("--report", type=Path)
    parser.add_argument(
        "--pace", type=float, default=1.0, help="at least so many seconds between disturbances"
    )
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="tempose-chaos-") as name,
        small_disk(Path(name) / "disk") as data,
    ):
        chaos = Chaos(Path(name), data, 60 * options.minutes, options.seed, options.pace)
        report = {"minutes": options.minutes, "small disk": os.path.ismount(data.parent), **chaos.run()}
    text = json.dumps(report, indent=1)
    print(text)
    if options.report:
        options.report.write_text(text + "\n")
    return int(bool(report["lost"] or report["same request, other dance"] or chaos.done["OTHER DANCE"]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        del sys.argv[1]
        serve()
    else:
        sys.exit(main())
