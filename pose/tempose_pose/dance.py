"""A dance: the result of a generation, and the contents of `DANCE.npz`."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.grid import BeatGrid
from tempose_pose.limits import MAX_FILE_BYTES
from tempose_pose.local import whole_files
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import LAYOUTS


@dataclass(frozen=True, eq=False)
class Dance:
    """Poses in time with music. All times are timeline seconds; second 0 is frame 0.

    Parameters
    ----------
    poses : PoseSequence
    beat_times, downbeat_times : (B,), (D,) float
    seams : (S,) int
        Frames at which a new segment takes over.
    seed : int
    model_revision : str
        Which weights drew it: the first 12 hex digits of their SHA-256, or ``"null-1"``.
    style : str
        The requested style, or the one that the dancer chose by the sound; empty if nobody chose.
    """

    poses: PoseSequence
    beat_times: np.ndarray
    downbeat_times: np.ndarray
    seams: np.ndarray
    seed: int
    model_revision: str
    style: str = ""

    @property
    def bpm(self) -> float:
        """Tempo by the median beat interval; 0 with fewer than two beats."""
        return BeatGrid(self.beat_times).bpm

    def save(self, path: str | os.PathLike) -> None:
        """Write `DANCE.npz`: no pickles, each array under its documented name."""
        p = self.poses
        with whole_files.writing(
            Path(path)
        ) as file:  # a full disk, a kill or a power cut leaves no partial dance
            np.savez_compressed(
                file,
                keypoints=p.keypoints,
                scores=p.scores,
                fps=np.float64(p.fps),
                canvas=np.asarray(p.canvas, np.int32),
                skeleton=np.asarray(p.skeleton.name),
                joint_names=np.asarray(p.skeleton.joints),
                beat_times=np.asarray(self.beat_times, np.float64),
                downbeat_times=np.asarray(self.downbeat_times, np.float64),
                seams=np.asarray(self.seams, np.int32),
                seed=np.int64(self.seed),
                model_revision=np.asarray(self.model_revision),
                style=np.asarray(self.style),
            )

    @classmethod
    def of(cls, poses: PoseSequence) -> Dance:
        """A dance from poses without model or music."""
        nothing = np.zeros(0)
        return cls(poses, nothing, nothing, np.zeros(0, np.int32), 0, "file")

    @classmethod
    def load(cls, path: str | os.PathLike) -> Dance:
        """Read `DANCE.npz`; raises `TemposeError` for any other file. Only the poses are required."""
        path = Path(path)
        try:
            with ZipFile(path) as archive:  # a small file may unpack to a very large array
                if sum(member.file_size for member in archive.infolist()) > MAX_FILE_BYTES:
                    raise TemposeError(
                        "dance_unreadable", f"{path} holds more than {MAX_FILE_BYTES >> 20} MiB."
                    )
            # opened here: numpy leaves a broken archive open
            with path.open("rb") as file, np.load(file, allow_pickle=False) as f:
                joints = tuple(str(j) for j in f["joint_names"])
                skeleton = next(s for s in LAYOUTS.values() if s.joints == joints)
                canvas = tuple(int(v) for v in f["canvas"]) if "canvas" in f else (1000, 1000)
                poses = PoseSequence(
                    f["keypoints"], f["scores"], float(f["fps"]), skeleton, (canvas[0], canvas[1])
                )
                beats, downbeats = (
                    BeatGrid(f[name]).beats if name in f else np.zeros(0)
                    for name in ("beat_times", "downbeat_times")
                )
                return cls(
                    poses,
                    beats,
                    downbeats,
                    np.asarray(f["seams"], np.int32) if "seams" in f else np.zeros(0, np.int32),
                    max(int(f["seed"]), 0) if "seed" in f else 0,
                    str(f["model_revision"])[:200] if "model_revision" in f else "file",
                    str(f["style"])[:200] if "style" in f else "",
                )
        except FileNotFoundError:
            raise TemposeError("dance_missing", f"There is no file {path}.") from None
        except (
            OSError,
            EOFError,
            ValueError,
            KeyError,
            StopIteration,
            TypeError,
            BadZipFile,
            zlib.error,
        ) as error:
            if isinstance(error, TemposeError) and error.code == "dance_unreadable":
                raise
            raise TemposeError(
                "dance_unreadable",
                f"{path.name} cannot be read: it is not a Tempose dance (.npz). Choose another file.",
            ) from error
