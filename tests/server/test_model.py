"""Jobs, songs, restarts, cuts of power and damaged files, in any order, against a plain account of what must be.

The stores are the server's own, on a real folder; the decoder is called without a process, and a dance is a few bytes
of the job's number. `TEMPOSE_MODEL_SECONDS=600` tries for longer.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from tempose_pose.local import whole_files
from tempose_pose.local.whole_files import Damaged
from tempose_server.audio_store import AudioStore
from tempose_server.errors import ApiError
from tempose_server.job_table import CRASHES
from tempose_server.jobs import JobStore
from tempose_server.settings import ServerSettings

SECONDS = float(os.environ.get("TEMPOSE_MODEL_SECONDS", "6"))
QUEUE, KEEP = 5, 6
clock = [0.0]  # what the wall says besides the truth


class Decoder:
    """Decodes what is no sound at all: the length in seconds is that of the file."""

    def run(self, task, folder, **_):
        data = (Path(folder) / "audio").read_bytes()
        np.save(Path(folder) / "pcm.npy", np.frombuffer(data, np.uint8).astype(np.float32))
        return {"seconds": float(len(data))}


class Account(RuleBasedStateMachine):
    """What was acknowledged, and what may have become of it."""

    jobs = Bundle("jobs")
    songs = Bundle("songs")

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp(prefix="tempose-model-"))
        self.settings = ServerSettings(
            data_dir=self.folder,
            queue=QUEUE,
            queue_share=1,
            keep_jobs=KEEP,
            runtime_file=self.folder / "s.json",
        )
        self.known = {}  # id → (hash of what was asked, state)
        self.crashes, self.running, self.ended = {}, None, []
        self.uploaded, self.damaged = {}, set()
        self.numbers = iter(range(10**6))
        self.start()

    def start(self):
        self.store = JobStore(self.settings)
        self.store._db.execute("PRAGMA synchronous = OFF")  # nothing is cut off here while it is written
        self.audio = AudioStore(self.settings, Decoder())

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)
        clock[0] = 0.0

    # clients

    @rule(target=songs, length=st.integers(1, 40))
    def upload(self, length):
        data = os.urandom(0) + bytes(range(length))
        digest = hashlib.sha256(data).hexdigest()
        if self.audio.seconds(digest) is None:
            with self.audio.staging() as folder:
                (folder / "audio").write_bytes(data)
                assert self.audio.adopt(folder, digest) == length
        self.uploaded[digest] = data
        self.damaged.discard(digest)
        return digest

    @rule(target=jobs, client=st.sampled_from("abc"), short=st.booleans())
    def put(self, client, short):
        name = f"job-{next(self.numbers)}"
        waiting = [n for n, (_, state) in self.known.items() if state == "queued"]
        try:
            job, new = self.store.create(name, client, name, "{}", "song", short, 30, 1)
        except ApiError as error:
            assert (error.status, len(waiting)) == (429, QUEUE)
            return name
        assert new and job.state == "queued" and len(waiting) < QUEUE
        self.known[name] = (name, "queued")
        return name

    @rule(job=jobs, other=st.booleans())
    def put_again(self, job, other):
        if job not in self.known:
            return
        asked = "other" if other else self.known[job][0]
        try:
            found, new = self.store.create(job, "a", asked, "{}", "song", True, 30, 1)
            assert not new and not other and found.id == job
        except ApiError as error:
            assert other and error.status == 409

    @rule(job=jobs)
    def cancel(self, job):
        if job not in self.known:
            return
        asked, state = self.known[job]
        self.store.cancel(job)
        if state == "queued":
            self._end(job, "canceled")
        elif state == "running":
            self.known[job] = (asked, "running, canceled")

    def danced(self, number):
        """One of the jobs that have succeeded."""
        found = [job for job, (_, state) in self.known.items() if state == "succeeded"]
        return found[number % len(found)] if found else None

    @rule(number=st.integers(0, KEEP))
    def fetch(self, number):
        """A dance is the one that was made, or is made again; never another, never lost without a word."""
        if (job := self.danced(number)) is None:
            return
        found = self.store.get(job)
        try:
            assert self.store.result(found).read_bytes() == job.encode()
            assert job not in self.damaged
        except Damaged:
            assert job in self.damaged
            self.damaged.discard(job)
            assert self.store.remake(job).state == "queued"
            self.known[job] = (job, "queued")
            self.ended.remove(job)

    # the engine

    @rule()
    def take_one(self):
        if self.running is not None:
            return
        job = self.store.start_next()
        waiting = [n for n, (_, state) in self.known.items() if state == "queued"]
        assert (job is None) == (not waiting)
        if job is not None:
            assert job.id in waiting
            self.running = job.id
            self.known[job.id] = (job.id, "running")

    @rule()
    def dance(self):
        self.take_one()
        self.finish(True)

    @rule(good=st.booleans())
    def finish(self, good):
        if self.running is None:
            return
        job, self.running = self.running, None
        seal = whole_files.write(self.store.result_path(job), job.encode()) if good else None
        ended = self.store.end(job, "succeeded" if good else "failed", None if good else {"code": "x"}, seal)
        canceled = self.known[job][1].endswith("canceled")
        self._end(job, "canceled" if canceled else ("succeeded" if good else "failed"))
        assert ended.state == self.known[job][1]
        self.store.trim()
        for old in self.ended[:-KEEP]:
            del self.known[old]
            self.damaged.discard(old)
        self.ended = self.ended[-KEEP:]

    @rule()
    def park(self):
        if self.running is not None:
            job, self.running = self.running, None
            self.store.park(job)
            if self.known[job][1].endswith("canceled"):
                self._end(job, "canceled")
            else:
                self.known[job] = (job, "queued")

    def _end(self, job, state):
        self.known[job] = (job, state)
        self.ended.append(job)

    # the world

    @rule(hard=st.booleans(), amid=st.booleans())
    def restart(self, hard, amid):
        """A stop in good order has parked before; a kill leaves whatever there is."""
        if amid:
            self.take_one()
        if not hard:
            self.park()
            self.store.close()
        elif self.running is not None:
            job, self.running = self.running, None
            self.crashes[job] = self.crashes.get(job, 0) + 1
            if self.known[job][1].endswith("canceled"):
                self._end(job, "canceled")
            elif self.crashes[job] >= CRASHES:
                self._end(job, "failed")
            else:
                self.known[job] = (job, "queued")
            (self.store.result_path(job)).with_suffix(".npz.part").write_bytes(b"half")
        if hard:
            self.store._db.close()
        self.start()

    @rule(number=st.integers(0, KEEP), how=st.sampled_from(["gone", "empty", "changed"]), ask=st.booleans())
    def damage_dance(self, number, how, ask):
        if (job := self.danced(number)) is not None:
            path = self.store.result_path(job)
            if how == "gone":
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(b"" if how == "empty" else b"another dance")
            self.damaged.add(job)
            self.crashes.pop(job, None)
            if ask:
                self.fetch(number)

    @rule(song=songs, name=st.sampled_from(["audio", "pcm.npy", "info.json"]), cut=st.booleans())
    def damage_song(self, song, name, cut):
        path = self.folder / "audio" / song / name
        if path.exists():
            data = path.read_bytes()
            path.write_bytes(data[:-1] if cut else b"")
            if name == "audio":
                self.damaged.add(song)
            self.audio = AudioStore(self.settings, Decoder())  # as after a cut

    @rule(seconds=st.sampled_from([-1e9, -3600.0, 3600.0, 1e9]))
    def leap(self, seconds):
        clock[0] += seconds

    # what holds at all times

    @invariant()
    def every_acknowledged_job_is_there(self):
        if not hasattr(self, "store"):
            return
        for job, (_, state) in self.known.items():
            assert self.store.get(job).state == state.partition(",")[0], job
        assert self.store.counts() == _counts(state.partition(",")[0] for _, state in self.known.values())

    @invariant()
    def every_uploaded_song_is_there_or_asked_for_again(self):
        for digest, data in getattr(self, "uploaded", {}).items():
            seconds = self.audio.seconds(digest)
            if digest in self.damaged:
                assert seconds is None
            else:
                assert seconds == len(data)
                assert self.audio.song(digest).samples.tolist() == list(data)


def _counts(states):
    found = {}
    for state in states:
        found[state] = found.get(state, 0) + 1
    return found


@pytest.mark.timeout(120 + 2 * SECONDS)
def test_the_stores_keep_the_account(monkeypatch):
    real = time.time
    monkeypatch.setattr("tempose_server.jobs.time.time", lambda: real() + clock[0])
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # nothing is cut off here while it is written
    until, rounds = time.monotonic() + SECONDS, 0
    while not rounds or time.monotonic() < until:
        run_state_machine_as_test(
            Account,
            settings=settings(
                max_examples=100 if SECONDS > 10 else 20, stateful_step_count=40, deadline=None,
                database=None, derandomize=rounds == 0, suppress_health_check=list(HealthCheck),
            ),
        )  # fmt: skip
        rounds += 1
    with contextlib.suppress(OSError):
        print(f"{rounds} rounds")
