# SPDX-License-Identifier: GPL-3.0-or-later
"""Revisions of takes: each change makes a new take and leaves the old one alone. Main thread only."""

import math
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

from tempose_pose.curves import Curve
from tempose_pose.dance import Dance
from tempose_pose.request import DanceRequest, Known
from tempose_pose.sequence import PoseSequence, convert, to_openpose18
from tempose_pose.tempo import TempoMap
from tempose_pose.wire.job import beats_of, curves_body
from tempose_pose.wire.poses import pose_of

from ...model.character.extremities import extremities_of, joined, moved_along
from ...model.dance import direction_curves, kept_ankles, kept_poses, way
from ...model.dance.kept_ankles import Stands
from ...model.dance.retiming import Piece
from ...model.dance.takes import Take
from ...model.errors import Problem, require
from ...model.keys.key_plan import Plan
from ...model.tempo.playback import Timing
from ...model.tempo.timing import Span
from ..character import character, rig
from ..keys import action_keys, background_keys, base_keys, blend, curve_keys, take_keys
from ..keys.background_keys import Ready
from ..music import audio, sound_marks
from ..reading import Reading
from ..server import connection
from ..settings import EditSettings, ListedTake, SceneSettings
from ..window import scene_of
from . import audition, carry_over, delivery, direction, placement
from .order import STEPS, Order, sections_of, shown, subject
from .take_part import TakePart, danced_part, no_music, part_of


@dataclass(frozen=True)
class Revision:
    """The part of a take that is danced again, and what stays.

    Parameters
    ----------
    order : Order
        The order for the part with music.
    take : str
        Its identity.
    kept : Known
        Of the whole take.
    first, stop : int
        Frames of the part.
    before : Dance
        The take's dance at the frame rate of `kept`.
    what : str
        The change in words, for the new take's name.
    curves : dict of name to Curve
        The directing curves of the new take.
    stands : Stands, optional
        Places of ankles that stay: those of locked legs as seen now, and those that stayed before.
    """

    order: Order
    take: str
    kept: Known
    first: int
    stop: int
    before: Dance
    what: str
    curves: dict[str, Curve]
    stands: Stands | None = None

    @property
    def asked(self) -> Known:
        """What is kept within the ordered part."""
        return kept_poses.part(self.kept, self.first, self.stop)


def order(
    now: Reading,
    group: EditSettings | None,
    what: str,
    locked: Iterable[str] = (),
    frames: Iterable[int] | None = None,
    style: str | None = None,
    seed: int | None = None,
    directed: bool = False,
) -> Revision:
    """Read everything needed to dance a part of a take again.

    Parameters
    ----------
    what : str
        For the new take's name.
    locked : of str
        Limbs (`tempose_pose.skeletons.GROUPS`) that are kept within the range too.
    frames : of int, optional
        Scene frames whose poses stay; None if this is not about key poses.
    style, seed : optional
        Instead of the take's own.
    directed : bool
        Dance again the parts whose direction has changed, instead of the part set in the group.
    """
    it = part_of(now, group)
    data, asked = it.data, it.data.settings
    if it.original is None:
        now.song.check()  # says what is missing
    if not placement.is_imported(data) and placement.is_out_of_date(it.take, it.playback):
        raise Problem("out_of_date", "The music has changed since this take was made: generate again.")
    fps = connection.fps()
    count = max(1, round(float(asked.get("seconds", it.span.seconds)) * fps))
    before = kept_poses.at_rate(data.dance, fps)
    kept = kept_poses.all_of(before, count)
    part = danced_part(it, count)
    was, wanted = (
        direction.stored(asked),
        direction.curves_of(require(it.take.rig), replace(it.span, seconds=count / fps)),
    )
    meant = direction_curves.changed(was, wanted, count / fps) if directed else it.spans
    if not meant:
        raise Problem(
            "nothing_directed",
            f"{it.take.name} was danced to just these curves. Set another one under Direct first.",
        )
    spans = [(max(a, part.first / fps), min(b, part.stop / fps)) for a, b in meant]
    spans = [(a, b) for a, b in spans if a < b]
    if not spans:
        raise no_music(it)
    bones = before.poses.skeleton
    held = set(bones.joints_of(locked))
    kept = kept_poses.release(kept, spans, joints=[joint for joint in bones.joints if joint not in held])
    if frames is not None:
        at = [float(it.span.second_at(now.staging.key_frame(f))) for f in frames]
        inside = [s for s in at if any(a - 1e-6 <= s < b for a, b in spans)]
        if not inside:
            raise Problem("no_poses", "None of the kept poses lies in the range: press Keep This Pose there.")
        kept = kept_poses.keep(kept, inside)
    if kept.is_everything:
        raise Problem("nothing_free", "Everything is kept: nothing is left to dance. Untick a limb.")
    ob = require(it.take.rig)
    danced = Span(float(it.span.frame_at(part.first / fps)), part.seconds, it.span.rate)
    grid = beats_of(asked["beats"]) if asked.get("beats") else None if "beats" in asked else it.beats
    goes = way.from_body(asked.get("way"))
    request = DanceRequest(
        reference=_reference(asked, ob),
        seconds=float(asked["seconds"]) if "seconds" in asked else part.seconds,
        tempo_map=part.tempo,
        grid=grid,
        style=(asked.get("style") if style is None else style) or None,
        energy=asked.get("energy", float(now.settings.energy)),
        seed=int(data.dance.seed if seed is None else seed),
        steps=asked.get("steps", STEPS[now.settings.quality]),
        listen=asked.get("listen", float(now.settings.listen)),
        repeat=asked.get("repeat", float(now.settings.repeat)),
        known=kept_poses.part(kept, part.first, part.stop),
        sections=sections_of(now) if it.original == now.song.original else None,
        curves=way.directed(
            direction.curves_of(ob, danced),
            goes.begun_at(part.first / fps) if goes is not None else None,
            part.tempo.to_timeline(grid.beats) if grid is not None else np.zeros(0),
            part.seconds,
        ),
    )
    asked_for = Order(
        subject=subject(now, it.scene, it.playback, ob),
        request=request,
        source=audio.fetch(now.context, it.scene, it.playback).source,
        song_start=data.song_start,
        song_seconds=data.song_seconds,
        whole=it.playback.tempo,
        span=danced,
        notice=character.notice(ob),
    )
    stay = _stands(now, it, before, kept, held, spans)
    asked_then = direction_curves.joined(was, wanted, spans, count / fps)
    return Revision(asked_for, it.take.identity, kept, part.first, part.stop, before, what, asked_then, stay)


def _stands(
    now: Reading,
    it: TakePart,
    before: Dance,
    kept: Known,
    locked: set[str],
    spans: Iterable[tuple[float, float]],
) -> Stands | None:
    """The places of the ankles that the revision keeps."""
    joints = kept.poses.skeleton.joints
    if before.poses.fps != kept_ankles.FPS or not set(kept_ankles.ANKLES) <= set(joints):
        return None
    old = kept_ankles.from_text(it.data.settings.get("stands"))
    old = old.within(kept.mask[:, [joints.index(a) for a in kept_ankles.ANKLES]]) if old is not None else None
    take, action = base_keys.take_of(now.settings, it.take.rig)
    edited = action is not None and any(mask.any() for mask in action_keys.by_hand(action).values())
    unknown = take != it.take or edited  # keys set by hand stay, and move the feet
    if not locked & set(kept_ankles.ANKLES) or action is None or unknown:
        return kept_ankles.joined(old, None)
    seen = take_keys.ankles_seen(
        replace(it.data, dance=before), require(it.take.rig), action, it.span, now.settings
    )
    new = kept_ankles.whole(len(seen), seen, sorted(locked), spans) if seen is not None else None
    return kept_ankles.joined(old, new)


def _reference(asked: dict, ob: bpy.types.Object) -> PoseSequence:
    """The reference pose of a take or, if it has none, of its rig."""
    try:
        return pose_of(asked["reference"])
    except (KeyError, TypeError, ValueError):
        return shown(rig.pose_of(ob, current=False))


def merge(change: Revision, made: Dance) -> Dance:
    """The answer merged with everything that stays of the take, whose own hands and feet follow the new limbs."""
    before, part = change.before, slice(change.first, change.stop)
    made = kept_poses.merge(change.asked, made)
    kept, fps = convert(change.kept.poses, made.poses.skeleton), made.poses.fps
    keypoints, scores = kept.keypoints.copy(), kept.scores.copy()
    keypoints[part], scores[part] = made.poses.keypoints, made.poses.scores
    poses = replace(kept, keypoints=keypoints, scores=scores, canvas=before.poses.canvas)
    if extremities_of(poses) is None:
        poses = _unchanged(change.kept, joined(poses, _moved_along(before.poses, poses)))
    ends = change.first / fps, change.stop / fps if change.stop < len(keypoints) else math.inf
    beats, downbeats = (
        kept_poses.with_part(old.tolist(), [float(t) + change.first / fps for t in new], *ends)
        for old, new in (
            (before.beat_times, made.beat_times),
            (before.downbeat_times, made.downbeat_times),
        )
    )
    seams = np.asarray(_seams(change, made), np.int32)
    return replace(made, poses=poses, beat_times=beats, downbeat_times=downbeats, seams=seams)


def _unchanged(kept: Known, poses: PoseSequence) -> PoseSequence:
    """The same with kept whole poses bit for bit: derived joints are not computed anew."""
    if poses.skeleton != kept.poses.skeleton:
        return poses
    whole = kept.mask.all(1)
    keypoints, scores = poses.keypoints.copy(), poses.scores.copy()
    keypoints[whole], scores[whole] = kept.poses.keypoints[whole], kept.poses.scores[whole]
    return replace(poses, keypoints=keypoints, scores=scores)


def _moved_along(before: PoseSequence, after: PoseSequence) -> np.ndarray | None:
    """Hands and feet (T, 48, 3) of a dance whose limbs have been danced again; None without any."""
    more = extremities_of(before)
    if more is None:
        return None
    size, frames = np.asarray(after.canvas, float), min(len(after), len(before))
    was, now = to_openpose18(before)[:frames], to_openpose18(after)[:frames]
    own = more[:frames].astype(float) * (*size, 1.0)
    out = moved_along(own, was.keypoints * size, now.keypoints * size, now.scores) / (*size, 1.0)
    same = (now.keypoints == was.keypoints).all((1, 2))
    out[same] = more[:frames][same]  # bit for bit
    return np.concatenate([out, np.repeat(out[-1:], len(after) - frames, 0)]).astype(np.float32)


def _seams(change: Revision, made: Dance) -> list[int]:
    def again_at(seam: int) -> bool:
        return any(a <= seam / made.poses.fps < b for a, b in change.kept.spans)

    new = {int(s) + change.first for s in made.seams}
    old = {int(s) for s in change.before.seams}
    return sorted({s for s in old if not again_at(s)} | {s for s in new if again_at(s)})


def _take_of(change: Revision, made: Dance, target: delivery.Target) -> tuple[Any, Take, Span]:
    """The changed take, the new one, and its place."""
    asked = change.order
    old = audition.of_identity(target.scene.tempose, change.take)
    data = audition.data_of(old)
    settings = {**_without_stands(data.settings), "curves": curves_body(change.curves)}
    if change.stands is not None:
        settings["stands"] = change.stands.to_text()
    data = replace(data, dance=made, settings=settings)
    if placement.is_imported(data):
        return old, data, placement.span_of_import(target.scene, data)
    playback = target.playback
    mark = sound_marks.mark_of_playback(replace(playback, tempo=asked.whole))
    data = replace(data, fingerprint=mark, settings={**settings, "style": asked.request.style or ""})
    return old, data, placement.span_at(target.for_keys(playback), data)


def keys_of(change: Revision, made: Dance) -> Plan:
    """The plan for the keys of the new take."""
    target = delivery.target_of(change.order)
    _, data, span = _take_of(change, made, target)
    return take_keys.plan(data, target.rig, span, target.scene.tempose)


def put_in_steps(change: Revision, made: Dance, find: Callable) -> Generator[None, None, str | None]:
    """Put the kept keys of the take into the Action that `find` returns, while the task runs."""
    _, data, span = _take_of(change, made, delivery.target_of(change.order))

    def both():
        target = delivery.target_of(change.order)
        take, action = base_keys.take_of(target.scene.tempose, target.rig)
        new = find()
        there = new is not None and take is not None and take.identity == change.take
        return (new, action) if there else None

    return carry_over.put_in_steps(both, _around(data, span, change.kept.spans), span)


def apply(change: Revision, made: Dance, ready: Ready | None = None) -> str:
    """Put the new take beside the old one."""
    target = delivery.target_of(change.order)
    old, data, span = _take_of(change, made, target)
    return put_beside(
        target.scene.tempose, target.rig, data, span, old, change.what, change.kept.spans, ready
    )


def reshape_take(
    now: Reading,
    group: EditSettings,
    what: str,
    change: Callable[[Dance, list[tuple[float, float]]], Dance],
    whole: bool = False,
) -> str:
    """Change a take without a server: `change` gets the dance and the spans and returns a dance."""
    it = part_of(now, None if whole else group)
    data = replace(it.data, dance=change(it.data.dance, it.spans), settings=_without_stands(it.data.settings))
    spans = None if whole else it.spans
    return put_beside(now.settings, require(it.take.rig), data, it.span, it.take, what, spans)


def _without_stands(settings: dict) -> dict:
    return {key: value for key, value in settings.items() if key != "stands"}


def blend_take(now: Reading, strength: float) -> str:
    """Make a take with keys that blend the dance with the Action that moved the character before."""
    it = part_of(now, None)
    beneath, slot = audition.beneath(now.settings, audition.rig_of(it.take))
    if beneath is None:
        raise Problem(
            "no_base",
            "Nothing else moves this character. Accept a take first, then blend another one with it.",
        )
    mixed = {**it.data.settings, **blend.settings_for(beneath, slot, strength)}
    data = replace(it.data, settings=mixed)
    return put_beside(
        now.settings, audition.rig_of(it.take), data, it.span, it.take, f"{strength:.0%} strength"
    )


def put_beside(
    settings: SceneSettings,
    ob: bpy.types.Object,
    data: Take,
    span: Span,
    old: ListedTake,
    what: str,
    spans: list | None = None,
    ready: Ready | None = None,
) -> str:
    """Add a new take beside the one that it was made from, with that one's keys outside `spans`, if given."""
    name = old.name  # read before the list grows, which moves its items
    kept = _keys_beneath(settings, ob, old, span) if spans else None
    try:
        take = audition.add(settings, ob, data, span, ready=background_keys.usable(ready, kept))
        if kept is not None and curve_keys.SPLICED not in require(take.action):
            try:
                carry_over.put_in(require(take.action), kept, _around(data, span, spans or []), span)
            except BaseException:
                audition.discard(scene_of(bpy.context), settings, require(audition.active(settings)))
                raise
    finally:
        if kept is not None:
            bpy.data.actions.remove(kept)
    taken = {t.name for t in settings.takes if t.identity != take.identity}
    names = [f"{name}, {what}", *(f"{name}, {what} {n}" for n in range(2, len(taken) + 3))]
    take.name = next(free for free in names if free not in taken)
    return f"'{take.name}' is a new take, shown on '{ob.name}'. '{name}' is kept as it was."


def _keys_beneath(settings: SceneSettings, ob: bpy.types.Object, old: ListedTake, span: Span):
    """A copy of the keys of the take being changed; None if they are not on the character."""
    if old.state == "PREVIEW" and old.action is None:
        audition.show(settings, old, span)
    return carry_over.keep_keys(settings, ob) if base_keys.take_of(settings, ob)[0] == old else None


def _around(data: Take, span: Span, spans: list) -> carry_over.CarryOver:
    """The carry-over that keeps everything but these seconds, at the current tempo."""
    edges = [-math.inf]
    for start, stop in spans:
        edges += [math.ceil(float(span.frame_at(start)) - 1e-6), math.ceil(float(span.frame_at(stop)) - 1e-6)]
    edges.append(math.inf)
    pieces = [Piece(a, b, 0.0) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    here = Timing(span, TempoMap(data.tempo_map))
    return carry_over.CarryOver("", kept_poses.all_of(data.dance), pieces, here, here, [], True)
