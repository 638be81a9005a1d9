# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that bring limbs of a layered puppet in front of and behind its trunk, as in the dance. No bpy."""

import numpy as np

from tempose_pose.dance import Dance
from tempose_pose.sequence import BRIDGED, to_openpose18

from ..character import depth
from ..character.anatomy import ARMS, LEGS
from ..tempo.timing import Span, resample
from .key_curves import KeyedCurve

LAYER = 0.005  # Blender units from one level to the next: enough to cover, too little to look slanted
TOWARDS = 2  # the bone's own axis that points to the viewer
UNSURE = 1.2 * BRIDGED  # confidence below which a joint counts as hidden
_PARTS = {f"{part.partition('_')[2]}_depth.{part[0].upper()}": part for part in (*ARMS, *LEGS)}


def part_of(bone: str) -> str:
    """The limb that a bone moves forward and back."""
    return _PARTS[bone]


def curves_of(dance: Dance, span: Span, depths: dict[str, float], paths: dict[str, str]) -> list[KeyedCurve]:
    """A few keys for each depth bone; none for rigs without.

    Parameters
    ----------
    depths : by bone
        How far forward its limb is at rest.
    paths : by bone
        Its data path.
    """
    if not depths:
        return []
    body, seconds = to_openpose18(dance.poses), span.second_at(span.frames)
    pixels, scores = resample(body.pixels, body.scores, body.fps, seconds)
    seen = np.where(np.asarray(scores) < UNSURE, 0.0, scores)
    levels = depth.levels_over_time(np.asarray(pixels, float), seen, span.rate)
    out = []
    for bone, rest in depths.items():
        at, values = depth.keys_of(levels[part_of(bone)], span.rate)
        out.append(
            KeyedCurve(f"{paths[bone]}.location", TOWARDS, bone, span.frames[at], LAYER * values - rest)
        )
    return out
