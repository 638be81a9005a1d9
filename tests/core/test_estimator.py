"""People in pictures, by models made here for the purpose."""

import numpy as np
import pytest

from tempose import estimator
from tempose.estimator import RtmEstimator, missing, model_files
from tempose_pose.errors import TemposeError


@pytest.mark.parametrize("joints", [17, 133])
def test_the_joints_are_where_the_picture_has_them(dots, tmp_path, joints):
    dots.write_models(tmp_path, joints)
    size = (300, 400) if joints == 17 else (600, 800)
    points = dots.standing(joints)
    find = RtmEstimator(tmp_path)
    people = find(dots.dotted(points, size, joints))
    assert people.shape == (1, joints, 3)
    assert np.abs(people[0, :, :2] / size - points).max() < 0.02
    assert people[..., 2].min() > 0.9
    assert len(find(np.full((60, 60, 3), 128, np.uint8))) == 0


def test_what_a_folder_holds_and_what_it_lacks(tmp_path, monkeypatch):
    monkeypatch.setattr(estimator, "find_spec", lambda name: name)
    assert missing(tmp_path).code == "pose_model_missing"
    (tmp_path / "rtmpose-m.onnx").write_bytes(b"")
    assert model_files(tmp_path) is None
    (tmp_path / "YOLOX_m.onnx").write_bytes(b"")
    assert missing(tmp_path) is None
    assert model_files(tmp_path) == (tmp_path / "YOLOX_m.onnx", tmp_path / "rtmpose-m.onnx")
    (tmp_path / "rtmo-s.onnx").write_bytes(b"")
    assert model_files(tmp_path) == (None, tmp_path / "rtmo-s.onnx")
    monkeypatch.setattr(estimator, "find_spec", lambda name: None)
    assert "pip install" in missing(tmp_path).message
    with pytest.raises(TemposeError, match="pip install"):
        RtmEstimator(tmp_path)


def test_models_of_other_joints_are_refused(dots, tmp_path):
    dots.write_models(tmp_path, 21)
    with pytest.raises(TemposeError, match="21 joints"):
        RtmEstimator(tmp_path)(dots.dotted(dots.standing(21), joints=21))
