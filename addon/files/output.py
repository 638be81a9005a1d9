# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses out of the scene, and poses from files as takes."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

from .. import compat
from ..character import character, reference
from ..character.bones import Placed
from ..character.extremities import carried
from ..character.joints import joints_of
from ..character.plane import Plane
from ..character.skeleton import EXTREMITIES, HANDS, OPENPOSE_18
from ..dance import dancing
from ..dance.dance import DanceData
from ..dance.takes import Take
from ..errors import Problem
from ..keys import stage
from ..tempo.timing import Span, resample
from . import pose_drawing
from .poses import Poses, bridged, whole

MAX_PICTURES = 20_000


def frames_of(scene, ob) -> tuple[int, int]:
    """First and last frame to write: the preview range, the Action's, or the scene's."""
    if scene.use_preview_range:
        return scene.frame_preview_start, scene.frame_preview_end
    data = ob.animation_data if ob is not None else None
    if data is not None and data.action is not None:
        first, last = data.action.frame_range
        return round(first), round(last)
    return scene.frame_start, scene.frame_end


def from_take(scene, take, rate: float) -> Poses:
    """A take's own poses at a frame rate, from its first frame on the timeline."""
    data = stage.data_of(take)
    dance = data.dance
    seconds = np.arange(max(1, round(len(dance.keypoints) / dance.fps * rate))) / rate
    pixels, scores = resample(dance.pixels, dance.scores, dance.fps, seconds)
    pixels, scores = np.asarray(pixels, float), np.asarray(scores, float)
    return Poses(
        pixels, scores, rate, dance.canvas, _more(take, dance, seconds, pixels, scores), dance.beat_times,
        dance.downbeat_times, dance.seed, dance.model_revision,
    )  # fmt: skip


def _more(take, dance: DanceData, seconds, pixels: np.ndarray, scores: np.ndarray) -> np.ndarray | None:
    """Hands and feet of a take: its own, or those of its rig at rest, carried along; None where neither has any."""
    if dance.more is not None:
        own, sure = resample(dance.more[..., :2], dance.more[..., 2], dance.fps, seconds)
        return np.concatenate([np.asarray(own, float) * dance.canvas, np.asarray(sure)[..., None]], 2)
    if character.why_not(take.rig):
        return None
    pose = character.pose_of(take.rig, current=False)
    scale = np.asarray(dance.canvas, float) / pose.canvas
    more = {joint: np.asarray(at) * scale for joint, at in pose.more.items()}
    return carried(pixels, scores, pose.keypoints * scale, more) if more else None


def from_rig(scene, ob, rate: float, camera: bool, progress: Callable[[float], None] | None = None) -> Poses:
    """The character as it is animated now, frame by frame, constraints and drivers included.

    Parameters
    ----------
    camera : bool
        Pixels of the scene's render, as its camera sees the character. Otherwise those of the dance's own picture.
    """
    first, last = frames_of(scene, ob)
    own = compat.rate_of(scene)
    count = max(1, round((last - first + 1) / own * rate))
    if count > MAX_PICTURES:
        raise Problem(
            "too_long",
            f"That would be {count} frames; at most {MAX_PICTURES} are written. Set a shorter preview range.",
        )
    place, bone_map = character.placement(ob), character.map_of(ob)
    plane = character.plane_of(ob, bone_map)
    found = character.spots_of(ob, character.bones_of(ob, bone_map), bone_map)
    names = (*OPENPOSE_18, *EXTREMITIES)
    canvas = render_size(scene) if camera else place.canvas
    if camera and scene.camera is None:
        raise Problem("no_camera", "The scene has no camera. Add one, or write the poses as in the dance.")
    points, scores = np.zeros((count, len(names), 2)), np.zeros((count, len(names)))
    before, part = scene.frame_current, scene.frame_subframe
    try:
        for t in range(count):
            at = first + t / rate * own
            scene.frame_set(int(at), subframe=at - int(at))
            graph = bpy.context.evaluated_depsgraph_get()
            joints = _joints(ob.evaluated_get(graph), found, plane)
            for k, joint in enumerate(names):
                if joint in joints:
                    points[t, k], scores[t, k] = joints[joint], 1.0
            if camera:
                points[t] = _through_camera(scene, graph, ob.evaluated_get(graph), plane, points[t], canvas)
            if progress:
                progress((t + 1) / count)
    finally:
        scene.frame_set(before, subframe=part)
    if not scores.any():
        raise Problem("rig_bones", f"No bone of {ob.name} is mapped to a joint. Press Find Bones.")
    points = points if camera else place.to_pixels(points)
    return Poses(points[:, :18], scores[:, :18], rate, canvas, _with_roots(points, scores))


def _with_roots(points: np.ndarray, scores: np.ndarray) -> np.ndarray | None:
    """Hands and feet (T, 48, 3) of (T, 66, …) joints; a hand whose fingers are known begins at its wrist."""
    more = np.concatenate([points[:, 18:], scores[:, 18:, None]], 2)
    more[more[..., 2] <= 0] = 0
    for side, hand in HANDS.items():
        root, wrist = EXTREMITIES.index(hand[0]), OPENPOSE_18.index(f"{side}_wrist")
        fingers = [EXTREMITIES.index(joint) for joint in hand[1:]]
        bare = (more[:, root, 2] <= 0) & (more[:, fingers, 2] > 0).any(1) & (scores[:, wrist] > 0)
        more[bare, root] = np.column_stack([points[:, wrist], scores[:, wrist]])[bare]
    return more if more.any() else None


def _joints(ob, found: dict, plane: Plane) -> dict[str, np.ndarray]:
    """Joints (2,) in the figure's plane."""
    placed = {}
    for name in {spot.bone for spot in found.values()}:
        bone = ob.pose.bones[name]
        placed[name] = Placed(np.array(bone.matrix.to_3x3(), float)[None], np.array(bone.head, float)[None])
    return {joint: at[0] for joint, at in joints_of(found, placed, plane).items()}


def render_size(scene) -> tuple[int, int]:
    share = scene.render.resolution_percentage / 100
    return max(1, round(scene.render.resolution_x * share)), max(1, round(scene.render.resolution_y * share))


def _through_camera(scene, graph, ob, plane: Plane, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Points in the figure's plane as pixels of the render."""
    camera = scene.camera.evaluated_get(graph)
    window = camera.calc_matrix_camera(graph, x=size[0], y=size[1])
    matrix = np.array(window @ camera.matrix_world.inverted() @ ob.matrix_world, float)
    spatial = np.concatenate([plane.lifted(points), np.ones((len(points), 1))], 1) @ matrix.T
    depth = np.where(np.abs(spatial[:, 3:]) < 1e-9, 1e-9, spatial[:, 3:])
    flat = spatial[:, :2] / depth
    return (flat * (0.5, -0.5) + 0.5) * size


def picture_size(poses: Poses, size) -> tuple[int, int]:
    """The size of drawn pictures: as asked for, else the canvas; even, as video wants it."""
    width, height = (int(v) for v in size)
    if width and not height:
        height = round(width * poses.canvas[1] / poses.canvas[0])
    elif height and not width:
        width = round(height * poses.canvas[0] / poses.canvas[1])
    elif not width:
        width, height = poses.canvas
    return max(2, min(width, 8192) // 2 * 2), max(2, min(height, 8192) // 2 * 2)


def draw_all(poses: Poses, folder: Path, size: tuple[int, int], progress: Callable[[float], None]) -> int:
    """Draw each pose as a PNG in a folder; without bpy, so that a thread may do it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        points = pose_drawing.fitted(poses.points, poses.canvas, size)
        for t in range(len(poses)):
            hands = None
            if poses.hands is not None:
                hands = poses.hands[t].copy()
                hands[..., :2] = pose_drawing.fitted(hands[..., :2], poses.canvas, size)
            picture = pose_drawing.draw(points[t], poses.scores[t], size, hands)
            (folder / f"{t + 1:06d}.png").write_bytes(pose_drawing.png(picture))
            progress((t + 1) / len(poses))
    except OSError as error:
        raise Problem(
            "file_unwritable",
            f"{folder.name} cannot be written: {error.strerror or error}. Choose another place.",
        ) from None
    return len(poses)


def encode(folder: Path, count: int, size: tuple[int, int], rate: float, path: Path) -> None:
    """Make an MP4 of the pictures with Blender's own encoder, in a scene of its own that goes again."""
    work = Path(tempfile.mkdtemp(prefix="tempose-"))
    images = {image.name_full for image in bpy.data.images}
    scene = bpy.data.scenes.new("Tempose video")
    try:
        render, made = scene.render, work / "video.mp4"
        render.resolution_x, render.resolution_y, render.resolution_percentage = *size, 100
        render.fps, render.fps_base = compat.rate_parts(rate)
        scene.frame_start, scene.frame_end = 1, count
        strip = scene.sequence_editor_create().strips.new_image("poses", str(folder / "000001.png"), 1, 1)
        for t in range(2, count + 1):
            strip.elements.append(f"{t:06d}.png")
        render.use_sequencer, render.use_compositing, render.use_file_extension = True, False, False
        compat.video_output(render)
        scene.view_settings.view_transform = "Standard"
        render.filepath = str(made)
        bpy.ops.render.render(animation=True, scene=scene.name)
        if not made.is_file() or made.stat().st_size == 0:
            raise Problem(
                "video_failed", "This Blender could not make the video. Write PNG pictures instead."
            )
        try:
            shutil.move(made, path)
        except OSError as error:
            raise Problem(
                "file_unwritable",
                f"{path.name} cannot be written: {error.strerror or error}. Choose another place.",
            ) from None
    finally:
        bpy.data.scenes.remove(scene)
        for image in [image for image in bpy.data.images if image.name_full not in images]:
            bpy.data.images.remove(image)  # the render result, where there was none
        shutil.rmtree(work, ignore_errors=True)


def to_take(context, ob, poses: Poses, name: str, frame: float):
    """Poses from a file as a take that begins at a frame; the model is not asked."""
    settings, scene = context.scene.tempose, context.scene

    def completed(points, scores):
        return reference.complete(points, scores, poses.canvas).keypoints

    points, scores = whole(poses, completed)
    dance = DanceData(
        (points / np.asarray(poses.canvas, float)).astype(np.float32),
        scores.astype(np.float32),
        poses.fps,
        poses.canvas,
        list(poses.beats),
        list(poses.downbeats),
        [],
        poses.seed,
        poses.revision,
        _shares(poses),
    )
    seconds = len(points) / poses.fps
    data = Take(
        dance, [[0.0, 0.0], [seconds, seconds]], 0.0, seconds, "", {"left": float(frame), "imported": name}
    )
    take = stage.add(settings, ob, data, Span(float(frame), seconds, compat.rate_of(scene)))
    return take


def _shares(poses: Poses) -> np.ndarray | None:
    """Hands and feet as a dance has them, without gaps in time."""
    if poses.more is None:
        return None
    points, scores = bridged(poses.more[..., :2], poses.more[..., 2])
    shares = points / np.asarray(poses.canvas, float)
    return np.concatenate([shares, scores[..., None]], 2).astype(np.float32)


def rate_of(scene) -> float:
    """Frames per second to write."""
    return scene.tempose.output.rate or compat.rate_of(scene)


def poses_of(context, ob, progress=None) -> Poses:
    """What the settings ask for."""
    scene = context.scene
    choice = scene.tempose.output
    if choice.source == "TAKE":
        take = stage.active(scene.tempose)
        if take is None:
            raise Problem("no_take", "There is no take: generate one, or write the character.")
        return from_take(scene, take, rate_of(scene))
    return from_rig(scene, ob, rate_of(scene), choice.view == "CAMERA", progress)


def reason(context, ob) -> str:
    """Why nothing can be written, or nothing."""
    if context.scene.tempose.output.source == "TAKE":
        return "" if stage.active(context.scene.tempose) is not None else "There is no take; generate one"
    return "" if ob is not None else dancing.rig_reason(context)
