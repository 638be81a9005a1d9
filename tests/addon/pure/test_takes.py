import numpy as np
import pytest
from addon.model.dance.dance import DanceData
from addon.model.dance.fingerprint import fingerprint
from addon.model.dance.takes import Take, from_text, to_text
from addon.model.errors import Problem


def take(frames=90):
    rng = np.random.default_rng(1)
    dance = DanceData(
        rng.random((frames, 18, 2), np.float32), rng.random((frames, 18), np.float32), 30.0, (1000, 800),
        [0.5, 1.0], [0.5], [40], 2**62, "null-1",
    )  # fmt: skip
    return Take(dance, [[0.0, 1.0], [3.0, 4.0]], 1.0, 3.0, "abc", {"strip": "Lied – ♪.wav"})


def test_a_take_comes_back_from_its_text_to_the_bit():
    before = take()
    after = from_text(to_text(before))
    assert (after.dance.keypoints == before.dance.keypoints).all()
    assert (after.dance.scores == before.dance.scores).all()
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
