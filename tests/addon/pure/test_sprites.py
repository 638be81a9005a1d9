"""Sprites for games: even cells, a description that says the rate and the beats, GIFs that keep time."""

import json

import numpy as np
import pytest
from addon.model.errors import Problem
from addon.model.files import gif_encoding, sprites
from addon.model.files.export_span import ExportSpan

COUNT, HIGH, WIDE = 7, 20, 10


@pytest.fixture
def drawn():
    """Seven frames in which a red square goes down over nothing; the song has a beat every three frames."""
    frames = np.zeros((COUNT, HIGH, WIDE, 4), np.uint8)
    for t in range(COUNT):
        frames[t, 2 * t : 2 * t + 4, 2:6] = (200 + t, 10, 30, 255)
    return sprites.Sprites(frames, 23.976, (0.0, 3.0, 6.0), (5.0, 19.0), True, "imp")


def test_a_sheet_is_cells_of_one_size_and_says_where_each_is(drawn, tmp_path):
    image = pytest.importorskip("PIL.Image")
    assert sprites.write_sheet(drawn, tmp_path / "imp.png") == tmp_path / "imp.json"
    sheet = np.asarray(image.open(tmp_path / "imp.png"))
    said = json.loads((tmp_path / "imp.json").read_text())
    assert sheet.shape[0] % HIGH == sheet.shape[1] % WIDE == 0
    assert said["meta"]["size"] == {"w": sheet.shape[1], "h": sheet.shape[0]}
    assert (said["fps"], said["beats"], said["loop"]) == (23.976, [0.0, 3.0, 6.0], True)
    assert said["frameSize"] == {"w": WIDE, "h": HIGH}
    for frame, there in zip(said["frames"], drawn.frames, strict=True):
        at = frame["frame"]
        cell = sheet[at["y"] : at["y"] + at["h"], at["x"] : at["x"] + at["w"]]
        assert (cell == there).all()
        assert frame["pivot"] == {"x": 0.5, "y": 0.95}
    assert sum(frame["duration"] for frame in said["frames"]) == round(1000 * COUNT / 23.976)


def test_a_sheet_no_card_takes_is_refused_in_words():
    assert sprites.columns_of(64, 100, 100) == 8
    with pytest.raises(Problem, match="Set a shorter preview range"):
        sprites.columns_of(4000, 400, 400)


def test_a_gif_keeps_time_and_is_clear_around_the_figure(drawn, tmp_path):
    image = pytest.importorskip("PIL.Image")
    np.save(tmp_path / "frames.npy", drawn.frames)
    shown = sprites.durations(COUNT, drawn.rate, 0.01)
    assert set(shown) == {4, 5}  # hundredths of a second
    gif_encoding.main(str(tmp_path / "frames.npy"), ",".join(map(str, shown)), str(tmp_path / "imp.gif"))
    with image.open(tmp_path / "imp.gif") as gif:
        assert (gif.n_frames, gif.info["loop"]) == (COUNT, 0)
        took = 0
        for t in range(COUNT):
            gif.seek(t)
            took += gif.info["duration"]
            there = np.asarray(gif.convert("RGBA"))
            assert (there[..., 3] == drawn.frames[t, ..., 3]).all()
            assert np.abs(there[2 * t, 3, :3].astype(int) - drawn.frames[t, 2 * t, 3, :3]).max() <= 3
    assert took == pytest.approx(1000 * COUNT / drawn.rate, abs=5)


def test_frames_of_a_loop_fit_in_evenly_and_its_end_is_left_out():
    frames, rate = ExportSpan(1.0, 48.5, 24.0, True).sampled(12.0, 100)
    assert len(frames) == 24
    assert np.diff(frames).tolist() == pytest.approx([48.5 / 24] * 23)
    assert frames[-1] + 48.5 / 24 == pytest.approx(1.0 + 48.5)
    assert rate == pytest.approx(24 / (48.5 / 24))
    frames, rate = ExportSpan(10.0, 48.0, 24.0, False).sampled(12.0, 100)
    assert (frames[0], frames[-1], rate) == (10.0, 56.0, 12.0)
    with pytest.raises(Problem, match="Set a shorter preview range"):
        ExportSpan(1.0, 48.0, 24.0, False).sampled(240.0, 100)
