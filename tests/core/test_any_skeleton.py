"""The model says what it dances on: no joint is named here."""

from dataclasses import replace

import numpy as np
import pytest
from toy_model import toy

from tempose.generator import load_generator
from tempose.music.audio import Song
from tempose_pose.grid import BeatGrid
from tempose_pose.request import DanceRequest, Known
from tempose_pose.skeletons import LAYOUTS
from tempose_pose.standing import standing_pose

GRID = BeatGrid(np.arange(0, 12, 0.5), np.arange(0, 12, 2.0))
REQUEST = DanceRequest(standing_pose(), 9.0, grid=GRID, steps=2, seed=3, repeat=0, listen=0)


@pytest.mark.parametrize("name", ["halpe26", "openpose18_hands"])
def test_a_model_on_any_skeleton_dances_keeps_what_is_known_and_is_loaded_with_its_skeleton(name, tmp_path):
    bones = LAYOUTS[name]
    toy(name).save_pretrained(tmp_path)
    dancer = load_generator(tmp_path, "cpu")
    assert dancer.skeleton is bones
    song, segments = Song(np.zeros(10 * 22_050, np.float32)), []
    dance = dancer(song, REQUEST, on_segment=lambda start, points, scores: segments.append(points.shape[1:]))
    poses = dance.poses
    assert poses.skeleton is bones and poses.keypoints.shape == (270, len(bones), 2)
    assert set(segments) == {(len(bones), 2)}
    assert np.ptp(poses.keypoints, axis=0).max(1).min() > 0  # each joint moves

    group = next(group for group, joints in bones.groups.items() if len(joints) > 2)
    mask = np.zeros(poses.scores.shape, bool)
    mask[40:90, bones.indices(*bones.groups[group])] = True
    again = dancer(song, replace(REQUEST, seed=4, known=Known(poses, mask))).poses
    assert np.array_equal(again.keypoints[mask], poses.keypoints[mask])
    assert not np.array_equal(again.keypoints[~mask], poses.keypoints[~mask])

    other = LAYOUTS["openpose18"]  # known on a smaller skeleton: the rest is danced
    smaller = Known(standing_pose(fps=30.0), np.ones((1, len(other)), bool)).on(bones)
    assert smaller.mask.sum() == len(set(other.joints) & set(bones.joints))
