# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets for Dance and Keys, in Blender's own preset system."""

import bpy
from bl_operators.presets import AddPresetBase

from ... import package

SHIPPED = str(package.FOLDER)  # Blender looks into its `presets` folder


class _SavePreset(AddPresetBase):
    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return bool(getattr(context.scene, "tempose", None))


class TEMPOSE_OT_save_dance_preset(_SavePreset, bpy.types.Operator):
    """Keep style, energy, listening, repeat and quality under a name, or remove the chosen preset"""

    bl_idname = "tempose.save_dance_preset"
    bl_label = "Save Dance Preset"
    preset_menu = "TEMPOSE_PT_dance_presets"
    preset_subdir = "tempose/dance"
    preset_defines = ["settings = bpy.context.scene.tempose"]
    preset_values = [f"settings.{name}" for name in ("style", "energy", "listen", "repeat", "quality")]


class TEMPOSE_OT_save_keys_preset(_SavePreset, bpy.types.Operator):
    """Keep all settings of Keys under a name, or remove the chosen preset"""

    bl_idname = "tempose.save_keys_preset"
    bl_label = "Save Keys Preset"
    preset_menu = "TEMPOSE_PT_keys_presets"
    preset_subdir = "tempose/keys"
    preset_defines = ["keys = bpy.context.scene.tempose.keys"]
    preset_values = [
        f"keys.{name}"
        for name in (
            "density", "tolerance", "pose_tolerance", "poses", "per_bar", "beats", "interpolation", "feet", "ground",
            "ground_height", "hands", "facing", "squash",
        )
    ]  # fmt: skip


def add() -> None:
    """Register the add-on's presets with Blender."""
    bpy.utils.register_preset_path(SHIPPED)


def remove() -> None:
    """Unregister them."""
    bpy.utils.unregister_preset_path(SHIPPED)


CLASSES = (TEMPOSE_OT_save_dance_preset, TEMPOSE_OT_save_keys_preset)
