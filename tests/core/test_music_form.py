"""The form of a song: sections that return are found, in songs that have some."""

import numpy as np
import pytest

from tempose.music.features import LISTENED
from tempose.music.form import find_sections
from tempose_pose.errors import TemposeError
from tempose_pose.form import Section, check_sections
from tempose_pose.grid import BeatGrid

BAR = 60  # frames: two seconds, four beats at 120


def song(form: str, noise: float = 0.4, bars: int = 8, seed: int = 0) -> tuple[np.ndarray, BeatGrid]:
    """Features of a song whose letters are sections of `bars` different bars each."""
    rng = np.random.default_rng(seed)
    music = {
        letter: rng.normal(size=(bars * BAR // 15, LISTENED.width)).repeat(15, 0)
        for letter in sorted(set(form))
    }
    listened = np.concatenate([music[letter] for letter in form])
    beats = np.arange(0, len(listened) / 30, 0.5)
    return listened + noise * rng.normal(size=listened.shape), BeatGrid(beats, beats[::4])


@pytest.mark.parametrize("form", ["ABA", "AABA", "ABABCB", "ABCABC"])
def test_returning_sections_share_a_name_and_are_found_in_place(form):
    sections = find_sections(*song(form))
    assert sections[0].start == 0

    def music_at(time: float) -> tuple[str, float]:
        """Which music is heard, and how far it has come."""
        section = next(s for s in sections if s.start <= time < s.stop)
        return section.name, time - section.start

    middles = [music_at(16 * i + 8) for i in range(len(form))]
    for i, a in enumerate(form):
        for j, b in enumerate(form[:i]):
            assert (middles[i] == middles[j]) == (a == b), (form, middles)


def test_a_song_without_returns_is_one_section_and_a_short_one_none():
    assert len({s.name for s in find_sections(*song("ABCD"))}) == len(find_sections(*song("ABCD")))
    listened, grid = song("A")
    assert find_sections(listened[: 5 * BAR], BeatGrid(grid.beats[:20], grid.downbeats[:5])) == ()
    assert find_sections(listened, BeatGrid(np.zeros(0))) == ()


def test_one_bar_over_and_over_has_no_form():
    listened, _ = song("A", bars=1)
    loop = np.tile(listened, (24, 1)) + np.random.default_rng(1).normal(
        0, 0.4, (24 * len(listened), LISTENED.width)
    )
    beats = np.arange(0, len(loop) / 30, 0.5)
    assert len(find_sections(loop, BeatGrid(beats, beats[::4]))) == 1


def test_sections_that_cannot_be_are_refused():
    with pytest.raises(TemposeError, match="begin before"):
        Section(2.0, 1.0, "A")
    with pytest.raises(TemposeError, match="name"):
        Section(0.0, 1.0, "")
    with pytest.raises(TemposeError, match="overlap"):
        check_sections([Section(0, 2, "A"), Section(1, 3, "B")])
