# SPDX-License-Identifier: GPL-3.0-or-later
"""Export of characters, for games and other programs."""

from pathlib import Path

import bpy
from bpy.props import BoolProperty, EnumProperty

from ...model.errors import Problem, require
from ...scene.files import other_blender, output, rigs, song_beats, sprites
from ...scene.reading import Reading
from .buttons import TaskButton
from .to_file import ToFile, server_python

MOST_GIF = 50.0  # pictures per second that viewers show at the right speed


class TEMPOSE_OT_export_sprites(ToFile, TaskButton, bpy.types.Operator):
    """Draw only the character, one round of its loop or over its range, as a sprite sheet or a GIF"""

    bl_idname = "tempose.export_sprites"
    bl_label = "Export Sprites…"
    bl_options = {"REGISTER"}
    title = "Drawing sprites"

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or now.no_rig

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event | None):
        ob, ending = require(Reading(context).rig), context.scene.tempose.output.sprites.lower()
        return self.ask(context, f"{bpy.path.clean_name(ob.name)}.{ending}")

    def prepare(self, context: bpy.types.Context):
        now = Reading(context)
        choice, ob = now.settings.output, require(now.rig)
        rate, python = output.rate_of(now.scene), None
        if choice.sprites == "GIF":
            python, rate = server_python(context), min(rate, MOST_GIF)
            if not python:
                raise Problem(
                    "no_gif",
                    "GIFs are made by the server's Python: set up the server, or choose Sprite Sheet.",
                )
        self._path = path = self.path(f".{choice.sprites.lower()}")
        beats = song_beats.frames_of(now)
        name = bpy.path.clean_name(ob.name)
        wanted = sprites.SpriteOrder(now.scene.name, ob.name, name, rate, choice.sprite_height, beats)
        blender = other_blender.command(bpy.app.binary_path)
        return lambda work: sprites.write(work, wanted, path, blender, python)

    def apply(self, context: bpy.types.Context, result: sprites.Written):
        made = f"{result.count} frames of {result.size[0]} × {result.size[1]}"
        beside = (
            "" if self._path.suffix == ".gif" else f", with {self._path.with_suffix('.json').name} beside it"
        )
        return f"{made}, {result.rate:.4g} a second, are in {self._path.name}{beside}."


KINDS = [
    ("BVH", "BVH", "The skeleton and its movement alone, for motion tools"),
    ("GLB", "glTF", "One .glb file, for Godot, three.js and most engines"),
    ("FBX", "FBX", "For Unity, Unreal and other programs for animation"),
    ("USDC", "USD", "For Omniverse, Houdini and film pipelines"),
    ("SPINE", "Spine", "A cut-out for the Spine runtimes: a JSON file, an atlas and a page of pictures"),
    ("DRAGONBONES", "DragonBones", "A cut-out for DragonBones: two JSON files and a page of pictures"),
]


class TEMPOSE_OT_export_rig(ToFile, TaskButton, bpy.types.Operator):
    """Write the character with its dance for another program: bones on every frame, and everything attached"""

    bl_idname = "tempose.export_rig"
    bl_label = "Export Rig…"
    bl_options = {"REGISTER"}
    title = "Writing the character"

    kind: EnumProperty(name="Format", description="Which kind of file", items=KINDS, default="GLB")
    drawing: BoolProperty(
        name="With Its Drawing",
        description="Write what shows the character too; otherwise its bones alone",
        default=True,
    )

    @classmethod
    def disabled_reason(cls, now: Reading):
        return now.busy or now.no_rig

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event | None):
        ob = require(Reading(context).rig)
        ending = rigs.FLAT.get(self.kind, f".{self.kind.lower()}")
        return self.ask(context, f"{bpy.path.clean_name(ob.name)}{ending}")

    def prepare(self, context: bpy.types.Context):
        now = Reading(context)
        ob, rate = require(now.rig), output.rate_of(now.scene)
        self._path: Path = self._given()
        path, wanted = self._path, rigs.RigOrder(now.scene.name, ob.name, self.kind, rate, self.drawing)
        blender = other_blender.command(bpy.app.binary_path)
        return lambda work: rigs.write(work, wanted, path, blender)

    def _given(self) -> Path:
        """The chosen path with the suffix of the format."""
        ending = rigs.FLAT.get(self.kind)
        if ending is None:
            return self.path(f".{self.kind.lower()}")
        path = self.path(".json")
        return path if path.name.endswith(ending) else path.with_name(path.stem + ending)

    def apply(self, context: bpy.types.Context, result: tuple[int, float]):
        count, rate = result
        return f"{count} frames, {rate:.4g} a second, are in {self._path.name}."


CLASSES = (
    TEMPOSE_OT_export_rig,
    TEMPOSE_OT_export_sprites,
)
