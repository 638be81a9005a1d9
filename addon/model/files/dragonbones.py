# SPDX-License-Identifier: GPL-3.0-or-later
"""A cut-out for DragonBones: skeleton, atlas and one page of pictures. No bpy in here.

After version 5.5 of its data format, as the DragonBones team describes it (DragonBones/Tools,
doc/dragonbones_json_format_5.5.md) and its runtimes read it. Its y points down, and angles are clockwise.
"""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np

from . import flat_rig
from .flat_rig import FlatBone, FlatLayer, FlatRig
from .picture_page import Page, laid_out
from .png import png

VERSION = "5.5"
ANIMATION = "dance"
ENDS = ("_ske.json", "_tex.json", "_tex.png")


def write(rig: FlatRig, path: Path) -> None:
    """Write ``path`` (…_ske.json), and beside it …_tex.json and …_tex.png."""
    page, stem = laid_out(rig.pictures), path.name.removesuffix(ENDS[0])
    image = path.with_name(stem + ENDS[2])
    path.write_text(json.dumps(described(rig), ensure_ascii=False), "utf-8")
    text = json.dumps(atlas(rig, page, image.name), ensure_ascii=False)
    path.with_name(stem + ENDS[1]).write_text(text, "utf-8")
    image.write_bytes(png(page.pixels))


def atlas(rig: FlatRig, page: Page, name: str) -> dict:
    """The place of each layer's picture on the page."""
    height, width = page.pixels.shape[:2]
    parts = [
        {
            "name": layer.name,
            **dict(zip(("x", "y", "width", "height"), page.places[layer.picture], strict=True)),
        }
        for layer in rig.layers
    ]
    return {"name": rig.name, "imagePath": name, "width": width, "height": height, "SubTexture": parts}


def described(rig: FlatRig) -> dict:
    """One armature with one skin and one animation."""
    corners = np.concatenate([layer.corners for layer in rig.layers]) * (1, -1)
    low, high = corners.min(0), corners.max(0)
    box = dict(zip(("x", "y", "width", "height"), map(_number, (*low, *(high - low))), strict=True))
    armature = {
        "name": rig.name, "type": "Armature", "frameRate": round(rig.rate), "aabb": box,
        "bone": [_bone(rig, bone) for bone in rig.bones],
        "slot": [{"name": layer.name, "parent": rig.bones[0].name} for layer in rig.layers],
        "skin": [{"name": "", "slot": [_display(rig, layer) for layer in rig.layers]}],
        "animation": [_animation(rig)],
        "defaultActions": [{"gotoAndPlay": ANIMATION}],
    }  # fmt: skip
    return {
        "name": rig.name, "version": VERSION, "compatibleVersion": VERSION, "frameRate": round(rig.rate),
        "armature": [armature],
    }  # fmt: skip


def _bone(rig: FlatRig, bone: FlatBone) -> dict:
    x, y, turn = rig.locals_of(bone, False)
    parent = {"parent": rig.bones[bone.parent].name} if bone.parent >= 0 else {}
    angle = _number(-np.degrees(turn))
    return {
        "name": bone.name, **parent, "length": _number(bone.length),
        "transform": {"x": _number(x), "y": _number(-y), "skX": angle, "skY": angle},
    }  # fmt: skip


def _display(rig: FlatRig, layer: FlatLayer) -> dict:
    return {"name": layer.name, "display": [_mesh(rig, layer)]}


def _mesh(rig: FlatRig, layer: FlatLayer) -> dict:
    weights: list[float] = []
    for hung in layer.weights:
        weights.append(len(hung))
        for bone, weight in hung:
            weights += [bone, round(weight, 5)]
    poses: list[float] = []
    for bone in sorted({bone for hung in layer.weights for bone, _ in hung}):
        x, y, turn = rig.bones[bone].rest
        cos, sin = np.cos(-turn), np.sin(-turn)
        poses += [bone, *map(_fine, (cos, sin, -sin, cos)), _number(x), _number(-y)]
    height, width = rig.pictures[layer.picture].shape[:2]
    return {
        "type": "mesh", "name": layer.name, "width": width, "height": height,
        "vertices": [_number(v) for v in (layer.corners * (1, -1)).ravel()],
        "uvs": [_fine(v) for v in layer.uvs.ravel()], "triangles": layer.triangles.ravel().tolist(),
        "weights": weights, "slotPose": [1, 0, 0, 1, 0, 0], "bonePose": poses,
    }  # fmt: skip


def _animation(rig: FlatRig) -> dict:
    last, bones = rig.frames - 1, []
    for bone in rig.bones:
        moved = rig.moves_of(bone)
        timeline: dict = {}
        if np.abs(moved[:, :2]).max() > 1e-3:
            at = flat_rig.keyed(moved[:, :2])
            timeline["translateFrame"] = [
                {"x": _number(moved[k, 0]), "y": _number(-moved[k, 1]), **tween}
                for k, tween in _held(at, last)
            ]
        if np.abs(moved[:, 2]).max() > 1e-5:
            at = _small_turns(moved[:, 2], flat_rig.turn_keys(moved[:, 2]))
            timeline["rotateFrame"] = [
                {"rotate": _number(-np.degrees(moved[k, 2])), **tween} for k, tween in _held(at, last)
            ]
        if timeline:
            bones.append({"name": bone.name, **timeline})
    changes = flat_rig.order_changes(rig.orders)
    found = {
        "name": ANIMATION, "duration": last, "playTimes": 0 if rig.cyclic else 1, "bone": bones,
    }  # fmt: skip
    if changes:
        if changes[0][0] > 0:
            changes.insert(0, (0, []))
        ends = [frame for frame, _ in changes[1:]] + [last]
        found["zOrder"] = {
            "frame": [
                {"duration": end - frame, "zOrder": [number for pair in moves for number in pair]}
                for (frame, moves), end in zip(changes, ends, strict=True)
            ]
        }
    return found


def _held(at: np.ndarray, last: int) -> list[tuple[int, dict]]:
    """Frames with keys, and the duration of each."""
    ends = [*at[1:].tolist(), last]
    return [(int(k), {"duration": int(end - k), "tweenEasing": 0}) for k, end in zip(at, ends, strict=True)]


def _small_turns(turns: np.ndarray, at: np.ndarray) -> np.ndarray:
    """More keys where a bone turns by more than a third of a circle, because readers take the shorter way round."""
    out = [int(at[0])]
    for first, stop in pairwise(at):
        parts = int(np.ceil(abs(turns[stop] - turns[first]) / 2.0))
        inner = np.linspace(first, stop, max(parts, 1) + 1)[1:]
        out += [round(frame) for frame in inner]
    return np.unique(out)


def _number(value: float) -> float:
    return round(float(value), 3)


def _fine(value: float) -> float:
    return round(float(value), 6)
