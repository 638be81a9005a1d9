"""Measuring the beat grid: scores, plausibility, calibration, the command."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from tempose.cli import app
from tempose.evaluation import beat_figures, beat_songs
from tempose.evaluation import beats as measured
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.errors import TemposeError
from tempose_pose.grid import BeatGrid

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("TEMPOSE_DATA", ROOT.parent / "shared" / "data"))
needs_data = pytest.mark.skipif(
    not (DATA / "fluidr3" / "zones.json").is_file(), reason="no training data: set TEMPOSE_DATA to its folder"
)


def grid(bpm: float, seconds: float = 40.0, first: float = 0.2, bar: int = 4) -> BeatGrid:
    times = np.arange(first, seconds, 60 / bpm)
    return BeatGrid(times, times[::bar])


def clicks(found: BeatGrid, seconds: float = 20.0) -> np.ndarray:
    out = np.zeros(int(seconds * SAMPLE_RATE), np.float32)
    click = np.exp(-np.arange(2000) / 200) * np.sin(np.arange(2000) * 0.4)
    for at in (found.beats * SAMPLE_RATE).astype(int):
        if at + 2000 < len(out):
            out[at : at + 2000] += click
    return out


def test_the_truth_scores_one_and_half_the_tempo_is_right_at_another_level():
    true = grid(120)
    assert beat_figures.scores(true, true) == dict.fromkeys(beat_figures.FIGURES, 1.0)
    half = beat_figures.scores(true, BeatGrid(true.beats[::2], true.downbeats))
    assert half["f"] == pytest.approx(2 / 3, abs=0.02)
    assert half["cmlt"] == 0
    assert half["amlt"] > 0.95
    wrong = beat_figures.scores(true, grid(97))
    assert wrong["f"] < 0.4
    assert wrong["amlt"] < 0.2


def test_one_slip_halves_the_longest_stretch_and_hardly_the_whole():
    true = grid(120)
    slipped = true.beats.copy()
    slipped[len(slipped) // 2] += 0.2
    found = beat_figures.scores(true, BeatGrid(slipped, true.downbeats))
    assert found["cmlc"] == pytest.approx(0.5, abs=0.06)
    assert found["cmlt"] > 0.9


def test_nothing_found_and_nothing_to_find_score_zero():
    none = BeatGrid(np.zeros(0))
    for pair in ((grid(100), none), (none, grid(100)), (none, none)):
        assert set(beat_figures.scores(*pair).values()) == {0.0}


def test_contrast_is_one_by_chance_and_more_on_the_beat():
    true = grid(120, 20)
    samples = clicks(true)
    assert beat_figures.contrast(samples, true) > 3
    late = BeatGrid(true.beats[:-1] + 0.25)
    assert beat_figures.contrast(samples, late) < 1
    assert beat_figures.contrast(samples, BeatGrid(np.zeros(0))) == 0
    noise = np.random.default_rng(0).normal(0, 0.1, len(samples)).astype(np.float32)
    assert beat_figures.contrast(noise, true) == pytest.approx(1, abs=0.15)


def test_plausibility_tells_steady_grids_from_broken_ones():
    true = grid(120, 20)
    steady = beat_figures.plausibility(clicks(true), true)
    assert steady["bpm"] == pytest.approx(120)
    assert steady["spread"] == pytest.approx(0, abs=1e-6)
    assert steady["steps"] == 0
    assert steady["pulse"] > 20
    three_for_four = grid(90, 20)  # the tracker's other mistake
    assert beat_figures.pulse(clicks(true), three_for_four) < 4
    assert beat_figures.plausibility(clicks(true), BeatGrid(true.beats[:3]))["pulse"] == 0
    broken = beat_figures.plausibility(clicks(true), BeatGrid(np.delete(true.beats, [5, 11, 12, 20])))
    assert broken["steps"] > 0.1


def test_calibration_is_right_where_confidence_is_the_share_of_right_grids():
    random = np.random.default_rng(0)
    confidence = random.uniform(0, 1, 4000)
    f = np.where(random.random(4000) < confidence, 0.95, 0.5)
    good = beat_figures.calibration(confidence, f)
    assert good["error"] < 0.03
    assert 0.75 < good["auc"] < 0.9  # 5/6 in the limit
    assert sum(b["count"] for b in good["bins"]) == 4000
    blind = beat_figures.calibration(np.full(400, 0.95), f[:400])
    assert blind["error"] > 0.3
    assert blind["auc"] == 0.5
    assert np.isnan(beat_figures.calibration(np.asarray([0.5]), np.asarray([0.9]))["auc"])


def test_tempi_change_as_their_name_says():
    random = np.random.default_rng(0)
    assert set(beat_songs.tempo_of("steady", 90, 40, random)) == {90.0}
    abrupt = beat_songs.tempo_of("abrupt", 100, 40, random)
    assert (abrupt[:20] == 100).all()
    assert (np.abs(np.log(abrupt[20:] / 100)) > 0.2).all()
    gradual = beat_songs.tempo_of("gradual", 100, 40, random)
    assert np.ptp(np.sign(np.diff(gradual))) == 0
    assert abs(np.log(gradual[-1] / 100)) > 0.25
    ritardando = beat_songs.tempo_of("ritardando", 100, 40, random)
    assert (ritardando[:28] == 100).all() and ritardando[-1] == pytest.approx(58)
    rubato = beat_songs.tempo_of("rubato", 100, 40, random)
    assert 0.03 < np.log(rubato / 100).std() < 0.2


def test_sounds_without_a_beat_are_of_three_kinds_and_finite():
    for seed in range(3):
        sound = beat_songs.beatless(seed, 2.0)
        assert sound.shape == (2 * SAMPLE_RATE,)
        assert np.isfinite(sound).all()
        assert sound.std() > 1e-3


def test_a_short_song_is_measured_from_its_first_beat():
    loop = BeatGrid(np.arange(0, 4, 0.5), np.arange(0, 4, 2.0))
    shifted = BeatGrid(loop.beats, loop.beats[2::4])
    assert beat_figures.scores(loop, loop)["downbeat_f"] == 1
    assert beat_figures.scores(loop, shifted)["downbeat_f"] == 0


@needs_data
def test_rendered_songs_have_the_beats_they_say():
    kinds = (beat_songs.SongKind("waltz", (120,), "waltz", None), beat_songs.SongKind("steady", (100,)))
    (waltz, steady) = beat_songs.rendered(DATA, 1, 12.0, kinds)
    assert np.allclose(np.diff(waltz[4].beats), 0.5)
    assert np.allclose(np.diff(waltz[4].downbeats), 1.5)
    assert np.allclose(np.diff(steady[4].beats), 0.6)
    assert beat_figures.contrast(steady[3], steady[4]) > 1.2


def test_the_command_writes_json_csv_and_a_page(tmp_path, monkeypatch):
    true, rendered = grid(110, 12), []

    def songs(data, songs, seconds, kinds, skip):
        made = {
            "clicks 0": ("steady", 110.0, clicks(true, 12), true),
            "quick clicks 1": ("steady", 150.0, clicks(grid(150, 12), 12), grid(150, 12)),
            "noise 0": ("no beat", 0.0, beat_songs.beatless(0, 12.0), BeatGrid(np.zeros(0))),
        }
        for name, (kind, bpm, samples, true_grid) in made.items():
            if name not in skip:
                rendered.append(name)
                yield kind, name, bpm, samples, true_grid

    monkeypatch.setattr(measured, "rendered", songs)
    (tmp_path / "music").mkdir()
    import soundfile

    soundfile.write(tmp_path / "music" / "a.wav", clicks(true, 12), SAMPLE_RATE)
    result = CliRunner().invoke(app, ["evaluate-beats", str(tmp_path), "-o", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    kept = json.loads((tmp_path / "out" / "beats.json").read_text())
    assert kept["table"]["all"]["tempose"]["songs"] == 2
    assert kept["table"]["no beat"]["tempose"]["f"] == 0
    assert [r["tracker"] for r in kept["recordings"]] == ["tempose", "librosa"]
    assert kept["recordings"][0]["bpm"] == pytest.approx(110, rel=0.02)
    with (tmp_path / "out" / "beats.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 6
    page = (tmp_path / "out" / "beats.html").read_text()
    assert page.count("data:image/png") == 2
    assert "http" not in page
    assert rendered == ["clicks 0", "quick clicks 1", "noise 0"]
    store = tmp_path / "out" / "songs.jsonl"
    lines = store.read_text().splitlines()
    store.write_text("\n".join(lines[:3]) + "\n" + lines[3][:20])  # killed while writing the third song
    again = CliRunner().invoke(app, ["evaluate-beats", str(tmp_path), "-o", str(tmp_path / "out")])
    assert again.exit_code == 0, again.output
    assert rendered[3:] == ["noise 0"]
    assert json.loads((tmp_path / "out" / "beats.json").read_text()) == kept
    few = CliRunner().invoke(
        app, ["evaluate-beats", str(tmp_path), "-o", str(tmp_path / "out"), "--songs", "1"]
    )
    assert few.exit_code == 0, few.output
    assert rendered[4:] == []
    assert json.loads((tmp_path / "out" / "beats.json").read_text())["table"]["all"]["tempose"]["songs"] == 1
    monkeypatch.setattr(measured, "_tracker_digest", lambda: "another tracker")
    CliRunner().invoke(app, ["evaluate-beats", str(tmp_path), "-o", str(tmp_path / "out")])
    assert rendered[4:] == ["clicks 0", "quick clicks 1", "noise 0"]


def test_a_folder_without_samples_is_named(tmp_path):
    with pytest.raises(TemposeError):
        measured.evaluate_beats(tmp_path, tmp_path / "out")
