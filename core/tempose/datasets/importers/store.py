"""Writing clips into a data folder, whole or not at all, and remembering what has been read."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from tempose.datasets.importers.options import ImportOptions
from tempose.datasets.importers.takes import Dropped, ImportedTake, ImportJob, at_pose_rate, from_beat
from tempose.music.features import LISTENED
from tempose_pose.errors import TemposeError
from tempose_pose.limits import FPS

MEMORY = "imported.json"


class Store:
    """The `dance/` folder of a data folder.

    A job's clips are written first, then the index that names them, then the note that the job is done; so a
    run that dies anywhere leaves files that load, and the next one goes on with the job it died in.
    """

    def __init__(self, root: Path):
        self.folder = root / "dance"
        self.folder.mkdir(parents=True, exist_ok=True)
        for part in self.folder.glob("*.part"):
            part.unlink()
        self.entries: dict[str, dict[str, Any]] = {e["file"]: e for e in self._read("index.json", [])}
        self.memory: dict[str, dict[str, Any]] = self._read(MEMORY, {})

    def _read(self, name: str, empty: Any) -> Any:
        path = self.folder / name
        if not path.is_file():
            return empty
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise TemposeError("index_unreadable", f"{path} is not JSON; move it away.") from error

    def done(self, key: str, mark: str) -> bool:
        """Whether the job was read before, from the same files with the same options, and its clips are there."""
        note = self.memory.get(key)
        return (
            note is not None
            and note["mark"] == mark
            and all(file in self.entries and (self.folder / file).is_file() for file in note["clips"])
        )

    def keep(self, key: str, mark: str, takes: list[ImportedTake], dropped: list[Dropped]) -> list[str]:
        """Write the clips of a job; names of the files. Whatever an earlier reading of the job left is removed."""
        files = []
        for take in map(from_beat, takes):
            points = at_pose_rate(take.keypoints, take.fps).astype(np.float32)
            file = f"{take.source}__{safe(take.name)}.npz"
            if file in self.entries and file not in self.memory.get(key, {}).get("clips", ()):
                file = f"{take.source}__{safe(take.name)}_{mark[:6]}.npz"  # another job's clip of that name
            part = self.folder / f"{file}.part"
            with part.open("wb") as out:
                np.savez_compressed(out, kp=points)
            part.replace(self.folder / file)
            self.entries[file] = entry(take, file, points) | self._song(take)
            files.append(file)
        for old in set(self.memory.get(key, {}).get("clips", ())) - set(files):
            self.entries.pop(old, None)
        self._write("index.json", list(self.entries.values()))
        self.memory[key] = {"mark": mark, "clips": files, "dropped": [vars(d) for d in dropped]}
        self._write(MEMORY, self.memory)
        return files

    def _song(self, take: ImportedTake) -> dict[str, Any]:
        """Where the music of a take is kept, once for all takes of a film, and when it begins in it."""
        if take.song is None:
            return {}
        content = take.song.features.tobytes() + take.song.beats.tobytes()
        name = f"songs/{hashlib.sha256(content).hexdigest()[:16]}.npz"
        if not (self.folder / name).is_file():
            (self.folder / "songs").mkdir(exist_ok=True)
            part = self.folder / f"{name}.part"
            with part.open("wb") as out:
                np.savez_compressed(out, features=take.song.features, beats=take.song.beats,
                                    columns=np.str_(json.dumps(LISTENED.to_config())))  # fmt: skip
            part.replace(self.folder / name)
        return {"song": name, "song_start": round(take.song.start + float(take.facts.get("since", 0.0)), 6)}

    def _write(self, name: str, data: Any) -> None:
        part = self.folder / f"{name}.part"
        part.write_text(json.dumps(data, indent=0, ensure_ascii=False), encoding="utf-8")
        part.replace(self.folder / name)


def safe(name: str) -> str:
    """A name that is a file name everywhere."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name)[:120]


def mark(job: ImportJob, options: ImportOptions) -> str:
    """Hash of a job's files (size and time) and of the options that decide what becomes of them."""
    facts = [[str(p.name), p.stat().st_size, p.stat().st_mtime_ns] for p in job.files]
    text = json.dumps([facts, repr(options)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def entry(take: ImportedTake, file: str, points: np.ndarray) -> dict[str, Any]:
    """The index's line of a clip."""
    facts = {k: v for k, v in take.facts.items() if k not in ("fps", "since")}
    return {
        "file": file,
        "source": take.source,
        "name": take.name,
        "frames": len(points),
        "fps": int(FPS),
        "dims": points.shape[-1],
        "seconds": round(len(points) / FPS, 3),
        **facts,
    }
