# SPDX-License-Identifier: GPL-3.0-or-later
"""Tempose: 2D characters that dance to music, in keys an animator can edit."""

import atexit
import sys
from pathlib import Path

try:
    import bpy
except ImportError:  # the pure modules can be used, and tested, without Blender
    bpy = None


def _forget_older() -> None:
    """An update of the extension brings a new `tempose_pose`, while that of the version before is still loaded."""
    ours = Path(bpy.utils.user_resource("EXTENSIONS"))
    loaded = sys.modules.get("tempose_pose")
    if loaded is not None and ours in Path(loaded.__file__ or "").parents:
        for name in [n for n in sys.modules if n.partition(".")[0] == "tempose_pose"]:
            del sys.modules[name]


if bpy is not None:
    _forget_older()

    from .interface import operators, panels, preferences, properties, shortcuts
    from .interface.operators import buttons, drag_beat, modal, presets
    from .interface.panels import pie
    from .model.server import background_task, server_process
    from .scene import language, notes, reading
    from .scene.dance import direction_draw, ghost, pose_overlay, tempo_follow, thumbnails
    from .scene.music import beat_draw, form_draw, sounds
    from .scene.server import connection
    from .scene.tempo import tempo_preview

    CLASSES = (
        *properties.CLASSES,
        preferences.TemposePreferences,
        *operators.CLASSES,
        *pie.CLASSES,
        *panels.CLASSES,
    )

    @bpy.app.handlers.persistent
    def _leave_file(*_args: object):
        """Another file is coming: what is going on belongs to this one."""
        background_task.abandon()
        reading.drop()
        ghost.end()
        modal.end()
        beat_draw.forget()
        tempo_follow.forget()
        tempo_preview.forget()
        sounds.forget()
        thumbnails.forget()
        notes.say("")

    def _quit():
        """Blender as a Python module hangs at exit while classes are registered."""
        if hasattr(bpy.types.Scene, "tempose"):
            unregister()

    def register():
        language.mark(CLASSES)
        for cls in CLASSES:
            bpy.utils.register_class(cls)
        bpy.types.Scene.tempose = bpy.props.PointerProperty(type=properties.TemposeSettings)
        bpy.types.Object.tempose_character = bpy.props.PointerProperty(type=properties.TemposeCharacter)
        bpy.types.Armature.tempose_direction = bpy.props.PointerProperty(type=properties.TemposeDirection)
        bpy.types.Object.tempose_stage = bpy.props.PointerProperty(type=properties.TemposeStage)
        bpy.app.handlers.load_pre.append(_leave_file)
        beat_draw.add(form_draw.picture, direction_draw.picture)
        tempo_follow.add()
        notes.add()
        language.add(properties.CLASSES)
        drag_beat.add_keys()
        shortcuts.add()
        presets.add()
        reading.add()
        pose_overlay.add()
        if bpy.app.module:
            atexit.register(_quit)

    def unregister():
        atexit.unregister(_quit)
        background_task.abandon()
        buttons.end_waiting()
        ghost.end()
        modal.end()
        drag_beat.remove_keys()
        shortcuts.remove()
        presets.remove()
        beat_draw.remove()
        reading.remove()
        pose_overlay.remove()
        tempo_follow.remove()
        notes.remove()
        language.remove()
        tempo_preview.forget()
        thumbnails.forget()
        connection.drop()
        server_process.leave()
        if _leave_file in bpy.app.handlers.load_pre:
            bpy.app.handlers.load_pre.remove(_leave_file)
        del bpy.types.Object.tempose_stage
        del bpy.types.Armature.tempose_direction
        del bpy.types.Object.tempose_character
        del bpy.types.Scene.tempose
        for cls in reversed(CLASSES):
            bpy.utils.unregister_class(cls)
