# SPDX-License-Identifier: GPL-3.0-or-later
"""Directing curves as few keys: what is heard in a song, and what is drawn for a part of it."""

import numpy as np
import pytest
from addon.model.dance import direction_view, proposals
from addon.model.music.beat_view import View

from tempose_pose.grid import BeatGrid
from tempose_pose.request import USUAL_ENERGY, usual_energy
from tempose_pose.tempo import TempoMap
from tempose_pose.wire.answers import Analysis

BEATS = 0.5 * np.arange(64)


def heard(quiet=(0.0, 16.0), hits=0.5):
    """32 seconds, one and a half calmer in a part; a fill on one beat."""
    times = np.arange(321) / proposals.HEARD_RATE
    energy = np.where((times >= quiet[0]) & (times < quiet[1]), -1.5, 0.0)
    energy[(times > 24.4) & (times < 24.6)] = 1.0
    return Analysis(
        32.1, BEATS.tolist(), BEATS[::4].tolist(), 120.0, 1.0, energy=energy.tolist(), hits=[hits] * 64
    )


def asked(found, factor=1.0, energy=1.0, listen=1.0, tolerance=0.1, by_bar=True):
    tempo = TempoMap([(0, 0), (32 / factor, 32)])
    return proposals.proposed(found, BeatGrid(BEATS, BEATS[::4]), tempo, energy, listen, tolerance, by_bar)


def test_the_analysis_becomes_few_keys_where_it_changes():
    keys = asked(heard())["energy"]
    assert len(keys.at) == 4 and np.isin(keys.at, BEATS).all()
    assert keys.at[1:3] == pytest.approx([15.5, 16.0], abs=0.5)
    base = float(usual_energy(120.0))
    assert keys.values == pytest.approx([base - 1.5, base - 1.5, base, base])
    assert len(asked(heard(), by_bar=False)["energy"].at) > 4  # the fill too
    assert len(asked(heard())["hits"].at) == 2


def test_a_proposal_equals_what_a_dance_follows_by_default():
    base = asked(heard())["energy"].values[-1]
    assert asked(heard(), energy=2.0)["energy"].values[-1] - base == pytest.approx(np.log(2))
    assert (
        asked(heard(), factor=1.4)["energy"].values[-1] > base > USUAL_ENERGY
    )  # faster music, livelier dance
    flat = asked(heard(), listen=0.0)["energy"]
    assert np.ptp(flat.values) == pytest.approx(0)


def test_silence_and_songs_without_beats_ask_for_nothing_that_cannot_be_danced():
    nothing = Analysis(3.0, [], [], 0.0, 0.0)
    assert proposals.proposed(nothing, BeatGrid(np.zeros(0)), TempoMap(), 1.0, 1.0, 0.2) == {}
    silent = Analysis(32.0, BEATS.tolist(), [], 120.0, 1.0, energy=[-10.0] * 320)
    assert (asked(silent)["energy"].values == -2.5).all()


def test_lines_between_the_fewest_keys_miss_nothing_by_more_than_is_allowed():
    values = np.random.default_rng(3).normal(size=200).cumsum()
    at = np.arange(200) / 2
    keys = proposals.fewest(at, values, 0.7)
    assert 10 < len(keys.at) < 120
    assert np.abs(np.interp(at, keys.at, keys.values) - values).max() <= 0.7


def test_a_build_up_rises_with_a_key_on_a_bar_line():
    made = proposals.build_up(4.0, 12.5, BEATS[::4])
    assert made["energy"].at == pytest.approx([4.0, 8.0, 12.5])
    for keys in made.values():
        assert (np.diff(keys.values) > 0).all() and np.diff(keys.values)[1] > np.diff(keys.values)[0]
    assert len(proposals.build_up(4.0, 5.0, np.zeros(0))["energy"].at) == 3


def test_the_curve_is_drawn_with_its_keys_below_the_beats():
    view = View(0.0, 200.0, 1000, 300, 280.0)
    frames = direction_view.columns(view, 20.0, 400.0)
    assert frames[0] == pytest.approx(20) and frames[-1] == pytest.approx(200, abs=1)
    keys = np.array([[40.0, -2.5], [100.0, 1.5], [300.0, 0.0]])
    values = np.interp(frames, keys[:, 0], keys[:, 1])
    seen = direction_view.picture("energy", frames, values, keys, 0.7, view)
    squares = seen.rects[-2:]  # the third is out of sight
    assert squares.mean(0)[0] == pytest.approx((200 + 500) / 2 - direction_view.KEY)
    low, high = seen.rects[:, 1].min(), seen.rects[:, 3].max()
    assert low > 0 and high < 280 - 20 and high - low < 52
    assert [label[2] for label in seen.labels] == ["Energy"]
