# SPDX-License-Identifier: GPL-3.0-or-later
"""Hands without finger bones: their shape in a dance, as one stepped channel that drawings follow. No bpy.

Drawings are recognised by their names: a hand's shape and side, as in *Fist.L* or *left hand open*.
"""

from collections.abc import Mapping

import numpy as np

from tempose_pose import hands
from tempose_pose.dance import Dance
from tempose_pose.sequence import hands_of, to_openpose18

from ..character.bone_names import tokens
from ..tempo.timing import Span
from .key_curves import KeyedCurve

PROPERTY = "hand_shape"  # custom property of the bone that carries a hand: index into `SHAPES`
SHAPES = tuple(hands.SHAPES)
_WORDS = {
    "open": "flat", "palm": "flat", "closed": "fist", "pointing": "point", "relax": "relaxed", "rest": "relaxed",
    "splayed": "spread", **{shape: shape for shape in SHAPES},
}  # fmt: skip
# For a shape without a drawing, those to show instead, the first available one.
_INSTEAD = {
    "relaxed": ("flat", "spread", "snap"), "flat": ("clap", "spread", "relaxed"), "fist": ("snap", "relaxed"),
    "point": ("snap", "fist", "flat"), "spread": ("flat", "clap", "relaxed"), "snap": ("point", "fist", "relaxed"),
    "clap": ("flat", "spread", "relaxed"),
}  # fmt: skip


def drawing_of(name: str) -> tuple[str, str]:
    """The shape and side (L, R) in a drawing's name; both empty if it names no shape of a hand."""
    word, side = tokens(name)
    word = word.removeprefix("hand").removesuffix("hand")
    return (_WORDS[word], side) if word in _WORDS and side else ("", "")


def shown_for(drawn: Mapping[str, object]) -> dict[str, list[int]]:
    """Drawn shape → the shapes for which it is shown; each shape has one drawing."""
    out: dict[str, list[int]] = {shape: [] for shape in drawn}
    for number, shape in enumerate(SHAPES):
        chosen = next((s for s in (shape, *_INSTEAD[shape]) if s in drawn), next(iter(drawn), None))
        if chosen is not None:
            out[chosen].append(number)
    return out


def closed(shape: str) -> float:
    """How far a drawn hand is closed in a shape: 0 relaxed, as it is drawn; 1 a fist."""
    curl, *ends = (float(np.mean(hands.SHAPES[name].curls)) for name in (shape, "relaxed", "fist"))
    return float(np.clip((curl - ends[0]) / (ends[1] - ends[0]), 0, 1))


def curves_of(
    dance: Dance, span: Span, bones: Mapping[str, str], paths: Mapping[str, str], style: str, only: str
) -> list[KeyedCurve]:
    """A key wherever a hand changes its shape; none for characters that cannot show it.

    Parameters
    ----------
    bones : dict of side → bone
        The bones, for left and right, that have the property.
    paths : dict of bone → data path
    style, only : str
        See `hands.chosen`.
    """
    if not bones:
        return []
    body, own = to_openpose18(dance.poses), hands_of(dance.poses)
    if own is not None and not only:
        held = np.stack([hands.read(own[:, side]) for side in range(2)], 1)
    else:
        numbers = hands.chosen(body.pixels.astype(float), body.fps, np.asarray(dance.beat_times), style, only)
        held = hands.nearest(numbers)
    held = hands.steady(held, body.fps)
    at = np.clip(np.round(span.second_at(span.frames) * body.fps), 0, len(held) - 1).astype(int)
    out = []
    for side, bone in bones.items():
        values = held[at, ("left", "right").index(side)]
        changes = np.flatnonzero(np.diff(values, prepend=-1))
        out.append(
            KeyedCurve(
                f'{paths[bone]}["{PROPERTY}"]',
                0,
                bone,
                span.frames[changes],
                values[changes].astype(float),
                held=True,
            )
        )
    return out
