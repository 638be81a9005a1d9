"""Songs on the server's disk, named by the hash of their bytes.

`audio/HASH/` holds `audio` (the bytes), `pcm.npy` (decoded), `info.json` and, once asked for, `analysis.json` and
what dances heard in it (`tempose.music.kept`). A folder is made elsewhere and moved in whole, so what is there is
complete.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import threading
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tempose.music.audio import Song
from tempose_pose.grid import BeatGrid
from tempose_server.errors import ApiError, disk_full, is_disk_full
from tempose_server.sandbox import Sandbox
from tempose_server.settings import Settings


class AudioStore:
    """Content-addressed songs. Thread-safe."""

    def __init__(self, settings: Settings, sandbox: Sandbox):
        self._settings, self._sandbox = settings, sandbox
        self._root = settings.data_dir / "audio"
        self._staging = settings.data_dir / "staging"
        shutil.rmtree(self._staging, ignore_errors=True)  # what an earlier server left half done
        for folder in (self._root, self._staging):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._analysing: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def seconds(self, sha256: str) -> float | None:
        """Length of a known song, None when it is not known; marks it as used now."""
        try:
            info = json.loads((self._root / sha256 / "info.json").read_text())
            os.utime(self._root / sha256)
        except (OSError, ValueError):
            return None
        return info["seconds"]

    @contextlib.contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder for one upload, gone afterwards unless it was adopted. Full disks are named as such."""
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
        """Decode `folder/audio` and move the folder in under its hash; its length in seconds."""
        info = self._sandbox.run(
            "decode",
            folder,
            audio_seconds=self._settings.audio_seconds,
            decoded_bytes=self._settings.decoded_bytes,
        )
        (folder / "info.json").write_text(json.dumps(info))
        target = self._root / sha256
        with self._lock:
            if not (target / "info.json").is_file():
                shutil.rmtree(target, ignore_errors=True)
                folder.rename(target)
        return info["seconds"]

    def song(self, sha256: str) -> Song:
        """A known song; its samples stay on disk until they are read."""
        folder = self._root / sha256
        return Song(np.load(folder / "pcm.npy", allow_pickle=False), cache=folder)

    def grid(self, sha256: str) -> BeatGrid:
        analysis = self.analysis(sha256)
        return BeatGrid(
            np.asarray(analysis["beats"]), np.asarray(analysis["downbeats"]), float(analysis["confidence"])
        )

    def kept_analysis(self, sha256: str) -> dict[str, Any] | None:
        """Beats, tempo and loudness where they were asked for before, else None."""
        with contextlib.suppress(OSError, ValueError):
            kept = json.loads((self._root / sha256 / "analysis.json").read_text())
            if "heard" in kept:  # made by this version or a newer one
                return kept
        return None

    def analysis(self, sha256: str) -> dict[str, Any]:
        """Beats, tempo and loudness; made once, in a child, and kept."""
        path = self._root / sha256 / "analysis.json"
        with self._lock:
            own = self._analysing.setdefault(sha256, threading.Lock())
        with own:
            if kept := self.kept_analysis(sha256):
                return kept
            analysis = self._sandbox.run("analyse", path.parent, trusted=True)
            temporary = path.with_suffix(".part")
            try:
                temporary.write_text(json.dumps(analysis))
                temporary.replace(path)
            except OSError as error:
                temporary.unlink(missing_ok=True)
                if not is_disk_full(error):
                    raise
            return analysis

    def stretched(self, sha256: str, tempo_map: list[list[float]], seconds: float) -> bytes:
        """A wav file: the song as heard under a tempo map."""
        with self.staging() as folder:
            self._sandbox.run(
                "stretch",
                self._root / sha256,
                target=folder / "stretched.wav",
                tempo_map=tempo_map,
                seconds=seconds,
                audio_seconds=self._settings.audio_seconds,
                decoded_bytes=self._settings.decoded_bytes,
            )
            return (folder / "stretched.wav").read_bytes()

    def trim(self, in_use: Collection[str]) -> None:
        """Forget the songs unused for longest until the rest fits into `keep_audio_bytes`."""
        folders = []
        for folder in self._root.iterdir():
            with contextlib.suppress(OSError):
                size = sum(file.stat().st_size for file in folder.iterdir())
                folders.append((folder.stat().st_mtime, size, folder))
        total = sum(size for _, size, _ in folders)
        for _, size, folder in sorted(folders):
            if total <= self._settings.keep_audio_bytes:
                return
            if folder.name not in in_use:
                shutil.rmtree(folder, ignore_errors=True)
                self._analysing.pop(folder.name, None)
                total -= size


def unknown_audio() -> ApiError:
    return ApiError(404, "audio_unknown", "The server does not have this song. Upload it first.")
