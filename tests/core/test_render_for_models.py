"""Poses drawn as pose-to-video models draw them: widths, colours and files by the rules of their public code."""

import av
import numpy as np
import pytest
from PIL import Image

from tempose.render.draw import draw_pose
from tempose.render.face import BROWS, CHIN, face_boxes, faces
from tempose.render.output import render
from tempose_pose.dance import Dance
from tempose_pose.drawing import MANNERS
from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import BODY_67
from tempose_pose.standing import standing_pose


def horizontal(joints, size, confidence=1.0, skeleton=BODY_67):
    """A pose with some joints of one frame, in pixels of the picture."""
    keypoints, scores = np.zeros((1, len(skeleton), 2)), np.zeros((1, len(skeleton)))
    for joint, at in joints.items():
        keypoints[0, skeleton.index(joint)] = np.divide(at, size)
        scores[0, skeleton.index(joint)] = confidence
    return PoseSequence(keypoints, scores, 30.0, skeleton, size)


def thickness(picture, x, y):
    """Half the height of what is drawn in a column around a row."""
    return (picture[:, x].astype(int).sum(-1)[y - 40 : y + 41] > 60).sum() / 2


# From the public code named in `tempose_pose.drawing`: what a shorter side of 1080 gives.
RULES = {"controlnet": 4 * 1080 / 512, "animate-anyone": 4 * 1080 / 512, "mimic-motion": 4 * 1080 / 2160,
         "wan-animate": int(1080 / 200) - 1}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_poses_are_drawn_by_the_rules_of_each_model(name):
    size, manner, half = (1920, 1080), MANNERS[name], RULES[name]
    arm = {"right_shoulder": (200, 300), "right_elbow": (600, 300), "left_ankle": (1000, 800),
           "left_big_toe": (1190, 800), "left_small_toe": (1210, 800), "left_knee": (1000, 500)}  # fmt: skip
    hand = {"left_hand": (1400, 300), "left_thumb_1": (1600, 300)}
    picture = draw_pose(horizontal(arm | hand, size), 0, size, manner=manner)
    assert thickness(picture, 400, 300) == pytest.approx(half, abs=1.0)
    limb, joint = np.array([153, 102, 0]), np.array([255, 170, 0])  # the third of OpenPose's colours
    order = slice(None, None, -1) if name == "mimic-motion" else slice(None)
    assert np.allclose(picture[300, 400], limb[order], atol=2)
    assert np.allclose(picture[300, 200], joint[order], atol=2)
    assert np.allclose(picture[300, 1400], np.array([0, 0, 255])[order], atol=2)
    knuckle = half if name != "wan-animate" else half // 2
    assert thickness(picture, 1400, 300) == pytest.approx(knuckle, abs=1.0)
    assert thickness(picture, 1500, 300) == pytest.approx(half / 4, abs=1.0)
    if name == "wan-animate":  # the 18th colour, and one of its own
        assert np.allclose(picture[800, 1100], (153, 0, 51), atol=2)
        assert np.allclose(picture[800, 1200], (200, 200, 0), atol=2)
    else:
        assert picture[800, 1060:].max() == 0
    weak = draw_pose(horizontal(arm, size, 0.4), 0, size, manner=manner)
    if name == "wan-animate":
        assert weak.max() == 0
    elif name == "mimic-motion":
        assert np.allclose(weak[300, 400], 0.16 * limb[order], atol=2)
    else:
        assert np.allclose(weak[300, 400], limb, atol=2)


def test_strokes_of_wan_animate_are_whole_pixels():
    """max(int(min(H, W) / 200) - 1, 1), and half of it for hands."""
    for size, limb in (((1280, 720), 2), ((832, 480), 1), ((320, 200), 1), ((1920, 1200), 5)):
        strokes = MANNERS["wan-animate"].strokes(size)
        assert (strokes.limb, strokes.knuckle) == (limb, max(limb // 2, 1))


def test_wan_animate_gets_its_folder(tmp_path):
    pose = standing_pose()
    poses = PoseSequence(
        np.repeat(pose.keypoints, 6, 0), np.repeat(pose.scores, 6, 0), 12.0, pose.skeleton, pose.canvas
    )
    none = np.zeros(0)
    render(
        Dance(poses, none, none, none.astype(int), 0, ""),
        tmp_path / "wan",
        manner="wan-animate",
        size=(250, 200),
    )
    shown = {}
    for name in ("src_pose.mp4", "src_face.mp4"):
        with av.open(str(tmp_path / "wan" / name)) as file:
            shown[name] = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
            assert file.streams.video[0].average_rate == 30
    poses, faces = shown.values()
    assert poses[0].shape == (192, 240, 3) and poses[0].max() > 100
    assert faces[0].shape == (512, 512, 3) and faces[0].max() <= 2
    assert len(poses) == len(faces) >= 13


def test_an_unknown_model_is_named():
    with pytest.raises(TemposeError, match="wan-animate"):
        render(None, "x.mp4", manner="sora")


# Wan-Video/Wan2.2, wan/modules/animate/preprocess/utils.py (get_face_bboxes): the box's area grows by 1.3, its
# sides alike, and three quarters of the height that it gains are above.
def test_the_box_of_a_face_grows_as_wan_animate_makes_it_grow():
    face = np.array([[[100, 110, 1], [120, 90, 1], [80, 90, 1], [146, 95, 1], [54, 95, 1]]], float)
    tilted, c = face.copy(), np.array([[0.8, 0.6], [-0.6, 0.8]])
    tilted[..., :2] = (face[..., :2] - (100, 100)) @ c + (100, 100)
    (left, top, right, bottom), none = face_boxes(face, 30.0)[0], face_boxes(np.zeros((3, 5, 3)), 30.0)
    assert none is None
    wide, tall = 146 - 54, (BROWS + CHIN) * 40  # of the face: from ear to ear, from the brows to the chin
    assert (right - left) * (bottom - top) == pytest.approx(1.3 * wide * tall)
    assert (right - left) / (bottom - top) == pytest.approx(wide / tall)
    above, below = 90 - BROWS * 40 - top, bottom - (90 + CHIN * 40)
    assert above == pytest.approx(3 * below) and (left + right) / 2 == pytest.approx(100)
    tilted[0, 3:, 2] = 0  # without ears the chin is what sticks out
    chin, turned = (0, CHIN * 40 - 10) @ c + 100, face_boxes(tilted, 30.0)[0]
    assert turned[0] < chin[0] < turned[0] + 8 and chin[1] < turned[3] < chin[1] + 8
    lost = np.concatenate([face, np.zeros_like(face), face])
    assert np.allclose(face_boxes(lost, 30.0), face_boxes(face, 30.0)), (
        "a face that is lost stays where it was"
    )


@pytest.mark.parametrize("kind", ["picture", "video"])
def test_wan_animate_gets_the_face_of_a_picture_or_a_video(tmp_path, drawn, kind):
    figure = drawn.figure("flat", 0)
    source = tmp_path / f"face.{'png' if kind == 'picture' else 'mp4'}"
    if kind == "picture":
        figure.picture.save(source)
    else:
        with av.open(str(source), "w") as file:
            stream = file.add_stream("libx264", rate=10)
            stream.width, stream.height, stream.pix_fmt = *figure.picture.size, "yuv420p"
            for _ in range(4):
                file.mux(
                    stream.encode(av.VideoFrame.from_ndarray(np.asarray(figure.picture), format="rgb24"))
                )
            file.mux(stream.encode(None))
    shown = list(faces(source, np.arange(6) / 10, 0.1, 512))
    assert len(shown) == 6 and shown[0].shape == (512, 512, 3)
    skin, shirt = (
        np.abs(shown[-1].astype(int) - tint).sum(-1) < 60 for tint in ((236, 188, 150), (52, 120, 190))
    )
    assert skin.mean() > 0.3 and shirt.mean() < 0.1
    Image.new("RGB", (64, 64), "white").save(tmp_path / "plain.png")
    with pytest.raises(TemposeError, match="shows no face"):
        list(faces(tmp_path / "plain.png", np.zeros(1), 0.0, 512))
    with pytest.raises(TemposeError, match="Wan-Animate alone"):
        render(None, "x.mp4", face=source)
