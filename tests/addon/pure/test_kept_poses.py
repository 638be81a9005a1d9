import base64
import json

import numpy as np
import pytest
from addon.model.dance import kept_poses
from addon.model.dance.dance import DanceData
from addon.model.errors import Problem
from hypothesis import given, settings
from hypothesis import strategies as st

from tempose_pose.skeletons import OPENPOSE_18

ARMS = ("right_elbow", "right_wrist", "left_elbow", "left_wrist")


def dance(frames=90, fps=30.0, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.random((frames, 18, 2)).cumsum(0).astype(np.float32) / frames
    return DanceData(points, np.ones((frames, 18), np.float32), fps, (1000, 1000), [], [], [], 1, "test")


def test_what_is_danced_again_is_let_go_and_nothing_else():
    kept = kept_poses.again(kept_poses.all_of(dance()), [(1.0, 2.0)])
    assert kept.mask[:30].all() and not kept.mask[30:60].any() and kept.mask[60:].all()
    assert kept.spans == [(1.0, 2.0)] and kept.seconds == 1.0


def test_joints_can_be_danced_again_alone_and_key_poses_kept_in_between():
    kept = kept_poses.again(kept_poses.all_of(dance()), [(1.0, 2.0)], ARMS)
    assert kept.mask[45, OPENPOSE_18.index("nose")] and not kept.mask[45, OPENPOSE_18.index("left_wrist")]
    assert kept_poses.keep(kept, [1.5]).mask[45].all()
    assert not kept_poses.keep(kept, [1.5]).mask[46].all()


def test_a_joint_that_does_not_exist_is_refused():
    with pytest.raises(Problem, match="tail"):
        kept_poses.again(kept_poses.all_of(dance()), [(0, 1)], ["tail"])


def test_a_longer_dance_is_danced_on_and_a_shorter_one_cut():
    longer = kept_poses.all_of(dance(), 120)
    assert longer.spans == [(3.0, 4.0)]
    assert kept_poses.all_of(dance(), 60).is_everything


def server_mask(body, frames):
    """What the server makes of a body, by its own code."""
    pytest.importorskip("tempose_server")
    from tempose_server.schemas import JobRequest, read, to_dance_request

    pose = {"keypoints": [[0.5, i / 20] for i in range(18)], "scores": [1.0] * 18, "canvas": [1000, 1000]}
    request = {"audio": "0" * 64, "seconds": frames / 30, "reference": pose, "known": body}
    return to_dance_request(read(JobRequest, json.loads(json.dumps(request)))).known


spans = st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3)).map(sorted), max_size=4)


@settings(max_examples=40, deadline=None)
@given(spans, spans, st.lists(st.floats(0, 3), max_size=3))
def test_the_server_reads_exactly_what_was_meant(all_again, arms_again, poses):
    kept = kept_poses.again(kept_poses.all_of(dance()), all_again)
    kept = kept_poses.keep(kept_poses.again(kept, arms_again, ARMS), poses)
    body = kept_poses.to_body(kept)
    if body is None:
        assert not kept.mask.any()
        return
    heard = server_mask(body, 90)
    assert np.array_equal(heard.mask, kept.mask)
    assert np.array_equal(heard.poses.keypoints[kept.mask], kept.keypoints[kept.mask])
    assert np.array_equal(heard.poses.scores[kept.mask], kept.scores[kept.mask])


def test_nothing_kept_is_nothing_said_and_what_is_let_go_is_not_sent():
    kept = kept_poses.all_of(dance())
    assert kept_poses.to_body(kept_poses.again(kept, [(0, 3)])) is None
    body = kept_poses.to_body(kept_poses.again(kept, [(1.0, 2.0)]))
    sent = np.frombuffer(base64.b64decode(body["keypoints"]), "<f4").reshape(-1, 18, 2)
    assert (sent[30:60] == 0).all() and np.array_equal(sent[:30], kept.keypoints[:30])


def test_merging_keeps_bit_for_bit_whatever_the_server_sends():
    kept, other = kept_poses.again(kept_poses.all_of(dance()), [(1.0, 2.0)], ARMS), dance(seed=5)
    merged = kept_poses.merge(kept, other)
    assert np.array_equal(merged.keypoints[kept.mask], kept.keypoints[kept.mask])
    assert np.array_equal(merged.keypoints[~kept.mask], other.keypoints[~kept.mask])
    assert merged.keypoints.dtype == np.float32
    with pytest.raises(Problem, match="another length"):
        kept_poses.merge(kept, dance(80))


def test_stretches_that_moved_by_whole_frames_are_bit_identical():
    old = dance()
    kept = kept_poses.moved(old, 120, [(0.0, 1.0, 0.0), (2.5, 4.0, 1.0)])
    assert np.array_equal(kept.keypoints[:30], old.keypoints[:30])
    assert np.array_equal(kept.keypoints[75:120], old.keypoints[45:90])
    assert kept.spans == [(1.0, 2.5)]


def test_stretches_between_frames_are_read_between_frames_and_end_with_the_dance():
    old = dance()
    kept = kept_poses.moved(old, 120, [(1.0, 4.0, 0.55 / 30)])
    assert kept.mask[30:90].all() and not kept.mask[92:].any()
    low, high = old.keypoints[39], old.keypoints[40]
    assert (np.abs(kept.keypoints[40] - (low + high) / 2) < np.abs(high - low).max()).all()
    assert not np.array_equal(kept.keypoints[40], old.keypoints[40])
