"""A BVH figure as a COCO-17 dancer: which bone is which joint, a face for the head, metres, facing the viewer."""

from __future__ import annotations

import re

import numpy as np

from tempose.datasets.clips import GLITCH
from tempose.datasets.importers.bvh import Bvh
from tempose_pose.errors import TemposeError
from tempose_pose.limits import FPS
from tempose_pose.skeletons import COCO_17

# Parts as rigs name them, likeliest first: "arm" is the upper arm of Mixamo and CMU, "leg" their lower leg.
PARTS = {
    "shoulder": ("upperarm", "uparm", "shldr", "arm", "shoulder"),
    "elbow": ("forearm", "lowerarm", "lowarm", "elbow"),
    "wrist": ("hand", "wrist"),
    "hip": ("thigh", "upleg", "upperleg", "hip"),
    "knee": ("shin", "calf", "lowerleg", "lowleg", "leg", "knee"),
    "ankle": ("foot", "ankle"),
}
HEAD, NECK = ("head",), ("neck", "neck1", "necktwist1", "necktwist01", "upperneck")
_NOISE = {"cc", "base", "mixamorig", "bip", "bip1", "bip01", "def", "jnt", "joint", "bone", "b"}
LENGTH = 1.3  # metres from neck to ankles of a figure 1.75 tall
# The face in metres of such a figure, from the skull's base: aside, up, forward.
_FACE = {"nose": (0, 0.065, 0.115), "eye": (0.032, 0.1, 0.095), "ear": (0.072, 0.075, 0.015)}
_J = COCO_17.at
STANCE = 0.5  # seconds at the start in which a T-pose or a jump into the take is looked for
MARGIN = 2  # frames after it in which the fling still slows down


def tokens(name: str) -> tuple[str, str]:
    """Side (left, right or empty) and part of a bone's name: CC_Base_L_Thigh, lThigh, mixamorig:LeftUpLeg."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name.rpartition(":")[2])
    words = [w.lower() for w in words]
    side = next(({"l": "left", "r": "right"}[w[0]] for w in words if w in ("l", "r", "left", "right")), "")
    part = "".join(w for w in words if w not in ("l", "r", "left", "right") and w not in _NOISE)
    return side, part


def find_joints(names: list[str]) -> dict[str, int]:
    """Index of the bone for each body joint, ``head`` and ``neck``.

    Raises
    ------
    TemposeError
        Naming the parts that no bone seems to be.
    """
    known: dict[tuple[str, str], int] = {}
    for i, name in enumerate(names):
        known.setdefault(tokens(name), i)
    wanted = {f"{s}_{j}": [(s, p) for p in parts] for j, parts in PARTS.items() for s in ("left", "right")}
    wanted |= {"head": [("", p) for p in HEAD], "neck": [("", p) for p in NECK]}
    found = {
        joint: next(known[k] for k in keys if k in known)
        for joint, keys in wanted.items()
        if any(k in known for k in keys)
    }
    found.setdefault("neck", found.get("head", -1))
    missing = [j.replace("_", " ") for j in wanted if found.get(j, -1) < 0]
    if missing:
        raise TemposeError(
            "bvh_bones", f"No bone could be found for: {', '.join(missing)}. Bones: {', '.join(names[:40])}."
        )
    return found


def as_dancer(bvh: Bvh) -> np.ndarray:
    """(T, 17, 3) in metres of a figure of usual height, y up, facing +z on average, its left at +x."""
    places, turns = bvh.positions()
    joints = find_joints(bvh.names)
    out = np.zeros((len(places), len(COCO_17), 3))
    for joint, bone in joints.items():
        if joint in _J:
            out[:, _J[joint]] = places[:, bone]
    neck, head = places[:, joints["neck"]], places[:, joints["head"]]
    upright = _upright(out, head)
    out, neck, head = out @ upright.T, neck @ upright.T, head @ upright.T
    scale = LENGTH / max(_length(out, neck), 1e-9)
    out, neck, head = out * scale, neck * scale, head * scale
    _face(out, head, upright @ turns[:, joints["head"]])
    return _to_viewer(out)


def _length(out: np.ndarray, neck: np.ndarray) -> float:
    """Neck to hips to ankles, in the file's units: bones do not change, so the median frame says it."""
    hips = (out[:, _J["left_hip"]] + out[:, _J["right_hip"]]) / 2
    knee, ankle, hip = (out[:, _J[f"left_{j}"]] for j in ("knee", "ankle", "hip"))
    return sum(
        float(np.median(np.linalg.norm(a - b, axis=-1)))
        for a, b in ((neck, hips), (hip, knee), (knee, ankle))
    )


def _upright(out: np.ndarray, head: np.ndarray) -> np.ndarray:
    """A rotation that takes the axis along which the figure stands to +y: files are y up or z up."""
    feet = (out[:, _J["left_ankle"]] + out[:, _J["right_ankle"]]) / 2
    axis = (head - feet).mean(0)
    if abs(axis[2]) > abs(axis[1]) and abs(axis[2]) > abs(axis[0]):
        sign = np.sign(axis[2])
        return np.asarray([[1, 0, 0], [0, 0, sign], [0, -sign, 0]], float)
    return np.eye(3)


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.maximum(np.linalg.norm(v, axis=-1, keepdims=True), 1e-9)


def _face(out: np.ndarray, head: np.ndarray, turn: np.ndarray) -> None:
    """Nose, eyes and ears, in place, fixed to the head bone.

    How a rig lays its axes into the head nobody says; but on average a head looks where the body does. So the
    body's directions, taken into the head bone's frame and averaged over the take, are the head's own.
    """
    shoulders = out[:, _J["left_shoulder"]] - out[:, _J["right_shoulder"]]
    hips = (out[:, _J["left_hip"]] + out[:, _J["right_hip"]]) / 2
    neck = (out[:, _J["left_shoulder"]] + out[:, _J["right_shoulder"]]) / 2
    up = _unit(neck - hips)
    aside = _unit(shoulders - (shoulders * up).sum(-1, keepdims=True) * up)
    own = {}
    for name, direction in (("up", up), ("aside", aside)):
        own[name] = _unit(np.einsum("tji,tj->ti", turn, direction).mean(0))
    own["aside"] = _unit(own["aside"] - own["aside"] @ own["up"] * own["up"])
    axes = np.stack([own["aside"], own["up"], np.cross(own["aside"], own["up"])], -1)  # (3, 3), columns
    for part, place in _FACE.items():
        for side, sign in (("left_", 1), ("right_", -1)) if part != "nose" else (("", 1),):
            local = axes @ (np.asarray(place) * (sign, 1, 1))
            out[:, _J[f"{side}{part}"]] = head + turn @ local


def _to_viewer(out: np.ndarray) -> np.ndarray:
    """Turned about the vertical so that over the take the dancer faces +z."""
    across = (out[:, _J["left_hip"]] - out[:, _J["right_hip"]])[:, [0, 2]]
    across = _unit(across)
    mean = across.mean(0)
    if np.linalg.norm(mean) < 0.3:  # one who turns all the time faces the viewer at the start
        mean = across[: max(len(across) // 20, 1)].mean(0)
    cos, sin = _unit(mean)
    turn = np.asarray([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    out = out @ turn.T
    hips = (out[:, _J["left_hip"]] + out[:, _J["right_hip"]]) / 2
    ground = np.percentile(out[:, [_J["left_ankle"], _J["right_ankle"]], 1].min(1), 10)
    return out - np.asarray([np.median(hips[:, 0]), ground, np.median(hips[:, 2])])


def stance(motion: np.ndarray, fps: float) -> int:
    """Frames at the start that are calibration, not dance: a T-pose, or the fling from it into the take.

    Up to the last frame of the first half second in which both arms are stretched out level, or whose step to
    the next is larger than a dancer's.
    """
    first = motion[: int(STANCE * fps) + 1]
    last = -1
    for frame in range(len(first) - 1):
        step = np.linalg.norm(motion[frame + 1] - motion[frame], axis=-1).max()
        if step * fps > GLITCH * FPS or _t_pose(motion[frame]):
            last = frame
    return last + 1 + MARGIN if last >= 0 else 0


def _t_pose(pose: np.ndarray) -> bool:
    """Both arms straight, level and to the sides."""
    for side, sign in (("left", 1), ("right", -1)):
        shoulder, elbow, wrist = (pose[_J[f"{side}_{j}"]] for j in ("shoulder", "elbow", "wrist"))
        upper, lower = _unit(elbow - shoulder), _unit(wrist - elbow)
        across = _unit(pose[_J["left_shoulder"]] - pose[_J["right_shoulder"]]) * sign
        if upper @ lower < 0.97 or (_unit(wrist - shoulder) * across).sum() < 0.95 or abs(upper[1]) > 0.25:
            return False
    return True


CANVAS = (1920, 1080)


def project(motion: np.ndarray, degrees: float, distance: float = 4.5) -> np.ndarray:
    """A take (T, 17, 3) in metres as a camera `degrees` round the figure sees it: pixels and confidence 1.

    A camera at hip height that stands still, far enough that the whole take fits on `CANVAS`.
    """
    yaw = np.radians(degrees)
    turn = np.asarray([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    seen = (motion - (0, 0.9, 0)) @ turn.T
    away = np.maximum(distance, seen[..., 2].max() + 2.0)
    flat = seen[..., :2] / (away - seen[..., 2:])
    focal = 0.45 * min(
        CANVAS[1] / np.abs(flat[..., 1]).max(), CANVAS[0] / max(np.abs(flat[..., 0]).max(), 1e-9)
    )
    pixels = flat * (focal, -focal) + np.asarray(CANVAS) / 2
    return np.concatenate([pixels, np.ones((*pixels.shape[:2], 1))], -1)
