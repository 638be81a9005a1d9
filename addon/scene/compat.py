# SPDX-License-Identifier: GPL-3.0-or-later
"""All differences between Blender 4.5 and 5.2 that concern us."""

from typing import Any

import bpy
import numpy as np

from ..model.tempo.timing import frame_rate

# Names of strip times: since 5.1, and before.
_TIMES = {
    "content_start": "frame_start",
    "left_handle": "frame_final_start",
    "right_handle": "frame_final_end",
    "content_duration": "frame_duration",
    "left_handle_offset": "frame_offset_start",
    "right_handle_offset": "frame_offset_end",
    "content_trim_start": "animation_offset_start",
    "content_trim_end": "animation_offset_end",
}


def strip_time(strip: object, name: str) -> float:
    """A time of a strip in frames, by its 5.1 name."""
    return strip_times(strip, name)[0]


def strip_times(strip: object, *names: str) -> list[float]:
    """Several times of a strip in frames, by their 5.1 names."""
    return [getattr(strip, name if hasattr(strip, name) else _TIMES[name]) for name in names]


def move_strip(strip: bpy.types.Strip, frames: float) -> None:
    """Move a strip along the timeline."""
    name = "content_start" if hasattr(strip, "content_start") else "frame_start"
    setattr(strip, name, getattr(strip, name) + frames)


def sound_scene(context: bpy.types.Context) -> bpy.types.Scene:
    """The scene with the sound: the window's scene, if it has any sound.

    Otherwise it is the one in the sequencer (which may differ in 5.x), or one that shows the window's scene in a
    scene strip.
    """
    scene: Any = context.scene
    if has_sound(scene):
        return scene
    shown = getattr(context, "sequencer_scene", None)
    if shown is not None and shown != scene:
        return shown
    around = [s for s in bpy.data.scenes if s != scene and has_sound(s) and scene_strips(s, scene)]
    return around[0] if len(around) == 1 else scene


def scene_strips(scene: bpy.types.Scene, shown: bpy.types.Scene) -> list:
    """The strips of a scene that show another one and are not muted."""
    editor = scene.sequence_editor
    strips = editor.strips_all if editor is not None else ()
    return [s for s in strips if s.type == "SCENE" and s.scene == shown and not s.mute]


def scene_strip_shift(strip: bpy.types.Strip) -> float:
    """By how many frames a scene strip shows its scene later than that scene's own frames."""
    start, trimmed = strip_time(strip, "content_start"), strip_time(strip, "content_trim_start")
    return float(start - trimmed - strip.scene.frame_start)


def frame_now(scene: bpy.types.Scene) -> float:
    """The current frame with its fraction; unlike `frame_current_final`, unaffected by Time Stretching."""
    return scene.frame_current + scene.frame_subframe


def has_sound(scene: bpy.types.Scene) -> bool:
    """Whether a scene has any sound strip."""
    for strip in scene.sequence_editor.strips_all if scene.sequence_editor is not None else ():
        if strip.type == "SOUND":
            return True
    return False


def sound_strips(scene: bpy.types.Scene) -> list:
    """All sound strips of a scene, including those inside metas, by time."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    found = [strip for strip in editor.strips_all if strip.type == "SOUND"]
    return sorted(found, key=lambda strip: (strip_time(strip, "left_handle"), strip.channel))


def parent_meta(strip: object) -> bpy.types.MetaStrip | None:
    """The meta strip around a strip, or None."""
    ask = getattr(strip, "parent_meta", None)
    return ask() if ask is not None else None


def file_name(sound: bpy.types.Sound | None) -> str:
    """Name of a sound's file without its folder, which changes when a .blend is saved elsewhere; "" for none."""
    return bpy.path.basename(sound.filepath) if sound else ""


def is_retimed(strip: object) -> bool:
    """Whether the strip has retiming keys; their values cannot be read, only heard."""
    return len(getattr(strip, "retiming_keys", ())) > 0


def rate_of(scene: bpy.types.Scene) -> float:
    """Frames per second."""
    return frame_rate(scene.render.fps, scene.render.fps_base)


def channelbag(ob: Any, action: bpy.types.Action, assign: bool = True) -> Any:
    """The channel bag for an object's curves in a new layered Action; has `.fcurves` and `.groups`."""
    slot = action.slots[0] if len(action.slots) else action.slots.new(id_type="OBJECT", name=ob.name)
    layer = action.layers[0] if len(action.layers) else action.layers.new("Layer")
    strip = layer.strips[0] if len(layer.strips) else layer.strips.new(type="KEYFRAME")
    if assign:
        data = ob.animation_data_create()
        data.action, data.action_slot = action, slot
    return strip.channelbag(slot, ensure=True)


def fcurves_of(ob: Any) -> list:
    """The curves that currently move an object or its data."""
    data = ob.animation_data
    if not data or not data.action or not data.action_slot:
        return []
    return [
        curve
        for layer in data.action.layers
        for strip in layer.strips
        for bag in [strip.channelbag(data.action_slot)]
        if bag
        for curve in bag.fcurves
    ]


def new_sound_strip(
    scene: bpy.types.Scene, name: str, path: str, channel: int, frame: int
) -> bpy.types.SoundStrip:
    """Put a sound on the timeline, but not through the operator, which crashes 5.x in background mode."""
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strip: Any = editor.strips.new_sound(name=name, filepath=path, channel=channel, frame_start=frame)
    return strip


def grease_pencils():
    """All Grease Pencil datablocks; 4.5 keeps the old kind under this name."""
    return bpy.data.grease_pencils_v3 if hasattr(bpy.data, "grease_pencils_v3") else bpy.data.grease_pencils


def use_nodes(material: bpy.types.Material) -> None:
    """Make a material use nodes; from 5.0 on it always does."""
    if bpy.app.version < (5, 0):
        material.use_nodes = True


def glow(material: bpy.types.Material, colour: tuple) -> None:
    """Make a material show its colour in all engines, whatever the light."""
    use_nodes(material)
    nodes = material.node_tree.nodes
    nodes.clear()
    out, emission = nodes.new("ShaderNodeOutputMaterial"), nodes.new("ShaderNodeEmission")
    emission.location.x = -200
    emission.inputs["Color"].default_value = (*colour, 1.0)
    material.node_tree.links.new(emission.outputs["Emission"], out.inputs["Surface"])


def show_fill(style: "bpy.types.MaterialGPencilStyle") -> None:
    """Make a Grease Pencil material fill its strokes, in versions where that is up to the material."""
    if bpy.app.version < (5, 1):
        style.show_stroke = style.show_fill = True


def fill_strokes(drawing: Any) -> None:
    """Fill all strokes, each by itself, in versions where that is up to the stroke."""
    if bpy.app.version >= (5, 1):
        fill = drawing.attributes.get("fill_id") or drawing.attributes.new("fill_id", "INT", "CURVE")
        fill.data.foreach_set("value", range(1, len(fill.data) + 1))


def select_bone(bone: bpy.types.PoseBone, chosen: bool) -> None:
    """Select or deselect a bone in Pose Mode; since 5.0 the pose bone has this flag."""
    (bone if bpy.app.version >= (5, 0) else bone.bone).select = chosen


def remove_strip(scene: bpy.types.Scene, strip: bpy.types.Strip) -> None:
    """Remove a strip and, if nothing else uses it, its sound."""
    sound = getattr(strip, "sound", None)
    scene.sequence_editor.strips.remove(strip)
    if sound is not None and sound.users == 0:
        bpy.data.sounds.remove(sound)


def online_access() -> bool:
    """Whether the user has allowed Blender online access."""
    return bool(getattr(bpy.app, "online_access", True))


def rate_parts(rate: float) -> tuple[int, float]:
    """A frame rate as a scene stores it: a whole number and its divisor."""
    whole = max(1, min(round(rate), 32767))
    return (
        (whole, 1.0)
        if abs(rate - whole) < 1e-4
        else (max(1, -int(-rate // 1)), max(1, -int(-rate // 1)) / rate)
    )


def video_output(render: bpy.types.RenderSettings, sound: bool) -> None:
    """Set the output to H.264 in MP4, with or without sound."""
    image = render.image_settings
    if hasattr(image, "media_type"):  # 5.0 and newer
        image.media_type = "VIDEO"
    image.file_format = "FFMPEG"
    render.ffmpeg.format, render.ffmpeg.codec = "MPEG4", "H264"
    render.ffmpeg.constant_rate_factor, render.ffmpeg.ffmpeg_preset = "HIGH", "REALTIME"
    render.ffmpeg.audio_codec = "AAC" if sound else "NONE"


def first_stroke(ob: Any) -> np.ndarray:
    """Points (N, 3) of the first visible stroke of a Grease Pencil object; empty without one."""
    for layer in ob.data.layers:
        frame = layer.current_frame()
        if frame is not None and len(frame.drawing.strokes):
            return np.array([point.position for point in frame.drawing.strokes[0].points], float).reshape(
                -1, 3
            )
    return np.zeros((0, 3))
