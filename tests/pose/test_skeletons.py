"""Skeletons as data: order, sides and parts of the body come from names and parents alone."""

import pytest

from tempose_pose.skeletons import GROUPS, LAYOUTS, OPENPOSE_18, mirror


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_parts_of_the_body_are_all_joints_and_the_mirror_image_changes_their_sides(layout):
    assert tuple(layout.groups) == GROUPS
    assert sorted(j for joints in layout.groups.values() for j in joints) == sorted(layout.joints)
    for part, joints in layout.groups.items():
        assert {mirror(joint) for joint in joints} == set(layout.groups[mirror(part)])
        assert layout.joints_of([part]) == list(joints)


def test_the_parts_of_openposes_body():
    assert OPENPOSE_18.groups == {
        "left_arm": ("left_elbow", "left_wrist"),
        "right_arm": ("right_elbow", "right_wrist"),
        "left_leg": ("left_hip", "left_knee", "left_ankle"),
        "right_leg": ("right_hip", "right_knee", "right_ankle"),
        "head": ("nose", "right_eye", "left_eye", "right_ear", "left_ear"),
        "trunk": ("neck", "right_shoulder", "left_shoulder"),
    }


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_each_joint_comes_after_what_it_hangs_on(layout):
    place = {joint: k for k, joint in enumerate(layout.outwards)}
    assert sorted(place) == list(range(len(layout)))
    for joint, name in enumerate(layout.joints):
        parent = layout.parent_of(name)
        assert parent is None or place[layout.index(parent)] < place[joint]


def test_an_unknown_joint_is_named():
    with pytest.raises(ValueError, match="openpose18 has no joint 'tail'"):
        OPENPOSE_18.index("tail")
