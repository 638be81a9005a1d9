"""The style that suits a song: by its sound, one that is danced on the beat, and only where none is asked."""

import numpy as np
import pytest

from tempose.generator import load_generator
from tempose.music.audio import Song
from tempose.music.features import LISTENED
from tempose.music.spectra import SAMPLE_RATE
from tempose.music.suiting import style_chances
from tempose.score import Score
from tempose.segments import Segment
from tempose_pose.form import Section
from tempose_pose.grid import BeatGrid
from tempose_pose.reference import standing_pose
from tempose_pose.request import STYLES, USUAL_ENERGY, DanceRequest


def heard(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.normal(size=LISTENED.width) + rng.normal(size=(600, LISTENED.width))).astype(np.float32) * 0.3


def test_chances_add_up_and_leave_out_what_is_not_offered():
    chances = style_chances(heard(0), STYLES)
    assert chances.shape == (len(STYLES),)
    assert chances.sum() == pytest.approx(1)
    assert chances[STYLES.index("ballet_jazz")] == 0
    assert (chances > 0).sum() >= 4


def test_another_sound_has_other_chances_and_another_model_no_classifier():
    assert np.abs(style_chances(heard(0), STYLES) - style_chances(heard(1), STYLES)).max() > 0.05
    with pytest.raises(ValueError, match="other styles"):
        style_chances(heard(0), STYLES[:3])


def score_of(song: Song, **asked) -> Score:
    grid = BeatGrid(np.arange(0, 5, 0.5))
    request = DanceRequest(standing_pose(), 4.0, grid=grid, **asked)
    return Score.of(song, request, grid, ("energy", "hits"))


@pytest.fixture(scope="module")
def song() -> Song:
    return Song(np.random.default_rng(0).normal(0, 0.1, 5 * SAMPLE_RATE).astype(np.float32))


def test_a_style_that_is_asked_for_is_danced_and_without_listening_any(song):
    assert score_of(song, style="waack").style == STYLES.index("waack")
    assert score_of(song, listen=0.0).style == len(STYLES)
    chosen = {score_of(song, seed=seed).style for seed in range(40)}
    assert all(style_chances(song.features, STYLES)[style] > 0 for style in chosen)
    assert score_of(song, seed=3).style == score_of(song, seed=3).style


def test_the_network_is_asked_for_the_mean_of_its_energy_curve(song):

    none = np.zeros((8, 18, 2), np.float32), np.zeros(8, np.float32)
    segment = Segment(0, 0, 120)
    loud, soft = (score_of(song, energy=e).conditions(segment, *none).energy[0] for e in (1.5, 0.5))
    assert loud / soft == pytest.approx(3, rel=0.05)


def test_the_shipped_model_knows_the_curves_that_are_heard():
    assert {"energy", "hits"} <= set(load_generator("default", "cpu").dit.config["curves"])


def test_sections_have_energies_and_styles_of_their_own(song):
    halves = (Section(0, 2, "A", energy=0.5), Section(2, 4, "B", style="krump"))
    plain, own = score_of(song), score_of(song, sections=halves)
    more = own.energy[: 4 * 30] - plain.energy[: 4 * 30]
    assert np.allclose(more[:60], -np.log(2), atol=1e-5) and np.allclose(more[60:], 0)
    assert np.allclose(score_of(song, listen=0.0, sections=halves).energy[60:90], USUAL_ENERGY, atol=0.2)
    none = np.zeros((8, 18, 2), np.float32), np.zeros(8, np.float32)
    styles = [
        int(own.conditions(segment, *none).style[0])
        for segment in (Segment(0, 0, 50), Segment(50, 66, 120), Segment(30, 55, 120))
    ]
    assert styles == [own.style, STYLES.index("krump"), STYLES.index("krump")]
