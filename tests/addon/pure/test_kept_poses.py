import base64
import json

import numpy as np
import pytest
from addon.model.dance import kept_poses
from addon.model.errors import Problem
from hypothesis import given, settings
from hypothesis import strategies as st

from tempose_pose.dance import Dance
from tempose_pose.request import DanceRequest
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18
from tempose_pose.standing import standing_pose
from tempose_pose.wire.job import JobRequest
from tempose_pose.wire.known_poses import known_body

ARMS = ("right_elbow", "right_wrist", "left_elbow", "left_wrist")


def dance(frames=90, fps=30.0, seed=0):
    rng = np.random.default_rng(seed)
    points = rng.random((frames, 18, 2)).cumsum(0).astype(np.float32) / frames
    return Dance.of(PoseSequence(points, np.ones((frames, 18)), fps, OPENPOSE_18))


def test_what_is_danced_again_is_let_go_and_nothing_else():
    kept = kept_poses.release(kept_poses.all_of(dance()), [(1.0, 2.0)])
    assert kept.mask[:30].all() and not kept.mask[30:60].any() and kept.mask[60:].all()
    assert kept.spans == [(1.0, 2.0)] and kept.seconds == 1.0


def test_joints_can_be_danced_again_alone_and_key_poses_kept_in_between():
    kept = kept_poses.release(kept_poses.all_of(dance()), [(1.0, 2.0)], ARMS)
    assert kept.mask[45, OPENPOSE_18.index("nose")] and not kept.mask[45, OPENPOSE_18.index("left_wrist")]
    assert kept_poses.keep(kept, [1.5]).mask[45].all()
    assert not kept_poses.keep(kept, [1.5]).mask[46].all()


def test_a_joint_that_does_not_exist_is_refused():
    with pytest.raises(Problem, match="tail"):
        kept_poses.release(kept_poses.all_of(dance()), [(0, 1)], ["tail"])


def test_a_longer_dance_is_danced_on_and_a_shorter_one_cut():
    longer = kept_poses.all_of(dance(), 120)
    assert longer.spans == [(3.0, 4.0)]
    assert kept_poses.all_of(dance(), 60).is_everything


def heard_by_the_server(known):
    """What the server makes of known poses, by its own code."""
    schemas = pytest.importorskip("tempose_server.schemas")
    asked = DanceRequest(standing_pose(), len(known.mask) / 30, known=known)
    body = JobRequest("0" * 64, asked).body()
    return schemas.job_of(schemas.read(schemas.JobBody, json.loads(json.dumps(body)))).dance.known


spans = st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3)).map(sorted), max_size=4)


@settings(max_examples=40, deadline=None)
@given(spans, spans, st.lists(st.floats(0, 3), max_size=3))
def test_the_server_reads_exactly_what_was_meant(all_again, arms_again, poses):
    kept = kept_poses.release(kept_poses.all_of(dance()), all_again)
    kept = kept_poses.keep(kept_poses.release(kept, arms_again, ARMS), poses)
    heard = heard_by_the_server(kept)
    if heard is None:
        assert not kept.mask.any()
        return
    assert np.array_equal(heard.mask, kept.mask)
    assert np.array_equal(heard.poses.keypoints[kept.mask], kept.poses.keypoints[kept.mask])
    assert np.array_equal(heard.poses.scores[kept.mask], kept.poses.scores[kept.mask])


def test_nothing_is_sent_of_poses_that_are_not_kept_or_were_released():
    kept = kept_poses.all_of(dance())
    assert known_body(kept_poses.release(kept, [(0, 3)])) is None
    body = known_body(kept_poses.release(kept, [(1.0, 2.0)]))
    sent = np.frombuffer(base64.b64decode(body["keypoints"]), "<f4").reshape(-1, 18, 2)
    assert (sent[30:60] == 0).all() and np.array_equal(sent[:30], kept.poses.keypoints[:30])


def test_merging_keeps_bit_for_bit_whatever_the_server_sends():
    kept, other = kept_poses.release(kept_poses.all_of(dance()), [(1.0, 2.0)], ARMS), dance(seed=5)
    merged = kept_poses.merge(kept, other)
    assert np.array_equal(merged.poses.keypoints[kept.mask], kept.poses.keypoints[kept.mask])
    assert np.array_equal(merged.poses.keypoints[~kept.mask], other.poses.keypoints[~kept.mask])
    assert merged.poses.keypoints.dtype == np.float32
    with pytest.raises(Problem, match="another length"):
        kept_poses.merge(kept, dance(80))


def test_stretches_that_moved_by_whole_frames_are_bit_identical():
    old = dance()
    kept = kept_poses.moved(old, 120, [(0.0, 1.0, 0.0), (2.5, 4.0, 1.0)], 30.0)
    assert np.array_equal(kept.poses.keypoints[:30], old.poses.keypoints[:30])
    assert np.array_equal(kept.poses.keypoints[75:120], old.poses.keypoints[45:90])
    assert kept.spans == [(1.0, 2.5)]


def test_stretches_between_frames_are_read_between_frames_and_end_with_the_dance():
    old = dance()
    kept = kept_poses.moved(old, 120, [(1.0, 4.0, 0.55 / 30)], 30.0)
    assert kept.mask[30:90].all() and not kept.mask[92:].any()
    low, high = old.poses.keypoints[39], old.poses.keypoints[40]
    assert (np.abs(kept.poses.keypoints[40] - (low + high) / 2) < np.abs(high - low).max()).all()
    assert not np.array_equal(kept.poses.keypoints[40], old.poses.keypoints[40])
