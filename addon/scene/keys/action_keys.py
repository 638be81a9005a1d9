# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys in Actions: written in bulk, a hundred times faster than singly, and told apart from those set by hand.

`by_hand` says which keys of an Action an artist has set or changed. Code that moves generated keys calls it before,
and `stamp` with its answer after.
"""

import hashlib
from collections.abc import Container, Iterable

import bpy
import numpy as np

from ...model.errors import Problem
from ...model.keys import key_marks
from ...model.keys.key_curves import CurveId, KeyedCurve
from ...model.keys.key_marks import ALIGNED, AUTO_CLAMPED, BEZIER, CONSTANT, GENERATED
from .. import compat

MARKS = "tempose_keys"  # on Actions: the marks of generated keys
TAKE = "tempose_take"  # on Actions: the take whose keys they are
_FIELDS = {  # fields of a key for `foreach_get`
    "co": (2, np.float32),
    "handle_left": (2, np.float32),
    "handle_right": (2, np.float32),
    "handle_left_type": (1, np.int32),
    "handle_right_type": (1, np.int32),
    "interpolation": (1, np.int32),
    "type": (1, np.int32),
    "easing": (1, np.int32),
    "amplitude": (1, np.float32),
    "back": (1, np.float32),
    "period": (1, np.float32),
}
_NEEDED = tuple(_FIELDS)[:7]


def curves(action: bpy.types.Action) -> list:
    """The F-curves of an object in an Action, which may also have curves of the object's data, in another slot."""
    bags = [bag for layer in action.layers for strip in layer.strips for bag in strip.channelbags]
    return [c for bag in bags if bag.slot.target_id_type in ("OBJECT", "UNSPECIFIED") for c in bag.fcurves]


def _read(curve: bpy.types.FCurve, names: Iterable[str] = _NEEDED) -> dict[str, np.ndarray]:
    """A curve's keys by field: (N, 2) or (N,)."""
    count, found = len(curve.keyframe_points), {}
    for name in names:
        width, kind = _FIELDS[name]
        flat = np.empty(width * count, kind)
        curve.keyframe_points.foreach_get(name, flat)
        found[name] = flat.reshape(count, width) if width > 1 else flat
    return found


def _write(curve: bpy.types.FCurve, keys: dict[str, np.ndarray]) -> None:
    """Replace a curve's keys by these, in the order of their frames."""
    order = np.argsort(keys["co"][:, 0], kind="stable")
    points = curve.keyframe_points
    if len(points):
        points.clear()
    points.add(len(order))
    for name, values in keys.items():
        points.foreach_set(name, np.ascontiguousarray(values[order], _FIELDS[name][1]).ravel())
    curve.update()


def _generated(curve: KeyedCurve, stepped: bool) -> dict[str, np.ndarray]:
    """A generated curve as fields."""
    if not (np.isfinite(curve.values).all() and np.isfinite(curve.frames).all()):
        raise Problem("keys_not_finite", "The dance holds values that are not numbers. Generate again.")
    count, stepped = len(curve.frames), stepped or curve.held
    co = np.stack([curve.frames, curve.values], 1).astype(np.float32)
    shaped = curve.slopes is not None and not stepped
    keys: dict[str, np.ndarray] = {"co": co}
    if shaped and count > 1:
        gaps = np.diff(curve.frames).astype(float)
        for name, gap, sign in (
            ("handle_left", np.r_[gaps[0], gaps] / 3, -1),
            ("handle_right", np.r_[gaps, gaps[-1]] / 3, 1),
        ):
            keys[name] = np.stack([curve.frames + sign * gap, curve.values + sign * gap * curve.slopes], 1)
    for side in ("left", "right"):
        kind = ALIGNED if shaped and count > 1 else AUTO_CLAMPED
        keys[f"handle_{side}_type"] = np.full(count, kind, np.int32)
    keys["interpolation"] = np.full(count, CONSTANT if stepped else BEZIER, np.int32)
    kinds = np.full(count, GENERATED) if curve.kinds is None else curve.kinds
    keys["type"] = kinds.astype(np.int32)
    return keys


def marks_of(curve: bpy.types.FCurve) -> np.ndarray:
    """The marks of a curve's keys (see `key_marks`)."""
    keys = _read(curve, ("co", "handle_left_type", "handle_right_type", "interpolation"))
    kinds = np.stack([keys["handle_left_type"], keys["handle_right_type"]], 1)
    if np.isin(kinds, key_marks.COMPUTED).all():  # reading handles takes as long as everything else
        left = right = keys["co"]
    else:
        left, right = _read(curve, ("handle_left", "handle_right")).values()
    return key_marks.marks(keys["co"], left, right, kinds, keys["interpolation"])


def by_hand(action: bpy.types.Action) -> dict[CurveId, np.ndarray]:
    """Which keys an artist has set or changed: (N,) bool for each curve, in the order of its keys.

    In an Action that Tempose did not write, these are all of them; so they are in a curve that the artist has locked.
    """
    known = marks_in(action)
    return {(c.data_path, c.array_index): by_hand_in(c, known) for c in curves(action)}


def by_hand_in(curve: bpy.types.FCurve, known: dict[CurveId, np.ndarray]) -> np.ndarray:
    """The same for one curve, given the marks in its Action."""
    marks = known.get((curve.data_path, curve.array_index))
    if marks is None or is_locked(curve):
        return np.ones(len(curve.keyframe_points), bool)
    return ~key_marks.known(marks_of(curve), marks)


def is_locked(curve: bpy.types.FCurve) -> bool:
    """Whether the artist has locked a curve or its group, so that its keys must not change."""
    return curve.lock or (curve.group is not None and curve.group.lock)


def marks_in(action: bpy.types.Action) -> dict[CurveId, np.ndarray]:
    """The marks of generated keys stored in an Action."""
    return key_marks.from_text(action.get(MARKS))


def places(action: bpy.types.Action) -> list[np.ndarray]:
    """Frames and values of all keys, by curve."""
    return [_read(curve, ("co",))["co"] for curve in curves(action)]


def digest(places: list[np.ndarray]) -> str:
    """A hash of the frames and values of keys."""
    mark = hashlib.blake2b(digest_size=16)
    for flat in places:
        mark.update(np.ascontiguousarray(flat, np.float32).tobytes())
        mark.update(b"|")
    return mark.hexdigest()


def hand_set(action: bpy.types.Action, only: Container[CurveId] | None = None) -> dict[CurveId, list[float]]:
    """Frames of the keys set or changed by hand, for curves that have any (and are in `only`)."""
    found = {}
    masks = by_hand(action)
    for curve in curves(action):
        name = (curve.data_path, curve.array_index)
        if masks[name].any() and (only is None or name in only):
            found[name] = _read(curve, ("co",))["co"][masks[name], 0].tolist()
    return found


def stamp(action: bpy.types.Action, hand: dict[CurveId, np.ndarray] | None = None) -> None:
    """Mark the keys as generated, except those in `hand` (the answer of `by_hand` before they were moved)."""
    names = {(c.data_path, c.array_index): c for c in curves(action)}
    seal(action, {name: generated_in(curve, (hand or {}).get(name)) for name, curve in names.items()})


def generated_in(curve: bpy.types.FCurve, hand: np.ndarray | None) -> np.ndarray:
    """The marks of a curve's keys except those set by hand, (N,) bool; Blender may have merged keys on one frame."""
    marks = marks_of(curve)
    return marks if hand is None or len(hand) != len(marks) else marks[~hand]


def write(ob: bpy.types.Object, name: str, made: list[KeyedCurve], stepped: bool = False):
    """A new Action with these curves, not yet assigned to the object."""
    action = bpy.data.actions.new(name)
    try:
        bag = compat.channelbag(ob, action, assign=False)
        seal(action, {keyed.id: add(bag, keyed, stepped) for keyed in made})
    except BaseException:
        bpy.data.actions.remove(action)
        raise
    return action


def add(bag: bpy.types.ActionChannelbag, keyed: KeyedCurve, stepped: bool) -> np.ndarray:
    """Add a curve; return the marks of its keys."""
    curve = _new_curve(bag, keyed)
    _write(curve, _generated(keyed, stepped))
    return marks_of(curve)


def seal(action: bpy.types.Action, marks: dict[CurveId, np.ndarray]) -> None:
    """Store the marks of the keys that `add` made."""
    action[MARKS] = key_marks.to_text(marks)


def _new_curve(bag: bpy.types.ActionChannelbag, keyed: KeyedCurve):
    curve = bag.fcurves.new(keyed.path, index=keyed.index)
    curve.group = bag.groups.get(keyed.group) or bag.groups.new(keyed.group)
    return curve


def rewrite(
    ob: bpy.types.Object, action: bpy.types.Action, made: list[KeyedCurve], keep: bool, stepped: bool = False
) -> int:
    """Rewrite the keys of a dance in its Action; return how many keys set by hand were kept.

    Locked curves, curves that the dance does not use, and keys outside its frames, stay as they are. With `keep`, so
    do keys set by hand, with the keys next to them, so that the curve plays as before there. If anything fails, the
    Action is left as it was.
    """
    first = min(float(keyed.frames[0]) for keyed in made)
    last = max(float(keyed.frames[-1]) for keyed in made)
    bag = compat.channelbag(ob, action, assign=False)
    here = {(c.data_path, c.array_index): c for c in bag.fcurves}
    hand, kept = by_hand(action), 0
    before = {name: _read(here[name], tuple(_FIELDS)) for name in (k.id for k in made) if name in here}
    added, mine = [], {name: mask for name, mask in hand.items()}
    try:
        for keyed in made:
            keys = _generated(keyed, stepped)
            if keyed.id not in here:
                curve = _new_curve(bag, keyed)
                added.append(curve)
                mine[keyed.id] = np.zeros(len(keyed.frames), bool)
                _write(curve, keys)
                continue
            old, curve = before[keyed.id], here[keyed.id]
            frames = old["co"][:, 0]
            if is_locked(curve):
                kept += len(frames)
                continue
            outside = (frames < first - 0.5) | (frames > last + 0.5)
            if keep:
                stays, goes_in = key_marks.kept_beside(frames, hand[keyed.id] & ~outside, keyed.frames)
                kept += int((hand[keyed.id] & ~outside).sum())
            else:
                stays, goes_in = np.zeros(len(frames), bool), np.ones(len(keyed.frames), bool)
            stays |= outside
            merged = _merged(old, stays, keys, goes_in)
            order = np.argsort(merged["co"][:, 0], kind="stable")
            by_artist = np.r_[hand[keyed.id][stays], np.zeros(int(goes_in.sum()), bool)]
            mine[keyed.id] = by_artist[order]
            _write(curve, merged)
        stamp(action, mine)
    except BaseException:
        for curve in added:
            bag.fcurves.remove(curve)
        for name, keys in before.items():
            _write(here[name], keys)
        raise
    if added:  # so that Blender notices the Action's new curves
        action.update_tag()
        ob.update_tag()
    return kept


def _merged(old: dict, stays: np.ndarray, new: dict, goes_in: np.ndarray) -> dict[str, np.ndarray]:
    """Old and new keys merged; fields that new ones lack get defaults."""
    merged = {}
    for name, (width, kind) in _FIELDS.items():
        values = new.get(name)
        if values is None:
            shape = (len(goes_in), width) if width > 1 else (len(goes_in),)
            values = new["co"] if width > 1 else np.zeros(shape, kind)
        merged[name] = np.concatenate([old[name][stays], np.asarray(values, kind)[goes_in]])
    return merged


def count(action: bpy.types.Action) -> int:
    """The number of keys in an Action."""
    return sum(len(curve.keyframe_points) for curve in curves(action))
