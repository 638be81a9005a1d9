"""The way of a figure over the stage: on its stops on time, in steps, and no foot slides."""

import numpy as np
import pytest
from addon.model.dance import pins as pins_
from addon.model.dance import way as ways
from addon.model.dance.pins import Pin
from addon.model.dance.way import Stop
from addon.model.keys.feet import Travel, plant
from test_feet import HEIGHT, LEFT, RATE, RIGHT, slide, walk

from tempose_pose.curves import RANGES
from tempose_pose.standing import standing_pose


def test_the_way_stays_between_its_stops_and_waits_until_it_sets_out():
    way = ways.through([Stop(1.0, (0, 0)), Stop(5.0, (2, 0), sets_out=3.0), Stop(7.0, (1, 0.5))])
    assert way is not None
    places = way.at(np.linspace(0, 8, 200))
    assert places.min() >= -1e-9 and places[:, 0].max() <= 2 + 1e-9
    assert way.at([0.0, 2.9, 5.0, 9.0]) == pytest.approx(np.array([[0, 0], [0, 0], [2, 0], [1, 0.5]]))
    assert ways.through([]) is None
    again = ways.from_body(way.to_body())
    assert again is not None and again.at([4.2]) == pytest.approx(way.at([4.2]), abs=1e-5)
    assert ways.from_body("x") is None and ways.from_body([[1, 0, 0], [0, 1, 1]]) is None


def test_stops_on_a_line_say_when_it_is_where():
    line = np.array([[0.0, 0], [1, 0], [1, 1]])
    way = ways.through([Stop(0.0, (-0.1, 0)), Stop(2.0, (0.9, 0.1)), Stop(4.0, (1, 1))], line)
    assert way is not None
    assert way.at([0.0, 4.0]) == pytest.approx(np.array([[0, 0], [1, 1]]))
    places = way.at(np.linspace(0, 4, 50))
    assert (np.minimum(np.abs(places[:, 1]), np.abs(places[:, 0] - 1)) < 0.03).all()  # never off the line


def test_the_dancer_is_asked_for_a_step_on_each_beat_that_it_travels():
    way, beats = ways.through([Stop(2.0, (0, 0)), Stop(6.0, (1.6, 0))]), np.arange(0, 10, 0.5)
    assert way is not None
    asked = ways.directed({}, way, beats, 10.0)["path"]
    values = asked(beats)
    assert np.isnan(values[beats < 2]).all() and np.isnan(values[beats > 6]).all()
    moving = values[(beats > 2.4) & (beats < 5.6)]
    assert (np.sign(moving[:-1]) == -np.sign(moving[1:])).all() and moving[0] > 0
    assert np.nanmax(np.abs(values)) <= RANGES["path"][1]


def test_a_travelling_figure_steps_and_slides_no_more_than_on_the_spot():
    points, scores = walk(seed=1)
    way = ways.through([Stop(0.5, (0, 0)), Stop(5.0, (1.5 * HEIGHT, 0))])
    assert way is not None
    moved = way.at(np.arange(len(points)) / RATE)
    beats = np.arange(0, 6, 0.5) * RATE
    made = plant(points, scores, RATE, HEIGHT, travel=Travel(moved, beats))
    rigid = plant(points, scores, RATE, HEIGHT)
    assert slide(made.points, made.contacts) < 0.005
    assert slide(rigid.points + moved[:, None], rigid.contacts) > 0.2
    assert made.contacts.any(1).mean() > 0.9
    for ankle in (LEFT, RIGHT):
        assert made.points[-1, ankle, 0] - made.points[0, ankle, 0] == pytest.approx(
            1.5 * HEIGHT, abs=0.3 * HEIGHT
        )


def test_what_is_pinned_is_known_where_the_figure_reaches_it():
    pose = standing_pose()
    wrist = pose.skeleton.at["right_wrist"]
    near = pose.pixels[0, wrist] / pose.canvas[1]
    pin = Pin("right_wrist", np.array([1.0, 2.0]), np.stack([near, near]))
    known = pins_.known_of([pin], None, pose, 4.0)
    assert known is not None and known.mask[30:61, wrist].all() and known.mask.sum() == 31
    assert known.poses.keypoints[45, wrist] == pytest.approx(pose.keypoints[0, wrist], abs=1e-5)
    far = Pin("right_wrist", np.array([1.0, 2.0]), np.stack([near + 2, near + 2]))
    assert pins_.known_of([far], None, pose, 4.0) is None
    (again,) = pins_.from_body([pin.to_body(), {"joint": "nose", "at": [[0, 0, 0]]}, None])
    assert again.places == pytest.approx(pin.places, abs=1e-5)
