"""The figures in the box: as data, before Blender draws them."""

import numpy as np
import pytest
from addon.model.character import head
from addon.model.character.figure import draw
from addon.model.character.figure_looks import LOOKS
from addon.model.character.joints import with_mid_hip
from addon.model.character.mapping import JOINTS

from tempose_pose.reference import Reference


def standing(proportions="adult"):
    points, _ = with_mid_hip((Reference.standing(proportions).points * (1, -1))[None], np.ones((1, 18)))
    return dict(zip(JOINTS, points[0], strict=True)), float(np.ptp(points[0][:, 1]))


@pytest.mark.parametrize("look", LOOKS)
def test_a_figure_has_shoes_with_flat_soles_hands_and_a_mouth(look):
    at, height = standing("child" if look == "CHILD" else "adult")
    figure = draw(at, height, look=look)
    names = list(figure.colours)
    places = np.array(figure.vertices)
    shoes = [f for f, m in zip(figure.faces, figure.materials, strict=True) if names[m].startswith("shoe")]
    assert len(shoes) == 2
    for face in shoes:
        low = np.sort(places[face][:, 2])
        assert low[1] - low[0] < 1e-6 * height  # two corners lie on the ground: that is a sole
    assert any(names[m] == "mouth" for m in figure.materials)
    assert {"Fist.L", "Fist.R", *head.VIEWS} <= set(figure.shapes)
    assert max(max(faces) for faces in figure.faces) < len(figure.vertices)
    assert np.isfinite(places).all()


def test_three_looks_share_no_colour_but_differ_in_shape():
    at, height = standing()
    figures = {look: draw(at, height, look=look) for look in LOOKS}
    shirts = {figure.colours["shirt"] for figure in figures.values()}
    assert len(shirts) == len(LOOKS)
    adult, robot = (np.array(figures[look].vertices) for look in ("ADULT", "ROBOT"))
    assert len(adult) != len(robot) or np.abs(adult - robot).max() > 0.02 * height


@pytest.mark.parametrize(
    ("eyes", "nose", "view"),
    [
        ((1, 0), 0.5, None),
        ((0.52, 0.48), 1.2, "side right"),
        ((0.5, 0.5), -0.4, "side left"),
        ((0, 1), 0.5, "back"),
    ],
)
def test_a_head_is_seen_from_where_the_face_looks(eyes, nose, view):
    seen = head.seen_from((*eyes, nose, 0.5), 1.0, 1.5)
    for name, share in seen.items():
        assert share == pytest.approx(float(name == view), abs=0.15), seen
    half = head.seen_from((0.75, 0.25, 0.9, 0.5), 1.0, 1.5)
    assert 0.2 < half["side right"] < 0.8 and half["back"] == 0


def test_in_each_view_every_part_has_as_many_points_as_from_the_front():
    for look in LOOKS.values():
        for part in head.parts(look.boxes, look.tufts):
            assert all(points.shape == part.front.shape for points, _ in part.views.values())
    at, height = standing()
    figure = draw(at, height)
    back = np.array(figure.turned({"back": 1.0}))
    moved = np.abs(back - np.array(figure.vertices)).max(1) > 1e-9
    assert moved.any() and not moved.all()
