"""Training on made-up clips and songs: draws, masks, losses, and resuming."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_dancers import made_source, swinging_clip, tiny_config
from safetensors.torch import load_file

from tempose.augmentation.bodies import SPREAD, BodyTables, reproportioned
from tempose.augmentation.draws import Draws
from tempose.augmentation.maker import ExampleMaker
from tempose.augmentation.masks import draw_known
from tempose.augmentation.settings import AugmentationSettings
from tempose.datasets import recombine
from tempose.datasets.clips import joint_speed, quantised, sample
from tempose.dit import DanceDiT
from tempose.music.features import MUSIC
from tempose.segments import SEGMENT, meet, plan
from tempose.training import windows
from tempose.training.loop import Run, train_dit, untrained
from tempose.training.losses import flow_loss, joint_weights, limbs
from tempose.training.run import list_data
from tempose.training.state import latest
from tempose.vae import PoseVAE
from tempose_pose.curves import CURVES
from tempose_pose.errors import TemposeError
from tempose_pose.framing import Framing, chain_height
from tempose_pose.skeletons import OPENPOSE_18, OPENPOSE_60
from tempose_pose.standing import standing_pose


@pytest.fixture(scope="module")
def source():
    return made_source([swinging_clip(), swinging_clip("krump")])


def test_spawned_workers_run_nothing_from_the_current_folder(source, monkeypatch):
    told = []

    class Loader(list):
        def __init__(self, *args, **named):
            super().__init__()

        def __iter__(self):
            told.append(os.environ.get("PYTHONSAFEPATH"))  # which they inherit; Python heeds it from 3.11 on
            return super().__iter__()

    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    monkeypatch.setattr(windows, "DataLoader", Loader)
    windows.WindowPool(source.recombiner, tiny_config("out"), 0, torch.device("cpu"))
    assert told == ["1"]
    assert "PYTHONSAFEPATH" not in os.environ


def stops_off_the_beat(clip):
    speed = joint_speed(clip.motion)
    stops = np.flatnonzero((speed[1:-1] < speed[:-2]) & (speed[1:-1] <= speed[2:])) + 1.5
    return np.mean([np.abs(stops - beat).min() for beat in clip.beat_frames[2:-2]])


def test_only_slow_dances_are_shown_with_music_twice_as_fast(source, monkeypatch):
    def draws(share):
        monkeypatch.setattr(recombine, "HALF_TIME", share)
        return [source.recombiner.window(0, i) for i in range(20)]

    slow = []
    for plain, half in zip(draws(0.0), draws(1.0), strict=True):
        np.testing.assert_array_equal(plain.motion, half.motion)
        slow.append(plain.bpm.max() < recombine.HALF_BELOW)
        np.testing.assert_allclose(half.bpm, (1 + slow[-1]) * plain.bpm)
        np.testing.assert_allclose(half.beats, (1 + slow[-1]) * plain.beats)
    assert 0 < sum(slow) < 20


def test_quantising_takes_stops_to_the_beat_and_leaves_poses_alone():
    late = swinging_clip(late=0.25)
    tight = quantised(late)
    assert stops_off_the_beat(late) > 3
    assert stops_off_the_beat(tight) < 1
    assert tight.motion.shape == late.motion.shape
    assert np.ptp(tight.motion, 0).max() <= np.ptp(late.motion, 0).max() + 5e-3


def test_sampling_whole_frames_returns_them():
    values = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    assert np.allclose(sample(values, np.arange(20)), values, atol=1e-6)


def test_reproportioning_lengthens_just_the_bones_asked_for():
    body = BodyTables()
    motion = torch.from_numpy(swinging_clip().motion)[None]
    factors = torch.ones(1, len(SPREAD))
    assert torch.allclose(reproportioned(body, motion, factors), motion, atol=1e-5)
    factors[0, list(SPREAD).index("legs")] = 1.2
    longer = reproportioned(body, motion, factors)

    def bone(m, a, b):
        return (body.at(m, a) - body.at(m, b)).norm(dim=-1)

    thigh = bone(motion, "left_knee", "left_hip")
    assert torch.allclose(bone(longer, "left_knee", "left_hip"), 1.2 * thigh, atol=1e-5)
    assert torch.allclose(bone(longer, "left_elbow", "neck"), bone(motion, "left_elbow", "neck"), atol=1e-5)
    assert torch.allclose(
        body.at(longer, "left_ankle")[..., 1], body.at(motion, "left_ankle")[..., 1], atol=0.02
    )


def test_examples_are_the_same_for_the_same_seed_and_stay_on_the_canvas(source):
    maker = ExampleMaker(source, AugmentationSettings())
    a, b, c = maker(30, 3), maker(30, 3), maker(30, 4)
    assert torch.equal(a.keypoints, b.keypoints)
    assert torch.equal(a.music, b.music)
    assert not torch.equal(a.keypoints, c.keypoints)
    assert a.keypoints.shape == (30, SEGMENT, 18, 2)
    assert a.music.shape == (30, SEGMENT, MUSIC.width)
    assert a.music.isfinite().all()
    assert 0 <= a.keypoints.min() <= a.keypoints.max() <= 1
    energy = a.energy[~a.energy.isnan()]
    assert ((energy > 0.02) & (energy < 4)).all()


def test_the_dancer_stops_where_the_music_features_say_the_beat_is(source):
    offsets = []
    examples = ExampleMaker(source, AugmentationSettings())(12, 0)
    for keypoints, music in zip(examples.keypoints.numpy(), examples.music.numpy(), strict=True):
        speed = joint_speed(keypoints)
        stops = np.flatnonzero((speed[1:-1] < speed[:-2]) & (speed[1:-1] <= speed[2:])) + 1.5
        turns = np.arctan2(music[:, MUSIC["beat_sine"]], music[:, MUSIC["beat_cosine"]])[:, 0] / (2 * np.pi)
        for stop in stops[2:-2]:
            phase = np.interp(stop, np.arange(SEGMENT), np.unwrap(turns, period=1)) % 1
            offsets.append(min(phase, 1 - phase))
    assert np.median(offsets) < 0.1  # of a beat; 0.25 by chance


def test_masks_come_in_all_kinds_and_in_their_shares():
    drawn = draw_known(BodyTables(), Draws((0,), 4000, torch.device("cpu"))).numpy()
    nothing = ~drawn.any((1, 2))
    continued = drawn[:, :16].all((1, 2)) & ~drawn[:, 16:].any((1, 2))
    ends = drawn[:, -1].all(-1) & ~drawn[:, 100].any(-1)
    locked = drawn.any(2).any(1) & ~drawn.all(2).any(1)
    assert abs(nothing.mean() - 0.35) < 0.03
    assert abs(continued.mean() - 0.30) < 0.04
    assert 0.04 < ends.mean() < 0.12
    assert 0.03 < locked.mean() < 0.12
    key_poses = ~drawn[:, :16].all((1, 2)) & drawn.all(2).any(1) & (drawn.all(2).sum(1) <= 8)
    assert key_poses.mean() > 0.02


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


@pytest.mark.parametrize("kept", [slice(0, 20), slice(40, 60)])
def test_a_figure_that_jumps_at_the_edge_is_led_over(kept):
    """Guidance moves the whole figure, but for what is known."""
    frames = np.arange(60)
    given = np.stack([np.sin(frames / 9), np.cos(frames / 7)], 1)[:, None]
    known = np.zeros((60, 1), bool)
    known[kept] = True
    met = meet(given + np.where(known[..., None], 0.01, 0.3), given, known)
    usual = np.abs(np.diff(given, axis=0)).max()
    assert np.abs(np.diff(met, axis=0)).max() < usual + 0.3 * 1.6 / 13  # once 0.3
    assert np.array_equal(met[known], given[known])
    far = slice(34, 60) if kept.start == 0 else slice(0, 26)
    assert np.allclose(met[far], given[far] + 0.3)


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


def test_the_loss_falls_on_one_batch(source, tmp_path):
    torch.manual_seed(0)
    config = tiny_config(tmp_path)
    dit, vae = DanceDiT(**config.model), PoseVAE()
    examples = ExampleMaker(source, config)(2, 0)
    optimiser = torch.optim.Adam(dit.parameters(), 3e-3)
    losses = []
    for _ in range(30):
        draws = Draws((0,), 2, torch.device("cpu"))
        loss = flow_loss(dit, vae, examples, config, draws, OPENPOSE_18)["loss"]
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_a_resumed_run_ends_where_an_unbroken_one_does(source, tmp_path):
    """Bit for bit: weights, averages and optimiser; also where windows are kept for several steps."""
    vae = PoseVAE()
    pool = {"first": 2, "reuse": 2, "keep": 2}
    for name, steps in (("whole", 4), ("halves", 2), ("halves", 4)):
        # The cool-down starts after the interruption, as a run that is to go on has none before.
        train_dit(tiny_config(tmp_path / name, steps=steps, cooldown=1e-9, **pool), vae, source, source)
    whole, halves = (latest(tmp_path / name) for name in ("whole", "halves"))
    assert whole.name == halves.name == "4"
    for file in ("model.safetensors", "averages.safetensors"):
        a, b = load_file(whole / file), load_file(halves / file)
        assert set(a) == set(b)
        for name in a:
            assert torch.equal(a[name], b[name]), name
    a, b = (torch.load(state / "optimizer.bin", weights_only=True)["state"] for state in (whole, halves))
    assert all(torch.equal(a[i][key], b[i][key]) for i in a for key in a[i])


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


def test_a_run_lists_the_clips_it_learns_from_and_those_held_out(source, tmp_path):
    list_data(tmp_path / "run" / "data.csv", source, made_source([swinging_clip("pop")]))
    rows = (tmp_path / "run" / "data.csv").read_text("utf-8").splitlines()
    assert rows[1:] == [
        "made-up,house,100,320,training",
        "made-up,krump,100,320,training",
        "made-up,pop,100,320,held out",
    ]


def test_a_run_may_start_from_the_weights_of_another(source, tmp_path):
    torch.manual_seed(0)
    vae, model = PoseVAE(), {"width": 32, "depth": 1, "heads": 2, "hidden": 32}
    first = tiny_config(tmp_path / "a", steps=1, model=model)
    train_dit(first, vae, source, source)
    still = {"learning_rate": 0.0, "weight_decay": 0.0}
    on = replace(first, out=str(tmp_path / "b"), start=str(tmp_path / "a" / "dit"), **still)
    train_dit(on, vae, source, source)
    a, b = (load_file(tmp_path / run / "dit" / "diffusion_pytorch_model.safetensors") for run in "ab")
    assert all(torch.equal(a[name], b[name]) for name in a)
    wider = replace(on, out=str(tmp_path / "c"), model=model | {"width": 64})
    with pytest.raises(TemposeError, match="another size"):
        train_dit(wider, vae, source, source)


def test_weights_from_before_the_curves_start_with_curves_that_do_nothing(tmp_path):
    old = DanceDiT(width=32, depth=1, heads=1, hidden=32)
    old.save_pretrained(tmp_path / "old")
    dit = untrained(tiny_config(tmp_path, start=str(tmp_path / "old")), PoseVAE())
    assert tuple(dit.config["curves"]) == CURVES
    assert not dit.curves_in.weight.any()
    assert torch.equal(dit.pose_in.weight, old.pose_in.weight)


def test_the_last_call_learns_ever_more_slowly_towards_its_end(source, tmp_path):
    run = Run(tiny_config(tmp_path, steps=1000, cooldown=0.5), PoseVAE(), source, source, 10.0, finish=True)
    assert [run._cooling(60 * minutes) for minutes in (0, 5, 7.5, 10)] == pytest.approx([1, 1, 0.5, 0])
    run.finish = False
    assert run._cooling(599) == 1
    run.step = 900
    assert run._cooling(0) == pytest.approx(0.2)


def test_sixty_joints_train_and_come_back_as_weights(tmp_path):
    source = made_source([swinging_clip()], skeleton=OPENPOSE_60)
    config = tiny_config(tmp_path, steps=2, skeleton=OPENPOSE_60.name)
    train_dit(config, PoseVAE(), source, source)
    dit = DanceDiT.from_pretrained(tmp_path / "dit", low_cpu_mem_usage=False)
    assert dit.config["joints"] == 60
    assert all(value.isfinite().all() for value in dit.state_dict().values())


def test_limbs_weigh_more_where_they_are_asked_to():
    even, heavy = joint_weights(OPENPOSE_60, 1.0), joint_weights(OPENPOSE_60, 3.0)
    assert torch.equal(even, torch.ones(60))
    for joint in ("left_knee", "right_wrist"):
        assert heavy[OPENPOSE_60.index(joint)] == pytest.approx(3 * heavy[OPENPOSE_60.index("neck")])
    assert heavy.mean() == pytest.approx(1)
    assert len(limbs(OPENPOSE_18)[0]) == 13  # those of the body; the face's do not show their length
