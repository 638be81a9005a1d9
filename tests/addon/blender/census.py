"""Everything in a file, so that two states of it can be compared."""

import hashlib

import numpy as np

WINDOWS = {"brushes", "linestyles", "palettes", "screens", "window_managers", "workspaces"}  # Blender's own


def census(bpy) -> dict:
    """All datablocks by name, and of those that the add-on writes also what is in them."""
    collections = {
        prop.identifier: getattr(bpy.data, prop.identifier)
        for prop in bpy.data.bl_rna.properties
        if prop.type == "COLLECTION" and prop.identifier not in WINDOWS
    }
    found = {name: sorted(block.name for block in blocks) for name, blocks in collections.items()}
    found["written"] = {
        **{f"action {a.name}": _action(a) for a in bpy.data.actions},
        **{f"text {t.name}": _short(t.as_string().encode()) for t in bpy.data.texts},
        **{f"object {ob.name}": _object(ob) for ob in bpy.data.objects},
        **{f"scene {scene.name}": _scene(scene) for scene in bpy.data.scenes},
    }
    return found


def differences(before, after, path="") -> list[str]:
    """Where two states differ, in words that a failing test can show."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = sorted(before.keys() | after.keys(), key=str)
        return [
            line for k in keys for line in differences(before.get(k), after.get(k), f"{path} {k}".strip())
        ]
    return [] if before == after else [f"{path}: {before!r} became {after!r}"]


def settings(group) -> dict:
    """All values of a property group, those inside of others too; datablocks by name."""
    return {
        prop.identifier: _value(prop, getattr(group, prop.identifier))
        for prop in group.bl_rna.properties
        if prop.identifier != "rna_type"
    }


def _value(prop, value):
    if prop.type == "COLLECTION":
        return [settings(item) for item in value]
    if prop.type == "POINTER":
        return None if value is None else value.name if hasattr(value, "users") else settings(value)
    if getattr(prop, "is_array", False):
        return tuple(value)
    return round(value, 6) if isinstance(value, float) else value


def _short(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()[:12]


def keys_of(action):
    """Keys by curve: (N, 2) frames and values."""
    found = {}
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                for curve in bag.fcurves:
                    flat = np.empty(2 * len(curve.keyframe_points), np.float32)
                    curve.keyframe_points.foreach_get("co", flat)
                    found[curve.data_path, curve.array_index] = flat.reshape(-1, 2)
    return found


def _action(action) -> dict:
    found = {f"{path}[{i}]": _short(keys.tobytes()) for (path, i), keys in keys_of(action).items()}
    return {"curves": found, "kept": action.use_fake_user}


def _object(ob) -> dict:
    data = ob.animation_data
    return {
        "parent": ob.parent.name if ob.parent else None,
        "data": ob.data.name if ob.data else None,
        "place": tuple(round(v, 5) for row in ob.matrix_basis for v in row),
        "modifiers": [m.name for m in ob.modifiers],
        "moved by": data.action.name if data and data.action else None,
        "tracks": [t.name for t in data.nla_tracks] if data else [],
        "drivers": sorted((d.data_path, d.driver.expression) for d in data.drivers) if data else [],
        "map": settings(ob.tempose_character),
        "stage": settings(ob.tempose_stage),
        "bones": {b.name: own for b in ob.pose.bones if (own := _own(b))} if ob.pose else {},
        "layers": [(x.name, [f.frame_number for f in x.frames]) for x in ob.data.layers]
        if ob.type == "GREASEPENCIL"
        else [],
    }


def _scene(scene) -> dict:
    strips = scene.sequence_editor.strips_all if scene.sequence_editor else []
    return {
        "settings": settings(scene.tempose),
        "own": {key: value for key, value in _own(scene).items() if key != "tempose"},
        "markers": sorted((m.name, m.frame) for m in scene.timeline_markers),
        "strips": {s.name: (s.channel, s.mute, _own(s)) for s in strips},
        "frames": (scene.frame_start, scene.frame_end, scene.frame_current, scene.use_preview_range),
    }


def _own(block) -> dict:
    """Custom properties."""
    return {key: _plain(block[key]) for key in block.keys()}  # noqa: SIM118


def _plain(value):
    return (
        value.to_dict() if hasattr(value, "to_dict") else list(value) if hasattr(value, "to_list") else value
    )
