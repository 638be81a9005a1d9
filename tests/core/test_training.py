"""Training on made-up clips and songs: draws, masks, losses, and resuming."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tempose.datasets import augment
from tempose.datasets.augment import Augmenter, SongBankEntry, reproportion
from tempose.datasets.clips import Clip, joint_speed, quantised, sample
from tempose.music.features import MUSIC
from tempose.segments import SEGMENT, meet, plan
from tempose.training.cli import list_data
from tempose.training.dit import DiTConfig, flow_loss, make_example, train_dit
from tempose.training.masks import draw_known
from tempose.vae import PoseVAE
from tempose_pose.framing import Framing, chain_height
from tempose_pose.reference import standing_pose
from tempose_pose.skeletons import OPENPOSE_18

BPM = 100.0


def made_up_clip(style="house", late=0.0, frames=320):
    """A figure whose arms swing and stop once per beat, `late` beats after it."""
    pose = standing_pose().pixels[0].astype(float)
    rest = np.column_stack([pose[:, 0] - pose[:, 0].mean(), -pose[:, 1], np.zeros(18)])
    rest[:, 1] -= rest[:, 1].min()
    rest /= chain_height(rest[None])
    beats = np.arange(frames) * BPM / 1800 - late
    motion = np.repeat(rest[None], frames, 0)
    for joint in ("left_wrist", "right_wrist", "left_elbow", "right_elbow"):
        motion[:, OPENPOSE_18.index(joint), 0] += 0.2 * np.cos(np.pi * beats)
    return Clip(
        "made-up", motion.astype(np.float32), np.ones((frames, 18), np.float32), style, BPM, ("HO", "s", "c")
    )


@pytest.fixture(scope="module")
def augmenter():
    rng = np.random.default_rng(0)
    songs = [SongBankEntry(rng.normal(size=(1500, 35)).astype(np.float16), np.arange(0, 50, 0.6))]
    return Augmenter([made_up_clip(), made_up_clip("krump")], songs)


def stops_off_the_beat(clip):
    speed = joint_speed(clip.motion)
    stops = np.flatnonzero((speed[1:-1] < speed[:-2]) & (speed[1:-1] <= speed[2:])) + 1.5
    return np.mean([np.abs(stops - beat).min() for beat in clip.beat_frames[2:-2]])


def test_only_slow_dances_are_shown_with_music_twice_as_fast(augmenter, monkeypatch):
    def draws(share):
        monkeypatch.setattr(augment, "HALF_TIME", share)
        return [augmenter.draw(np.random.default_rng(i)) for i in range(20)]

    tempi = []
    for plain, half in zip(draws(0.0), draws(1.0), strict=True):
        np.testing.assert_array_equal(plain.keypoints, half.keypoints)
        octaves = half.music[:, MUSIC["tempo"]] - plain.music[:, MUSIC["tempo"]]
        slow = plain.music[:, MUSIC["tempo"]].max() < np.log2(augment.HALF_BELOW / 120)
        np.testing.assert_allclose(octaves, float(slow), atol=1e-5)
        tempi.append(slow)
    assert 0 < sum(tempi) < 20


def test_quantising_takes_stops_to_the_beat_and_leaves_poses_alone():
    late = made_up_clip(late=0.25)
    tight = quantised(late)
    assert stops_off_the_beat(late) > 3
    assert stops_off_the_beat(tight) < 1
    assert tight.motion.shape == late.motion.shape
    assert np.ptp(tight.motion, 0).max() <= np.ptp(late.motion, 0).max() + 5e-3


def test_sampling_whole_frames_returns_them():
    values = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    assert np.allclose(sample(values, np.arange(20)), values, atol=1e-6)


def test_reproportioning_lengthens_just_the_bones_asked_for():
    motion = made_up_clip().motion
    factors = dict.fromkeys(["torso", "hips", "head", "shoulders", "arms", "legs", "face"], 1.0)
    assert np.allclose(reproportion(motion, factors), motion, atol=1e-5)
    longer = reproportion(motion, factors | {"legs": 1.2})

    def bone(m, a, b):
        return np.linalg.norm(m[:, OPENPOSE_18.index(a)] - m[:, OPENPOSE_18.index(b)], axis=-1)

    assert np.allclose(
        bone(longer, "left_knee", "left_hip"), 1.2 * bone(motion, "left_knee", "left_hip"), atol=1e-5
    )
    assert np.allclose(bone(longer, "left_elbow", "neck"), bone(motion, "left_elbow", "neck"), atol=1e-5)


def test_examples_are_the_same_for_the_same_seed_and_stay_on_the_canvas(augmenter):
    a, b = (augmenter.draw(np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(a.keypoints, b.keypoints)
    assert np.array_equal(a.music, b.music)
    for seed in range(30):
        e = augmenter.draw(np.random.default_rng(seed))
        assert e.keypoints.shape == (SEGMENT, 18, 2)
        assert e.music.shape == (SEGMENT, MUSIC.width)
        assert np.isfinite(e.music).all()
        assert 0 <= e.keypoints.min() <= e.keypoints.max() <= 1
        assert 0.02 < e.energy < 4


def test_the_dancer_stops_where_the_music_features_say_the_beat_is(augmenter):
    offsets = []
    for seed in range(12):
        e = augmenter.draw(np.random.default_rng(seed))
        speed = joint_speed(e.keypoints)
        stops = np.flatnonzero((speed[1:-1] < speed[:-2]) & (speed[1:-1] <= speed[2:])) + 1.5
        turns = np.arctan2(e.music[:, MUSIC["beat_sine"]], e.music[:, MUSIC["beat_cosine"]])[:, 0] / (
            2 * np.pi
        )  # beat phase
        for stop in stops[2:-2]:
            phase = np.interp(stop, np.arange(SEGMENT), np.unwrap(turns, period=1)) % 1
            offsets.append(min(phase, 1 - phase))
    assert np.median(offsets) < 0.1  # of a beat; 0.25 by chance


def test_masks_come_in_all_kinds():
    drawn = [draw_known(np.random.default_rng(i)) for i in range(400)]
    assert any(not k.any() for k in drawn)
    assert any(k[:16].all() and not k[16:].any() for k in drawn)
    assert any(k[-1].all() and not k[100].any() for k in drawn)
    assert any(k.any(1).all() and not k.all(1).any() for k in drawn)  # locked limbs


def test_framing_undoes_itself_and_makes_children_and_giants_alike():
    for size in (0.2, 0.5, 0.9):
        pose = standing_pose(size, canvas=(1080, 1920))
        framing = Framing.of(pose.pixels[0].astype(float), pose.scores[0])
        canonical = framing.apply(pose.pixels[0])
        assert np.allclose(framing.undo(canonical), pose.pixels[0], atol=1e-3)
        assert np.isclose(chain_height(canonical[None]), 0.55, atol=1e-3)
        assert np.isclose(canonical[:, 1].max(), 0.85, atol=1e-3)


@pytest.mark.parametrize("frames", [1, 15, 256, 257, 496, 900])
def test_the_plan_covers_every_frame_once(frames):
    seen = np.zeros(frames, int)
    for segment in plan(frames):
        seen[segment.fresh : segment.stop] += 1
        assert segment.stop - segment.start <= SEGMENT
    assert (seen == 1).all()


def test_segments_with_nothing_to_dance_are_left_out():
    unknown = np.zeros(900, bool)
    unknown[300:310] = True
    segments = plan(900, unknown)
    assert [(s.fresh, s.stop) for s in segments] == [(256, 496)]


def test_a_drawn_part_meets_the_known_one_without_a_step_and_is_itself_further_on():
    known = np.zeros((60, 2), bool)
    known[:16, 0] = known[50:, 0] = True
    given = np.full((60, 2, 2), 0.5)
    drawn = np.full((60, 2, 2), 0.4) + 0.001 * np.arange(60)[:, None, None]
    met = meet(drawn, given, known)
    assert (met[known] == 0.5).all()
    assert np.abs(np.diff(met[:, 0], axis=0)).max() < 0.015  # the drawn step is 0.001, the gap was 0.085
    assert np.array_equal(met[30:37, 0], drawn[30:37, 0])
    assert np.array_equal(met[:, 1], drawn[:, 1])


def test_a_drawn_part_goes_on_at_the_speed_of_the_known_one():
    """A jerk at the edge is what the eye sees: the known part moves by 0.02 a frame, the drawn one stands still."""
    known = np.zeros((60, 1), bool)
    known[:20] = known[40:] = True
    given = np.repeat(0.02 * np.arange(60)[:, None, None], 2, axis=2)
    drawn = np.full((60, 1, 2), 0.5)
    met = meet(drawn, given, known)
    jerk = np.abs(np.diff(met, 2, axis=0))[18:41].max()
    fading = 0.5 - 0.02 * 19  # what is missed at the edge must be made up for within `MEET` frames
    assert jerk < 4 * (fading + 0.02 * 13) / 13**2 * 1.6
    assert np.abs(np.diff(met, 2, axis=0))[[18, 39]].max() < jerk + 1e-9 < 0.025


@pytest.mark.parametrize("gap", [1, 2, 5, 12, 13, 25, 26, 40])
def test_short_gaps_meet_both_sides_without_a_step(gap):
    frames = np.arange(40 + gap)
    given = np.stack([np.sin(frames / 9), np.cos(frames / 7)], 1)[:, None]
    known = np.ones((40 + gap, 1), bool)
    known[20 : 20 + gap] = False
    met = meet(given + 0.2, given, known)  # a constant miss is made up for everywhere, or fades
    own = np.abs(np.diff(given, axis=0)).max()
    assert np.abs(np.diff(met, axis=0)).max() < own + 0.2 * 1.5 / min(13, gap + 1) + 1e-9
    assert np.array_equal(met[known], given[known])


def test_a_single_kept_pose_is_met_without_changing_the_speed_of_what_is_drawn():
    known = np.zeros((60, 1), bool)
    known[30] = True
    drawn = np.repeat(0.01 * np.arange(60)[:, None, None], 2, axis=2)
    met = meet(drawn, drawn + 0.1, known)
    speed = np.diff(met[:, 0, 0])
    assert met[30, 0, 0] == pytest.approx(0.4)
    assert speed[[29, 30]] == pytest.approx([0.01, 0.01], abs=0.002)


def tiny_config(out, **changes):
    config = DiTConfig(
        out=str(out), steps=4, batch=2, workers=0, warmup=1, cooldown=1, validate_every=2,
        model={"width": 32, "depth": 1, "heads": 1, "hidden": 32},
    )  # fmt: skip
    return replace(config, **changes)


def test_the_loss_falls_on_one_batch(augmenter, tmp_path):
    from tempose.dit import DanceDiT

    torch.manual_seed(0)
    config = tiny_config(tmp_path)
    dit, vae = DanceDiT(**config.model), PoseVAE()
    rng = np.random.default_rng(0)
    examples = [make_example(augmenter, rng, config) for _ in range(2)]
    batch = {key: torch.stack([e[key] for e in examples]) for key in examples[0]}
    optimiser = torch.optim.Adam(dit.parameters(), 3e-3)
    losses = []
    for _ in range(30):
        loss = flow_loss(dit, vae, batch, config)["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight")
def test_a_resumed_run_ends_where_an_unbroken_one_does(augmenter, tmp_path):
    from safetensors.torch import load_file

    vae = PoseVAE()
    train_dit(tiny_config(tmp_path / "whole"), vae, augmenter, augmenter)
    train_dit(tiny_config(tmp_path / "halves", steps=2), vae, augmenter, augmenter)
    train_dit(tiny_config(tmp_path / "halves"), vae, augmenter, augmenter)
    whole, halves = (load_file(tmp_path / name / "state.safetensors") for name in ("whole", "halves"))
    assert set(whole) == set(halves)
    for name in whole:
        assert torch.equal(whole[name], halves[name]), name


def test_a_crouch_is_framed_by_its_shins():
    upright = standing_pose(0.6, canvas=(1000, 1000))
    pixels = upright.pixels[0].astype(float)
    crouch = pixels.copy()
    index = upright.skeleton.index
    for side in ("left", "right"):  # thighs that point at the viewer
        crouch[index(f"{side}_knee")] = crouch[index(f"{side}_hip")] + (0, 5)
        crouch[index(f"{side}_ankle")] = crouch[index(f"{side}_knee")] + (
            pixels[index(f"{side}_ankle")] - pixels[index(f"{side}_knee")]
        )
    seen = np.ones(18)
    assert Framing.of(crouch, seen).scale == pytest.approx(Framing.of(pixels, seen).scale, rel=0.05)


def test_a_run_lists_the_clips_it_learns_from_and_those_held_out(augmenter, tmp_path):
    list_data(tmp_path / "run" / "data.csv", augmenter, Augmenter([made_up_clip("pop")], augmenter.songs))
    rows = (tmp_path / "run" / "data.csv").read_text("utf-8").splitlines()
    assert rows[1:] == [
        "made-up,house,100,320,training",
        "made-up,krump,100,320,training",
        "made-up,pop,100,320,held out",
    ]


def test_a_run_may_start_from_the_weights_of_another(augmenter, tmp_path):
    torch.manual_seed(0)
    vae, small = PoseVAE(), {"width": 32, "depth": 1, "heads": 2, "hidden": 32}
    first = DiTConfig(str(tmp_path / "a"), steps=1, batch=2, workers=0, model=small)
    train_dit(first, vae, augmenter, augmenter)
    on = replace(
        first, out=str(tmp_path / "b"), start=str(tmp_path / "a" / "dit"), learning_rate=0.0, weight_decay=0.0
    )
    train_dit(on, vae, augmenter, augmenter)
    a, b = (load_file(tmp_path / run / "dit" / "diffusion_pytorch_model.safetensors") for run in "ab")
    assert all(torch.equal(a[name], b[name]) for name in a)
