# SPDX-License-Identifier: GPL-3.0-or-later
"""Dance only the changed parts again: from the scene to what is kept, and from the answer to keys.

The dance that is kept is the take whose keys move the character now.
"""

import json
import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import bpy
import numpy as np

from .. import compat
from ..keys import keying
from ..music import hearing
from ..tempo import retiming
from ..tempo.retiming import Heard, Piece
from ..tempo.timing import Span, TempoMap
from . import known, splice
from .splice import Keys
from .takes import Take

SPAN = "tempose_span"  # on Actions: left edge, seconds and rate that the keys were written for
SPLICED = "tempose_spliced"  # on Actions: keys that cannot be made from the take alone
SAME_SONG = 0.02  # seconds by which a cut may differ and still be the same


@dataclass(frozen=True, eq=False)
class Again:
    """What is danced again, and what stays.

    Parameters
    ----------
    take : str
        Identity of the take that stays elsewhere.
    kept : known.Kept
    pieces : of Piece
    old, new : Heard
    touched : of (start, stop)
        Song seconds that are danced again.
    whole : bool
        Kept keys move by whole frames.
    """

    take: str
    kept: known.Kept
    pieces: list[Piece]
    old: Heard
    new: Heard
    touched: list[tuple[float, float]]
    whole: bool


@dataclass(frozen=True)
class Changes:
    """The same without the poses: enough for texts and for a preview.

    Parameters
    ----------
    part : bool
        The take was made of a range only: it can be previewed at another tempo, but nothing of it is kept in a dance
        to all of the sound.
    """

    take: Any
    action: Any
    old: Heard
    new: Heard
    touched: list[tuple[float, float]]
    downbeats: list[float]
    part: bool

    @property
    def seconds(self) -> float:
        """How much is danced again, on the new timeline."""
        tempo = self.new.tempo
        return float(sum(tempo.to_timeline(b) - tempo.to_timeline(a) for a, b in self.touched))

    @property
    def is_everything(self) -> bool:
        """Whether nothing stays."""
        first, last = (float(s) for s in self.new.song_at(np.asarray(self.new.ends)))
        return (
            bool(self.touched)
            and self.touched[0][0] <= first + 1e-3
            and self.touched[-1][1] >= last - 1e-3
            and len(self.touched) == 1
        )


def base_action(settings, ob):
    """The Action that moves a character, as it was before any preview of a tempo."""
    data = ob.animation_data if ob is not None else None
    action = data.action if data else None
    if action is not None and settings.tempo.before is not None and action == preview_of(settings.tempo):
        return settings.tempo.before
    return action


def preview_of(tempo):
    """The Action that shows the keys at an edited tempo, or None."""
    return tempo.shown or bpy.data.actions.get(tempo.preview)


def base_take(settings, ob):
    """The take whose keys move a character now, and its Action; (None, None) where there is none."""
    action = base_action(settings, ob)
    mark = action.get(keying.TAKE) if action is not None else None
    take = next((t for t in settings.takes if mark and t.identity == mark and t.rig == ob and t.text), None)
    return (take, action) if take is not None else (None, None)


def head_of(take) -> dict | None:
    """What a take says of itself, without its numbers: cheap enough for a panel. Not to be changed."""
    return _head(take.text.lines[0].body) if take.text is not None and len(take.text.lines) else None


@lru_cache(16)
def _head(line: str) -> dict | None:
    try:
        head = json.loads(line)
        return head if isinstance(head["tempo_map"], list) and isinstance(head["settings"], dict) else None
    except (ValueError, KeyError, TypeError):
        return None


def changes(settings, ob, plan, beats: dict | None) -> Changes | None:
    """What a dance would hear anew after an edit of the tempo; None where no dance of this sound moves the character.

    Parameters
    ----------
    plan : tempo_edit.Heard
        The sound as it is to be heard.
    beats : dict or None
        As asked for: ``beats`` and ``downbeats`` in song seconds, half and double time in them.
    """
    take, action = base_take(settings, ob)
    head = head_of(take) if take is not None else None
    if head is None or head["settings"].get("strip", "") != plan.original.name:
        return None
    start, seconds = head["song_start"], head["song_seconds"]
    before, behind = start - plan.song_start, plan.song_start + plan.song_seconds - start - seconds
    if min(before, behind) < -SAME_SONG:
        return None
    tempo = TempoMap(head["tempo_map"])
    left, _, rate = action.get(SPAN, (plan.span.left, 0.0, plan.span.rate))
    if abs(rate - plan.span.rate) > 1e-6:
        return None
    end = start + seconds
    old = Heard(Span(float(left), float(tempo.to_timeline(end)), plan.span.rate), tempo)
    new = Heard(plan.span, plan.tempo)
    wanted = None if beats is None else (tuple(beats["beats"]), tuple(beats["downbeats"]))
    touched = _touched(take.text.lines[0].body, tuple(plan.tempo.points), wanted)
    downbeats = (beats or {}).get("downbeats") or tempo.to_song(
        np.asarray(head["downbeat_times"], float)
    ).tolist()
    return Changes(take, action, old, new, list(touched), downbeats, max(before, behind) > SAME_SONG)


@lru_cache(64)
def _touched(line: str, points: tuple, beats: tuple | None) -> tuple[tuple[float, float], ...]:
    """Song seconds that a dance hears anew at another tempo or with other beats. Panels ask at every redraw."""
    head = _head(line)
    start, end = head["song_start"], head["song_start"] + head["song_seconds"]
    old = TempoMap(head["tempo_map"])
    spans = retiming.tempo_differs(old, TempoMap(points), start, end)
    spans = [*spans, *_heard_anew(head, old, beats, start, end)]
    return tuple(retiming.joined(spans, start, end, retiming.gap_seconds()))


def _heard_anew(head: dict, tempo: TempoMap, beats: tuple | None, start: float, end: float) -> list:
    asked = head["settings"].get("beats")
    if beats is None:
        return [(start, end)] if asked else []
    if asked:
        old = (asked["beats"], asked["downbeats"])
    else:
        old = tuple(
            tempo.to_song(np.asarray(head[k], float)).tolist() for k in ("beat_times", "downbeat_times")
        )
    return hearing.differing(old, beats, start, end)


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
        asked.take, asked.kept, pieces, asked.old, Heard(span, asked.new.tempo), asked.touched, asked.whole
    )


def keep_keys(settings, ob):
    """A copy of the Action that moves a character: what it holds outlives the take that it may belong to."""
    return base_action(settings, ob).copy()


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
        old = read(curve, keying.by_hand_in(curve, known))
        if fresh is None:  # the artist's own
            made = splice.retimed(old, moves)
            fresh = _added(action, curve)
        else:
            sign = flips.get(name[0], 1.0)
            drawn = read(fresh, np.zeros(len(fresh.keyframe_points), bool)).times(sign)
            made = splice.spliced(
                old, drawn, asked.pieces, span.rate, lambda f, c=fresh, s=sign: s * c.evaluate(f),
                moves, "rotation_euler" in name[0],
            )  # fmt: skip
        write(fresh, made)
        marks[name] = keying.generated_in(fresh, made.by_hand)
    keying.seal(action, marks)
    action[SPAN], action[SPLICED] = [span.left, span.seconds, span.rate], True
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


def read(curve, by_hand: np.ndarray) -> Keys:
    """A curve's keys."""
    count = len(curve.keyframe_points)

    def get(name, width, kind):
        flat = np.empty(count * width, kind)
        curve.keyframe_points.foreach_get(name, flat)
        return flat.reshape(count, width) if width > 1 else flat

    places = [get(n, 2, np.float32) for n in ("co", "handle_left", "handle_right")]
    columns = {name: get(name, 1, kind) for name, (kind, _) in splice.COLUMNS.items()}
    return Keys(places[0], places[1], places[2], columns, by_hand)


def write(curve, made: Keys, before: Keys | None = None) -> None:
    """Replace a curve's keys; where it is known what it holds before, only what differs is written."""
    points = curve.keyframe_points
    if before is None or len(before) != len(made):
        if len(points):
            points.clear()
        points.add(len(made))
        before = None
    for name, values in made.columns.items():
        if before is None or not np.array_equal(values, before.columns[name]):
            points.foreach_set(name, np.ascontiguousarray(values))
    points.foreach_set("co", made.co.ravel())
    if before is None or not made.handles_follow:
        points.foreach_set("handle_left", made.left.ravel())
        points.foreach_set("handle_right", made.right.ravel())
    curve.update()
