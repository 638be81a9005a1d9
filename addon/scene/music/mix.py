# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is heard in a range, as a stand-in for one sound strip.

A `Mix` has the attributes that other code reads from a strip: its place, whether it is muted, its volume. Second 0
of its song is where the first of its strips begins, whatever the range, so that its beat grid survives a change of
range.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import bpy

from .. import compat
from .strip_marks import ID, ORIGINAL

NAME = "Everything Heard"
MUTED = "tempose_mix_muted"
KINDS = ("SOUND", "META", "SCENE")
DEPTH = 8  # scenes in scenes


class Mix:
    """The sound of a scene between its first and last frame (of the preview range, if there is one)."""

    name, type, volume, pan, sound_offset, content_trim_start = NAME, "MIX", 1.0, 0.0, 0.0, 0.0
    sound = SimpleNamespace(filepath="", library=None, packed_file=None)

    def __init__(self, scene: bpy.types.Scene):
        self.scene = scene

    def __contains__(self, key: object) -> bool:
        return key == ID and ID in self.scene

    def get(self, key: str, default: Any = None):
        """A mark, stored on the scene."""
        return self.scene.get(key, default) if key == ID else default

    def __getitem__(self, key: str):
        return self.scene[key]

    def __setitem__(self, key: str, value: Any):
        self.scene[key] = value

    @property
    def muted(self) -> list[str]:
        """Names of the strips that were muted to play a version of this mix instead."""
        return [name for name in str(self.scene.get(MUTED, "")).split("\n") if name]

    @property
    def strips(self) -> list:
        """The strips that make up the sound, without versions of the mix itself."""
        editor, mine = self.scene.sequence_editor, self.muted
        if editor is None:
            return []
        channels = editor.channels
        return [
            s
            for s in editor.strips
            if s.type in KINDS
            and (not s.mute or s.name in mine)
            and not (s.channel < len(channels) and channels[s.channel].mute)
            and (ORIGINAL not in s or s[ORIGINAL] != self.get(ID))
            and _sounds(s)
        ]

    @property
    def mute(self) -> bool:
        return bool(self.muted)

    @mute.setter
    def mute(self, value: bool) -> None:
        mine = (
            self.strips if value else [s for s in self.scene.sequence_editor.strips if s.name in self.muted]
        )
        for strip in mine:
            strip.mute = value
        if value:
            self.scene[MUTED] = "\n".join(s.name for s in mine)
        elif MUTED in self.scene:
            del self.scene[MUTED]

    @property
    def channel(self) -> int:
        return max((s.channel for s in self.strips), default=1)

    @property
    def content_start(self) -> float:
        """The frame at which the first strip begins."""
        return min((compat.strip_time(s, "left_handle") for s in self.strips), default=0.0)

    @property
    def content_end(self) -> float:
        """The frame after the last strip."""
        return max((compat.strip_time(s, "right_handle") for s in self.strips), default=0.0)

    @property
    def left_handle(self) -> float:
        """The beginning of the range, or of the first sound after that."""
        return float(max(frame_range(self.scene)[0], self.content_start))

    @property
    def right_handle(self) -> float:
        """The frame after the range, or after the last sound before that."""
        return float(min(frame_range(self.scene)[1] + 1, self.content_end))

    def facts(
        self, name_of: Callable[[bpy.types.Sound | None], str] = compat.file_name, depth: int = 0
    ) -> list:
        """All that decides how it sounds, relative to its first strip; `name_of` returns a sound's identity."""
        anchor, rate = self.content_start, compat.rate_of(self.scene)
        return [_facts(s, anchor, rate, name_of, depth) for s in self.strips]


def frame_range(scene: bpy.types.Scene) -> tuple[int, int]:
    """First and last frame of the preview range if it is on, otherwise of the scene."""
    if scene.use_preview_range:
        return scene.frame_preview_start, scene.frame_preview_end
    return scene.frame_start, scene.frame_end


def _sounds(strip: bpy.types.Strip) -> bool:
    if strip.type == "META":
        return any(not s.mute and _sounds(s) for s in strip.strips)
    if strip.type == "SCENE":
        return strip.scene is not None
    return strip.type == "SOUND"


def volume_keys(strip: Any) -> list:
    """The keys of a strip's volume and pan: (path, [(frame, value), …])."""
    path = strip.path_from_id()
    return [
        [curve.data_path[len(path) :], [list(key.co) for key in curve.keyframe_points]]
        for curve in compat.fcurves_of(strip.id_data)
        if curve.data_path in (f"{path}.volume", f"{path}.pan")
    ]


def _facts(
    strip: bpy.types.Strip,
    anchor: float,
    rate: float,
    name_of: Callable[[bpy.types.Sound | None], str],
    depth: int,
) -> dict:
    names = ("left_handle", "right_handle", "content_start")
    out = {"type": strip.type, **{n: float(compat.strip_time(strip, n) - anchor) / rate for n in names}}
    out["volume"] = float(getattr(strip, "volume", 1.0))
    out["pan"] = float(getattr(strip, "pan", 0.0))
    out["curves"] = [
        [path, [[(frame - anchor) / rate, value] for frame, value in keys]]
        for path, keys in volume_keys(strip)
    ]
    if strip.type == "SOUND":
        out["file"] = name_of(strip.sound)
        out["offset"] = float(getattr(strip, "sound_offset", 0.0))
        out["keys"] = [float(k.timeline_frame - anchor) / rate for k in getattr(strip, "retiming_keys", ())]
    elif strip.type == "META":
        out["inside"] = [
            _facts(s, anchor, rate, name_of, depth) for s in strip.strips if not s.mute and s.type in KINDS
        ]
    elif strip.scene is not None and depth < DEPTH:
        out["inside"] = Mix(strip.scene).facts(name_of, depth + 1)
    return out


SoundSource = bpy.types.SoundStrip | Mix
"""What sounds: a strip, or all that is heard."""
