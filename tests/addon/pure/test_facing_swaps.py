"""Drawings that are swapped by facing: their names, who stands in for whom, and how a dance turns."""

import numpy as np
import pytest
from addon.model.keys import facing_swaps as swaps

from tempose_pose.reference import Reference
from tempose_pose.skeletons import OPENPOSE_18

RATE = 30.0


def turning(degrees):
    """(T, 18, 2) the standing figure, turned to the right of the picture by degrees (T,), nose and eyes ahead."""
    points = Reference.standing().points.astype(float)
    middle = points[OPENPOSE_18.at["neck"], 0]
    ahead = np.zeros(len(points))
    ahead[[OPENPOSE_18.at[j] for j in ("nose", "left_eye", "right_eye")]] = 25.0
    turn = np.radians(np.asarray(degrees, float))[:, None]
    out = np.repeat(points[None], len(turn), 0)
    out[..., 0] = middle + (points[:, 0] - middle) * np.cos(turn) + ahead * np.sin(turn)
    return out


def test_drawings_are_told_by_part_facing_and_side_and_other_names_are_left_alone():
    names = ("Head front", "head_three-quarter.L", "Head 3/4 R", "HeadProfile.L.001", "Back", "Body side view L",
             "Hand.L", "Coat")  # fmt: skip
    assert [swaps.drawing_of(name) for name in names] == [
        ("head", ("front", "")), ("head", ("three-quarter", "L")), ("head", ("three-quarter", "R")),
        ("head", ("profile", "L")), ("", ("back", "")), ("body", ("profile", "L")), None, None,
    ]  # fmt: skip
    assert not swaps.is_set([("front", ""), ("back", "")])  # hair before and behind a head
    assert swaps.is_set([("front", ""), ("profile", "L")])


def test_each_facing_shows_one_drawing_and_what_is_drawn_for_one_side_is_turned_round():
    shown = swaps.shown_for([("front", ""), ("profile", "L")])
    assert sorted(n for numbers in shown.values() for n in numbers) == list(range(len(swaps.FACINGS)))
    named = {swaps.NAMES[n]: turned for n, turned in shown[("profile", "L")].items()}
    assert named == {"profile L": False, "back": False, "profile R": True}


@pytest.mark.parametrize("facing", range(6))
def test_a_still_figure_is_drawn_as_it_stands(facing):
    degrees = (0, -50, -90, 180, 90, 50)[facing]
    still = turning([degrees] * 30 + [0] * 60)  # before it faces the viewer, which says how wide it is
    found = swaps.facings_of(still, np.ones(still.shape[:2]), RATE)
    assert {part: set(f[:20].tolist()) for part, f in found.items()} == {
        swaps.TRUNK: {facing},
        swaps.HEAD: {facing},
    }


def test_a_turn_goes_round_in_order_and_a_figure_between_two_facings_does_not_flicker():
    slow = turning(np.linspace(0, 360, 240))
    found = swaps.facings_of(slow, np.ones(slow.shape[:2]), RATE)[swaps.TRUNK]
    assert found[np.flatnonzero(np.diff(found, prepend=-1))].tolist() == [0, 5, 4, 3, 2, 1, 0]
    swaying = np.concatenate([np.zeros(60), 39 + 4 * np.sin(np.arange(200)), np.zeros(200)])
    edge = turning(swaying)
    found = swaps.facings_of(edge, np.ones(edge.shape[:2]), RATE)[swaps.TRUNK]
    assert np.count_nonzero(np.diff(found)) <= 2
