# SPDX-License-Identifier: GPL-3.0-or-later
"""Drawings that are swapped by facing: where trunk and head look, as stepped channels that drawings follow. No bpy.

Drawings are told by their names: a part of the figure, how it is turned, and to which side of the picture, as in
*Head profile.L* or *body back*.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from itertools import product

import numpy as np

from tempose_pose import hands
from tempose_pose.dance import Dance
from tempose_pose.sequence import to_openpose18

from ..character.bone_names import tokens
from ..character.mapping import BODY
from ..tempo.timing import Span
from .key_curves import KeyedCurve

PROPERTY = "facing"  # custom property of the bones of trunk and head: index into `FACINGS`
FACINGS = (
    ("front", ""), ("three-quarter", "L"), ("profile", "L"), ("back", ""), ("profile", "R"), ("three-quarter", "R"),
)  # fmt: skip
"""Once round, to the left of the picture first."""
NAMES = tuple(f"{kind} {side}".strip() for kind, side in FACINGS)
HEAD, TRUNK = "head", "spine"  # parts of a bone map whose bones select drawings by facing
LEAST = 0.25  # least seconds for which a drawing stays
# Shares of the full width down to which each kind is shown, from the front on; by `MARGIN` beyond them to change it.
_EDGES, MARGIN = (0.78, 0.38, -0.4), 0.07
_SHOULDERS, _FACE = (
    0.76,
    0.41,
)  # usual widths in trunk lengths: of the shoulders, and of eyes and ears together
_WORDS = {
    "threequarters": "three-quarter", "threequarter": "three-quarter", "profile": "profile", "sideview": "profile",
    "front": "front", "back": "back", "rear": "back",
}  # fmt: skip
_ON_HEAD = ("head", "face", "hair", "eye", "mouth", "nose", "ear", "brow", "hat", "beard")
# Of a kind that is not drawn, what is shown instead: the first that there is.
_INSTEAD = {
    "front": ("three-quarter", "profile", "back"), "three-quarter": ("front", "profile", "back"),
    "profile": ("three-quarter", "front", "back"), "back": ("profile", "three-quarter", "front"),
}  # fmt: skip
Drawn = tuple[str, str]
"""Kind (front, three-quarter, profile, back), and the side of the picture (L, R) that it looks to, or nothing."""


def drawing_of(name: str) -> tuple[str, Drawn] | None:
    """The part of the figure and the facing in a drawing's name; None if it names no facing."""
    spelt = re.sub(r"(?<!\d)3\W?4(?!\d)", " threequarter ", name.replace("_", " "))
    word, side = tokens(spelt)
    for said, kind in _WORDS.items():
        if word.startswith(said) or word.endswith(said):
            part = word.removesuffix(said) if word.endswith(said) else word.removeprefix(said)
            return part.removesuffix("view"), (kind, side)
    return None


def is_set(drawn: Collection[Drawn]) -> bool:
    """Whether drawings of one part are its facings: *hair front* and *hair back* are just in front and behind."""
    kinds = {kind for kind, _ in drawn}
    return len(kinds) > 1 and bool(kinds & {"three-quarter", "profile"})


def on_head(part: str) -> bool:
    """Whether a part of the figure, by its name, turns with the head."""
    return part.startswith(_ON_HEAD) or part.endswith(_ON_HEAD)


def shown_for(drawn: Iterable[Drawn]) -> dict[Drawn, dict[int, bool]]:
    """Drawing → the facings for which it is shown, and whether mirrored; each facing has one drawing.

    For a side without a drawing, that of the other side is mirrored.
    """
    there = list(drawn)
    out: dict[Drawn, dict[int, bool]] = {one: {} for one in there}
    for number, (kind, side) in enumerate(FACINGS):
        other = {"L": "R", "R": "L"}.get(side, "L")
        wanted = product((kind, *_INSTEAD[kind]), (side or "L", "", other))
        chosen = next((one for one in wanted if one in out), None)
        if chosen is not None:
            out[chosen][number] = bool(side) and chosen[1] == other
    return out


def facings_of(pixels: np.ndarray, scores: np.ndarray, rate: float) -> dict[str, np.ndarray]:
    """The facings of trunk and head, as indices (T,) into `FACINGS`, without flicker.

    Parameters
    ----------
    pixels : (T, 18, 2) float
        x right, y down.
    scores : (T, 18) float
    rate : float
        Frames per second.
    """
    at = BODY.at
    x = np.asarray(pixels, float)[..., 0]
    hips = pixels[:, [at["left_hip"], at["right_hip"]]].mean(1)
    trunk = max(float(np.percentile(np.hypot(*(pixels[:, at["neck"]] - hips).T), 75)), 1e-6)
    ears = x[:, [at["left_ear"], at["right_ear"]]].mean(1)
    nose = np.where(scores[:, at["nose"]] > 0, x[:, at["nose"]] - ears, 0.0)
    shoulders = x[:, at["left_shoulder"]] - x[:, at["right_shoulder"]]
    face = sum(x[:, at[f"left_{j}"]] - x[:, at[f"right_{j}"]] for j in ("eye", "ear"))
    sides = _sides(_smooth(nose / trunk, rate))
    return {
        part: _steady(_turned(_smooth(_share(wide / trunk, usual), rate), sides), rate)
        for part, wide, usual in ((TRUNK, shoulders, _SHOULDERS), (HEAD, np.asarray(face), _FACE))
    }


def curves_of(
    dance: Dance, span: Span, bones: Mapping[str, str], paths: Mapping[str, str]
) -> list[KeyedCurve]:
    """A key wherever trunk or head turns to another drawing; none for characters without such drawings.

    Parameters
    ----------
    bones : dict of part → bone
        `HEAD` and `TRUNK`: those that have the property.
    paths : dict of bone → data path
    """
    if not bones:
        return []
    body = to_openpose18(dance.poses)
    found = facings_of(body.pixels.astype(float), body.scores, body.fps)
    at = np.clip(np.round(span.second_at(span.frames) * body.fps), 0, len(body.pixels) - 1).astype(int)
    out = []
    for part, bone in bones.items():
        values = found[part][at]
        changes = np.flatnonzero(np.diff(values, prepend=-1))
        path = f'{paths[bone]}["{PROPERTY}"]'
        keys = values[changes].astype(float)
        out.append(KeyedCurve(path, 0, bone, span.frames[changes], keys, held=True))
    return out


def _share(wide: np.ndarray, usual: float) -> np.ndarray:
    """Widths (T,) as shares of the full one, which the dance shows now and then, within limits around the usual."""
    full = np.clip(np.percentile(np.abs(wide), 80), 0.75 * usual, 1.3 * usual)
    return wide / full


def _sides(nose: np.ndarray) -> np.ndarray:
    """The side (T,) that the head looks to, -1 left and 1 right; it stays until the nose is clearly on the other."""
    clear = np.flatnonzero(np.abs(nose) > 0.04)
    if not len(clear):
        return np.full(len(nose), -1)
    last = np.maximum(np.searchsorted(clear, np.arange(len(nose)), "right") - 1, 0)
    return np.sign(nose[clear[last]]).astype(int)


def _turned(shares: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Indices (T,) into `FACINGS`, which change only if a width is clearly beyond the edge between two."""
    out, kind = np.empty(len(shares), int), int(np.sum(shares[0] < np.array(_EDGES))) if len(shares) else 0
    for k, share in enumerate(shares):
        while kind < len(_EDGES) and share < _EDGES[kind] - MARGIN:
            kind += 1
        while kind and share > _EDGES[kind - 1] + MARGIN:
            kind -= 1
        out[k] = kind
    rightwards = (sides > 0) & (out > 0) & (out < len(_EDGES))
    return np.where(rightwards, len(FACINGS) - out, out)


def _smooth(values: np.ndarray, rate: float) -> np.ndarray:
    wide = max(round(LEAST * rate) // 2, 0)
    padded = np.pad(values, wide, mode="edge")
    return np.convolve(padded, np.full(2 * wide + 1, 1 / (2 * wide + 1)), "valid")


def _steady(facings: np.ndarray, rate: float) -> np.ndarray:
    """The same (T,) without facings too short to be seen as a drawing."""
    return hands.steady(facings[:, None], rate, LEAST)[:, 0]
