# SPDX-License-Identifier: GPL-3.0-or-later
"""From the scene to a request, and from an answer to a take. Main thread only."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bpy

from .. import compat
from ..character import character, puppet, reference, rig
from ..character.reference import Reference
from ..errors import Problem
from ..keys import keys, stage
from ..keys.baking import Plan
from ..keys.making import Ready
from ..music import audio, grids, markers, sounds
from ..music.mix import NAME as MIX_NAME
from ..music.mix import Mix
from ..properties import pick_armature, pick_rig, pick_strip
from ..server import connection
from ..tempo import area, ranges, tempo_edit
from ..tempo.tempo_edit import Heard
from ..tempo.timing import Span, TempoMap
from .dance import DanceData
from .fingerprint import fingerprint
from .takes import Take

STEPS = {"DRAFT": 10, "NORMAL": 20, "FINE": 40}  # of the sampler


@dataclass(frozen=True)
class Order:
    """What was asked for. Names and marks only: undo makes references to datablocks invalid."""

    scene: str
    sound_scene: str
    strip: str
    sound: dict  # how the strip sounded
    rig: str
    source: bytes | str
    body: dict
    tempo: list
    song_start: float
    song_seconds: float
    notice: str
    whole: list  # the tempo of the whole strip; `tempo` may be that of a part
    span: Span  # where it lies when it is asked for


def strip_reason(context) -> str:
    """Why there is no sound to work on, or nothing."""
    return pick_strip(context)[2]


def rig_reason(context) -> str:
    """Why there is no rig to dance, or nothing."""
    if pick_rig(context) is not None:
        return ""
    ob = pick_armature(context)
    if ob is not None and (reason := character.why_not(ob)):
        return reason
    if reason := character.instance_reason(context.view_layer.objects.active):
        return reason
    several = any(rig.is_rig(ob) for ob in context.scene.objects)
    return (
        "There are several characters; select one"
        if several
        else "Make a rig first: New Rig, or map an armature"
    )


def chosen_original(context):
    """The sound scene and the original strip that is meant; raises when there is none."""
    scene, strip, reason = pick_strip(context)
    if reason:
        raise Problem("no_strip", f"{reason}.")
    return scene, tempo_edit.original_of(scene, strip)


def find_original(scene, name: str):
    """The sound strip of a name, or everything heard; None where there is none."""
    strips = {s.name: s for s in compat.sound_strips(scene)}
    return strips.get(name, Mix(scene) if name == MIX_NAME else None)


def take_mark(scene, plan: Heard, name_of: Callable = sounds.content) -> str:
    """Fingerprint of what a dance hears, and where: the sound, its tempo and its place on the timeline.

    `name_of` says what a sound is known by; up to version 0.3 that was the name of its file.
    """
    return fingerprint(
        {
            "sound": fingerprint(audio.facts(scene, plan.original, name_of)),
            "tempo": [list(p) for p in plan.tempo.points],
            "left": plan.span.left,
            "rate": plan.span.rate,
        }
    )


def same_music(take, scene, plan: Heard) -> bool:
    """Whether a take was made to what is heard now; a file that is missing for now is taken for the one it was."""
    sound = getattr(plan.original, "sound", None)  # a mix has none
    if sound is not None and not sounds.content(sound):
        return True
    marks = (take_mark(scene, plan, name_of) for name_of in (sounds.content, compat.file_name))
    return take.fingerprint in marks


def _sounds_alike(scene, strip, before: dict) -> bool:
    """Whether a strip still plays what it played; a new frame rate may round its edges anew."""
    now, frame = audio.facts(scene, strip), 1.5 / compat.rate_of(scene)
    return all(
        abs(value - before[key]) <= frame if isinstance(value, float) else value == before.get(key)
        for key, value in now.items()
    )


def own_mark(scene, original) -> str:
    """Mark of the sound that a beat grid is written for: its file, the mixdown of one strip, or of all of them."""
    if isinstance(original, Mix):
        return fingerprint({"mix": original.facts(sounds.content)})
    held = sounds.content(original.sound)
    if not held:  # the file is missing for now
        return next(
            reversed(grids.named(scene, compat.file_name(original.sound))), _named_mark(scene, original)
        )
    if compat.is_retimed(original) or audio.is_shifted(original):
        return fingerprint(audio.facts(scene, original, sounds.content))
    return fingerprint({"content": held})


def _named_mark(scene, original) -> str:
    """The same by the file's name, as version 0.2 and older have it."""
    if isinstance(original, Mix):
        return fingerprint({"mix": original.facts()})
    if compat.is_retimed(original) or audio.is_shifted(original):
        return fingerprint(audio.facts(scene, original))
    return fingerprint({"file": compat.file_name(original.sound)})


def grid_mark(scene, original) -> str:
    """Mark of the beat grid that counts for a sound.

    That is its own; where it has none yet, the one of a sound of the same name that is not in this .blend any more
    (the file was exported anew, or is missing), or the one that an older version wrote.
    """
    own = own_mark(scene, original)
    if grids.has(scene, own):
        return own
    if not isinstance(original, Mix):
        taken = {fingerprint({"content": held}) for held in sounds.others(original.sound)}
        former = [m for m in grids.named(scene, compat.file_name(original.sound)) if m not in taken]
        plain = not (compat.is_retimed(original) or audio.is_shifted(original))
        if plain and former:
            return former[-1]
    old = _named_mark(scene, original)
    return old if grids.has(scene, old) else own


def read_reference(path: str) -> Reference:
    """A pose from a file."""
    full = Path(bpy.path.abspath(path))
    if not path:
        raise Problem("reference_unset", "Choose a pose file first.")
    try:
        if full.stat().st_size > reference.MAX_FILE_BYTES:
            raise Problem("reference_large", f"{full.name} is too large for a pose file. Choose another one.")
        return reference.from_json(full.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        raise Problem(
            "reference_missing", f"The pose file {full.name} cannot be read. Choose another one."
        ) from None


def reference_for_rig(context, settings) -> Reference:
    """The pose that a new rig is made from."""
    if settings.reference == "FILE":
        return read_reference(settings.reference_file)
    if settings.reference == "ARMATURE":
        ob = pick_rig(context)
        if ob is None:
            raise Problem(
                "no_rig", "There is no character to take the pose from. Choose the standing figure."
            )
        return rig.pose_of(ob, current=True)
    if settings.reference == "IMAGE":
        plane = puppet.laid_out(context.scene)
        if plane is None:
            raise Problem("no_picture", "Place joint markers on a picture first: Picture and Ink.")
        return puppet.read(plane)[1]
    return reference.standing(settings.proportions)


def order(context, new_tempo: bool) -> Order:
    """Read everything that a dance needs from the scene."""
    settings = context.scene.tempose
    scene, original = chosen_original(context)
    ob = pick_rig(context)
    if ob is None:
        raise Problem("no_rig", f"{rig_reason(context)}.")
    sound = audio.fetch(context, scene, original)
    plan = tempo_edit.edited(scene, original, settings) if new_tempo else tempo_edit.heard(scene, original)
    limit = (
        connection.current.capabilities.get("limits", {}).get("dance_seconds") if connection.current else None
    )
    if limit and plan.span.seconds > limit:
        raise Problem("too_long", f"The server dances up to {limit / 60:.0f} minutes. Trim the strip.")
    whole = [list(p) for p in plan.tempo.points]
    if not new_tempo:
        plan = _part(context.scene, scene, settings, plan, grid_mark(scene, original))
    if plan.span.seconds < audio.MIN_SECONDS:
        raise Problem(
            "audio_short", "At this tempo the strip is shorter than half a second. Lower the tempo."
        )
    pose = rig.pose_of(ob, current=settings.reference == "ARMATURE")
    take = stage.active(settings)
    seed = (
        int(take.seed) if new_tempo and take is not None else settings.seed
    )  # the same dance, at another tempo
    body = {
        "seconds": plan.span.seconds,
        "tempo_map": [list(p) for p in plan.tempo.points],
        "beats": tempo_edit.beats_for(scene, original, settings, plan),
        "reference": pose.to_request(),
        "style": settings.style or None,
        "energy": float(settings.energy),
        "seed": seed,
        "steps": STEPS[settings.quality],
        "guidance": None,
        "model": "default",
        "known": None,
    }
    return Order(
        context.scene.name,
        scene.name,
        original.name,
        audio.facts(scene, original),
        rig.identity(ob),
        sound.source,
        body,
        body["tempo_map"],
        plan.song_start,
        plan.song_seconds,
        f"{pose.notice} {character.notice(ob, settings.stretch)}".strip(),
        whole,
        plan.span,
    )


def _part(scene, sound_scene, settings, plan: Heard, mark: str) -> Heard:
    """The part of a strip that is to be danced."""
    part = area.seconds_of(scene, sound_scene, settings.generate, plan, mark)
    if part is None:
        return plan
    tempo = ranges.cut(plan.tempo, *part)
    span = Span(float(plan.span.frame_at(part[0])), part[1] - part[0], plan.span.rate)
    (_, first), (_, last) = tempo.points[0], tempo.points[-1]
    return Heard(plan.original, span, tempo, first, last - first)


def span_of(heard: Heard, data: Take) -> Span:
    """Where a dance lies on the timeline: its first pose where its first song second is heard."""
    left = round(float(heard.span.frame_at(heard.tempo.to_timeline(data.tempo_map[0][1]))), 6)
    seconds = data.settings.get("seconds", len(data.dance.keypoints) / data.dance.fps)
    return Span(left, float(seconds), heard.span.rate)


def still_there(asked: Order):
    """Everything the order was about, found again; raises when something has gone meanwhile."""
    scene, sound_scene = bpy.data.scenes.get(asked.scene), bpy.data.scenes.get(asked.sound_scene)
    if scene is None or sound_scene is None:
        raise Problem(
            "scene_gone", "The scene was deleted meanwhile. The dance was thrown away; generate again."
        )
    ob = rig.find(scene, asked.rig)
    if ob is None:
        raise Problem(
            "rig_gone", "The rig was deleted meanwhile. The dance was thrown away; choose another rig."
        )
    strips = {s.name: s for s in compat.sound_strips(sound_scene)}
    original = Mix(sound_scene) if "mix" in asked.sound else strips.get(asked.strip)
    if original is None or not _sounds_alike(sound_scene, original, asked.sound):
        same = [
            s
            for s in strips.values()
            if not tempo_edit.is_version(s) and _sounds_alike(sound_scene, s, asked.sound)
        ]
        if not same:
            raise Problem(
                "strip_gone",
                "The sound strip was deleted or cut meanwhile. The dance was thrown away; generate again.",
            )
        original = same[0]  # only renamed
    return scene, sound_scene, original, ob


def _taken(asked: Order, made: DanceData) -> tuple[Take, Heard]:
    """The take that a dance becomes, and where it lies: the strip may have been moved meanwhile."""
    _, sound_scene, original, _ = still_there(asked)
    now, whole = tempo_edit.heard(sound_scene, original), TempoMap(asked.whole)
    left = round(float(now.span.frame_at(whole.to_timeline(asked.tempo[0][1]))), 6)
    span = Span(left, asked.body["seconds"], now.span.rate)
    data = Take(
        made,
        asked.tempo,
        asked.song_start,
        asked.song_seconds,
        take_mark(sound_scene, Heard(original, now.span, whole, now.song_start, now.song_seconds)),
        {
            "style": asked.body["style"] or "",
            "strip": asked.strip,
            **{key: asked.body[key] for key in ("seconds", "reference", "energy", "steps", "beats")},
        },
    )
    return data, Heard(original, span, TempoMap(asked.tempo), asked.song_start, asked.song_seconds)


def keys_of(asked: Order, made: DanceData) -> Plan:
    """What the keys of a finished dance are to be made from."""
    scene, _, _, ob = still_there(asked)
    data, plan = _taken(asked, made)
    return keys.plan(data, ob, plan.span, scene.tempose)


def apply(
    asked: Order,
    made: DanceData,
    wav: bytes | None,
    new_tempo: bool,
    show: bool = True,
    ready: Ready | None = None,
) -> str:
    """Put a finished dance into the scene as a take; for an edited tempo the sound and the markers too."""
    scene, sound_scene, original, ob = still_there(asked)
    settings = scene.tempose
    data, plan = _taken(asked, made)
    put_sound = new_tempo and settings.replace_sound
    before = tempo_edit.snapshot(sound_scene, original)
    strip = None
    try:
        if put_sound:
            strip = tempo_edit.put(sound_scene, plan, wav, settings.mute_original)
            markers.follow(sound_scene, plan.span, plan.tempo)
        take = stage.add(settings, ob, data, plan.span, show, ready)
    except BaseException:
        if put_sound:
            tempo_edit.restore(sound_scene, original, before)
            if strip is not None:
                compat.remove_strip(sound_scene, strip)
        raise
    if put_sound:
        take.sound = json.dumps(
            {
                "original": original.get(tempo_edit.ID, ""),
                "new": strip.name if strip else "",
                "before": before,
            }
        )
    if not settings.lock_seed and not new_tempo:
        settings.seed = (settings.seed + 1) % 2**31
    tempo_text = f", {data.dance.bpm:.0f} BPM" if data.dance.bpm else ""
    sound_text = f" The sound is on channel {strip.channel}." if strip else ""
    said = f"{take.name} (seed {take.seed}{tempo_text}) is shown on '{ob.name}'. Accept or discard it."
    return said + sound_text


def out_of_date(context, take) -> bool:
    """Whether the sound or its tempo has changed since a take was made. An imported one was made without any."""
    if not take.fingerprint:
        return False
    try:
        scene, original = chosen_original(context)
        return not same_music(take, scene, tempo_edit.heard(scene, original))
    except Problem:
        return True


def is_imported(data: Take) -> bool:
    """Whether a take came from a file: it lies where it was put, and was made to no music."""
    return "left" in data.settings


def imported_span(scene, data: Take) -> Span:
    """Where a take from a file lies."""
    return Span(data.settings["left"], len(data.dance.keypoints) / data.dance.fps, compat.rate_of(scene))


def take_span(scene, take):
    """Where a take lies on the timeline now."""
    data = stage.data_of(take)
    name = data.settings.get("strip", "")
    if is_imported(data):
        return imported_span(scene, data)
    original = find_original(scene, name)
    if original is None:
        raise Problem(
            "strip_gone",
            "The sound strip of this take has been deleted or renamed. Undo that, or discard the take.",
        )
    return span_of(tempo_edit.heard(scene, original), data)


def frame_of_song(context, song: float) -> int:
    """The scene frame at which a song second is heard now; 0 without a strip."""
    try:
        scene, original = chosen_original(context)
        plan = tempo_edit.heard(scene, original)
    except Problem:
        return 0
    return round(float(plan.span.frame_at(plan.tempo.to_timeline(song))))


def song_of_frame(context, frame: int) -> float:
    """The song second that is heard at a scene frame; 0 without a strip."""
    try:
        scene, original = chosen_original(context)
        plan = tempo_edit.heard(scene, original)
    except Problem:
        return 0.0
    return max(0.0, float(plan.tempo.to_song(plan.span.second_at(frame))))
