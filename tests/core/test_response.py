"""What a dance answers: figures on dances that answer, and on such that do not."""

from dataclasses import replace

import numpy as np
import pytest
from dances import FPS, lively

from tempose.metrics import response
from tempose_pose.errors import TemposeError
from tempose_pose.reference import body_height

POSES, BEATS = lively()
TIME = np.arange(len(POSES)) / FPS


def scaled(amount) -> object:
    """The lively dance with its movement about the mean pose made larger or smaller over time."""
    points, mean = POSES.keypoints.astype(float), POSES.keypoints.mean(0)
    return replace(
        POSES, keypoints=mean + np.broadcast_to(amount, len(POSES))[:, None, None] * (points - mean)
    )


def test_distance_is_in_body_heights_and_can_compare_parts():
    assert response.distance(POSES, POSES) == 0
    moved = replace(POSES, keypoints=POSES.keypoints + np.asarray([0.1, 0]))
    wanted = 0.1 * POSES.canvas[0] / body_height(POSES)
    assert response.distance(POSES, moved) == pytest.approx(wanted, rel=1e-3)
    late = replace(POSES, keypoints=np.roll(POSES.keypoints, 60, 0))
    assert response.distance(POSES, late, (0, 2), 8) == pytest.approx(0, abs=1e-9)
    assert response.distance(POSES, late, (0, 0), 8) > 0.05
    with pytest.raises(TemposeError, match="frame rate"):
        response.distance(POSES, replace(POSES, fps=24.0))
    with pytest.raises(TemposeError, match="no time"):
        response.distance(POSES, POSES, (0, 99))


def test_a_quiet_half_that_is_danced_quietly_shows_in_its_speed():
    half = scaled(np.where(TIME < 12, 1, 0.4))
    ratio = response.speed_between(half, 12.5, 24) / response.speed_between(half, 0, 11.5)
    assert ratio == pytest.approx(0.4, abs=0.05)
    assert response.speed_between(POSES, 12.5, 24) / response.speed_between(POSES, 0, 11.5) == pytest.approx(
        1, abs=0.1
    )
    assert np.isnan(response.speed_between(POSES, 99, 100))


def test_coming_to_rest_is_timed_and_never_resting_is_infinite():
    slowing = scaled(np.clip((13 - TIME) / 1, 0, 1))  # from second 12 to 13
    assert response.seconds_to_rest(slowing, 12, 20) == pytest.approx(1, abs=0.25)
    assert response.seconds_to_rest(POSES, 12, 20) == np.inf
    pause = scaled(np.where((TIME > 12) & (TIME < 12.2), 0, 1))
    assert response.seconds_to_rest(pause, 11.9, 12.3) == np.inf  # too short to be a rest


def test_means_from_beat_to_beat_are_exact_for_a_straight_line():
    line = np.arange(100.0)
    assert response.by_beat(line, 10, np.asarray([0.0, 1.0, 2.5])) == pytest.approx([4.5, 17.0])


def sounds(n: int, beats: int = 40) -> list:
    random = np.random.default_rng(0)
    return [tuple(np.abs(random.normal(1, 0.4, (2, beats)))) for _ in range(n)]


def test_the_matcher_names_the_song_of_dances_that_listen_and_nobodys_of_deaf_ones():
    heard = sounds(10)
    random = np.random.default_rng(1)
    listening = [(a + b + random.normal(0, 0.3, 40), random.random(40)) for a, b in heard]
    found = response.whose_sound(listening, heard)
    assert found["named"] >= 8
    assert found["rank"] < 1.5
    assert (found["chance"], found["songs"], found["rank_chance"]) == (1, 10, 5.5)
    deaf = [(random.random(40), random.random(40)) for _ in heard]
    assert response.whose_sound(deaf, heard)["named"] <= 4
    alike = [listening[0]] * 10  # the same dance to every song: one of them may be its own
    assert response.whose_sound(alike, heard)["named"] <= 1
    still = [(np.zeros(40), np.zeros(40))] * 10
    assert response.whose_sound(still, heard)["named"] == 0
    assert response.whose_sound(still, heard)["rank"] == 5.5
    with pytest.raises(TemposeError):
        response.whose_sound(deaf[:1], heard[:1])


def test_stopping_on_quiet_beats_is_like_the_sound():
    loud = np.tile([1.0, 1.0, 0.1, 0.1], 11)
    beats = np.arange(45) * 60 / 116
    moves = np.interp(TIME, beats[:-1] + 0.25, loud)
    dance = response.speed_and_stops(scaled(1), BEATS[:45])
    answer = response.speed_and_stops(scaled(moves), BEATS[:45])
    assert response.likeness(answer, (loud, loud)) > response.likeness(dance, (loud, loud)) + 0.2


def test_speed_that_goes_with_a_curve_is_told_from_speed_that_does_not():
    curve = 0.5 + 0.5 * np.sin(2 * np.pi * TIME / 12) ** 2
    along = response.curve_followed(scaled(curve), BEATS, curve)
    assert along > 0.8
    assert abs(response.curve_followed(POSES, BEATS, curve)) < along - 0.3
    still = replace(POSES, keypoints=np.repeat(POSES.keypoints[:1], len(POSES), 0))
    assert response.curve_followed(still, BEATS, curve) == 0


def test_a_zoom_is_followed_when_the_figure_grows_as_asked():
    zoom = np.exp(0.3 * np.sin(2 * np.pi * TIME / 24))
    middle = POSES.keypoints.mean(1, keepdims=True)
    zoomed = replace(POSES, keypoints=middle + zoom[:, None, None] * (POSES.keypoints - middle))
    found = response.zoom_followed(zoomed, zoom)
    assert found["slope"] == pytest.approx(1, abs=0.1)
    assert found["correlation"] > 0.85
    assert found["range"] > 1.5
    usual = response.zoom_followed(POSES, zoom)
    assert abs(usual["slope"]) < 0.2
    assert usual["range"] < 1.4
    assert np.isnan(response.zoom_followed(POSES, np.ones(len(POSES)))["slope"])


def test_hidden_joints_are_scored_by_f1_beside_calling_all_hidden():
    hidden = np.zeros((10, 4), bool)
    hidden[:, 3] = True
    knows = np.where(hidden, 0.1, 0.9)
    assert response.hidden_joints(knows, hidden)["f1"] == 1
    sure = response.hidden_joints(np.ones((10, 4)), hidden)
    assert (sure["f1"], sure["recall"], sure["chance"]) == (0, 0, 0.4)
    assert np.isnan(sure["precision"])
    half = response.hidden_joints(np.where(np.arange(10)[:, None] < 5, knows, 0.9), hidden)
    assert half["f1"] == pytest.approx(2 / 3)
    assert np.isnan(response.hidden_joints(np.ones((2, 2)), np.zeros((2, 2), bool))["f1"])
    with pytest.raises(TemposeError):
        response.hidden_joints(np.ones((2, 2)), np.zeros((2, 3), bool))
