"""Sounds with clicks, scenes in words, where clicks are heard, and where the dance dips."""

import importlib
import importlib.util
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np

from tempose_pose.wire.answers import PoseEstimator

ROOT = Path(__file__).resolve().parents[3]
MODULE = "bl_ext.user_default.tempose"
RATE = 44_100
CLICKS = np.arange(0.25, 12.0, 0.5)  # seconds


def module_of(name):
    """A module of the installed add-on by its room and name, in whichever layer it is."""
    for layer in ("model", "scene", "interface"):
        room = f"{MODULE}.{layer}.{name}".rpartition(".")[0]
        if importlib.util.find_spec(room) and importlib.util.find_spec(f"{MODULE}.{layer}.{name}"):
            return importlib.import_module(f"{MODULE}.{layer}.{name}")
    raise ModuleNotFoundError(name)


def elsewhere(connection, **changed):
    """The server in use as if its report said something else."""
    return replace(connection, report=replace(connection.report, **changed))


def with_estimator(connection, reason):
    """The server in use as if it found joints in pictures, or did not for a reason."""
    said = PoseEstimator(not reason, reason)
    return elsewhere(connection, capabilities=replace(connection.capabilities, pose_estimator=said))


def write_wav(path, samples, rate=RATE):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(samples, -1, 1) * 32000).astype("<i2").tobytes())


def click_track(seconds=12.0, clicks=CLICKS):
    samples, k = np.zeros(round(seconds * RATE)), np.arange(400)
    for click in clicks:
        at = round(click * RATE)
        samples[at : at + 400] += 0.8 * np.sin(2 * np.pi * 1500 * k / RATE) * np.exp(-k / 80)
    return samples


def all_of(steps):
    """What a generator returns in the end."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def add_strip(scene, path, frame=1, channel=1):
    editor = scene.sequence_editor or scene.sequence_editor_create()
    return editor.strips.new_sound(Path(path).name, str(path), channel, frame)


def summary(bpy):
    """Everything of a file that an error must leave alone."""
    scene = bpy.context.scene
    strips = scene.sequence_editor.strips_all if scene.sequence_editor else []
    return {
        "objects": sorted(ob.name for ob in bpy.data.objects),
        "actions": sorted(a.name for a in bpy.data.actions),
        "texts": sorted(t.name for t in bpy.data.texts),
        "sounds": sorted(s.name for s in bpy.data.sounds),
        "moved by": sorted(
            ob.animation_data.action.name
            for ob in bpy.data.objects
            if ob.animation_data and ob.animation_data.action
        ),
        "markers": sorted((m.name, m.frame) for m in scene.timeline_markers),
        "strips": sorted((s.name, s.channel, s.mute, tuple(s.keys())) for s in strips),
        "takes": [(t.name, t.state) for t in scene.tempose.takes],
        "range": (scene.frame_start, scene.frame_end, scene.use_audio, scene.frame_current),
        "custom": sorted(scene.keys()),
        "pose": [
            tuple(round(v, 6) for row in bone.matrix_basis for v in row)
            for ob in bpy.data.objects
            if ob.type == "ARMATURE"
            for bone in ob.pose.bones
        ],
    }


def heard_clicks(bpy, scene, folder, start=1):
    """Frames (not whole) at which clicks are heard in what Blender plays from frame `start` on."""
    path = folder / "heard.wav"
    scene.frame_start, scene.frame_end = start, start + 1500
    bpy.ops.sound.mixdown(
        filepath=str(path), check_existing=False, container="WAV", codec="PCM", format="S16"
    )
    return start + onsets(path) * scene.render.fps / scene.render.fps_base


def onsets(path):
    """Seconds at which clicks begin in a WAV file."""
    with wave.open(str(path)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, channels).mean(1)
    loud = np.flatnonzero(np.abs(samples) > 0.3 * np.abs(samples).max())
    return loud[np.insert(np.diff(loud) > rate * 0.15, 0, True)] / rate


def dips(ob, compat):
    """Frames (not whole) at which the hips are lowest: the null model dips on every beat."""
    curve = next(
        c
        for c in compat.fcurves_of(ob)
        if c.data_path == 'pose.bones["root"].location' and c.array_index == 1
    )
    flat = np.empty(2 * len(curve.keyframe_points), np.float32)
    curve.keyframe_points.foreach_get("co", flat)
    frames, y = flat.reshape(-1, 2).astype(float).T
    low = np.flatnonzero((y[1:-1] <= y[:-2]) & (y[1:-1] < y[2:])) + 1
    # The top of a parabola through three keys tells the place between them.
    return frames[low] + 0.5 * (y[low - 1] - y[low + 1]) / (y[low - 1] - 2 * y[low] + y[low + 1])


def farthest(clicks, found, edge=4):
    """The largest distance in frames from a click to the nearest dip, away from the very ends."""
    inner = clicks[(clicks > found.min() - edge) & (clicks < found.max() + edge)]
    return max(np.abs(found - click).min() for click in inner), len(inner)


def beat_frames(now):
    """Frames (not whole) of all beats of a grid."""
    return [now.frame(t) for t in now.grid.times]


def frames_of(action):
    """First and last frame of an Action's keys."""
    return tuple(round(f) for f in action.frame_range)


def last(settings):
    """The newest take."""
    return settings.takes[len(settings.takes) - 1]
