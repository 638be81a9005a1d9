# SPDX-License-Identifier: GPL-3.0-or-later
"""The question of a revision: what a changed take asks of the server, and what of the take stays."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import bpy
import numpy as np

from tempose_pose.curves import Curve
from tempose_pose.dance import Dance
from tempose_pose.request import DanceRequest, Known
from tempose_pose.sequence import PoseSequence
from tempose_pose.wire.job import beats_of
from tempose_pose.wire.poses import pose_of

from ...model.dance import direction_curves, kept_ankles, kept_poses, way
from ...model.dance.kept_ankles import Stands
from ...model.errors import Problem, require
from ...model.tempo.timing import Span
from ..character import character, rig
from ..keys import action_keys, base_keys, take_keys
from ..music import audio
from ..reading import Reading
from ..server import connection
from ..settings import EditSettings
from . import direction, placement
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


def is_redirected(now: Reading) -> bool:
    """Whether the curves under *Direct* ask the chosen take for something else than it was danced to."""
    if now.take is None or now.no_revision:
        return False
    it = part_of(now, None)
    fps = connection.fps()
    seconds = max(1, round(float(it.data.settings.get("seconds", it.span.seconds)) * fps)) / fps
    return bool(direction_curves.changed(*_directions(it, seconds), seconds))


def _directions(it: TakePart, seconds: float) -> tuple[dict[str, Curve], dict[str, Curve]]:
    """What was asked of the dancer of a take, and what is asked of it now."""
    now = direction.curves_of(require(it.take.rig), replace(it.span, seconds=seconds))
    return direction.stored(it.data.settings), now


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
    was, wanted = _directions(it, count / fps)
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
