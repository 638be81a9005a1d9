"""What a power cut leaves: files that are empty, zeroed, cut short or gone; and real disks cut off in the midst."""

import contextlib
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from patience import PATIENCE

from tempose_pose.local import whole_files
from tempose_server import decode
from tempose_server.audio_store import AudioStore
from tempose_server.errors import ApiError
from tempose_server.settings import ServerSettings

CUTS = int(os.environ.get("TEMPOSE_POWER_CUTS", "2"))


def zeroed(path):
    path.write_bytes(bytes(path.stat().st_size))


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def changed(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "zeroed": zeroed,
    "cut": cut,
    "gone": lambda path: path.unlink(),
    "one bit": changed,
    "another object": lambda path: path.write_text("{}"),
}


class Here:
    """The decoder, without a process of its own."""

    def run(self, task, folder, *, trusted=False, what="audio", **options):
        return decode.TASKS[task](folder, **options)


def store_on(folder):
    return AudioStore(ServerSettings(data_dir=folder, runtime_file=folder / "s.json"), Here())


@pytest.fixture(scope="module")
def analysed(tmp_path_factory, tools):
    """A data folder with a song that was analysed, which takes a while; the song's bytes and hash."""
    folder, data = tmp_path_factory.mktemp("analysed"), tools.wav(tools.clicks(2.0))
    digest, store = hashlib.sha256(data).hexdigest(), store_on(folder)
    with store.staging() as staged:
        (staged / "audio").write_bytes(data)
        store.adopt(staged, digest)
    store.analysis(digest)
    return folder, data, digest


@pytest.fixture
def songs(analysed, tmp_path):
    """A way to start stores on one data folder, and the hash of a song in it that was analysed."""
    folder, data, digest = analysed
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)

    def upload(store):
        with store.staging() as staged:
            (staged / "audio").write_bytes(data)
            return store.adopt(staged, digest)

    return lambda: store_on(tmp_path), digest, upload


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["audio", "pcm.npy", "info.json", "analysis.json"])
def test_a_damaged_song_is_put_right_or_uploaded_again(songs, tmp_path, name, damage):
    start, digest, upload = songs
    before = start()
    samples, analysis = before.song(digest).samples, before.analysis(digest)
    DAMAGES[damage](tmp_path / "audio" / digest / name)
    store = start()
    if name == "audio":  # nobody else has these bytes
        assert store.seconds(digest) is None
        with pytest.raises(ApiError, match="Upload it"):
            store.song(digest)
        assert list((tmp_path / "damaged").iterdir())
        upload(store)
    assert store.seconds(digest) == 2.0
    assert (store.song(digest).samples == samples).all()
    assert store.analysis(digest) == analysis
    assert start().seconds(digest) == 2.0  # and so on the disk


def test_a_song_that_is_damaged_while_the_server_runs_is_not_heard(songs, tmp_path):
    start, digest, _ = songs
    store = start()
    assert store.seconds(digest) == 2.0
    path = tmp_path / "audio" / digest / "pcm.npy"
    before = path.stat()
    samples = store.song(digest).samples
    changed(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # nothing gives it away but its bytes
    assert (store.song(digest).samples == samples).all()


def test_songs_are_forgotten_in_the_order_of_their_use_whatever_the_clock_says(tmp_path, tools, monkeypatch):
    settings = ServerSettings(data_dir=tmp_path, runtime_file=tmp_path / "s.json", keep_audio_bytes=1)
    store, names = AudioStore(settings, Here()), []
    for i in range(3):
        data = tools.wav(tools.clicks(1.0) * (0.5 + 0.1 * i))
        names.append(hashlib.sha256(data).hexdigest())
        with store.staging() as folder:
            (folder / "audio").write_bytes(data)
            store.adopt(folder, names[-1])
        for path in [tmp_path / "audio" / names[-1], *(tmp_path / "audio" / names[-1]).iterdir()]:
            if path.name != "info.json":
                os.utime(path, (2e9 - i * 1e9, 2e9 - i * 1e9))  # a clock that goes back
    assert AudioStore(settings, Here()).seconds(names[0]) == 1.0  # used last
    sizes = [sum(f.stat().st_size for f in (tmp_path / "audio" / name).iterdir()) for name in names]
    kept = AudioStore(settings.model_copy(update={"keep_audio_bytes": sizes[0] + sizes[2]}), Here())
    kept.trim(())
    assert [(tmp_path / "audio" / name).is_dir() for name in names] == [True, False, True]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_dance_is_set_aside_and_danced_again(server, damage):
    job_id = server.new_job(seed=7, model="null")
    server.wait(job_id, "succeeded")
    before = server.client.get(f"/v1/jobs/{job_id}/result").content
    last = server.events(job_id)[-1][0]
    DAMAGES[damage](server.folder / "data" / "results" / f"{job_id}.npz")
    answer = server.client.get(f"/v1/jobs/{job_id}/result")
    assert (answer.status_code, answer.json()["code"]) == (409, "job_not_finished")
    events = server.events(job_id, after=last)  # told anew, and ids rise
    assert (events[0][0] > last, events[-1][2]["state"]) == (True, "succeeded")
    assert server.client.get(f"/v1/jobs/{job_id}/result").content == before


def test_a_damaged_dance_of_an_older_server_fails_in_words(server):
    import sqlite3

    job_id = server.new_job(seed=8, model="null")
    server.wait(job_id, "succeeded")
    with contextlib.closing(sqlite3.connect(server.folder / "data" / "jobs.sqlite")) as opened, opened:
        opened.execute(
            "UPDATE jobs SET request = NULL, result_bytes = NULL, result_sha256 = NULL WHERE id = ?",
            (job_id,),
        )
    (server.folder / "data" / "results" / f"{job_id}.npz").unlink()
    answer = server.client.get(f"/v1/jobs/{job_id}/result")
    assert (answer.status_code, answer.json()["code"]) == (409, "job_failed")
    assert server.job(job_id)["error"]["code"] == "result_lost"


@pytest.fixture
def steps(monkeypatch):
    """The names of what is forced to the disk, and when something takes its name."""
    found, real_sync = [], os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda fd: (found.append(Path(f"/proc/self/fd/{fd}").resolve().name), real_sync(fd))
    )
    for name in ("replace", "rename"):
        real = getattr(Path, name)
        monkeypatch.setattr(
            Path, name, lambda self, target, real=real: (found.append("renamed"), real(self, target))[1]
        )
    return found


def test_durable_files_are_forced_to_the_disk_before_they_are_named(tmp_path, steps):
    whole_files.write(tmp_path / "file", b"data")
    assert steps[0].startswith("file.") and steps[0].endswith(".part")
    assert steps[1:] == ["renamed", tmp_path.name]


def test_a_folder_and_its_contents_are_forced_to_the_disk_too(tmp_path, steps):
    deep = tmp_path / "part" / "deep"
    deep.mkdir(parents=True)
    for path in (deep / "a", deep.parent / "b"):
        path.write_bytes(b"data")
    whole_files.keep_folder(deep.parent, tmp_path / "whole")
    assert sorted(steps[:3]) == ["a", "b", "deep"]
    assert steps[3:] == ["part", "renamed", tmp_path.name]
    assert (tmp_path / "whole" / "deep" / "a").read_bytes() == b"data"


def test_what_is_set_aside_has_its_place_beside_what_a_person_put_there(tmp_path):
    place = tmp_path / "damaged"
    place.mkdir()
    for name in ("notes.txt", "zzz-1", "-"):
        (place / name).write_text("a person's")
    for i in range(4):
        (tmp_path / f"dance{i}").write_bytes(b"")
        whole_files.set_aside(tmp_path / f"dance{i}", place, keep=2)
    found = sorted(path.name for path in place.iterdir())
    assert found == ["-", "000000003-dance2", "000000004-dance3", "notes.txt", "zzz-1"]


# --- real disks -------------------------------------------------------------------------------------------


def can_mount_images():
    if sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        return False
    return Path("/dev/loop-control").exists()


class Disk:
    """An ext4 file system in a file, behind a loop device; mounted without ext4's own care for renamed files."""

    def __init__(self, image, place):
        self.image, self.place = image, place
        place.mkdir(exist_ok=True)
        run("mount", "-o", "loop,noauto_da_alloc,commit=300", image, place)

    def unmount(self):
        for _ in range(50):
            if subprocess.run(["umount", self.place], capture_output=True, check=False).returncode == 0:
                return
            time.sleep(0.1)
        run("umount", "-l", self.place)


def run(*command):
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def torn_off(server, image, copy):
    """What is on the disk at this moment: the server stands still, and nothing is written while it is copied."""
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        while True:
            before = image.stat().st_mtime_ns
            shutil.copyfile(image, copy)
            if image.stat().st_mtime_ns == before:
                return
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


class Client:
    """Uploads, orders and cancels without end, and remembers what the server acknowledged."""

    def __init__(self, server, tools):
        self.server, self.tools = server, tools
        self.songs, self.jobs, self.done = {}, {}, {}
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        chance = random.Random(1)
        with httpx.Client(
            base_url=self.server.url, headers=self.server.client.headers, timeout=PATIENCE, trust_env=False
        ) as client:
            while not self.stop.is_set():
                data = self.tools.wav(self.tools.clicks(1.0) * chance.uniform(0.3, 0.9))
                digest = hashlib.sha256(data).hexdigest()
                kind = {"Content-Type": "application/octet-stream"}
                if client.put(f"/v1/audio/{digest}", content=data, headers=kind).is_success:
                    self.songs[digest] = data
                for _ in range(4):
                    job_id = self.server.uuid()
                    body = self.server.body(
                        audio=digest, seconds=4.0, seed=chance.randrange(99), model="null"
                    )
                    if client.put(f"/v1/jobs/{job_id}", json=body).status_code == 202:
                        self.jobs[job_id] = body
                for job_id in list(self.jobs):
                    if job_id not in self.done and not self.stop.is_set():
                        answer = client.get(f"/v1/jobs/{job_id}/result")
                        if answer.status_code == 200:
                            self.done[job_id] = answer.content


@pytest.mark.skipif(not can_mount_images(), reason="needs loop devices")
@pytest.mark.timeout(300 + 120 * CUTS)
def test_no_power_cut_loses_what_was_acknowledged(launch, tools, tmp_path):
    image, copy = tmp_path / "disk.img", tmp_path / "copy.img"
    with image.open("wb") as file:
        file.truncate(64_000_000)
    run("mkfs.ext4", "-q", "-F", image)
    disk, seen = Disk(image, tmp_path / "disk"), Counter()
    try:
        data = tmp_path / "disk" / "data"
        server = launch("--data-dir", data, settings={"keep_jobs": 40, "keep_audio_bytes": 2_000_000})
        client, chance = Client(server, tools), random.Random(CUTS)
        try:
            for number in range(CUTS):
                time.sleep(chance.uniform(0.05, 0.6))
                jobs, done = dict(list(client.jobs.items())[-10:]), dict(client.done)
                songs = list(client.songs)[-3:]
                torn_off(server, image, copy)
                serve_from(launch, copy, tmp_path / "torn", songs, jobs, done, client.songs, number)
                seen.update(cuts=1, songs=len(songs), jobs=len(jobs), dances=len(done.keys() & jobs))
        finally:
            client.stop.set()
            client.thread.join(PATIENCE)
        assert client.done
        print(f"{dict(seen)} of {len(client.jobs)} jobs acknowledged, {len(client.done)} dances fetched")
        server.kill()
    finally:
        disk.unmount()


def serve_from(launch, copy, place, recent, jobs, done, songs, number):
    """A server on what was on the disk: the songs are there, and every job ends as it should, with the same dance."""
    disk = Disk(copy, place)
    try:
        later = launch("--data-dir", place / "data", folder=f"after-{number}")
        try:
            for song in recent:
                assert later.client.head(f"/v1/audio/{song}").status_code == 200, (
                    "an acknowledged song is lost"
                )
            for job_id, body in jobs.items():
                assert later.client.get(f"/v1/jobs/{job_id}").status_code == 200, (
                    "an acknowledged job is lost"
                )
                if later.client.head(f"/v1/audio/{body['audio']}").status_code != 200:
                    assert later.put_audio(songs[body["audio"]]).status_code == 201
                while True:
                    ended = later.wait(job_id)
                    assert ended["state"] == "succeeded", ended
                    answer = later.client.get(f"/v1/jobs/{job_id}/result")
                    if answer.status_code == 200:
                        break
                    assert answer.json()["code"] == "job_not_finished"
                if job_id in done:
                    assert answer.content == done[job_id]
        finally:
            later.kill()
    finally:
        disk.unmount()
