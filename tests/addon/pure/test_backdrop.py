"""The character told from the backdrop, and a first guess at its joints."""

import numpy as np
import pytest
from addon.model.character import silhouette
from addon.model.character.backdrop import SeenFigure, alpha_of, cut_by_mask
from addon.model.errors import Problem

from tempose_pose.reference import Reference
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


def test_what_an_arm_encloses_is_taken_away_where_a_mask_says_so_and_no_bone_lies_in_it():
    """A white belly stays, the backdrop between arm and body goes, and so does no empty limb of a line drawing."""
    pixels = np.ones((160, 120, 4))
    pixels[20:150, 20:100, :3] = 0.2
    belly, gap, limb = np.s_[60:80, 50:70], np.s_[60:90, 26:38], np.s_[60:90, 82:94]
    for hole in (belly, gap, limb):
        pixels[*hole, :3] = 1
    mask = np.zeros((160, 120), np.uint8)
    mask[20:150, 20:80] = 255
    mask[gap] = 0
    points = np.full((18, 2), 0.5)
    points[OPENPOSE_18.at["left_elbow"]], points[OPENPOSE_18.at["left_wrist"]] = (
        (88 / 120, 0.3),
        (88 / 120, 0.7),
    )
    points[OPENPOSE_18.at["left_shoulder"]] = (88 / 120, 0.2)
    alpha = alpha_of(pixels, 0.1, SeenFigure(mask, points))
    assert alpha[belly].min() == 1 and alpha[limb].min() == 1
    assert alpha[62:88, 28:36].max() == 0
    assert alpha_of(pixels, 0.1)[gap].min() == 1  # nothing is known: it may be a white sleeve


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
    with pytest.raises(Problem, match="transparent everywhere"):
        silhouette.guess(np.zeros((50, 40)))


def test_the_first_guess_lies_in_the_figure():
    alpha = np.zeros((400, 300))
    alpha[50:350, 100:220] = 1
    points = dict(zip(OPENPOSE_18.joints, silhouette.guess(alpha), strict=True))
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


ARMS = {
    "down": {},
    "up": {"elbow": (70, -120), "wrist": (90, -300)},
    "out": {"elbow": (130, 0), "wrist": (260, 5)},
}


@pytest.mark.parametrize("arms", ARMS)
def test_limbs_are_found_in_the_outline(arms):
    """Within a twelfth of the height or so, where a figure that stands in the outline's box is far off."""
    at, points = OPENPOSE_18.at, Reference.standing().points.copy()
    for side, sign in (("left", 1), ("right", -1)):
        for joint, (right, down) in ARMS[arms].items():
            points[at[f"{side}_{joint}"]] = points[at[f"{side}_shoulder"]] + (sign * right, down)
        points[at[f"{side}_knee"], 0] += 25 * sign
        points[at[f"{side}_ankle"], 0] += 60 * sign
    points, height = points / 4, np.ptp(points[:, 1]) / 4
    y, x = np.mgrid[:250, :250] + 0.5

    def near(a, b, thick):
        along = b - a
        share = np.clip(((x - a[0]) * along[0] + (y - a[1]) * along[1]) / max(along @ along, 1e-9), 0, 1)
        return np.hypot(x - a[0] - share * along[0], y - a[1] - share * along[1]) < thick * height

    hips = (points[at["left_hip"]] + points[at["right_hip"]]) / 2
    solid = near(points[at["neck"]] + (0, 0.06 * height), hips, 0.09) | near(*2 * [points[at["nose"]]], 0.09)
    for a, b in OPENPOSE_18.limbs:
        if max(a, b) < at["right_eye"]:
            solid |= near(points[a], points[b], 0.035)
    off = np.linalg.norm(silhouette.guess(solid.astype(float)) - points, axis=1) / height
    assert off.mean() < 0.08
    assert off.max() < 0.18, OPENPOSE_18.joints[off.argmax()]
