"""Songs on the server's disk, named by the hash of their bytes.

`audio/HASH/` holds `audio` (the bytes), `pcm.npy` (decoded), `info.json` (the length of the song, and the seals of
both files) and, once requested, `analysis.json` and cached features (`tempose.music.feature_cache`). A folder is
made elsewhere and moved in as a whole, and checked byte by byte when this server first uses it: damaged files are
decoded again if the song's own bytes are intact; otherwise the song is set aside and counts as unknown, so that it
is uploaded again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import threading
from collections.abc import Collection, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tempose.music.audio import Song
from tempose_pose.grid import BeatGrid
from tempose_pose.local import whole_files
from tempose_pose.local.whole_files import Damaged, Seal
from tempose_server.errors import ApiError, disk_full, is_disk_full
from tempose_server.sandbox import Sandbox
from tempose_server.settings import ServerSettings

log = logging.getLogger("tempose.songs")

FILES = ("audio", "pcm.npy")  # the files that are sealed in `info.json`
Look = tuple[tuple[int, int], ...]  # size and time of each file when all were intact


class AudioStore:
    """Content-addressed songs. Thread-safe."""

    def __init__(self, settings: ServerSettings, sandbox: Sandbox):
        self._settings, self._sandbox = settings, sandbox
        self._root = settings.data_dir / "audio"
        self._staging = settings.data_dir / "staging"
        self._damaged = settings.data_dir / "damaged"
        shutil.rmtree(self._staging, ignore_errors=True)  # unfinished uploads of an earlier server
        for folder in (self._root, self._staging, self._damaged):
            whole_files.make_folder(folder)
        self._analysing: dict[str, threading.Lock] = {}
        self._sound: dict[
            str, tuple[Look | None, float]
        ] = {}  # songs that have been checked, and their seconds
        self._lock = threading.RLock()
        self._turn = 0

    # --- what is there ------------------------------------------------------------------------------------

    def seconds(self, sha256: str) -> float | None:
        """Length of a known song, None for an unknown one; marks it as used now."""
        folder = self._root / sha256
        known = self._sound.get(sha256)
        if known is None or known[0] is None or known[0] != _look(folder):
            with self._lock:
                seconds = self._examine(sha256, folder)
        else:
            seconds = known[1]
        if seconds is not None:
            self._mark_used(folder)
        return seconds

    def _examine(self, sha256: str, folder: Path) -> float | None:
        """Check every byte of a song; return its length, None if it is missing or had to be set aside."""
        self._sound.pop(sha256, None)
        if not folder.is_dir():
            return None
        try:
            seconds = self._check(folder)
        except Damaged as damage:
            log.warning("song %s: %s is damaged", sha256[:12], damage)
            seconds = self._decode_again(sha256, folder)
        if seconds is not None:
            self._sound[sha256] = (_look(folder), seconds)
        return seconds

    @staticmethod
    def _check(folder: Path) -> float:
        info = whole_files.read_json(folder / "info.json")
        try:
            for name in FILES:
                Seal(**info["files"][name]).check(folder / name)
            return float(info["seconds"])
        except (KeyError, TypeError, ValueError):
            raise Damaged("info.json") from None

    def _decode_again(self, sha256: str, folder: Path) -> float | None:
        """Restore everything but the song's own bytes, which can only be uploaded again."""
        try:
            whole = Seal.of_file(folder / "audio").sha256 == sha256
        except OSError:
            whole = False
        if whole:
            with contextlib.suppress(ApiError), self.staging() as fresh:
                shutil.copyfile(folder / "audio", fresh / "audio")
                return self._move_in(fresh, folder, self._decode(fresh))
        self._set_aside(folder)
        return None

    def _set_aside(self, folder: Path) -> None:
        self._sound.pop(folder.name, None)
        whole_files.set_aside(folder, self._damaged)

    def _sound_file(self, sha256: str, name: str) -> Path:
        """A file of a song, just checked byte by byte; raises 404 if the song is no longer known."""
        with self._lock:
            if self._examine(sha256, self._root / sha256) is None:
                raise unknown_audio()
        return self._root / sha256 / name

    def _mark_used(self, folder: Path) -> None:
        """Mark a song as used last: marks rise with each use, whatever the clock says."""
        with self._lock:
            if not self._turn:
                marks = [0] + [_mark(other) for other in self._root.iterdir()]
                self._turn = max(marks)
            self._turn += 1
            with contextlib.suppress(OSError):
                os.utime(folder / "info.json", ns=(self._turn, self._turn))
                if known := self._sound.get(folder.name):
                    self._sound[folder.name] = (_look(folder), known[1])

    # --- what comes in ------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder for one upload, removed afterwards unless it was adopted. Full disks are reported as such."""
        folder = self._staging / secrets.token_hex(8)
        try:
            folder.mkdir(mode=0o700)
            yield folder
        except OSError as error:
            if is_disk_full(error):
                raise disk_full() from error
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def adopt(self, folder: Path, sha256: str) -> float:
        """Decode `folder/audio` and move the folder in under its hash; return its length in seconds."""
        info = self._decode(folder)
        with self._lock:
            if (seconds := self._examine(sha256, self._root / sha256)) is None:
                seconds = self._move_in(folder, self._root / sha256, info)
                self._sound[sha256] = (_look(self._root / sha256), seconds)
        self._mark_used(self._root / sha256)
        return seconds

    def _decode(self, folder: Path) -> dict[str, Any]:
        return self._sandbox.run(
            "decode",
            folder,
            audio_seconds=self._settings.audio_seconds,
            decoded_bytes=self._settings.decoded_bytes,
        )

    def _move_in(self, folder: Path, target: Path, info: dict[str, Any]) -> float:
        """Seal a song's folder and move it to its place; it is on disk when this returns."""
        seals = {name: asdict(Seal.of_file(folder / name)) for name in FILES}
        whole_files.write_json(folder / "info.json", {"seconds": info["seconds"], "files": seals})
        with self._lock:
            if target.exists():
                self._set_aside(target)
            whole_files.keep_folder(folder, target)
        return info["seconds"]

    # --- what is made of it -------------------------------------------------------------------------------

    def song(self, sha256: str) -> Song:
        """A known song; raises 404 if it is no longer known."""
        path = self._sound_file(sha256, "pcm.npy")
        return Song(np.load(path, allow_pickle=False), cache=path.parent)

    def grid(self, sha256: str) -> BeatGrid:
        analysis = self.analysis(sha256)
        return BeatGrid(
            np.asarray(analysis["beats"]), np.asarray(analysis["downbeats"]), float(analysis["confidence"])
        )

    def kept_analysis(self, sha256: str) -> dict[str, Any] | None:
        """The stored analysis of a song, or None."""
        with contextlib.suppress(Damaged):
            kept = whole_files.read_json(self._root / sha256 / "analysis.json")
            if isinstance(kept, dict) and "sections" in kept:  # made by this version or a newer one
                return kept
        return None

    def analysis(self, sha256: str) -> dict[str, Any]:
        """The analysis of a song; made once, in a child, and stored."""
        with self._lock:
            own = self._analysing.setdefault(sha256, threading.Lock())
        with own:
            if kept := self.kept_analysis(sha256):
                return kept
            folder = self._sound_file(sha256, "pcm.npy").parent
            analysis = self._sandbox.run("analyse", folder, trusted=True)
            try:
                whole_files.write_json(folder / "analysis.json", analysis)
            except OSError as error:
                if not is_disk_full(error):
                    raise
            return analysis

    def stretched(self, sha256: str, tempo_map: list[list[float]], seconds: float) -> bytes:
        """A WAV file of the song under a tempo map."""
        source = self._sound_file(sha256, "audio").parent
        with self.staging() as folder:
            self._sandbox.run(
                "stretch",
                source,
                target=folder / "stretched.wav",
                tempo_map=tempo_map,
                seconds=seconds,
                audio_seconds=self._settings.audio_seconds,
                decoded_bytes=self._settings.decoded_bytes,
            )
            return (folder / "stretched.wav").read_bytes()

    def trim(self, in_use: Collection[str]) -> None:
        """Delete the songs unused for longest until the rest fits into `keep_audio_bytes`."""
        folders = []
        for folder in self._root.iterdir():
            with contextlib.suppress(OSError):
                size = sum(file.stat().st_size for file in folder.iterdir())
                folders.append((_mark(folder), size, folder))
        total = sum(size for _, size, _ in folders)
        for _, size, folder in sorted(folders):
            if total <= self._settings.keep_audio_bytes:
                return
            if folder.name not in in_use:
                shutil.rmtree(folder, ignore_errors=True)
                self._analysing.pop(folder.name, None)
                self._sound.pop(folder.name, None)
                total -= size


def _look(folder: Path) -> Look | None:
    """Facts that tell, without reading, whether a song's files have changed."""
    try:
        found = [(folder / name).stat() for name in FILES]
        return tuple((one.st_size, one.st_mtime_ns) for one in found)
    except OSError:
        return None


def _mark(folder: Path) -> int:
    """When a song was last used, as a number that rises with each use."""
    try:
        return (folder / "info.json").stat().st_mtime_ns
    except OSError:
        return 0


def unknown_audio() -> ApiError:
    return ApiError(404, "audio_unknown", "The server does not have this song. Upload it first.")
