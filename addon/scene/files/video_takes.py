# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes from videos: the chosen video, and the take with the video's own sound. Main thread only."""

from dataclasses import replace
from pathlib import Path

import bpy

from tempose_pose.dance import Dance

from ...model.dance.takes import Take
from ...model.music import beat_proposals, beats
from ...model.tempo.playback import Playback
from .. import compat
from ..music import song_grid, song_playback, sound_marks


def movie(context: bpy.types.Context) -> tuple[str, int] | None:
    """The file of the active movie strip, and the frame at which it begins; None without one."""
    editor = compat.sound_scene(context).sequence_editor
    strip = editor.active_strip if editor else None
    if strip is None or strip.type != "MOVIE":
        return None
    return bpy.path.abspath(strip.filepath), round(compat.strip_time(strip, "content_start"))


def sound_of(scene: bpy.types.Scene, path: Path, frame: float):
    """The video's sound at this frame: an existing strip, else a new one; None if it has no sound."""
    near = compat.rate_of(scene) / 2
    for strip in compat.sound_strips(scene):
        same = Path(bpy.path.abspath(strip.sound.filepath)) == path if strip.sound else False
        if same and abs(compat.strip_time(strip, "content_start") - frame) < near:
            return strip
    taken = {s.channel for s in scene.sequence_editor.strips_all} if scene.sequence_editor else set()
    channel = next(n for n in range(1, 129) if n not in taken or n == 128)
    strip = compat.new_sound_strip(scene, path.stem, str(path), channel, round(frame))
    if strip.sound is None or strip.sound.samplerate == 0:
        compat.remove_strip(scene, strip)
        return None
    return strip


def with_sound(data: Take, scene: bpy.types.Scene, strip: bpy.types.SoundStrip) -> tuple[Take, Playback]:
    """A take tied to a sound strip: it follows its tempo, and parts of it can be danced again."""
    playback = song_playback.playback_of(scene, strip)
    left, seconds = data.settings["left"], data.song_seconds
    start = max(float(playback.song_at(left)), 0.0)
    settings = {"style": "", "strip": strip.name, "seconds": seconds}
    tempo = [[0.0, start], [seconds, start + seconds]]
    tied = replace(data, tempo_map=tempo, song_start=start, settings=settings)
    return replace(tied, fingerprint=sound_marks.mark_of_playback(playback)), playback


def lay_beats(
    window_scene: bpy.types.Scene,
    scene: bpy.types.Scene,
    strip: bpy.types.SoundStrip,
    dance: Dance,
    start: float,
) -> int:
    """Put the beats detected in a video over its sound, keeping the artist's; return the number of beats."""
    now = song_grid.grid_at(scene, strip)
    found = beats.from_times(
        [t + start for t in dance.beat_times.tolist()], [t + start for t in dance.downbeat_times.tolist()]
    )
    grid = beat_proposals.merge(now.grid, found)
    song_grid.put(window_scene, now, grid)
    return len(grid)
