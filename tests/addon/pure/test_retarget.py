import json

import armatures
import numpy as np
import pytest
from addon.model.character import bone_names, rotations
from addon.model.character.joints import joints_at_rest, joints_of, spots, with_mid_hip
from addon.model.character.mapping import JOINTS, PARTS, TEMPOSE_RIG, BoneMap, from_json, to_json, unmapped
from addon.model.character.plane import FRONT, Placement, best_fit
from addon.model.character.posing import Options
from addon.model.character.retarget import solve
from addon.model.character.shape import by_shape
from addon.model.errors import Problem
from hypothesis import given, settings
from hypothesis import strategies as st

from tempose_pose.reference import Reference
from tempose_pose.skeletons import OPENPOSE_18

PLACE = Placement((1000, 1000), 0.0025, (500, 900))
SHORT = Options(shortest=0.02, longest=8.0)


def plane(pixels, scores=None):
    return with_mid_hip(PLACE.to_plane(pixels), np.ones(pixels.shape[:2]) if scores is None else scores)


def own_rig():
    points, _ = plane(Reference.standing().points[None])
    return armatures.own(dict(zip(JOINTS, points[0], strict=True)))


def dance(seed, size=60.0, frames=20):
    rng = np.random.default_rng(seed)
    phase, t = rng.uniform(0, 6, (1, 18, 2)), np.linspace(0, 4, frames)[:, None, None]
    return Reference.standing().points + size * np.sin(t * rng.uniform(0.5, 3, (1, 18, 2)) + phase)


def waving(bones, bone_map, lies, seed, size=0.05, frames=25):
    """Keypoints about a figure's rest pose; and how many pixels a unit is when it stands 720 pixels tall."""
    at = joints_at_rest(bones, bone_map, lies)
    height = max(p[1] for p in at.values()) - min(p[1] for p in at.values())
    rng, t = np.random.default_rng(seed), np.linspace(0, 4, frames)[:, None]
    points, scores = np.zeros((frames, 18, 2)), np.zeros((frames, 18))
    for i, joint in enumerate(OPENPOSE_18.joints):
        if joint in at:
            wave = np.sin(t * rng.uniform(0.5, 3, 2) + rng.uniform(0, 6, 2))
            points[:, i], scores[:, i] = at[joint] + size * height * wave, 1.0
    return *with_mid_hip(points, scores), 720 / height


def where(bones, bone_map, lies, solution, frames):
    """The figure's joints, posed by the channels alone."""
    placed = armatures.posed(bones, solution.channels, frames)
    return joints_of(spots(bones, bone_map), placed, lies)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.floats(0, 40))
def test_the_rigs_joints_land_on_the_keypoints(seed, size):
    bones, bone_map = own_rig()
    points, scores = plane(dance(seed, size))
    solution = solve(points, scores, bones, bone_map, FRONT, SHORT)
    at = where(bones, bone_map, FRONT, solution, len(points))
    for joint in ("neck", "left_wrist", "right_elbow", "left_ankle", "right_knee", "left_hip"):
        assert np.abs(at[joint] - points[:, JOINTS.index(joint)]).max() < 1e-9


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000))
def test_any_armature_puts_its_joints_on_the_keypoints(seed):
    """Any plane, roll, rotation mode, size and way of inheriting; a bone between; less than half a pixel off."""
    bones, bone_map, lies = armatures.foreign(seed)
    points, scores, pixels = waving(bones, bone_map, lies, seed)
    at = where(bones, bone_map, lies, solve(points, scores, bones, bone_map, lies, SHORT), len(points))
    for joint in OPENPOSE_18.joints:
        if joint in at and joint != "nose":  # a neck of a few pixels may reach its limits
            assert np.abs(at[joint] - points[:, JOINTS.index(joint)]).max() * pixels < 0.5, joint


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_what_the_solution_says_is_what_its_channels_do(seed):
    bones, bone_map, lies = armatures.foreign(seed)
    points, scores, pixels = waving(bones, bone_map, lies, seed)
    solution = solve(points, scores, bones, bone_map, lies, Options(stretch=False))
    at = where(bones, bone_map, lies, solution, len(points))
    for joint, said in solution.joints.items():
        assert np.abs(at[joint] - said).max() * pixels < 1e-3
    assert not [c for c in solution.channels if c.property == "scale"]


def test_the_reference_itself_gives_a_rig_at_rest():
    bones, bone_map = own_rig()
    points, scores = plane(Reference.standing().points[None])
    for options in (Options(), Options(stretch=False)):
        for channel in solve(points, scores, bones, bone_map, FRONT, options).channels:
            assert np.abs(channel.values - (channel.property == "scale")).max() < 1e-9


def test_rigid_mode_keeps_the_feet_on_the_ground_and_bends_the_knees():
    bones, bone_map = own_rig()
    pixels = np.repeat(Reference.standing().points[None], 20, 0)
    knees = [OPENPOSE_18.index(f"{s}_knee") for s in ("left", "right")]
    hips_up = [i for i, j in enumerate(OPENPOSE_18.joints) if "knee" not in j and "ankle" not in j]
    dip = 40 * np.sin(np.linspace(0, np.pi, 20))[:, None]
    pixels[:, hips_up, 1] += (
        dip  # the hips sink, the knees come towards the viewer: legs get shorter in the picture
    )
    pixels[:, knees, 1] += dip / 2
    points, scores = plane(pixels)
    solution = solve(points, scores, bones, bone_map, FRONT, Options(stretch=False))
    at = where(bones, bone_map, FRONT, solution, 20)
    for joint in ("left_ankle", "right_ankle"):
        assert np.abs(at[joint] - points[:, JOINTS.index(joint)])[:, 1].max() < 1e-9
    assert np.abs(at["mid_hip"] - points[:, JOINTS.index("mid_hip")]).max() < 1e-9
    assert np.abs(at["left_knee"][10] - at["left_knee"][0])[0] > 0.1


def test_a_full_turn_never_makes_an_angle_jump():
    frames = 90
    pixels = np.repeat(Reference.standing().points[None], frames, 0)
    elbow, wrist = (OPENPOSE_18.index(j) for j in ("left_elbow", "left_wrist"))
    turn = np.linspace(0, 6 * np.pi, frames)
    pixels[:, wrist] = pixels[:, elbow] + 100 * np.stack([np.cos(turn), np.sin(turn)], 1)
    bones, bone_map = own_rig()
    angles = solve(*plane(pixels), bones, bone_map, FRONT).of("forearm.L", "rotation_euler", 2)
    assert angles is not None
    assert np.abs(np.diff(angles)).max() < 0.5
    assert abs(angles[-1] - angles[0]) > 5 * np.pi


def test_a_joint_that_vanishes_for_a_while_is_bridged():
    pixels = np.repeat(Reference.standing().points[None], 30, 0)
    scores = np.ones((30, 18))
    wrist = OPENPOSE_18.index("right_wrist")
    pixels[10:20, wrist], scores[10:20, wrist] = 1e6, 0
    bones, bone_map = own_rig()
    solution = solve(*plane(pixels, scores), bones, bone_map, FRONT)
    assert np.abs(solution.of("forearm.R", "rotation_euler", 2)).max() < 1e-9
    assert np.abs(solution.of("forearm.R", "scale", 1) - 1).max() < 1e-9


def test_a_joint_that_is_never_there_rests():
    pixels, scores = dance(3), np.ones((20, 18))
    for joint in ("left_knee", "left_ankle"):
        pixels[:, OPENPOSE_18.index(joint)], scores[:, OPENPOSE_18.index(joint)] = 7e5, 0
    bones, bone_map = own_rig()
    solution = solve(*plane(pixels, scores), bones, bone_map, FRONT)
    turned = [c for c in solution.channels if c.bone in ("thigh.L", "shin.L") and c.property != "location"]
    assert not turned


def test_a_bone_stays_within_the_limits_that_the_artist_sets():
    bones, bone_map = own_rig()
    points, scores = plane(dance(1, size=150))
    solution = solve(points, scores, bones, bone_map, FRONT, Options(shortest=0.8, longest=1.2))
    sizes = np.stack([c.values for c in solution.channels if c.property == "scale"])
    assert sizes.min() == pytest.approx(0.8) and sizes.max() == pytest.approx(1.2)


def test_a_limb_that_swings_through_the_viewers_direction_stays_on_its_joints():
    frames = 121
    pixels = np.repeat(Reference.standing().points[None], frames, 0)
    elbow, wrist = (OPENPOSE_18.index(j) for j in ("left_elbow", "left_wrist"))
    length = np.linalg.norm(pixels[0, wrist] - pixels[0, elbow])
    pixels[:, wrist] = pixels[:, elbow] + np.stack(
        [length * np.linspace(-1, 1, frames), np.full(frames, 1.0)], 1
    )
    left, right = (OPENPOSE_18.index(f"{side}_hip") for side in ("left", "right"))
    middle = (pixels[:, left] + pixels[:, right]) / 2
    half = np.linspace(1, 0.02, frames)[:, None] * (pixels[:, left] - middle)  # the dancer turns to the side
    pixels[:, left], pixels[:, right] = middle + half, middle - half
    points, scores = plane(pixels)
    bones, bone_map = own_rig()
    joints = where(bones, bone_map, FRONT, solve(points, scores, bones, bone_map, FRONT), frames)
    size = np.ptp(points[0], axis=0).max()
    for joint in ("left_wrist", "left_ankle", "right_knee"):
        off = np.linalg.norm(joints[joint] - points[:, JOINTS.index(joint)], axis=-1)
        assert off.max() < 0.001 * size


def test_locked_and_held_bones_are_left_alone_and_named():
    bones, bone_map, lies = armatures.foreign(7, plain=True)
    locked = {"ulna.L": "rotation", "tibia.R": "scale"}
    for name, kind in locked.items():
        axes = frozenset((kind, i) for i in range(4))
        bones[name] = armatures.Bone(**{**vars(bones[name]), "locked": axes})
    bones["femur.L"] = armatures.Bone(**{**vars(bones["femur.L"]), "held": "moved by a driver"})
    points, scores, _ = waving(bones, bone_map, lies, 1)
    solution = solve(points, scores, bones, bone_map, lies, SHORT)
    keyed = {(c.bone, c.property.partition("_")[0]) for c in solution.channels}
    assert not keyed & {(b, k) for b, k in locked.items()}
    assert not [b for b, _ in keyed if b == "femur.L"]
    said = " ".join(solution.notices)
    assert all(name in said for name in ("ulna.L", "tibia.R", "femur.L is moved by a driver"))


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(armatures.MODES), st.integers(0, 1000))
def test_a_turn_reads_the_same_in_every_rotation_mode(mode, seed):
    axis = np.random.default_rng(seed).normal(size=3)
    axis /= np.linalg.norm(axis)
    angle = np.linspace(-7, 7, 60)
    prop, values = rotations.channels(mode, axis, angle)
    found = armatures.rotation(mode, {(prop, i): v for i, v in values.items()}, 60)
    assert np.abs(found - rotations.matrix(axis, angle)).max() < 1e-7


@pytest.mark.parametrize("mode", armatures.MODES)
def test_a_turn_about_a_bones_own_axis_is_one_curve_that_goes_round(mode):
    prop, values = rotations.channels(mode, (0, 0, -1.0), np.linspace(0, 9, 10))
    if prop == "rotation_euler":
        assert list(values) == [2]
        assert values[2][-1] == -9


def test_the_plane_of_a_figure_is_found():
    rng = np.random.default_rng(0)
    for seed in range(20):
        bones, _, lies = armatures.foreign(seed)
        ends = [p for b in bones.values() for p in (b.head, b.tail)]
        off = 0.002 * np.ptp(ends) * rng.normal(size=(len(ends), 3))
        left = bones["humerus.L"].head - bones["humerus.R"].head
        found = best_fit(np.array(ends) + off, bones["nape"].head - bones["pelvis"].head, left)
        assert found.normal @ lies.normal > 0.999
        assert found.up @ lies.up > np.cos(np.radians(21))  # an axis of the armature, where one is near
    flat = best_fit([(0, 0, 0), (0.1, 0.001, 1.0), (1, 0, 0.5)], (0.2, 0, 1.0), (1, 0, 0))
    assert np.allclose(flat.axes, FRONT.axes)  # it leans, but stands in XZ


@pytest.mark.parametrize("seed", range(10))
def test_parts_are_found_by_shape_alone(seed):
    bones, bone_map, lies = armatures.foreign(seed)
    ends = {n: (lies.flat(b.head), lies.flat(b.tail)) for n, b in bones.items() if n != "all"}
    parents = {n: b.parent if b.parent != "all" else None for n, b in bones.items() if n != "all"}
    found = by_shape(ends, parents).bones
    assert not BoneMap(found).missing
    for part in ("root", "spine", "neck", "head", "thigh.L", "thigh.R", "shin.L", "upper_arm.R", "forearm.L"):
        assert found[part] == bone_map.bones[part], part


def test_our_own_rig_is_found_by_shape_too():
    bones, bone_map = own_rig()
    ends = {n: (FRONT.flat(b.head), FRONT.flat(b.tail)) for n, b in bones.items()}
    found = by_shape(ends, {n: b.parent for n, b in bones.items()}).bones
    for part in ("root", "spine", "upper_arm.L", "forearm.R", "thigh.L", "shin.R"):
        assert found[part] == bone_map.bones[part], part


@pytest.mark.parametrize(
    "ends", [{}, {"a": ((0, 0), (0, 0))}, {"a": ((0, 0), (0, 1)), "b": ((0, 1), (1, 2))}]
)
def test_what_is_no_figure_has_no_shape(ends):
    assert by_shape(ends, dict.fromkeys(ends)).bones == {}


@pytest.mark.parametrize(
    ("names", "part", "bone"),
    [
        (["Upper Arm L", "Fore Arm L"], "upper_arm.L", "Upper Arm L"),
        (["left_arm", "left_forearm"], "forearm.L", "left_forearm"),
        (["LeftUpLeg", "LeftLeg"], "shin.L", "LeftLeg"),
        (["leg.R", "calf.R"], "thigh.R", "leg.R"),
        (["hero:RightShoulder"], "shoulder.R", "hero:RightShoulder"),
        (["Bip01 R Thigh", "Bip01 R Calf"], "shin.R", "Bip01 R Calf"),
        (["lefthand", "righthand"], "hand.R", "righthand"),
        (["torso"], "root", "torso"),
    ],
)
def test_plain_names_are_understood(names, part, bone):
    assert bone_names.by_words(names).bones[part] == bone


def test_ready_made_maps_are_sound():
    for key, (name, bone_map) in bone_names.presets().items():
        assert name and not bone_map.missing, key
        assert not bone_map.twice, key
    assert set(bone_names.presets()["tempose"][1].bones) >= {link.name for link in TEMPOSE_RIG}


def test_a_map_comes_back_from_its_file():
    bone_map = BoneMap({"root": "Hüfte", "spine": 'a "quoted" bone'}, 0.7)
    assert from_json(to_json(bone_map, "x")) == (bone_map, "x")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "[" * 100_000, '{"form": "tempose-bone-map-1", "bones": {"wing": "a"}}',
     json.dumps({"form": "tempose-bone-map-1", "bones": {"root": 3}}),
     json.dumps({"form": "tempose-bone-map-1", "bones": {"root": "a"}, "nose": "NaN"})],
)  # fmt: skip
def test_other_files_are_no_maps(text):
    with pytest.raises(Problem, match="not a bone map"):
        from_json(text)


def test_every_part_has_a_name_of_its_own():
    from addon.model.character.mapping import label

    assert len({label(part) for part in PARTS}) == len(PARTS)
    assert "left forearm" in unmapped(BoneMap({"root": "a"}))


def test_a_point_of_the_picture_comes_back_from_the_plane():
    pixels = np.array([[0.0, 0.0], [1000.0, 900.0]])
    assert np.allclose(PLACE.to_pixels(PLACE.to_plane(pixels)), pixels)
    assert PLACE.to_plane([500, 800])[1] > 0  # up in the picture is up in the rig
