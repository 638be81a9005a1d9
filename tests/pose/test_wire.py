"""What is said between Blender and the server: written, read back, and refused where it lies."""

import base64
import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from tempose_pose.curves import Curve
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.form import Section
from tempose_pose.grid import BeatGrid
from tempose_pose.request import DanceRequest, Known
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import HALPE_26, LAYOUTS, OPENPOSE_18, OPENPOSE_60, Skeleton
from tempose_pose.standing import standing_pose
from tempose_pose.tempo import TempoMap
from tempose_pose.wire import arrays
from tempose_pose.wire.answers import Capabilities, Job, SkeletonInfo
from tempose_pose.wire.dances import FinishedSegment, dance_of, packed, result_of, unpacked
from tempose_pose.wire.job import JobRequest
from tempose_pose.wire.validation import read


def poses(bones, frames=60, seed=0):
    rng = np.random.default_rng(seed)
    return PoseSequence(
        rng.random((frames, len(bones), 2)), rng.random((frames, len(bones))), 30.0, bones, (1000, 1000)
    )


def full(bones):
    """A request with everything in it."""
    mask = np.zeros((60, len(bones)), bool)
    mask[:20], mask[30:40, ::2], mask[50, 3] = True, True, True
    return DanceRequest(
        standing_pose(), 2.0, TempoMap([(0, 1), (1, 3), (2, 4)]), BeatGrid([0.5, 1.0, 1.5], [0.5]), "house", 0.8,
        2**62, 9, 2.5, Known(poses(bones), mask), {"energy": Curve([0.0, 1.0], [0.5, np.nan])}, 0.5, 0.25,
        (Section(0.0, 1.0, "A"), Section(1.0, 2.0, "A", True)),
    )  # fmt: skip


@pytest.mark.parametrize("bones", [OPENPOSE_18, HALPE_26, OPENPOSE_60], ids=lambda bones: bones.name)
def test_a_request_is_read_as_it_was_written(bones):
    before = full(bones)
    after = JobRequest.of(json.loads(json.dumps(JobRequest("0" * 64, before).body()))).dance
    for name in ("seconds", "style", "energy", "seed", "steps", "guidance", "listen", "repeat", "sections"):
        assert getattr(after, name) == getattr(before, name), name
    assert after.tempo_map == before.tempo_map
    np.testing.assert_array_equal(after.grid.beats, before.grid.beats)
    np.testing.assert_array_equal(after.grid.downbeats, before.grid.downbeats)
    np.testing.assert_allclose(after.reference.keypoints, before.reference.keypoints, atol=1e-6)
    np.testing.assert_array_equal(after.curves["energy"].values, before.curves["energy"].values)
    known = before.known
    np.testing.assert_array_equal(after.known.mask, known.mask)
    np.testing.assert_array_equal(after.known.poses.keypoints[known.mask], known.poses.keypoints[known.mask])
    assert after.known.poses.skeleton is bones


@pytest.mark.parametrize("bones", list(LAYOUTS.values()), ids=lambda bones: bones.name)
def test_a_dance_is_read_as_it_was_written_whatever_its_skeleton(bones):
    before = Dance(
        poses(bones), np.asarray([0.5, 1.0]), np.asarray([0.5]), np.asarray([40]), 7, "abc", "house"
    )
    exact = dance_of(json.loads(json.dumps(asdict(result_of(before)))))
    np.testing.assert_array_equal(exact.poses.keypoints, before.poses.keypoints)
    for after in (exact, unpacked(packed(before))):
        assert after.poses.skeleton is bones
        assert np.abs(after.poses.keypoints - before.poses.keypoints).max() < 1e-5
        assert (after.seed, after.model_revision, after.seams.tolist()) == (7, "abc", [40])
        assert after.style == "house"
    keypoints, scores = FinishedSegment.of(3, before.poses.keypoints, before.poses.scores).arrays()
    np.testing.assert_array_equal(keypoints, before.poses.keypoints)
    np.testing.assert_array_equal(scores, before.poses.scores)


def test_a_dance_on_a_skeleton_that_only_the_server_has_is_read_with_it():
    tailed = Skeleton("tailed", ("mid_hip", "tail"), (-1, 0), ((0, 1),))
    data = packed(Dance.of(poses(tailed)))
    said = json.loads(json.dumps(asdict(SkeletonInfo.of(tailed))))
    bones = read(SkeletonInfo, said, "skeleton").skeleton()
    assert bones == tailed
    assert unpacked(data, [bones]).poses.skeleton == tailed
    renamed = replace(OPENPOSE_18, joints=tuple(f"other_{joint}" for joint in OPENPOSE_18.joints))
    for unknown in (data, packed(Dance.of(poses(renamed)))):  # a known number of joints is not enough
        with pytest.raises(TemposeError, match="does not know"):
            unpacked(unknown)


@pytest.mark.parametrize(
    "changed",
    [
        {"parents": [0, 0]}, {"parents": [1, 0]}, {"parents": [-1]}, {"parents": [-1, 5]}, {"limbs": [[0, 9]]},
        {"limbs": [[0]]}, {"joints": ["a", "a"]}, {"joints": "ab"}, {"joints": []}, {"name": None},
    ],
)  # fmt: skip
def test_a_skeleton_that_contradicts_itself_is_refused(changed):
    said = {"name": "x", "joints": ["a", "b"], "parents": [-1, 0], "limbs": [[0, 1]], "flip": [0, 1]}
    assert read(SkeletonInfo, said).skeleton().joints == ("a", "b")
    with pytest.raises(TemposeError):
        read(SkeletonInfo, said | changed).skeleton()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"state": "lost"}, "a wrong state"), ({"progress": 2}, "a wrong progress"),
        ({"progress": True}, "a wrong progress"), ({"position": "1"}, "a wrong position"),
        ({"progress": 10**400}, "a wrong progress"), ({"error": 3}, "an error in an unknown form"),
        ({"error": {"code": "x"}}, "an error without message"), ({"seed": -1}, "a wrong seed"),
    ],
)  # fmt: skip
def test_a_job_that_lies_is_refused_in_words(changed, said):
    job = {
        "id": "x",
        "state": "failed",
        "progress": 0,
        "error": {"code": "c", "message": "m" * 900},
        "newer": 1,
    }
    assert len(read(Job, job).error.message) == 400
    with pytest.raises(TemposeError, match=f"The server sent {said}"):
        read(Job, job | changed)


def test_a_server_that_is_too_old_to_find_poses_is_read_all_the_same():
    said = {
        "models": [{"name": "default"}], "skeletons": [], "fps": 30, "segment_frames": 256, "overlap_frames": 16,
        "styles": [], "limits": {"dance_seconds": 60},
    }  # fmt: skip
    assert "too old" in read(Capabilities, said).pose_estimator.message


@pytest.mark.parametrize(
    "text", ["=", "A", "A===", "AA=A", "AA\n==", "²", "\ud800", "AAA=AAAA", "AA==AAAA" * 2]
)
def test_invalid_base64_is_refused(text):
    with pytest.raises(ValueError):
        arrays.from_base64(text)


def test_base64_is_read_in_slices(monkeypatch):
    monkeypatch.setattr(arrays, "SLICE", 8)
    for length in range(30):
        data = bytes(range(length))
        assert arrays.from_base64(base64.b64encode(data).decode()) == data


def test_base64_of_several_slices_is_padded_at_its_end_alone(monkeypatch):
    monkeypatch.setattr(arrays, "SLICE", 4)
    with pytest.raises(ValueError, match="padding"):
        arrays.from_base64("AA==AAAA")
