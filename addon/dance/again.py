# SPDX-License-Identifier: GPL-3.0-or-later
"""Dance only the changed parts again: what is kept, and how kept keys come between those of the new dance.

The dance that is kept is the take whose keys move the character now.
"""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass

import numpy as np

from .. import compat
from ..keys import curve_keys, keying
from ..tempo import retiming
from ..tempo.playback import Timing
from ..tempo.retiming import Piece
from ..tempo.timing import Span
from . import base as base_keys
from . import known, splice
from .changes import Changes
from .takes import Take


@dataclass(frozen=True, eq=False)
class Again:
    """What is danced again, and what stays.

    Parameters
    ----------
    take : str
        Identity of the take that stays elsewhere.
    kept : known.Kept
    pieces : of Piece
    old, new : Timing
    touched : of (start, stop)
        Song seconds that are danced again.
    whole : bool
        Kept keys move by whole frames.
    """

    take: str
    kept: known.Kept
    pieces: list[Piece]
    old: Timing
    new: Timing
    touched: list[tuple[float, float]]
    whole: bool


def plan(found: Changes, data: Take, seconds: float, exact: bool) -> Again | None:
    """What is kept of a dance of `seconds`; None where nothing is."""
    if found.is_everything or abs(data.dance.fps - known.FPS) > 1e-6:
        return None
    whole = not exact
    pieces = retiming.pieces(found.touched, found.old, found.new, whole)
    kept = known.moved(data.dance, known.frames_of(seconds), retiming.to_known(pieces, found.old, found.new))
    return Again(found.take.identity, kept, pieces, found.old, found.new, found.touched, whole)


def moved(asked: Again, left: float) -> Again:
    """The same when the strip has been moved meanwhile: the new dance goes along, the keys there are do not."""
    shift = left - asked.new.span.left
    if shift == 0:
        return asked
    pieces = [Piece(p.start + shift, p.stop + shift, p.shift + shift) for p in asked.pieces]
    span = Span(left, asked.new.span.seconds, asked.new.span.rate)
    return Again(
        asked.take, asked.kept, pieces, asked.old, Timing(span, asked.new.tempo), asked.touched, asked.whole
    )


def keep_keys(settings, ob):
    """A copy of the Action that moves a character: what it holds outlives the take that it may belong to."""
    return base_keys.action_of(settings, ob).copy()


def put_in(action, base, asked: Again, span: Span) -> None:
    """Give the Action of a new take, freshly made, the kept keys of `base` (see `keep_keys`) where it keeps."""
    for _ in _putting_in(lambda: (action, base), asked, span):
        pass


def putting_in(both: Callable, asked: Again, span: Span) -> Generator[None, None, str | None]:
    """The same, a curve at each step.

    Parameters
    ----------
    both : callable
        Finds the Action of the new take and the one whose keys are kept, anew in each step; None where one has gone.

    Returns
    -------
    str or None
        Which keys were kept, as `keying.digest` has them; None where this did not come to its end.
    """
    found = both()
    if found is None:
        return None
    kept = keying.digest(keying.places(found[1]))
    return kept if (yield from _putting_in(both, asked, span)) else None


def _putting_in(both: Callable, asked: Again, span: Span) -> Generator[None, None, bool]:
    asked, (action, base) = moved(asked, span.left), both()
    moves, known = splice.Moves(asked.old, asked.new, asked.whole), keying.marks_in(base)
    marks, flips = keying.marks_in(action), _flips(base, _by_name(action), asked.pieces)
    for name in _by_name(base):
        yield
        found = both()
        curve = _by_name(found[1]).get(name) if found is not None else None
        if curve is None:
            return False
        action, fresh = found[0], _by_name(found[0]).get(name)
        old = curve_keys.read(curve, keying.by_hand_in(curve, known))
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
        marks[name] = keying.generated_in(fresh, made.by_hand)
    keying.seal(action, marks)
    action[curve_keys.SPAN], action[curve_keys.SPLICED] = [span.left, span.seconds, span.rate], True
    return True


def _by_name(action) -> dict:
    return {(c.data_path, c.array_index): c for c in keying.curves(action)}


def _added(action, curve):
    """A new curve like another one, without its keys."""
    bag = compat.channelbag(None, action, assign=False)
    added = bag.fcurves.new(curve.data_path, index=curve.array_index)
    added.extrapolation = curve.extrapolation
    if curve.group is not None:
        added.group = bag.groups.get(curve.group.name) or bag.groups.new(curve.group.name)
    return added


def _flips(base, new: dict, pieces: list[Piece]) -> dict[str, float]:
    """By path of quaternions: −1 where the new one is the same turn by its other name."""
    ends = [p.stop - 1 for p in pieces[:-1] if math.isfinite(p.stop)]
    if not ends:
        return {}
    products: dict[str, float] = {}
    for curve in keying.curves(base):
        name = (curve.data_path, curve.array_index)
        if "quaternion" in curve.data_path and name in new:
            shift = pieces[0].shift
            product = curve.evaluate(ends[0] - shift) * new[name].evaluate(ends[0])
            products[curve.data_path] = products.get(curve.data_path, 0.0) + product
    return {path: -1.0 if value < 0 else 1.0 for path, value in products.items()}
