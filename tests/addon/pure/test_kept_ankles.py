"""Ankles that stay where they were seen."""

import numpy as np
from addon.model.dance import kept_ankles


def test_stands_survive_as_text_and_only_where_they_are_held():
    at = np.random.default_rng(0).random((40, 2, 2))
    made = kept_ankles.whole(40, at, ["left_ankle"], [(0.2, 0.8)])
    again = kept_ankles.from_text(made.to_text())
    assert again.held[:, 0].sum() == 18 and not again.held[:, 1].any()
    assert np.array_equal(again.places[again.held], at.astype(np.float32)[again.held])
    places, held = again.at(np.array([0.0, 0.2, 0.45, 0.7999, 1.2]))
    assert held[:, 0].tolist() == [False, True, True, False, False]
    assert np.allclose(places[2, 0], (at[13, 0] + at[14, 0]) / 2, atol=1e-6)
    assert kept_ankles.from_text(None) is None and kept_ankles.from_text({"places": "!", "frames": 2}) is None


def test_new_stands_go_before_old_ones():
    old = kept_ankles.whole(20, np.zeros((20, 2, 2)), [*kept_ankles.ANKLES], [(0, 1)])
    new = kept_ankles.whole(20, np.ones((20, 2, 2)), ["right_ankle"], [(0, 0.2)])
    both = kept_ankles.joined(old, new)
    assert both.places[0, 1, 0] == 1 and both.places[0, 0, 0] == 0 and both.places[10, 1, 0] == 0
    assert kept_ankles.joined(None, None) is None
    assert not old.within(np.zeros((20, 2), bool)).held.any()
