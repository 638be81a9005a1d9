"""Small files of each kind that can be imported, written on the spot."""

import json
import pickle

import numpy as np

from tempose_pose.sequence import convert
from tempose_pose.skeletons import COCO_17
from tempose_pose.standing import standing_pose

J = COCO_17.at
AIST = "gKR_sBM_cAll_d28_mKR2_ch01"
RIG = {  # name → parent, offset in centimetres, of a figure that stands with its arms down, facing +z
    "Hips": (None, (0, 95, 0)), "Spine": ("Hips", (0, 20, 0)), "Neck": ("Spine", (0, 30, 0)),
    "Head": ("Neck", (0, 10, 0)),
    **{f"{side}{bone}": (parent.format(s=side), offset) for side, sign in (("Left", 1), ("Right", -1))
       for bone, parent, offset in (
        ("UpLeg", "Hips", (9 * sign, 0, 0)), ("Leg", "{s}UpLeg", (0, -42, 0)), ("Foot", "{s}Leg", (0, -42, 0)),
        ("Shoulder", "Spine", (5 * sign, 28, 0)), ("Arm", "{s}Shoulder", (12 * sign, 0, 0)),
        ("ForeArm", "{s}Arm", (2 * sign, -28, 0)), ("Hand", "{s}ForeArm", (2 * sign, -25, 0)),
    )},
}  # fmt: skip


def dancer_2d(frames=300, fps=30.0, canvas=(640, 480)):
    """(T, 17, 3) pixels and confidence of a figure that swings its arms at 100 BPM."""
    pose = convert(standing_pose(canvas=canvas), COCO_17).pixels[0]
    points = np.repeat(pose[None], frames, 0).astype(float)
    swing = 30 * np.sin(2 * np.pi * np.arange(frames) / fps * 100 / 60)
    for joint in ("left_wrist", "right_wrist"):
        points[:, J[joint], 0] += swing
    return np.concatenate([points, np.ones((frames, 17, 1))], -1)


def dancer_3d(frames=300):
    points = dancer_2d(frames)
    solid = np.stack([points[..., 0] - 320, 480 - points[..., 1], np.zeros(points.shape[:2])], -1) / 3
    return solid  # centimetres


def write_aist(source):
    """A folder as AIST++ is laid out, with one sequence and three cameras; the folder again."""
    for kind, data in (
        ("keypoints3d", {"keypoints3d_optim": dancer_3d(600)}),
        ("keypoints2d", {"keypoints2d": np.stack([dancer_2d(600)] * 3), "det_scores": np.ones((3, 600))}),
    ):
        (source / kind).mkdir(parents=True)
        (source / kind / f"{AIST}.pkl").write_bytes(pickle.dumps(data))
    (source / "cameras").mkdir()
    (source / "cameras" / "mapping.txt").write_text(f"{AIST} setting1\n")
    (source / "cameras" / "setting1.json").write_text(json.dumps([{"name": "c01", "size": [640, 480]}]))
    return source


def write_bvh(path, frames=130, frame_time=1 / 60, turn=30.0, fling=0, rig=RIG, z_up=False):
    """The rig turned by `turn` degrees about the vertical, swinging its left arm; `fling` frames far off first."""

    def block(name, depth):
        parent, offset = rig[name]
        x, y, z = offset if not z_up else (offset[0], -offset[2], offset[1])
        pad = "\t" * depth
        channels = "Zrotation Xrotation Yrotation"
        channels = f"6 Xposition Yposition Zposition {channels}" if parent is None else f"3 {channels}"
        kids = [child for child, (p, _) in rig.items() if p == name]
        inner = "".join(block(k, depth + 1) for k in kids)
        inner = inner or f"{pad}\tEnd Site\n{pad}\t{{\n{pad}\t\tOFFSET 0 0 5\n{pad}\t}}\n"
        word = "ROOT" if parent is None else "JOINT"
        head = f"{pad}{word} {name}\n{pad}{{\n{pad}\tOFFSET {x} {y} {z}\n{pad}\tCHANNELS {channels}\n"
        return f"{head}{inner}{pad}}}\n"

    order = []

    def walk(name):
        order.append(name)
        for child, (p, _) in rig.items():
            if p == name:
                walk(child)

    walk("Hips")
    rows = []
    for f in range(frames):
        row = []
        for name in order:
            if name == "Hips":
                place = (0, 95 + 400 * (f < fling), 0)
                row += [place[0], -place[2], place[1]] if z_up else place
                row += [turn, 0, 0] if z_up else [0, 0, turn]
            else:
                swing = 20 * np.sin(f / 10) if name == "LeftArm" else 0
                row += [0, 0, swing] if z_up else [swing, 0, 0]
        rows.append(" ".join(f"{v:.5f}" for v in row))
    text = "HIERARCHY\n" + block("Hips", 0) + f"MOTION\nFrames: {frames}\nFrame Time: {frame_time:.6f}\n"
    path.write_text(text + "\n".join(rows) + "\n")
    return path


def write_coco(path, points, fps=30, canvas=(640, 480)):
    images = [{"id": i, "width": canvas[0], "height": canvas[1]} for i in range(len(points))]
    rows = [{"image_id": i, "keypoints": p.ravel().tolist()} for i, p in enumerate(points)]
    path.write_text(json.dumps({"info": {"fps": fps}, "images": images, "annotations": rows}))
