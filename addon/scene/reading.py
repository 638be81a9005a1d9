# SPDX-License-Identifier: GPL-3.0-or-later
"""One reading of the scene, for a press of a button or one redraw of the panels. Main thread only.

Each value is read once, at its first use, and then stays fixed. A press makes a reading of its own and passes it
on; all panels of one redraw, and the polls of their buttons, share one.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import bpy

from tempose_pose.grid import BeatGrid

from ..model.character.mapping import BoneMap
from ..model.dance.form import FormSection
from ..model.errors import require
from ..model.server import background_task
from ..model.tempo import tempo_request
from ..model.tempo.playback import Playback, Staging
from . import compat
from .character import character, puppet, selection
from .keys import base_keys, frame_rate
from .music import markers, scene_strips, song_form, song_grid, song_playback
from .music import song as songs
from .server import connection
from .settings import ListedTake, SceneSettings
from .tempo import tempo_changes
from .window import scene_of

PLAIN = Staging()  # one scene, at its own pace


@dataclass(frozen=True, eq=False)
class Reading:
    """The state of the scene at one moment.

    Parameters
    ----------
    context : bpy.types.Context
    """

    context: bpy.types.Context

    @cached_property
    def scene(self) -> bpy.types.Scene:
        """The window's scene, whose settings count."""
        return scene_of(self.context)

    @cached_property
    def settings(self) -> SceneSettings:
        """All settings."""
        return self.scene.tempose

    @cached_property
    def busy(self) -> str:
        """Why nothing new can be started, or nothing."""
        running = background_task.current
        return f"{running.title} is running; wait or cancel" if running is not None else ""

    @cached_property
    def no_server(self) -> str:
        """Why no server can be used, or nothing."""
        return connection.missing()

    @cached_property
    def no_estimator(self) -> str:
        """Why no server can find joints in pictures and videos, or nothing."""
        if self.no_server or connection.current is None:
            return self.no_server
        return connection.current.no_poses

    @cached_property
    def song(self) -> songs.ChosenSong:
        """The current sound."""
        return songs.pick(self.context)

    @cached_property
    def playback(self) -> Playback | None:
        """The current playback of the song; None without a sound."""
        song = self.song
        return song_playback.playback_of(song.scene, song.original) if song.problem is None else None

    @cached_property
    def staging(self) -> Staging:
        """The conversion from frames of the sound to frames of keys; raises `Problem` if no single one is right."""
        render = self.scene.render
        if self.song.scene == self.scene and render.frame_map_old == render.frame_map_new:
            return PLAIN  # the usual case, kept quick: panels ask at every redraw
        seen = self.playback.visible if self.playback is not None else None
        frames = (seen.left, float(seen.frame_at(seen.seconds))) if seen is not None else None
        return scene_strips.staging_of(self.song.scene, self.scene, frames)

    @cached_property
    def grid(self) -> song_grid.SongGrid | None:
        """The song's beat grid, empty if no beats are known; None without a sound."""
        return song_grid.grid_of(self.song.scene, self.playback) if self.playback is not None else None

    @cached_property
    def form(self) -> list[FormSection]:
        """The artist's sections of the song; empty if the server is to find them."""
        return song_form.read(self.settings.form, self.grid.mark) if self.grid is not None else []

    @cached_property
    def section(self) -> tuple[float, float] | None:
        """The chosen section of the song, in song seconds."""
        at = self.settings.form.active
        return (self.form[at].start, self.form[at].stop) if at < len(self.form) else None

    @cached_property
    def has_beats(self) -> bool:
        """Whether any beat of the song is known."""
        return self.grid is not None and len(self.grid.grid) > 0

    @cached_property
    def beats(self) -> BeatGrid | None:
        """The beat grid for the server; None: it detects the beats itself."""
        return self.grid.request if self.grid is not None else None

    @cached_property
    def playback_asked(self) -> Playback:
        """The playback at the requested tempo; raises `Problem` if that cannot be determined."""
        self.song.check()
        assert self.playback is not None
        return tempo_request.playback_for(self.settings, self.playback, self.beats)

    @cached_property
    def beats_asked(self) -> BeatGrid | None:
        """The beats for a dance at that tempo, with half and double time applied."""
        return self.beats_for(self.playback_asked)

    def beats_for(self, playback: Playback) -> BeatGrid | None:
        """The beats for a dance to this playback."""
        return tempo_request.beats_for(self.settings, playback, self.beats)

    @cached_property
    def rig(self) -> bpy.types.Object | None:
        """The current character, or None."""
        return selection.pick_rig(self.context)

    @cached_property
    def selected_rigs(self) -> list[bpy.types.Object]:
        """All selected characters, the current one first."""
        return selection.selected_rigs(self.context)

    @cached_property
    def armature(self) -> bpy.types.Object | None:
        """The current armature, whether it can dance yet or not, or None."""
        return selection.pick_armature(self.context, self.rig)

    @cached_property
    def cannot_dance(self) -> str:
        """Why the current armature cannot dance, or nothing, also if there is none."""
        if self.armature is None or self.armature == self.rig:
            return ""
        return character.why_not(self.armature)

    @cached_property
    def no_rig(self) -> str:
        """Why no character can dance, or nothing."""
        return "" if self.rig is not None else selection.why_no_rig(self.context, self.cannot_dance)

    @cached_property
    def no_curves(self) -> str:
        """Why no curve under *Direct* can be keyed, or nothing."""
        return character.cannot_key(self.rig) if self.rig is not None else self.no_rig

    @cached_property
    def no_stage(self) -> str:
        """Why a character's settings for the stage cannot be changed, or nothing."""
        if self.rig is None:
            return self.no_rig
        linked = self.rig.library is not None or self.rig.override_library is not None
        return f"{self.rig.name} is linked from another file: make it local first" if linked else ""

    @cached_property
    def no_keys(self) -> str:
        """Why no keys of the current character can be changed, or nothing."""
        data = self.rig.animation_data if self.rig is not None else None
        if self.rig is None or data is None or data.action is None:
            return "Nothing moves this character: generate a dance, or show a take"
        return (
            "" if data.action.is_editable else "Its Action is linked from another file: make it local first"
        )

    @cached_property
    def needs_dancer(self) -> bool:
        """Whether there is nobody to dance, so that *Generate* makes a figure first."""
        return self.armature is None and not selection.someone_is_there(self.context)

    @cached_property
    def bone_map(self) -> BoneMap:
        """The bone map of the armature; empty without an armature."""
        return character.map_of(self.armature) if self.armature is not None else BoneMap()

    @cached_property
    def physique(self) -> character.Physique:
        """How the character that is meant is built."""
        return character.Physique.of(require(self.rig))

    @cached_property
    def picture(self) -> bpy.types.Object | None:
        """The picture with joint markers, or None."""
        return puppet.laid_out(self.scene)

    @cached_property
    def several_rigs(self) -> bool:
        """Whether the takes in the list belong to several characters."""
        return len({take.rig for take in self.settings.takes}) > 1

    @cached_property
    def no_take(self) -> str:
        """Why the chosen take cannot be changed, or nothing."""
        if self.take is None:
            return "There is no take; generate one"
        if self.take.text is None:
            return "The data of this take has been deleted"
        return "" if self.take.rig is not None else "The character of this take has been deleted"

    @cached_property
    def no_revision(self) -> str:
        """Why no part of the chosen take can be danced again, or nothing."""
        return self.busy or self.no_take or self.no_server

    @cached_property
    def same_seed(self) -> str:
        """Why dancing with the current seed would give the chosen take again, or nothing."""
        if self.settings.lock_seed and self.take is not None and self.take.seed == str(self.settings.seed):
            return "The seed is locked to that of this take: unlock it or choose another"
        return ""

    @cached_property
    def held(self) -> str:
        """Why the keys of the chosen take would not be seen to move its character, or nothing."""
        return character.held_reason(self.take.rig) if self.take is not None else ""

    @cached_property
    def take(self) -> ListedTake | None:
        """The chosen take in the list, or None."""
        return base_keys.chosen_take(self.settings)

    @cached_property
    def base(self) -> tuple[ListedTake, bpy.types.Action] | tuple[None, None]:
        """The take whose keys move the character, and their Action; (None, None) without one."""
        return base_keys.take_of(self.settings, self.rig)

    @cached_property
    def off_rate(self) -> str:
        """A warning that the character's keys were written for another frame rate, or nothing."""
        take, action = self.base
        if take is None or action is None or self.song.scene is None:
            return ""
        render, heard = self.scene.render, self.playback
        rate = heard.span.rate if heard is not None else compat.rate_of(self.song.scene)
        rate *= render.frame_map_old / render.frame_map_new
        old = frame_rate.other_rate(action, rate)
        return tempo_changes.rate_in_words(old, rate) if old else ""

    @cached_property
    def changes(self) -> tempo_changes.TempoChange | None:
        """What the requested tempo changes in the dance; None without a dance to this sound.

        Raises `Problem` if that cannot be determined.
        """
        if self.rig is None or self.song.reason:
            return None
        asked, stage = self.playback_asked, self.staging
        keyed = asked if stage is PLAIN else stage.for_keys(asked)
        take, action = self.base
        if take is None or action is None:
            return None
        return tempo_changes.changes_of(take, action, keyed, self.beats_asked)


def at_press(context: bpy.types.Context) -> Reading:
    """A reading for a pressed button, after moving the beat markers along with the sound."""
    now = Reading(context)
    if now.playback is not None:
        markers.follow(now.song.scene, now.playback.span, now.playback.tempo)
    return now


KEPT: dict[Any, Reading] = {}  # by scene: the reading of the redraw in progress


def reading_of(context: bpy.types.Context) -> Reading:
    """The reading of the redraw in progress, otherwise a new one."""
    return KEPT.get(context.scene) or Reading(context)


def keep(context: bpy.types.Context) -> Reading:
    """Make and keep a new reading for the redraw that begins."""
    KEPT.clear()
    now = KEPT[context.scene] = Reading(context)
    return now


def drop(*_args: object) -> None:
    """Drop it: the redraw is over, or the data it read is gone."""
    KEPT.clear()


def of_redraw(context: bpy.types.Context) -> Reading:
    """The reading for the first panel, and for all that are drawn with it."""
    if bpy.app.background:  # no handler ends a redraw there
        return reading_of(context)
    if not bpy.app.timers.is_registered(drop):  # before the next event, whatever happens to the redraw
        bpy.app.timers.register(drop)
    return keep(context)


_handles: list = []


def add() -> None:
    """Watch for the end of each redraw: a region is first laid out, with its polls, and then drawn."""
    for space in (bpy.types.SpaceView3D, bpy.types.SpaceSequenceEditor):
        _handles.append((space, space.draw_handler_add(drop, (), "UI", "POST_PIXEL")))


def remove() -> None:
    """Leave nothing behind."""
    while _handles:
        space, handle = _handles.pop()
        space.draw_handler_remove(handle, "UI")
    drop()
