"""Whose key is it?"""

import numpy as np
import pytest
from addon.model.keys.key_marks import from_text, kept_beside, known, marks, to_text
from hypothesis import given
from hypothesis import strategies as st


def keys(count=50, kind=3):
    rng = np.random.default_rng(1)
    points = np.stack([np.arange(count), rng.standard_normal(count)], 1).astype(np.float32)
    left, right = points - np.float32(0.3), points + np.float32(0.3)
    return (
        points,
        left.astype(np.float32),
        right.astype(np.float32),
        np.full((count, 2), kind),
        np.full(count, 2),
    )


def test_marks_come_back_from_their_text():
    made = marks(*keys())
    stored = from_text(to_text({("a.location", 1): made}))
    assert known(made, stored["a.location", 1]).all()
    for damaged in (None, "", "{}", '{"form": "tempose-keys-1", "curves": [["a", 0, "?"]]}', 3, "[]"):
        assert from_text(damaged) == {}


@pytest.mark.parametrize("part", [0, 1, 2, 4])
def test_a_key_that_was_changed_is_noticed_and_only_that_one(part):
    before = marks(*keys())
    changed = [array.copy() for array in keys()]
    if changed[part].ndim == 2:
        changed[part][7, 1] += 0.01
    else:
        changed[part][7] = 1
    assert np.flatnonzero(~known(marks(*changed), before)).tolist() == [7]


@given(st.integers(0, 1000))
def test_a_rounding_error_of_aligned_handles_is_not_a_change(seed):
    rng, made = np.random.default_rng(seed), keys()
    before = marks(*made)
    for side in (1, 2):
        made[side][:] += rng.uniform(-1e-5, 1e-5, made[side].shape).astype(np.float32)
    assert known(marks(*made), before).mean() > 0.9


def test_computed_handles_do_not_count():
    made = keys(kind=4)
    before = marks(*made)
    made[1][:] += 3
    assert known(marks(*made), before).all()


def test_nothing_new_is_put_beside_a_key_set_by_hand():
    stays, goes_in = kept_beside(
        np.array([1.0, 10, 20, 30, 40]), np.array([0, 0, 1, 0, 0], bool), np.arange(1, 41)
    )
    assert stays.tolist() == [False, True, True, True, False]
    assert [f for f in range(1, 41) if not goes_in[f - 1]] == list(range(10, 31))


def test_the_first_and_the_last_key_can_be_set_by_hand():
    stays, goes_in = kept_beside(np.array([1.0, 10]), np.array([True, True]), np.array([0, 1, 5, 10, 11]))
    assert stays.all()
    assert goes_in.tolist() == [True, False, False, False, True]
