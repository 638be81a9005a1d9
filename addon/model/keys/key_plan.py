# SPDX-License-Identifier: GPL-3.0-or-later
"""From a take to the keys of a rig: plant the feet, solve the bones, reduce the keys. No bpy in here.

`take_keys.plan` reads everything needed from the scene, so that a thread can do this.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import numpy as np

from tempose_pose import hands
from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence, to_openpose18
from tempose_pose.skeletons import EXTREMITIES

from ..character.bones import Bone
from ..character.extremities import extremities_of, followed
from ..character.forward_kinematics import Forward
from ..character.in_profile import is_in_profile, kept_in_profile
from ..character.joints import joints_at_rest, with_mid_hip
from ..character.mapping import JOINTS, BoneMap
from ..character.plane import Placement, Plane
from ..character.posing import Options
from ..character.retarget import solve
from ..dance.kept_ankles import Stands
from ..dance.pins import Pin
from ..dance.way import Way
from ..errors import Problem
from ..tempo.timing import Span, resample
from . import cycle, facing_swaps, feet, fitting, hand_swaps, layering
from .foot_targets import Pulled
from .footing import Footing
from .key_curves import KeyedCurve, SampledCurve
from .pinned_limbs import pinned
from .squash import squashed
from .tracks import Tracks

CORRECTIONS = 3  # how often feet are planted anew on a way
STEPS = {"EVERY": 1, "TWOS": 2, "THREES": 3}


@dataclass(frozen=True)
class Choice:
    """How a dance becomes keys; see `properties.keys`."""

    density: str = "EVERY"
    tolerance: float = 2.0
    pose_tolerance: float = 12.0
    poses: str = "MOMENTS"
    per_bar: int = 4
    beats: bool = True
    interpolation: str = "SMOOTH"
    feet: str = "AUTO"
    ground: bool = True
    ground_height: float = 0.0
    hands: str = "AUTO"
    squash: float = 0.0
    facing: bool = True


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that the keys of a dance are made from.

    Parameters
    ----------
    rig : str
        The character's name.
    bones : all of the armature
    place : Placement
        Position of the rig's own picture in its plane.
    paths : by bone
        Its data path.
    under : by path and index, of (T,), optional
        Values to blend the dance with; missing channels are at rest.
    strength : float
        Of that blend; 1 is the dance alone.
    pixel : float
        Size of a pixel of the scene at the figure.
    style : str
        The style of the dance, by which hands are held.
    stands : Stands, optional
        Places where ankles were seen and must stay.
    loop : bool
        Whether the dance leads back into its own beginning.
    travel : float
        Distance to the right that a round of a loop covers, in heights of the figure.
    depths : by bone
        How far forward limbs with depth bones are at rest.
    way : Way, optional
        The way of the whole figure.
    pins : tuple of Pin
        Hands and feet that are held.
    hand_bones : by side
        Bones that carry hands drawn in several shapes.
    facing_bones : by part
        Bones of head and trunk that carry drawings from several sides.
    """

    dance: Dance
    span: Span
    rig: str
    bones: dict[str, Bone]
    bone_map: BoneMap
    plane: Plane
    place: Placement
    options: Options
    choice: Choice
    paths: dict[str, str]
    pixel: float = field(compare=False)
    under: dict[tuple[str, int], np.ndarray] | None = None
    strength: float = 1.0
    style: str = ""
    stands: Stands | None = None
    loop: bool = False
    travel: float = 0.0
    depths: dict[str, float] = field(default_factory=dict)
    way: Way | None = None
    pins: tuple[Pin, ...] = ()
    hand_bones: dict[str, str] = field(default_factory=dict)
    facing_bones: dict[str, str] = field(default_factory=dict)


def are_alike(one: Any, other: Any) -> bool:
    """Whether two plans, or parts of plans, are equal except for what changes during playback."""
    if one is other or type(one) is not type(other):
        return one is other
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(are_alike(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(are_alike, one, other))
    if is_dataclass(one):
        names = [f.name for f in fields(one) if f.compare]
        return all(are_alike(getattr(one, name), getattr(other, name)) for name in names)
    return one == other


@dataclass(frozen=True)
class Keyed:
    """What `make_keys` returns: the keys, and how near they are to the dance.

    Parameters
    ----------
    curves : list of KeyedCurve
    stepped : bool
    count, dense : int
        The number of keys, and what it would be with one on each frame.
    worst, typical : float
        Distance of joints from the dance in pixels of a frame 1080 pixels high, maximum and root
        square; 0 where every frame has its key.
    """

    curves: list[KeyedCurve]
    stepped: bool
    count: int
    dense: int
    worst: float = 0.0
    typical: float = 0.0


def make_keys(plan: Plan, tell: Callable[[int], None] | None = None) -> Keyed:
    """Make the keys of a dance.

    Parameters
    ----------
    tell : callable, optional
        Called with the number of keys so far while keys are being reduced; whatever it raises ends the search.
    """
    choice, frames = plan.choice, plan.span.frames
    curves, planting = _danced(plan)
    stepped, dense = choice.interpolation == "STEPPED", len(frames) * len(curves)
    if choice.density == "EVERY" or len(frames) < 3:
        every = [KeyedCurve(c.path, c.index, c.group, frames, c.values) for c in curves]
        every += _beside(plan)
        return Keyed(_looped(plan, every, curves), stepped, dense, dense)
    tracks = Tracks(curves)
    forward = Forward(plan.bones, plan.bone_map, plan.plane, tracks.layout)
    hits = _beats(plan.dance, plan.span, frames).tolist() if choice.beats or choice.density == "POSES" else []
    footing = None if stepped else _footing(plan, tracks, forward, planting)
    fit = _fit(plan, tracks, forward, hits, footing, tell)
    out = []
    for track, own in tracks.curves.items():
        keys = fit.keys[track]
        kinds = np.array([fit.kinds[int(at)] for at in keys.at]) if fit.kinds else None
        for c, curve in enumerate(own):
            values, slopes = keys.values[:, c], keys.slopes[:, c]
            out.append(
                KeyedCurve(curve.path, curve.index, curve.group, frames[keys.at], values, slopes, kinds)
            )
    out += _beside(plan)
    return Keyed(
        _looped(plan, out, curves),
        stepped,
        fit.count,
        dense,
        fit.worst / plan.pixel,
        fit.typical / plan.pixel,
    )


def _beside(plan: Plan) -> list[KeyedCurve]:
    """The few keys beside the pose: which limb is in front, and which drawings are shown."""
    depths = {} if _profile(plan) else plan.depths  # drawn from the side, the near limbs stay the near ones
    out = layering.curves_of(plan.dance, plan.span, depths, plan.paths)
    if plan.choice.hands != "OFF":
        out += hand_swaps.curves_of(
            plan.dance, plan.span, plan.hand_bones, plan.paths, plan.style, _only(plan.choice)
        )
    if plan.choice.facing:
        out += facing_swaps.curves_of(plan.dance, plan.span, plan.facing_bones, plan.paths)
    return out


def _only(choice: Choice) -> str:
    """The one shape of hands throughout; empty: by the dance."""
    return "" if choice.hands == "AUTO" else choice.hands.lower()


def _looped(plan: Plan, curves: list[KeyedCurve], danced: list[SampledCurve]) -> list[KeyedCurve]:
    """The curves; those of a loop end as they begin, or farther on if it travels."""
    if not plan.loop:
        return curves
    period, farther = plan.span.seconds * plan.span.rate, {curve.id: curve.farther for curve in danced}
    return [cycle.closed(curve, period, farther.get(curve.id, 0.0)) for curve in curves]


def _footing(plan: Plan, tracks: Tracks, forward: Forward, planting: feet.Planting) -> Footing | None:
    """The feet that the dance stands on."""
    ankles = ["left_ankle", "right_ankle"]
    height, ground = _stature(plan)
    if not planting.contacts.any() or not set(ankles) <= set(forward.names) or plan.under is not None:
        return None
    joints = np.array([forward.names.index(ankle) for ankle in ankles])
    return Footing(joints, planting.contacts, height, ground, Pulled.of(plan.bone_map, tracks, forward))


def _fit(
    plan: Plan,
    tracks: Tracks,
    forward: Forward,
    hits: Sequence[int],
    footing: Footing | None,
    tell: Callable[[int], None] | None,
) -> fitting.Fit:
    """Keys of a dance that does not get one on every frame."""
    choice, joints = plan.choice, tracks.by_bone(forward)
    fixed = None
    if choice.density in STEPS:
        fixed = fitting.every(len(plan.span.frames), STEPS[choice.density], hits)
        fit = fitting.at_fixed(tracks.values, fixed, joints, footing, forward.unseen)
        if footing is None or fit.firm:
            return fit
    search = fitting.Search(
        tracks.values, joints, plan.pixel, plan.span.rate, hits, footing, tell, forward.unseen
    )
    if fixed is not None:
        return search.fixed(fixed)
    if choice.density == "SPARSE":
        return search.sparse(choice.tolerance * plan.pixel)
    if choice.poses == "MOMENTS":
        return search.poses(choice.pose_tolerance * plan.pixel)
    return search.budget(1 + round(choice.per_bar * _bars(plan)))


def _bars(plan: Plan) -> float:
    """The number of bars in the dance; bars of two seconds if it has none."""
    dance, seconds = plan.dance, len(plan.span.frames) / plan.span.rate
    downbeats = np.asarray(dance.downbeat_times, float)
    bar = (
        float(np.median(np.diff(downbeats)))
        if len(downbeats) > 1
        else 4 * 60 / dance.bpm
        if dance.bpm
        else 2.0
    )
    return seconds / bar


def curves_of(plan: Plan) -> list[SampledCurve]:
    """The curves of a dance on a rig, a value for each frame of its span."""
    return _danced(plan)[0]


def _danced(plan: Plan) -> tuple[list[SampledCurve], feet.Planting]:
    """The curves of a dance on a rig, and the planting of its feet."""
    dance, place, span = plan.dance, plan.place, plan.span
    body, own = to_openpose18(dance.poses), extremities_of(dance.poses)
    seconds = span.second_at(span.frames)
    pixels, scores = resample(body.pixels, body.scores, body.fps, seconds)
    pixels = np.asarray(pixels, float) * np.divide(place.canvas, body.canvas)
    danced, scores = with_mid_hip(place.to_plane(pixels), np.asarray(scores, float))
    points = danced
    if profile := _profile(plan):
        points = kept_in_profile(points, scores, profile)
    if plan.choice.squash and plan.options.stretch:
        points = squashed(points, seconds, dance.beat_times, dance.downbeat_times, plan.choice.squash)
    planting, joints = _planted(plan, points, scores), JOINTS
    planted = pinned(planting.points, seconds, plan.pins, place) if plan.pins else planting.points
    own = _ends(plan, body, own)
    if own is not None:  # the dance's own hands and feet follow its wrists and ankles
        ends, sure = resample(own[..., :2], own[..., 2], body.fps, seconds)
        ends = place.to_plane(np.asarray(ends, float) * place.canvas)
        ends = followed(np.concatenate([ends, sure[..., None]], 2), danced, planted)
        planted = np.concatenate([planted, ends[..., :2]], 1)
        scores, joints = np.concatenate([scores, sure], 1), (*JOINTS, *EXTREMITIES)
    if round_ := _next_round(plan):  # with the first pose once more, as the next time round begins
        planted = np.concatenate([planted, planted[:1] + np.array([round_, 0.0])])
        scores = np.concatenate([scores, scores[:1]])
    found = solve(planted, scores, plan.bones, plan.bone_map, plan.plane, plan.options, joints)
    if not found.channels:
        raise Problem(
            "rig_held",
            f"Nothing of this character can be keyed: {'; '.join(found.notices) or 'no mapped bone moves'}. "
            "Map other bones.",
        )
    curves = [
        SampledCurve(f"{plan.paths[c.bone]}.{c.property}", c.index, c.bone, c.values) for c in found.channels
    ]
    if round_:
        curves = [
            replace(
                curve, values=curve.values[:-1],
                farther=float(curve.values[-1] - curve.values[0]) if curve.path.endswith("location") else 0.0,
            )
            for curve in curves
        ]  # fmt: skip
    return (curves if plan.under is None else mixed(curves, plan.under, plan.strength)), planting


def _profile(plan: Plan) -> dict[str, np.ndarray]:
    """Joints at rest of a picture in layers that shows its figure from the side; nothing for any other."""
    rest = joints_at_rest(plan.bones, plan.bone_map, plan.plane) if plan.depths else {}
    return rest if is_in_profile(rest) else {}


def _next_round(plan: Plan) -> float:
    """Distance to the right, in the rig's plane, between one round of a loop and the next."""
    return plan.travel * _stature(plan)[0] if plan.loop else 0.0


def _ends(plan: Plan, body: PoseSequence, own: np.ndarray | None) -> np.ndarray | None:
    """Hands and feet (T, 48, 3) of a dance, in shares of its canvas; None without any.

    A dance without hands gets some if the rig has fingers to show them and they are wanted.
    """
    fingers = any(f"index.01.{side}" in plan.bone_map.bones for side in "LR")
    handed = own is not None and own[:, -2 * hands.POINTS :, 2].any()
    if handed or not fingers or plan.choice.hands == "OFF":
        return own
    pixels = body.pixels.astype(float)
    held = hands.chosen(pixels, body.fps, np.asarray(plan.dance.beat_times), plan.style, _only(plan.choice))
    points = hands.placed(pixels, body.scores, held)
    out = np.zeros((len(points), len(EXTREMITIES), 3)) if own is None else own.copy()
    out[:, -points.shape[1] :] = points / (*body.canvas, 1.0)
    return out


def mixed(
    curves: list[SampledCurve], under: dict[tuple[str, int], np.ndarray], strength: float
) -> list[SampledCurve]:
    """Curves blended with the ones below them.

    Parameters
    ----------
    under : by path and index
        Missing channels are at rest.
    strength : float
        1 is the dance alone.
    """
    out = []
    for curve in curves:
        at_rest = curve.path.endswith("scale") or (curve.path.endswith("quaternion") and curve.index == 0)
        below = under.get((curve.path, curve.index), np.full(len(curve.values), 1.0 if at_rest else 0.0))
        if curve.path.endswith("rotation_euler"):  # whole turns do not count
            below = below + 2 * np.pi * np.round(np.median((curve.values - below) / (2 * np.pi)))
        mixed_values = below + strength * (curve.values - below)
        out.append(replace(curve, values=mixed_values, farther=strength * curve.farther))
    return out


def _stature(plan: Plan) -> tuple[float, float | None]:
    """The figure's height in its plane, and the height at which its ankles stand."""
    rest = joints_at_rest(plan.bones, plan.bone_map, plan.plane)
    height = float(np.ptp(np.stack(list(rest.values()))[:, 1])) if rest else 0.0
    ankles = [rest[joint][1] for joint in ("left_ankle", "right_ankle") if joint in rest]
    choice = plan.choice
    return height, min(ankles) + choice.ground_height if choice.ground and ankles else None


def _planted(plan: Plan, points: np.ndarray, scores: np.ndarray) -> feet.Planting:
    """The dance with its feet planted."""
    height, ground = _stature(plan)
    if height <= 0:
        return feet.Planting(points, np.zeros((len(points), 2), bool))
    how = (plan.span.rate, height, plan.choice.feet, ground)
    if plan.loop:
        turn = round(plan.span.seconds * plan.span.rate)
        planting = feet.plant_around(points, scores, turn, *how, _next_round(plan), _beat_frames(plan))
    elif plan.way is not None:
        return _travelling(plan, plan.way, points, scores, how)
    else:
        planting = feet.plant(points, scores, *how)
    if plan.stands is None:
        return planting
    places, held = plan.stands.at(plan.span.second_at(plan.span.frames))
    goals = plan.place.to_plane(places.astype(float) * plan.place.canvas)
    return replace(planting, points=feet.stood(planting.points, goals, held))


def _beat_frames(plan: Plan) -> np.ndarray:
    """Frames (not whole) of the dance on which its beats are."""
    return plan.span.frame_at(np.asarray(plan.dance.beat_times, float)) - int(plan.span.frames[0])


def _travelling(plan: Plan, way: Way, points: np.ndarray, scores: np.ndarray, how: tuple) -> feet.Planting:
    """The dance on its way, planted; the way makes up for hips that planting moves off its stops."""
    span, place = plan.span, plan.place
    seconds, size = span.second_at(span.frames), place.unit * place.canvas[1]
    beats = _beat_frames(plan)
    home, middle = float(place.to_plane((place.canvas[0] / 2, 0.0))[0]), JOINTS.index("mid_hip")
    moves, planting = way.danced(plan.dance.poses), None
    for _ in range(CORRECTIONS):
        planting = feet.plant(points, scores, *how, travel=feet.Travel(moves.at(seconds) * size, beats))
        hips = (planting.points[:, middle, 0] - home) / size
        inside = (way.times >= seconds[0]) & (way.times <= seconds[-1])
        away = np.where(inside, np.interp(way.times, seconds, hips) - way.places[:, 0], 0.0)
        moves = moves.corrected(away)
    assert planting is not None
    return planting


def _beats(dance: Dance, span: Span, frames: np.ndarray) -> np.ndarray:
    """Positions of the beats among the frames."""
    at = np.round(span.frame_at(np.asarray(dance.beat_times, float))).astype(int) - int(frames[0])
    return np.unique(at[(at >= 0) & (at < len(frames))])
