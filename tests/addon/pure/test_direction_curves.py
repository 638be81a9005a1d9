"""Curves that an animator keys: few points of them go to the server, and what changed is found again."""

import numpy as np
import pytest
from addon.model.dance import direction_curves

from tempose_pose.curves import Curve

TIMES = direction_curves.times_of(8.0)


def test_straight_parts_need_two_points_and_values_keep_their_range():
    assert len(direction_curves.curve_of("level", TIMES, np.full(len(TIMES), 0.3)).times) == 1
    ramp = direction_curves.curve_of("level", TIMES, np.linspace(-0.5, 0.5, len(TIMES)))
    assert len(ramp.times) == 2 and ramp(np.asarray([4.0]))[0] == pytest.approx(0, abs=0.01)
    wild = direction_curves.curve_of("level", TIMES, 3 * np.sin(TIMES))
    np.testing.assert_allclose(wild(TIMES), np.clip(3 * np.sin(TIMES), -1, 1), atol=1e-3)


def test_a_bend_over_a_whole_song_is_no_straight_line():
    times = direction_curves.times_of(600.0)
    slow = 0.8 * np.sin(np.pi * times / times[-1])
    np.testing.assert_allclose(direction_curves.curve_of("level", times, slow)(times), slow, atol=1e-3)


def test_only_parts_with_changed_curves_are_danced_again():
    flat = {"path": Curve(np.asarray([0.0]), np.asarray([0.1]))}
    bump = {"path": Curve(np.asarray([0.0, 3.0, 4.0, 5.0]), np.asarray([0.1, 0.1, 0.3, 0.1]))}
    ((start, stop),) = direction_curves.changed(flat, bump, 8.0)
    assert 2.6 < start < 3.1 and 4.9 < stop < 5.4
    assert direction_curves.changed(flat, dict(flat), 8.0) == []
    assert direction_curves.changed({}, flat, 8.0) == [(0.0, 8.0)]  # asked for the first time
    assert direction_curves.changed(flat, {}, 8.0) == [(0.0, 8.0)]  # no longer
    both = direction_curves.joined(flat, bump, [(0.0, 4.0)], 8.0)["path"](np.asarray([3.5, 4.5]))
    assert both[0] == pytest.approx(0.2, abs=0.01) and both[1] == pytest.approx(0.1)
