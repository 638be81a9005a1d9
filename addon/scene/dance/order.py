# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of the server: everything that a dance needs, read from the scene. Main thread only."""

from dataclasses import dataclass

from tempose_pose.wire import pose_body

from ...model.errors import Problem
from ...model.tempo import area
from ...model.tempo.playback import Playback
from ...model.tempo.timing import Span
from ..character import character, rig
from ..music import audio
from ..reading import Reading
from ..server import connection

STEPS = {"DRAFT": 4, "NORMAL": 6, "FINE": 12}  # of the sampler


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


def order(now: Reading, new_tempo: bool, part: tuple[float, float] | None = None) -> Order:
    """What to ask for, at the tempo that is heard or at the one that the settings ask for.

    Parameters
    ----------
    part : (start, stop), optional
        Song seconds that are danced to at that tempo; all of them without.
    """
    now.song.check()
    if now.rig is None:
        raise Problem("no_rig", f"{now.no_rig}.")
    scene, settings, playback = now.song.scene, now.settings, now.playback
    assert playback is not None  # the song has been checked
    sound = audio.fetch(now.context, scene, playback)
    whole = now.playback_asked if new_tempo else playback
    _check_length(whole)
    if not new_tempo:
        playback = _part(now, whole)
    elif part is not None:
        playback = area.part_of(whole, *(float(whole.tempo.to_timeline(second)) for second in part))
    else:
        playback = whole
    if playback.span.seconds < audio.MIN_SECONDS:
        raise Problem(
            "audio_short", "At this tempo the strip is shorter than half a second. Lower the tempo."
        )
    pose = rig.pose_of(now.rig, current=settings.reference == "ARMATURE")
    same = now.take if new_tempo else None  # the same dance, at another tempo
    seed = int(same.seed) if same is not None else settings.seed
    body = {
        "seconds": playback.span.seconds,
        "tempo_map": _points(playback),
        "beats": now.beats_asked if new_tempo else now.beats_for(playback),
        "reference": pose_body(pose.pose),
        "style": settings.style or None,
        "energy": float(settings.energy),
        "seed": seed,
        "steps": STEPS[settings.quality],
        "guidance": None,
        "listen": float(settings.listen),
        "repeat": float(settings.repeat),
        "model": "default",
        "known": None,
    }
    return Order(
        scene=now.scene.name,
        sound_scene=scene.name,
        strip=playback.original.name,
        sound=audio.facts(playback.original, playback.visible),
        rig=rig.identity(now.rig),
        source=sound.source,
        body=body,
        tempo=body["tempo_map"],
        song_start=playback.song_start,
        song_seconds=playback.song_seconds,
        notice=f"{pose.notice} {character.notice(now.rig, character.stretches(now.rig, settings))}".strip(),
        whole=_points(whole),
        span=playback.span,
    )


def _points(playback: Playback) -> list:
    return [list(point) for point in playback.tempo.points]


def _check_length(playback: Playback) -> None:
    """Refuse what the server would refuse, before anything is sent."""
    server = connection.current
    limit = server.capabilities.get("limits", {}).get("dance_seconds") if server else None
    if limit and playback.span.seconds > limit:
        raise Problem("too_long", f"The server dances up to {limit / 60:.0f} minutes. Trim the strip.")


def _part(now: Reading, playback: Playback) -> Playback:
    """The part of a strip that is to be danced."""
    part = area.seconds_of(now.scene, now.settings.generate, playback, now.beats)
    return playback if part is None else area.part_of(playback, *part)
