"""Characters stand so that none dances into another."""

import numpy as np
import pytest
from addon.model.dance import formations

ROOMS = [(0.5, 0.7), (1.2, 0.4), (0.3, 0.3), (0.6, 1.5), (0.5, 0.5)]


@pytest.mark.parametrize("kind", ["LINE", "V", "CIRCLE"])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_no_room_overlaps_another_and_the_lead_is_in_front(kind, count):
    spots = formations.places(kind, ROOMS[:count])
    assert formations.clear(spots, ROOMS[:count])
    assert spots[0].tolist() == [0, 0]
    assert (spots[1:, 1] > 0).all() if kind != "LINE" else (spots[:, 1] == 0).all()
    both = (spots[:, 0] > 1e-9).any() and (spots[:, 0] < -1e-9).any()
    assert both or count == 2
    assert np.abs(spots).max() < 12


def test_those_who_would_meet_are_found():
    assert not formations.clear(np.array([[0, 0], [1.0, 0]]), ROOMS[:2])
    assert formations.clear(np.array([[0, 0], [1.0, 2.0]]), ROOMS[:2])


def test_a_dancer_who_would_walk_through_another_passes_behind():
    rooms = [(0.5, 0.5)] * 3
    spots = formations.places("LINE", rooms)
    still = np.zeros((3, 40))
    assert formations.passing(spots, rooms, still) == pytest.approx(spots)
    together = np.tile(np.linspace(0, 5, 40), (3, 1))
    assert formations.passing(spots, rooms, together) == pytest.approx(spots)  # they keep their distance
    crossing = still.copy()
    crossing[1] = np.linspace(0, -4, 40)  # from the right to the left, past the two others
    made = formations.passing(spots, rooms, crossing)
    assert made[1, 1] > 0.5 and made[[0, 2]] == pytest.approx(spots[[0, 2]])
