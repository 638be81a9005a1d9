# SPDX-License-Identifier: GPL-3.0-or-later
"""A cut-out for the Spine runtimes: JSON, atlas and one page of pictures. No bpy in here.

After the format that Esoteric Software describes at esotericsoftware.com/spine-json-format and
esotericsoftware.com/spine-atlas-format, versions 4.0 to 4.2.
"""

import json
from pathlib import Path

import numpy as np

from . import flat_rig
from .flat_rig import FlatBone, FlatLayer, FlatRig
from .picture_page import Page, laid_out
from .png import png

VERSION = "4.2.00"
ANIMATION = "dance"


def write(rig: FlatRig, path: Path) -> None:
    """Write ``path`` (.json), and beside it the atlas and the page."""
    page = laid_out(rig.pictures)
    path.write_text(json.dumps(described(rig), ensure_ascii=False), "utf-8")
    path.with_suffix(".atlas").write_text(atlas(rig, page, path.with_suffix(".png").name), "utf-8")
    path.with_suffix(".png").write_bytes(png(page.pixels))


def atlas(rig: FlatRig, page: Page, name: str) -> str:
    """The place of each picture on the page."""
    height, width = page.pixels.shape[:2]
    lines = [name, f"size: {width}, {height}", "filter: Linear, Linear", "pma: false"]
    for k, place in enumerate(page.places):
        lines += [_region(rig, k), f"bounds: {', '.join(str(value) for value in place)}"]
    return "\n".join(lines) + "\n"


def _region(rig: FlatRig, picture: int) -> str:
    return next(layer.name for layer in rig.layers if layer.picture == picture)


def described(rig: FlatRig) -> dict:
    """The skeleton, its one skin and its one animation."""
    corners = np.concatenate([layer.corners for layer in rig.layers])
    low, high = corners.min(0), corners.max(0)
    return {
        "skeleton": {
            "spine": VERSION, "images": "./", "fps": _number(rig.rate), "x": _number(low[0]), "y": _number(low[1]),
            "width": _number(high[0] - low[0]), "height": _number(high[1] - low[1]),
        },
        "bones": [_bone(rig, bone) for bone in rig.bones],
        "slots": [
            {"name": layer.name, "bone": rig.bones[0].name, "attachment": layer.name} for layer in rig.layers
        ],
        "skins": [
            {"name": "default", "attachments": {layer.name: {layer.name: _mesh(rig, layer)} for layer in rig.layers}}
        ],
        "animations": {ANIMATION: _animation(rig)},
    }  # fmt: skip


def _bone(rig: FlatRig, bone: FlatBone) -> dict:
    x, y, turn = rig.locals_of(bone, False)
    parent = {"parent": rig.bones[bone.parent].name} if bone.parent >= 0 else {}
    return {
        "name": bone.name, **parent, "length": _number(bone.length), "x": _number(x), "y": _number(y),
        "rotation": _number(np.degrees(turn)),
    }  # fmt: skip


def _mesh(rig: FlatRig, layer: FlatLayer) -> dict:
    """A mesh; the corners along its outline come first, as the format requires."""
    hull = flat_rig.outline(layer.triangles, len(layer.corners))
    around = set(hull)
    order = [*hull, *(k for k in range(len(layer.corners)) if k not in around)]
    new = {old: k for k, old in enumerate(order)}
    vertices: list[float] = []
    for corner in order:
        hung = rig.hung(layer, corner)
        vertices.append(len(hung))
        for bone, x, y, weight in hung:
            vertices += [bone, _number(x), _number(y), round(weight, 5)]
    height, width = rig.pictures[layer.picture].shape[:2]
    return {
        "type": "mesh", "path": _region(rig, layer.picture),
        "uvs": [round(float(v), 6) for v in layer.uvs[order].ravel()],
        "triangles": [new[k] for k in layer.triangles.ravel().tolist()], "vertices": vertices, "hull": len(hull),
        "width": width, "height": height,
    }  # fmt: skip


def _animation(rig: FlatRig) -> dict:
    bones = {}
    for bone in rig.bones:
        moved = rig.moves_of(bone)
        timelines = {}
        if np.abs(moved[:, 2]).max() > 1e-5:
            timelines["rotate"] = [
                {"time": _time(rig, k), "value": _number(np.degrees(moved[k, 2]))}
                for k in flat_rig.turn_keys(moved[:, 2])
            ]
        if np.abs(moved[:, :2]).max() > 1e-3:
            timelines["translate"] = [
                {"time": _time(rig, k), "x": _number(moved[k, 0]), "y": _number(moved[k, 1])}
                for k in flat_rig.keyed(moved[:, :2])
            ]
        if timelines:
            bones[bone.name] = timelines
    changes = flat_rig.order_changes(rig.orders)
    drawn = [
        {"time": _time(rig, frame)}
        | ({"offsets": [{"slot": rig.layers[k].name, "offset": by} for k, by in moves]} if moves else {})
        for frame, moves in changes
    ]
    return {"bones": bones, **({"drawOrder": drawn} if drawn else {})}


def _time(rig: FlatRig, frame: int) -> float:
    return round(int(frame) / rig.rate, 5)


def _number(value: float) -> float:
    return round(float(value), 4)
