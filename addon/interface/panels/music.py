# SPDX-License-Identifier: GPL-3.0-or-later
"""The song."""

import bpy

from ...scene import compat
from ...scene.language import translate
from ...scene.music import mix, strips
from ...scene.reading import Reading, reading_of
from .layout import say, why


class MusicPanel:
    bl_label = "Music"

    @staticmethod
    def summary(now: Reading) -> str:
        return now.song.strip.name if now.song.strip is not None else "no song yet"

    def draw(self, context: bpy.types.Context):
        layout, settings = self.layout, context.scene.tempose
        row = layout.row(align=True)
        row.operator("tempose.add_song", icon="FILE_SOUND")
        row.operator("tempose.find_beats", icon="ZOOM_ALL")
        layout.prop(settings.music, "source", text="")
        song = reading_of(context).song
        scene, strip, reason = song.scene, song.strip, song.reason
        everything = settings.music.source == "RANGE"
        editor = scene.sequence_editor
        several = editor is not None and sum(s.type == "SOUND" for s in editor.strips_all) > 1
        if editor is not None and (several or settings.strip) and not everything:
            layout.prop_search(settings, "strip", editor, "strips_all", icon="SOUND")
        if reason:
            why(layout, reason)
            layout.operator("tempose.open_example", icon="SCENE_DATA")
        elif everything:
            seconds = (strip.right_handle - strip.left_handle) / compat.rate_of(scene)
            place = "preview range" if scene.use_preview_range else "scene range"
            first, last = mix.frame_range(scene)
            layout.label(text=translate(f"{len(strip.strips)} strips, {seconds:.1f} s"), icon="SOUND")
            layout.label(text=translate(f"{place.capitalize()}: frames {first} to {last}"), icon="BLANK1")
        elif not settings.strip:
            layout.label(text=strip.name, icon="SOUND")
        if not reason and not everything and strip.mute and strips.live_version(scene, strip) is None:
            say(layout, "This strip is muted; it is danced to all the same.", "MUTE_IPO_ON")
