# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of buttons that have the server analyse the song."""

from typing import Any

import bpy

from tempose_pose.wire.answers import Analysis

from ...model.errors import Problem, require
from ...model.server import work
from ...scene.music import audio, song, song_grid, sound_marks
from ...scene.music.song_grid import SongGrid
from ...scene.reading import Reading
from ...scene.server import connection
from .buttons import TaskButton


class ListeningButton(TaskButton):
    """Mixin: has the song analysed; `use` gets the analysis if the song is still there."""

    title = "Listening"

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or now.no_server or now.song.reason

    def use(self, context: bpy.types.Context, window: bpy.types.Scene, now: SongGrid, heard: Analysis) -> str:
        """Write the analysis; return the message.

        Parameters
        ----------
        window : bpy.types.Scene
            The scene that was shown when the button was pressed.
        now : SongGrid
            The song and its beats as they are now.
        """
        raise NotImplementedError

    def prepare(self, context: bpy.types.Context):
        now = Reading(context)
        now.song.check()
        scene, playback = now.song.scene, now.playback
        assert playback is not None  # the song has been checked
        sound = audio.fetch(context, scene, playback)
        self._window, self._scene, self._strip = now.scene.name, scene.name, playback.original.name
        self._mark = sound_marks.mark_of(scene, playback)
        client = connection.client()
        return lambda w: work.find_beats(w, client, sound.source)

    def apply(self, context: bpy.types.Context, result: Any):
        scene, window = bpy.data.scenes.get(self._scene), bpy.data.scenes.get(self._window)
        original = song.original_named(scene, self._strip) if scene is not None else None
        now = song_grid.grid_at(require(scene), original) if original is not None else None
        if now is None or window is None or now.mark != self._mark:
            raise Problem(
                "strip_gone", "The sound strip was deleted or changed meanwhile: press the button again."
            )
        if not result.beats:
            raise Problem("no_beats", "No beat was heard in this sound. Tap the tempo yourself.")
        return self.use(context, window, now, result)
