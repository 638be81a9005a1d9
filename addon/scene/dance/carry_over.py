# SPDX-License-Identifier: GPL-3.0-or-later
"""Dancing only the changed parts again: what is kept, and how kept keys are put between those of the new dance.

The kept dance is the take whose keys currently move the character.
"""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass

import bpy
import numpy as np

from tempose_pose.request import Known

from ...model.dance import kept_poses, retiming
from ...model.dance.retiming import Piece
from ...model.dance.takes import Take
from ...model.keys import splice
from ...model.tempo.playback import Timing
from ...model.tempo.timing import Span
from .. import compat
from ..keys import action_keys, base_keys, curve_keys
from ..server import connection
from ..settings import SceneSettings
from ..tempo.tempo_changes import TempoChange


@dataclass(frozen=True, eq=False)
class CarryOver:
    """The parts of a dance that are danced again, and what stays.

    Parameters
    ----------
    take : str
        Identity of the take that stays in the other parts.
    kept : Known
    pieces : of Piece
    old, new : Timing
    touched : of (start, stop)
        Song seconds that are danced again.
    whole : bool
        Whether kept keys move by whole frames.
    """

    take: str
    kept: Known
    pieces: list[Piece]
    old: Timing
    new: Timing
    touched: list[tuple[float, float]]
    whole: bool


def carry(found: TempoChange, data: Take, seconds: float, exact: bool) -> CarryOver | None:
    """What is kept of a dance of `seconds`; None if nothing is."""
    fps = connection.fps()
    if found.is_everything or abs(data.dance.poses.fps - fps) > 1e-6:
        return None
    whole = not exact
    pieces = retiming.pieces(found.touched, found.old, found.new, whole)
    known = retiming.to_known(pieces, found.old, found.new)
    kept = kept_poses.moved(data.dance, max(1, round(seconds * fps)), known, fps)
    return CarryOver(found.take.identity, kept, pieces, found.old, found.new, found.touched, whole)


def moved(asked: CarryOver, left: float) -> CarryOver:
    """The same after the strip has moved: the new dance moves along, the existing keys do not."""
    shift = left - asked.new.span.left
    if shift == 0:
        return asked
    pieces = [Piece(p.start + shift, p.stop + shift, p.shift + shift) for p in asked.pieces]
    span = Span(left, asked.new.span.seconds, asked.new.span.rate)
    return CarryOver(
        asked.take, asked.kept, pieces, asked.old, Timing(span, asked.new.tempo), asked.touched, asked.whole
    )


def keep_keys(settings: SceneSettings, ob: bpy.types.Object):
    """A copy of the Action that moves a character, which outlives the take that it may belong to."""
    return base_keys.action_of(settings, ob).copy()


def put_in(action: bpy.types.Action, base: bpy.types.Action, asked: CarryOver, span: Span) -> None:
    """Put the kept keys of `base` (see `keep_keys`) into the fresh Action of a new take."""
    for _ in _put_in_steps(lambda: (action, base), asked, span):
        pass


def put_in_steps(both: Callable, asked: CarryOver, span: Span) -> Generator[None, None, str | None]:
    """The same, one curve at each step.

    Parameters
    ----------
    both : callable
        Finds the Action of the new take and the one with the kept keys, anew in each step; None if one has gone.

    Returns
    -------
    str or None
        The kept keys as an `action_keys.digest`; None if this could not be completed.
    """
    found = both()
    if found is None:
        return None
    kept = action_keys.digest(action_keys.places(found[1]))
    return kept if (yield from _put_in_steps(both, asked, span)) else None


def _put_in_steps(both: Callable, asked: CarryOver, span: Span) -> Generator[None, None, bool]:
    asked, (action, base) = moved(asked, span.left), both()
    moves, kept_marks = splice.Moves(asked.old, asked.new, asked.whole), action_keys.marks_in(base)
    marks, flips = action_keys.marks_in(action), _flips(base, _by_name(action), asked.pieces)
    for name in _by_name(base):
        yield
        found = both()
        curve = _by_name(found[1]).get(name) if found is not None else None
        if curve is None:
            return False
        action, fresh = found[0], _by_name(found[0]).get(name)
        old = curve_keys.read(curve, action_keys.by_hand_in(curve, kept_marks))
        if fresh is None:  # the artist's own
            made = splice.retimed(old, moves)
            fresh = _added(action, curve)
        else:
            sign = flips.get(name[0], 1.0)
            drawn = curve_keys.read(fresh, np.zeros(len(fresh.keyframe_points), bool)).times(sign)
            made = splice.spliced(
                old, drawn, asked.pieces, span.rate, lambda f, c=fresh, s=sign: s * c.evaluate(f),
                moves, "rotation_euler" in name[0],
            )  # fmt: skip
        curve_keys.write(fresh, made)
        marks[name] = action_keys.generated_in(fresh, made.by_hand)
    action_keys.seal(action, marks)
    action[curve_keys.SPAN], action[curve_keys.SPLICED] = [span.left, span.seconds, span.rate], True
    return True


def _by_name(action: bpy.types.Action) -> dict:
    return {(c.data_path, c.array_index): c for c in action_keys.curves(action)}


def _added(action: bpy.types.Action, curve: bpy.types.FCurve):
    """A new curve like another one, without keys."""
    bag = compat.channelbag(None, action, assign=False)
    added = bag.fcurves.new(curve.data_path, index=curve.array_index)
    added.extrapolation = curve.extrapolation
    if curve.group is not None:
        added.group = bag.groups.get(curve.group.name) or bag.groups.new(curve.group.name)
    return added


def _flips(base: bpy.types.Action, new: dict, pieces: list[Piece]) -> dict[str, float]:
    """Signs by path of quaternions: −1 if the new one is the same rotation negated."""
    ends = [p.stop - 1 for p in pieces[:-1] if math.isfinite(p.stop)]
    if not ends:
        return {}
    products: dict[str, float] = {}
    for curve in action_keys.curves(base):
        name = (curve.data_path, curve.array_index)
        if "quaternion" in curve.data_path and name in new:
            shift = pieces[0].shift
            product = curve.evaluate(ends[0] - shift) * new[name].evaluate(ends[0])
            products[curve.data_path] = products.get(curve.data_path, 0.0) + product
    return {path: -1.0 if value < 0 else 1.0 for path, value in products.items()}
