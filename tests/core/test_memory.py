"""What a dancer knows beyond the moment: the whole song, and poses of what was danced before."""

import numpy as np
import pytest
import torch
from made_dancers import made_source, tiny_config

from tempose.augmentation.maker import ExampleMaker
from tempose.augmentation.settings import AugmentationSettings
from tempose.dit import DanceDiT
from tempose.generator import WEIGHTS
from tempose.memory import LONGEST, recall
from tempose.music.audio import Song
from tempose.pipeline import DancePipeline
from tempose.sampler import SegmentSampler
from tempose.segments import SEGMENT
from tempose.solver import FlowSolver
from tempose.training.loop import train_dit, untrained
from tempose.vae import PoseVAE
from tempose_pose.request import DanceRequest
from tempose_pose.standing import standing_pose

KNOWING = {"song": True, "memory": 8}


def conditions(dit, batch=2, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(batch, *shape, generator=generator)

    return {
        "noisy": normal(18, 18, 1, 4), "reference": normal(18, 18, 1, 4), "mask": torch.zeros(batch, 18, 8, 1, 4),
        "time": torch.full((batch,), 0.5), "music": normal(32, 43), "style": torch.zeros(batch, dtype=torch.long),
        "energy": torch.ones(batch), "no_music": torch.zeros(batch, dtype=torch.bool),
        "song": normal(70), "memory": normal(8, 18, 3), "ago": normal(8).abs(),
    }  # fmt: skip


def test_memory_is_spread_over_all_that_was_danced_and_over_nothing_else():
    keypoints = np.arange(100.0)[:, None, None] * np.ones((1, 18, 2))
    danced = np.ones(100, bool)
    danced[40:60] = False
    memory, ago = recall(keypoints, np.ones((100, 18)), danced, 90, 8)
    frames = memory[:, 0, 0]
    assert (np.diff(frames) > 0).all()
    assert frames[0] < 10 and frames[-1] > 80
    assert danced[frames.astype(int)].all()
    np.testing.assert_allclose(ago, (90 - frames) / 30, rtol=1e-6)
    nothing, _ = recall(keypoints, np.ones((100, 18)), danced, 0, 8)
    assert np.isnan(nothing).all()
    long_ago = recall(np.zeros((3000, 18, 2)), np.ones((3000, 18)), np.ones(3000, bool), 3000, 8)[1]
    assert long_ago.max() == LONGEST


@torch.no_grad()
def test_shipped_weights_dance_as_ever_with_what_they_do_not_know_yet(tmp_path):
    old = DanceDiT.from_pretrained(WEIGHTS / "dit", low_cpu_mem_usage=False).float().eval()
    config = tiny_config(tmp_path, start="default", model=KNOWING | {"encoder": "basic_pitch"})
    new = untrained(config, PoseVAE()).eval()
    assert new.config["encoder"]["name"] == "basic_pitch"
    given = conditions(old) | {"curves": torch.randn(2, 32, 6)}
    encoded = torch.randn(2, 32, new.encoded_in.in_features // 16)
    assert torch.equal(new(**given, encoded=encoded), old(**given))


@torch.no_grad()
@pytest.mark.parametrize("name", ["song", "memory", "ago"])
def test_the_song_and_the_past_reach_the_output_where_they_are_given(name):
    torch.manual_seed(0)
    dit = DanceDiT(width=64, depth=1, heads=2, hidden=64, **KNOWING).eval()
    for parameter in dit.parameters():
        parameter.add_(0.05 * torch.randn_like(parameter))
    given = conditions(dit, batch=1)
    changed = given | {name: given[name] + 1}
    assert (dit(**changed) - dit(**given)).abs().max() > 1e-5
    missing = {key: torch.full_like(given[key], torch.nan) for key in ("song", "memory")}
    without = given | missing | {"ago": torch.zeros(1, 8)}
    assert dit(**without).isfinite().all()
    assert torch.equal(dit(**without), dit(**without | {"ago": torch.ones(1, 8)}))


def test_examples_remember_earlier_poses_of_the_same_dancer():
    source = made_source()
    source.recombiner.memory = 8
    still = {"drop_memory": 0.0, "drop_song": 0.0, "drop_music": 0.0, "moving": 0.0}
    examples = ExampleMaker(
        source, AugmentationSettings(legless=0.0, faceless=0.0, gaps=0.0, occlusion=0.0, **still)
    )(40, 0)
    given = ~examples.memory[:, :, 0, 0].isnan()
    assert given.all(1).float().mean() == pytest.approx(0.8, abs=0.15)
    assert (given.all(1) | ~given.any(1)).all()
    assert examples.song.shape == (40, 70)
    ago = examples.ago[given.all(1)]
    assert (ago.diff(dim=1) < 0).all()
    assert ago.min() > 0 and ago.max() <= LONGEST

    def torso(points):
        return (points[..., 1, :2] - (points[..., 8, :2] + points[..., 11, :2]) / 2).norm(dim=-1)

    now = torso(examples.keypoints).median(1).values[given.all(1)]
    then = torso(examples.memory[given.all(1)]).median(1).values
    other = now.roll(1)
    assert (
        (then - now).abs() < (then - other).abs()
    ).float().mean() > 0.7  # the same body at the same distance
    dropped = ExampleMaker(source, AugmentationSettings(drop_memory=1.0, drop_song=1.0))(4, 0)
    assert dropped.memory.isnan().all()
    assert dropped.song.isnan().all()


def test_windows_are_the_same_whether_or_not_anything_is_remembered_of_others():
    source = made_source()
    plain = source.recombiner.window(0, 1)
    assert plain.memory.shape == (0, 18, 3)
    assert len(plain.motion) == SEGMENT
    source.recombiner.memory = 8
    knowing = source.recombiner.window(0, 1)
    assert knowing.memory.shape == (8, 18, 3)
    assert len(knowing.motion) == len(knowing.beats) == SEGMENT


def test_a_trained_memory_is_fed_from_what_was_danced(tmp_path, monkeypatch):
    """From a run's configuration to a dance of three segments."""
    source = made_source()
    source.recombiner.memory = 8
    model = {"width": 32, "depth": 1, "heads": 1, "hidden": 32, **KNOWING}
    train_dit(tiny_config(tmp_path, steps=3, model=model), PoseVAE(), source, source)
    dit = DanceDiT.from_pretrained(tmp_path / "dit", low_cpu_mem_usage=False)
    assert dit.context.out.weight.any()  # has learned something
    fed = []
    draw = SegmentSampler.__call__

    def watch(self, shown, conditions, *args, **options):
        fed.append(conditions)
        return draw(self, shown, conditions, *args, **options)

    monkeypatch.setattr(SegmentSampler, "__call__", watch)
    samples = 0.1 * np.random.default_rng(0).normal(size=22_050 * 20).astype(np.float32)
    request = DanceRequest(standing_pose(), 18.0, steps=1, repeat=0.0)
    dance = DancePipeline(PoseVAE().eval(), dit.eval(), FlowSolver())(Song(samples), request)
    assert len(dance.poses) == 540
    first, second, third = (c.memory[0] for c in fed)
    assert np.isnan(first).all()
    assert np.isfinite(second).all() and np.isfinite(third).all()
    assert np.allclose([c.ago.max() for c in fed[1:]], [225 / 30, 450 / 30], atol=0.6)
