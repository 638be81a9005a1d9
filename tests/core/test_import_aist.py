"""AIST++'s layout, and the pickles it comes in."""

import io
import json
import pickle

import numpy as np
import pytest
from importer_files import AIST, dancer_3d, write_aist

from tempose.datasets.clips import load_clips
from tempose.datasets.importers import ImportOptions, import_data
from tempose.datasets.importers.aist import tempo
from tempose.datasets.importers.pickles import load_arrays
from tempose_pose.errors import TemposeError


@pytest.fixture
def aist(tmp_path):
    return write_aist(tmp_path / "aist")


def test_aist_gives_a_clip_in_space_and_one_per_camera_at_half_its_rate(aist, tmp_path):
    report = import_data(aist, tmp_path / "data")
    assert len(report.clips) == 4
    index = json.loads((tmp_path / "data" / "dance" / "index.json").read_text())
    solid = next(e for e in index if e["source"] == "aistpp_raw3d")
    assert (solid["frames"], solid["bpm"], solid["genre"]) == (300, 100.0, "KR")
    assert (solid["choreo"], solid["situation"], solid["dancer"]) == ("ch01", "sBM", "d28")
    with np.load(tmp_path / "data" / "dance" / solid["file"]) as file:
        assert np.array_equal(file["kp"], (dancer_3d(600)[::2] / 100).astype(np.float32))
    flat = [e for e in index if e["source"] == "aistpp_raw2d"]
    assert [e["name"][8:11] for e in flat] == ["c01", "c02", "c03"]
    assert flat[0]["root"].startswith("pixels 640x480")
    clips = load_clips(tmp_path / "data")
    assert {c.style for c in clips} == {"krump"}
    assert all(np.isfinite(c.motion).all() for c in clips)


def test_tempi_follow_the_number_of_the_piece():
    assert [tempo(m) for m in ("mBR0", "mBR5", "mHO0", "mHO5")] == [80, 130, 110, 135]


def test_one_view_can_be_asked_for_and_ignored_sequences_stay_out(aist, tmp_path):
    assert len(import_data(aist, tmp_path / "a", ImportOptions(views="3d")).clips) == 1
    assert len(import_data(aist, tmp_path / "b", ImportOptions(views="2d")).clips) == 3
    (aist / "ignore_list.txt").write_text(f"{AIST}\n")
    with pytest.raises(TemposeError, match="nothing of the kind aist"):
        import_data(aist, tmp_path / "c")


class _Evil:
    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_arrays_are_read_and_of_anything_else_refused(tmp_path, capsys, protocol):
    path = tmp_path / "a.pkl"
    data = {"x": np.arange(6.0).reshape(2, 3), "y": np.float32(2), "z": [1, "a", None, True]}
    path.write_bytes(pickle.dumps(data, protocol))
    got = load_arrays(path)
    assert np.array_equal(got["x"], data["x"])
    assert got["y"] == 2
    path.write_bytes(pickle.dumps({"x": _Evil()}, protocol))
    with pytest.raises(TemposeError, match=r"print is not allowed"):
        load_arrays(path)
    assert capsys.readouterr().out == ""


def test_pickles_cannot_smuggle_objects_in_arrays_or_by_number(tmp_path):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps({"x": np.asarray([_Evil()], dtype=object)}))
    with pytest.raises(TemposeError):
        load_arrays(path)
    path.write_bytes(pickle.dumps(np.arange(3)))
    with pytest.raises(TemposeError, match="no dictionary"):
        load_arrays(path)
    whole = pickle.dumps({"x": np.arange(100)})
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TemposeError):
        load_arrays(path)
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer)
    pickler.persistent_id = lambda _: "id"  # pyright: ignore[reportAttributeAccessIssue]
    pickler.dump({"x": 1})
    path.write_bytes(buffer.getvalue())
    with pytest.raises(TemposeError):
        load_arrays(path)
