"""The music's columns have names, in code, in a model's configuration and in caches."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tempose.datasets import bank, instruments, synth
from tempose.dit import SIZES, DanceDiT
from tempose.feature_spec import FeatureSpec
from tempose.music.features import BEAT_GRID, LISTENED, MUSIC, beat_features, mean_tempo, song_features
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.errors import TemposeError


def test_columns_are_found_by_name_and_a_part_in_the_whole():
    assert MUSIC.width == LISTENED.width + BEAT_GRID.width
    assert MUSIC.slice_of(LISTENED) == slice(0, LISTENED.width)
    assert MUSIC.slice_of(BEAT_GRID) == slice(LISTENED.width, MUSIC.width)
    assert MUSIC["tempo"].stop == MUSIC.width
    with pytest.raises(KeyError):
        MUSIC["melody"]
    with pytest.raises(TemposeError, match="no melody"):
        MUSIC.slice_of(FeatureSpec((("melody", 3),)))
    with pytest.raises(TemposeError, match="version 2"):
        MUSIC.slice_of(replace(BEAT_GRID, version=2))


@pytest.mark.parametrize("sizes", [(("onset", 1), ("onset", 2)), (("onset", 0),)])
def test_names_are_distinct_and_columns_not_empty(sizes):
    with pytest.raises(ValueError, match="onset"):
        FeatureSpec(sizes)


def test_a_specification_survives_json_in_its_order():
    assert FeatureSpec.from_config(json.loads(json.dumps(MUSIC.to_config())), LISTENED) == MUSIC
    assert FeatureSpec.from_config(MUSIC.width, MUSIC) is MUSIC  # as older configurations have it
    with pytest.raises(TemposeError, match="7 features"):
        FeatureSpec.from_config(7, MUSIC)


def test_what_is_heard_lies_in_the_columns_of_its_name():
    rng = np.random.default_rng(0)
    quiet, loud = rng.normal(0, 0.001, SAMPLE_RATE), rng.normal(0, 0.3, SAMPLE_RATE)
    heard = song_features(np.r_[quiet, loud].astype(np.float32))
    level = heard[:, LISTENED["loudness"]][:, 0]
    assert level[5:25].max() < level[35:55].min()
    assert set(np.unique(heard[:, LISTENED["onset_peak"]])) <= {0, 1}
    assert heard[:, LISTENED["chroma"]].min() >= 0
    beats = np.arange(60) / 15  # 120 beats per minute, 30 frames per second
    grid = beat_features(beats, beats / 4, np.full(60, 240.0))
    assert np.allclose(grid[::15, BEAT_GRID["on_beat"]], 1)
    assert np.allclose(grid[:, BEAT_GRID["beat_cosine"]][:, 0], np.cos(2 * np.pi * beats), atol=1e-6)
    assert np.allclose(grid[:, BEAT_GRID["bar_sine"]][:, 0], np.sin(np.pi * beats / 2), atol=1e-6)
    assert mean_tempo(np.hstack([heard[:60], grid])) == pytest.approx(240)


def test_a_model_keeps_the_names_in_its_configuration(tmp_path):
    dit = DanceDiT(**SIZES["tiny"])
    dit.save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["music_features"] == MUSIC.to_config()
    assert DanceDiT.from_pretrained(tmp_path).music == MUSIC


def test_a_model_that_hears_no_grid_ignores_what_it_says():
    torch.manual_seed(0)
    dit = DanceDiT(**SIZES["tiny"], beats=False, beat_path=False).eval()
    noisy, mask = torch.randn(1, 18, 18, 1, 4), torch.zeros(1, 18, 8, 1, 4)
    music = torch.randn(1, 32, MUSIC.width)
    rest = {"style": torch.tensor([0]), "energy": torch.ones(1), "no_music": torch.tensor([False])}
    changed = {"grid": music.clone(), "sound": music.clone()}
    changed["grid"][..., MUSIC.slice_of(BEAT_GRID)] += 1
    changed["sound"][..., MUSIC["loudness"]] += 1
    with torch.no_grad():
        dit.final.linear.weight.normal_()
        same, grid, sound = (
            dit(noisy, noisy, mask, torch.tensor([0.5]), heard, **rest)
            for heard in (music, *changed.values())
        )
    assert torch.equal(same, grid)
    assert not torch.equal(same, sound)


def test_a_bank_of_other_features_is_rendered_again(tmp_path, monkeypatch):
    cache = tmp_path / "bank.npz"
    monkeypatch.setattr(instruments, "SampleLibrary", lambda root: None)

    class Grid:
        beats = np.arange(72) / 2

    rendered = []

    def render(*args, **options):
        rendered.append(args)
        return np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE).astype(np.float32), Grid

    monkeypatch.setattr(synth, "render_song", render)
    made = bank.song_bank(tmp_path, cache, 2)
    assert len(rendered) == 2
    again = bank.song_bank(tmp_path, cache, 2)
    assert len(rendered) == 2
    assert np.array_equal(made[1].features, again[1].features)

    with np.load(cache) as file:
        arrays = dict(file)
    np.savez(cache, **{key: value for key, value in arrays.items() if key != "edition"})
    bank.song_bank(tmp_path, cache, 2)
    assert len(rendered) == 4  # older caches hold songs without form
    np.savez(cache, **arrays | {"columns": json.dumps(replace(LISTENED, version=2).to_config())})
    bank.song_bank(tmp_path, cache, 2)
    assert len(rendered) == 6
