import numpy as np
from addon import reference
from addon.mapping import JOINTS, TEMPOSE_RIG
from addon.retarget import LONGEST, SHORTEST, Placement, Rest, pose, solve, with_mid_hip
from addon.skeleton import OPENPOSE_18
from hypothesis import given, settings
from hypothesis import strategies as st

PLACE = Placement((1000, 1000), 0.0025, (500, 900))


def plane(pixels, scores=None):
    return with_mid_hip(PLACE.to_plane(pixels), np.ones(pixels.shape[:2]) if scores is None else scores)


def rest_of(reference_pose):
    points, _ = plane(reference_pose.keypoints[None])
    at = dict(zip(JOINTS, points[0], strict=True))
    return {
        b.name: Rest(tuple(at[b.head]), tuple(at[b.tail] if b.tail else at[b.head] + (0, 0.1)))
        for b in TEMPOSE_RIG
    }


def dance(seed, size=60.0, frames=20):
    rng = np.random.default_rng(seed)
    phase, t = rng.uniform(0, 6, (1, 18, 2)), np.linspace(0, 4, frames)[:, None, None]
    return reference.standing().keypoints + size * np.sin(t * rng.uniform(0.5, 3, (1, 18, 2)) + phase)


@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(0, 60))
def test_the_rigs_joints_land_on_the_keypoints(seed, size):
    rest = rest_of(reference.standing())
    points, scores = plane(dance(seed, size))
    ends = pose(solve(points, scores, rest, TEMPOSE_RIG), rest, TEMPOSE_RIG)
    free = {"root": np.ones(len(points), bool)}  # frames in which no bone up to the root is at its limits
    for link in TEMPOSE_RIG[1:]:
        wanted = points[:, JOINTS.index(link.tail)]
        length = np.hypot(*(wanted - points[:, JOINTS.index(link.head)]).T)
        share = length / np.hypot(*rest[link.name].vector)
        free[link.name] = free[link.parent] & (share > SHORTEST) & (share < LONGEST)
        assert np.abs(ends[link.name] - wanted)[free[link.name]].max(initial=0) < 1e-9
    assert free["thigh.L"].mean() > 0.5


def test_the_reference_itself_gives_a_rig_at_rest():
    rest = rest_of(reference.standing())
    points, scores = plane(reference.standing().keypoints[None])
    for channel in solve(points, scores, rest, TEMPOSE_RIG).values():
        assert channel.rotation is None or np.abs(channel.rotation).max() < 1e-9
        assert channel.length is None or np.abs(channel.length - 1).max() < 1e-9
        assert channel.location is None or np.abs(channel.location).max() < 1e-9


def test_a_full_turn_never_makes_an_angle_jump():
    frames = 90
    pixels = np.repeat(reference.standing().keypoints[None], frames, 0)
    elbow, wrist = (OPENPOSE_18.index(j) for j in ("left_elbow", "left_wrist"))
    turn = np.linspace(0, 6 * np.pi, frames)
    pixels[:, wrist] = pixels[:, elbow] + 100 * np.stack([np.cos(turn), np.sin(turn)], 1)
    points, scores = plane(pixels)
    angles = solve(points, scores, rest_of(reference.standing()), TEMPOSE_RIG)["forearm.L"].rotation
    assert np.abs(np.diff(angles)).max() < 0.5
    assert abs(angles[-1] - angles[0]) > 5 * np.pi


def test_a_joint_that_vanishes_for_a_while_is_bridged():
    pixels = np.repeat(reference.standing().keypoints[None], 30, 0)
    scores = np.ones((30, 18))
    wrist = OPENPOSE_18.index("right_wrist")
    pixels[10:20, wrist], scores[10:20, wrist] = 1e6, 0
    channel = solve(*plane(pixels, scores), rest_of(reference.standing()), TEMPOSE_RIG)["forearm.R"]
    assert np.abs(channel.rotation).max() < 1e-9
    assert np.abs(channel.length - 1).max() < 1e-9


def test_a_joint_that_is_never_there_rests():
    pixels, scores = dance(3), np.ones((20, 18))
    for joint in ("left_knee", "left_ankle"):
        pixels[:, OPENPOSE_18.index(joint)], scores[:, OPENPOSE_18.index(joint)] = 7e5, 0
    channels = solve(*plane(pixels, scores), rest_of(reference.standing()), TEMPOSE_RIG)
    for bone in ("thigh.L", "shin.L"):
        assert (channels[bone].rotation == 0).all()
        assert (channels[bone].length == 1).all()


def test_rigid_mode_sets_no_lengths():
    channels = solve(*plane(dance(1)), rest_of(reference.standing()), TEMPOSE_RIG, stretch=False)
    assert all(channel.length is None for channel in channels.values())


def test_a_rig_without_some_bones_still_turns_the_rest_rightly():
    rest = rest_of(reference.standing())
    del rest["shoulder.L"]
    points, scores = plane(dance(5))
    channels = solve(points, scores, rest, TEMPOSE_RIG)
    full = solve(points, scores, rest_of(reference.standing()), TEMPOSE_RIG)
    world = channels["spine"].rotation + channels["upper_arm.L"].rotation
    wanted = sum(full[b].rotation for b in ("spine", "shoulder.L", "upper_arm.L"))
    assert np.allclose(np.cos(world), np.cos(wanted))


def test_a_point_of_the_picture_comes_back_from_the_plane():
    pixels = np.array([[0.0, 0.0], [1000.0, 900.0]])
    assert np.allclose(PLACE.to_pixels(PLACE.to_plane(pixels)), pixels)
    assert PLACE.to_plane([500, 800])[1] > 0  # up in the picture is up in the rig
