"""Curves that direct the dancer: what they say between points, what a file of one may look like."""

import numpy as np
import pytest

from tempose_pose.curves import CURVES, RANGES, Curve, check_curve, curve_columns, read_curve
from tempose_pose.errors import TemposeError


def test_a_curve_is_straight_between_points_and_held_beyond_them():
    curve = Curve(np.array([1.0, 3.0]), np.array([0.0, 1.0]))
    assert np.allclose(curve(np.array([0.0, 1.0, 2.0, 3.0, 9.0])), [0, 0, 0.5, 1, 1])


def test_from_an_empty_value_to_the_next_point_a_curve_is_not_given():
    curve = Curve(np.array([0.0, 1.0, 2.0]), np.array([0.5, np.nan, -0.5]))
    assert np.isnan(curve(np.array([1.0, 1.9]))).all()
    assert np.allclose(curve(np.array([2.0, 5.0])), -0.5)
    assert np.isnan(Curve(np.array([0.0]), np.array([np.nan]))(np.arange(3.0))).all()


def test_columns_stand_in_the_models_order_and_are_empty_where_nothing_is_given():
    columns = curve_columns({"facing": Curve(np.array([0.0]), np.array([0.8]))}, np.arange(4) / 30)
    assert columns.shape == (4, len(CURVES))
    assert np.allclose(columns[:, CURVES.index("facing")], 0.8)
    assert np.isnan(np.delete(columns, CURVES.index("facing"), 1)).all()
    assert curve_columns({}, np.arange(4.0), ()).shape == (4, 0)


@pytest.mark.parametrize(
    ("times", "values"),
    [
        ([0.0, 0.0], [1, 1]),
        ([1.0, 0.0], [1, 1]),
        ([0.0], [1, 2]),
        ([], []),
        ([0.0], [np.inf]),
        ([np.nan], [1.0]),
    ],
)
def test_anything_but_a_curve_is_refused(times, values):
    with pytest.raises(TemposeError, match="curve"):
        Curve(np.asarray(times), np.asarray(values))


def test_unknown_names_and_values_out_of_range_are_refused():
    with pytest.raises(TemposeError, match="known are energy"):
        check_curve("speed", Curve(np.array([0.0]), np.array([0.0])))
    for name, (low, high) in RANGES.items():
        check_curve(name, Curve(np.array([0.0, 1.0]), np.array([low, high])))
        with pytest.raises(TemposeError, match=name):
            check_curve(name, Curve(np.array([0.0]), np.array([high + 0.1])))


def test_a_csv_file_with_or_without_a_heading_is_read(tmp_path):
    path = tmp_path / "energy.csv"
    path.write_text("second,energy\n0,-1\n2.5,0.5\n\n4,\n", "utf-8")
    curve = read_curve(path)
    assert curve.times.tolist() == [0, 2.5, 4]
    assert curve.values[:2].tolist() == [-1, 0.5]
    assert np.isnan(curve.values[2])
    path.write_text("\ufeff0;1\n", "utf-8")
    with pytest.raises(TemposeError, match="no curve"):
        read_curve(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TemposeError, match="no curve"):
        read_curve(path)
    with pytest.raises(TemposeError, match="no curve file"):
        read_curve(tmp_path / "none.csv")
