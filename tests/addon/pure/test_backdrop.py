"""The character told from the backdrop, and a first guess at its joints."""

import numpy as np
import pytest
from addon.model.character.backdrop import alpha_of, cut_by_mask, first_guess
from addon.model.errors import Problem

from tempose_pose.skeletons import OPENPOSE_18


def photo(height=300, width=200) -> np.ndarray:
    """A red figure with a hole of backdrop between its legs and a white belly, on a noisy grey-to-white wall."""
    rng = np.random.default_rng(0)
    pixels = np.ones((height, width, 4))
    pixels[..., :3] = np.linspace(0.8, 0.9, height)[:, None, None] + rng.normal(0, 0.01, (height, width, 3))
    pixels[30:280, 60:140, :3] = (0.7, 0.1, 0.1)
    pixels[180:280, 90:110, :3] = 0.86  # between the legs: open below
    pixels[90:130, 90:110, :3] = 0.86  # the belly: closed all around
    return np.clip(pixels, 0, 1)


def test_a_wall_is_taken_away_but_not_what_the_figure_encloses():
    alpha = alpha_of(photo(), 0.1)
    assert alpha[100:120, 95:105].min() == 1  # belly
    assert alpha[240:270, 95:105].max() == 0  # between the legs
    assert alpha[5:20].max() == 0
    assert alpha[40:80, 65:135].min() == 1
    figure = np.zeros((300, 200))
    figure[30:280, 60:140] = 1
    figure[180:280, 90:110] = 0
    assert np.abs(alpha - figure).mean() < 0.01


def test_a_picture_that_has_clear_parts_says_itself():
    pixels = photo()
    pixels[:, :50, 3] = 0
    pixels[:, 50:60, 3] = 0.3
    assert np.array_equal(alpha_of(pixels, 0.1), pixels[..., 3])


def test_a_large_picture_is_looked_at_small():
    large = np.repeat(np.repeat(photo(), 5, 0), 5, 1)
    assert np.abs(alpha_of(large, 0.1)[::5, ::5] - alpha_of(photo(), 0.1)).mean() < 0.02


def test_a_picture_of_nothing_says_so():
    with pytest.raises(Problem, match="Nothing stands out"):
        alpha_of(np.ones((50, 40, 4)), 0.1)
    with pytest.raises(Problem, match="clear everywhere"):
        first_guess(np.zeros((50, 40)))


def test_the_first_guess_lies_in_the_figure():
    alpha = np.zeros((400, 300))
    alpha[50:350, 100:220] = 1
    points = dict(zip(OPENPOSE_18.joints, first_guess(alpha), strict=True))
    assert 50 < points["nose"][1] < 110
    assert 320 < points["left_ankle"][1] < 350
    assert points["left_wrist"][0] > points["right_wrist"][0]  # it looks at us
    assert all(100 <= x <= 220 and 50 <= y <= 350 for x, y in points.values())


def test_a_busy_background_goes_by_the_mask_and_a_plain_one_by_its_colour():
    busy = np.ones((90, 60))
    mask = np.zeros((30, 20), np.uint8)
    mask[5:25, 5:15] = 255
    alpha = cut_by_mask(busy, mask)
    assert alpha.shape == busy.shape
    assert alpha[45, 30] == 1 and alpha[5, 5] == 0 and 0 < alpha[45, 14] < 1
    assert alpha[20:70, 18:42].min() == 1
    plain = np.zeros((90, 60))
    plain[30:60, 20:40] = 1
    assert cut_by_mask(plain, mask) is plain
