"""A run in a folder, for machines that have torch, numpy, scipy and safetensors alone."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_dancers import lively_clip, made_songs
from safetensors.torch import load_file

from tempose.datasets.bank import load_bank, save_bank
from tempose.datasets.clips import load_clips
from tempose.training import stage
from tempose_pose.errors import TemposeError
from tempose_pose.skeletons import COCO_17, OPENPOSE_18

SETTINGS = {
    "kind": "dit", "out": "runs/none", "vae": "raw", "batch": 2, "workers": 0, "checks": 2, "validate_every": 1,
    "keep": 4, "warmup": 1, "precision": "no", "model": {"width": 32, "depth": 1, "heads": 1, "hidden": 32},
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder of made-up dances, with a bank of made-up songs."""
    place = tmp_path_factory.mktemp("data")
    folder = place / "data" / "dance"
    folder.mkdir(parents=True)
    order = [OPENPOSE_18.index(joint) for joint in COCO_17.joints]
    entries = []
    for i in range(6):
        np.savez(folder / f"{i}.npz", kp=lively_clip(i).motion[:, order])
        entries.append({
            "file": f"{i}.npz", "source": "made", "name": f"clip {i}", "genre": "HO", "bpm": 100.0,
            "situation": "solo", "choreo": f"c{i}",
        })  # fmt: skip
    (folder / "index.json").write_text(json.dumps(entries))
    save_bank(place / "bank.npz", made_songs())
    return place / "data"


@pytest.fixture(scope="module")
def staged(data):
    """Where a run is staged, and what is said of it."""
    folder = data.parent / "staged"
    return folder, stage.stage_run(settings(data), data, folder)


def settings(data, **more):
    return SETTINGS | {"bank": {"cache": str(data.parent / "bank.npz"), "count": 3}} | more


def test_dances_and_songs_travel_as_they_are_to_far_below_what_training_adds(data, staged):
    for mine, theirs in zip(load_clips(data), load_clips(staged[0] / "data"), strict=True):
        assert np.abs(mine.motion - theirs.motion).max() < 3e-4
        assert mine.held_out == theirs.held_out
    songs = zip(made_songs(), load_bank(staged[0] / "data" / "bank.npz"), strict=True)
    for mine, theirs in songs:
        assert np.abs(mine.features.astype(float) - theirs.features).max() < 0.01
        assert mine.genre == theirs.genre


def test_a_folder_that_is_too_large_to_travel_is_told(data, tmp_path, monkeypatch):
    monkeypatch.setattr(stage, "LARGEST", 1000)
    monkeypatch.setattr(stage, "_stage_libraries", lambda folder: None)  # which takes long
    with pytest.raises(TemposeError, match="fewer songs"):
        stage.stage_run(settings(data), data, tmp_path / "staged")
    with pytest.raises(TemposeError, match="anywhere"):
        stage.stage_run({"kind": "vae", "out": "x", "bank": {}}, data, tmp_path / "staged")


@pytest.mark.slow
@pytest.mark.timeout(1500)  # a busy machine takes minutes to import torch
def test_a_staged_run_trains_where_nothing_else_is_installed(staged, tmp_path):
    folder, said = staged
    assert "train.py" in said
    out = tmp_path / "out"
    subprocess.run(
        [sys.executable, Path(__file__).with_name("bare.py"), folder / "train.py", "--minutes", "30",
         "--threads", "1", "--out", out, "--set", "steps=3", "--set", "piece_megabytes=1",
         "--set", 'model={"width": 192, "depth": 1, "heads": 1, "hidden": 384}'],
        check=True, env=os.environ | {"ACCELERATE_USE_CPU": "true"},
    )  # fmt: skip
    with (out / "log.csv").open(newline="") as file:
        losses = [float(row["held_out_loss"]) for row in csv.DictReader(file)]
    assert len(losses) == 3
    assert np.isfinite(losses).all()
    pieces = sorted((out / "dit").glob("*.safetensors"))
    assert len(pieces) > 1
    assert all(piece.stat().st_size < 1.1e6 for piece in pieces)
    weights = {name: value for piece in pieces for name, value in load_file(piece).items()}
    assert {str(value.dtype) for value in weights.values()} == {"torch.bfloat16"}
    assert weights["pose_in.weight"].shape[1] == 18 * (2 * 24 + 8)
    assert not (out / "states").exists()
