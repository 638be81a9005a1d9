# SPDX-License-Identifier: GPL-3.0-or-later
"""NumPy's .npz with the arrays of ``DANCE.npz``, as `tempose generate` writes it. No bpy in here."""

import io
import math
import zipfile
from pathlib import Path

import numpy as np

from ..character.skeleton import BODY_25, COCO_17, EXTREMITIES, HANDS, OPENPOSE_18
from ..dance.dance import MAX_FRAMES
from .poses import Poses, triples
from .reading import MAX_BYTES, as_poses, frame_rate, picture_size, unreadable


def npz(poses: Poses) -> bytes:
    """The arrays of ``DANCE.npz``, as `tempose generate` writes it."""
    buffer, rows, names = io.BytesIO(), triples(poses), OPENPOSE_18
    if poses.more is not None:  # on a skeleton with hands and feet, as the core has it
        names = (*BODY_25, *HANDS["left"], *HANDS["right"])
        have = dict(
            zip(
                (*OPENPOSE_18, *EXTREMITIES),
                np.concatenate([rows, poses.more], 1).swapaxes(0, 1),
                strict=True,
            )
        )
        hips = np.stack([have["left_hip"], have["right_hip"]])
        have["mid_hip"] = hips.mean(0)
        have["mid_hip"][:, 2] = hips[..., 2].min(0)
        rows = np.stack([have[joint] for joint in names], 1)
    np.savez_compressed(
        buffer,
        keypoints=(rows[..., :2] / np.asarray(poses.canvas, float)).astype(np.float32),
        scores=rows[..., 2].astype(np.float32),
        fps=np.float64(poses.fps),
        canvas=np.asarray(poses.canvas, np.int32),
        skeleton=np.asarray("openpose18" if poses.more is None else "body25_hands"),
        joint_names=np.asarray(names),
        beat_times=np.asarray(poses.beats, np.float64),
        downbeat_times=np.asarray(poses.downbeats, np.float64),
        seams=np.zeros(0, np.int32),
        seed=np.int64(poses.seed),
        model_revision=np.asarray(poses.revision),
    )
    return buffer.getvalue()


def from_npz(path: Path) -> Poses:
    """The dance in a file."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > MAX_BYTES:
                raise unreadable(path.name, "it is too large")
        with np.load(path, allow_pickle=False) as data:
            names = tuple(str(j) for j in data["joint_names"])
            keypoints, scores = np.asarray(data["keypoints"], float), np.asarray(data["scores"], float)
            if keypoints.shape != (*scores.shape, 2) or scores.shape[1:] != (len(names),) or not len(scores):
                raise ValueError
            if (
                not (np.isfinite(keypoints).all() and np.isfinite(scores).all())
                or np.abs(keypoints).max() > 1e4
            ):
                raise ValueError
            if len(scores) > MAX_FRAMES or not set(COCO_17) <= set(names):
                raise ValueError
            canvas = (
                picture_size(*(int(v) for v in data["canvas"]), path.name)
                if "canvas" in data
                else (1000, 1000)
            )
            rows = np.concatenate([keypoints * canvas, np.clip(scores, 0, 1)[..., None]], 2)
            made = as_poses(list(rows), names, frame_rate(float(data["fps"]), path.name), canvas)
            beats = [
                sorted(set(np.asarray(data[k], float).tolist())) if k in data else []
                for k in ("beat_times", "downbeat_times")
            ]
            seed = int(data["seed"]) if "seed" in data else 0
            revision = str(data["model_revision"])[:200] if "model_revision" in data else "file"
    except (ValueError, KeyError, TypeError, zipfile.BadZipFile, EOFError, OverflowError):
        raise unreadable(path.name, "it is no dance that Tempose has written") from None
    if not all(math.isfinite(v) for times in beats for v in times):
        raise unreadable(path.name, "its beats are not numbers")
    return Poses(
        made.points, made.scores, made.fps, made.canvas, made.more, beats[0], beats[1], max(seed, 0), revision
    )
