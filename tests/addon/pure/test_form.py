# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a song as an artist edits it, and what is drawn of it."""

import numpy as np
import pytest
from addon.model.dance import form, form_view, proposals
from addon.model.dance.form import FormSection
from addon.model.errors import Problem
from addon.model.music.beat_view import View

from tempose_pose.form import Section, check_sections
from tempose_pose.wire.answers import Analysis, FoundSection

ABA = [FormSection(0, 8, "A", -1.0), FormSection(8, 16, "B"), FormSection(16, 24, "A", -1.0)]


def edges(sections):
    return [(s.start, s.stop) for s in sections]


def test_found_sections_lie_on_the_artists_bars_and_know_how_loud_they_are():
    energy = [-1.0] * 80 + [0.2] * 80 + [-10.0] * 80
    sections = [FoundSection(0.1, 8.2, "A"), FoundSection(8.2, 16.1, "B"), FoundSection(16.1, 23.0, "A")]
    heard = Analysis(24.0, [], [], 120.0, 1.0, energy=energy, sections=sections)
    made = form.found(heard, np.arange(0, 20, 2.0))
    assert edges(made) == [(0, 8), (8, 16), (16, 23)]  # the last lies far behind the last bar line
    assert [s.loudness for s in made] == pytest.approx([-1, 0.2, form.SILENCE], abs=0.1)
    assert edges(form.found(heard, np.zeros(0)))[0] == (0.1, 8.2)
    assert form.found(Analysis(1.0, [], [], 0.0, 0.0), np.zeros(0)) == []


def test_sections_are_cut_joined_moved_and_named():
    cut = form.split(form.split(ABA, 12.0), 10.0)
    assert edges(cut) == [(0, 8), (8, 10), (10, 12), (12, 16), (16, 24)]
    assert [s.name for s in cut] == ["A", "B", "B 3", "B 2", "A"]
    assert edges(form.join(cut, 1)) == [(0, 8), (8, 12), (12, 16), (16, 24)]
    assert form.join(ABA, 0)[0].loudness == pytest.approx(-0.5)
    assert edges(form.begin(ABA, 1, 6.0)) == [(0, 6), (6, 16), (16, 24)]
    assert [s.name for s in form.same_as(ABA, 1, "A")] == ["A", "A", "A"]
    assert form.earlier_names(ABA, 2) == ["B"] and form.earlier_names(ABA, 0) == []
    for made in (cut, form.join(cut, 1), form.begin(ABA, 1, 6.0)):
        check_sections([s.asked for s in made])


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda: form.split(ABA, 30.0), "no_section"),
        (lambda: form.split(ABA, 8.2), "section_short"),
        (lambda: form.begin(ABA, 1, 15.8), "section_order"),
        (lambda: form.begin(ABA, 0, -1.0), "section_order"),
    ],
)
def test_what_leaves_no_room_is_refused(edit, code):
    with pytest.raises(Problem) as caught:
        edit()
    assert caught.value.code == code


def test_a_section_is_requested_with_its_own_settings():
    assert ABA[0].asked == Section(0, 8, "A") and ABA[0].is_plain
    own = FormSection(0, 8, "", style="House", energy=1.5, own_repeat=True, repeat=0.2, mirrored=True)
    assert own.asked == Section(0, 8, "?", True, 0.2, 1.5, "house") and not own.is_plain


def test_the_loudest_that_returns_is_the_chorus():
    loud = {"A": -1.0, "B": 0.0, "C": 0.5, "D": -0.1}
    assert proposals.choruses([(n, loud[n]) for n in "ABABCB"]) == {"B"}
    assert proposals.choruses([(n, loud[n]) for n in "ABDABDCB"]) == {"B", "D"}
    assert proposals.choruses([(n, loud[n]) for n in "ABC"]) == {"C"}
    assert proposals.choruses([("A", 0.0), ("A", 0.1)]) == {"A"}
    keys = proposals.contrast([(0.0, False), (8.0, True)])["energy"]
    assert keys.held and keys.values.tolist() == [proposals.CALM, proposals.WILD]


@pytest.mark.parametrize("low", [None, 28.0])
def test_each_name_has_a_colour_and_the_chosen_section_stands_out(low):
    view = View(0.0, 200.0, 1000, 300, 280.0, low=low)
    frames = np.array([[0, 60], [60, 120], [120, 180]])
    seen = form_view.picture(["A", "a long name", "A"], frames, [False, True, False], 1, view)
    spans = [
        c[:3].tolist() for r, c in zip(seen.rects, seen.colors, strict=True) if r[3] - r[1] == form_view.HIGH
    ]
    assert len(spans) == 3 and spans[0] == spans[2] != spans[1]
    assert [text for *_, text, _ in seen.labels] == ["A", "a long name", "A"]
    height = seen.rects[:, 3].max()
    assert height < 260 if low is None else 28 + 20 < height < 70
    assert not len(form_view.picture([], np.zeros((0, 2)), [], 0, view).rects)
    assert not len(form_view.picture(["A"], np.array([[300, 400]]), [False], 0, view).rects)
