"""Tempo sections as the panel makes them, and the keys that come of them."""

import numpy as np

LONG = 40.0  # seconds of the click track: 120 BPM


def rig(bpy):
    return bpy.context.view_layer.objects.active


def keys_of(ob, compat):
    """By curve: (N, 6) frames, values and handles."""
    found = {}
    for curve in compat.fcurves_of(ob):
        parts = []
        for name in ("co", "handle_left", "handle_right"):
            flat = np.empty(2 * len(curve.keyframe_points), np.float32)
            curve.keyframe_points.foreach_get(name, flat)
            parts.append(flat.reshape(-1, 2))
        found[curve.data_path, curve.array_index] = np.hstack(parts)
    return found


def section(scene, start, **values):
    made = scene.tempose.sections.add()
    made.start = start
    for name, value in values.items():
        setattr(made, name, value)
    return made


def passage(scene, start, stop, **values):
    """A section from start to stop, and one after it as before."""
    section(scene, start, **values)
    section(scene, stop)


def steps(values):
    return np.abs(np.diff(values))
