import numpy as np
import pytest
from addon.model.dance.fingerprint import fingerprint
from addon.model.dance.takes import Take, from_text, to_text
from addon.model.errors import Problem

from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import HALPE_26, OPENPOSE_18, Skeleton

TAILED = Skeleton("tailed", ("mid_hip", "tail"), (-1, 0), ((0, 1),))


def take(bones=OPENPOSE_18, frames=90):
    rng = np.random.default_rng(1)
    keypoints, scores = (
        rng.random((frames, len(bones), 2), np.float32),
        rng.random((frames, len(bones)), np.float32),
    )
    poses = PoseSequence(keypoints, scores, 30.0, bones, (1000, 800))
    dance = Dance(poses, np.asarray([0.5, 1.0]), np.asarray([0.5]), np.asarray([40]), 2**62, "null-1")
    return Take(dance, [[0.0, 1.0], [3.0, 4.0]], 1.0, 3.0, "abc", {"strip": "Lied – ♪.wav"})


@pytest.mark.parametrize("bones", [OPENPOSE_18, HALPE_26, TAILED], ids=lambda bones: bones.name)
def test_a_take_comes_back_from_its_text_to_the_bit(bones):
    before = take(bones)
    after = from_text(to_text(before))
    assert after.dance.poses.skeleton == bones
    assert (after.dance.poses.keypoints == before.dance.poses.keypoints).all()
    assert (after.dance.poses.scores == before.dance.poses.scores).all()
    assert after.dance.seed == 2**62
    assert after.dance.bpm == 120
    assert (after.tempo_map, after.settings, after.fingerprint) == (before.tempo_map, before.settings, "abc")


@pytest.mark.parametrize(
    "spoil", [lambda t: "", lambda t: t[: len(t) // 2], lambda t: t.replace("tempose-take-1", "x")]
)
def test_a_damaged_take_is_refused_in_words(spoil):
    with pytest.raises(Problem, match="damaged"):
        from_text(spoil(to_text(take())))


def test_equal_facts_give_equal_fingerprints_in_any_order():
    assert fingerprint({"a": 1.00001, "b": [1, 2.0]}) == fingerprint({"b": [1, 2.0], "a": 1.00002})
    assert fingerprint({"a": 1.0}) != fingerprint({"a": 1.001})
    assert len(fingerprint({"name": "♪", "none": None, "yes": True})) == 16
