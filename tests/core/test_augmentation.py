"""Augmentation on the device: figures as ever where settings are as ever, and draws that go by the seed alone."""

import math

import numpy as np
import pytest
import torch
from made_dancers import AS_RECORDED, PLAIN, made_examples, made_source, quantities, swinging_clip

from tempose.augmentation.bodies import BodyTables
from tempose.augmentation.cameras import Cameras
from tempose.augmentation.canvas import ROOM, body_height, brought_back
from tempose.augmentation.draws import Draws
from tempose.augmentation.hiding import BEHIND, behind
from tempose.augmentation.maker import ExampleMaker
from tempose.augmentation.music import MusicBank, beat_features
from tempose.augmentation.settings import AugmentationSettings
from tempose.datasets.bank import BankSong
from tempose.music import features
from tempose.music.features import LISTENED, MUSIC
from tempose_pose.framing import Framing, chain_height
from tempose_pose.request import STYLES
from tempose_pose.skeletons import OPENPOSE_18, OPENPOSE_60
from tempose_pose.standing import standing_pose

CPU = torch.device("cpu")
J = OPENPOSE_18.at

# Mean, deviation, 1st, 50th and 99th percentile over 1,500 examples of `made_dancers.lively_clips`, as the trainer
# before this one made them, one by one in numpy: without and with hidden joints.
FORMER = {
    "x": (0.4995, 0.0936, 0.2784, 0.4991, 0.7230),
    "y": (0.5101, 0.1741, 0.2572, 0.4916, 0.8786),
    "step": (0.0026, 0.0020, 0.0002, 0.0021, 0.0094),
    "score": (1.0000, 0.0000, 1.0000, 1.0000, 1.0000),
    "reference x": (0.5002, 0.0555, 0.3761, 0.4998, 0.6259),
    "reference y": (0.5098, 0.1741, 0.2594, 0.4923, 0.8732),
    "reference score": (1.0000, 0.0000, 1.0000, 1.0000, 1.0000),
    "energy": (0.2910, 0.0845, 0.1492, 0.2813, 0.5360),
    "music 0": (-1.0088, 0.2448, -1.6061, -1.0014, -0.4628),
    "music 1": (-0.9452, 0.2765, -1.6056, -0.9394, -0.3226),
    "music 5": (-0.7138, 0.4224, -1.7514, -0.7034, 0.2570),
    "music 25": (0.5542, 1.2340, -2.2806, 0.5320, 3.5806),
    "music 34": (1.0463, 1.5199, -2.6349, 1.0556, 4.5145),
    "music 35": (0.0003, 0.7072, -0.9995, 0.0001, 0.9995),
    "music 38": (0.0001, 0.7070, -0.9995, 0.0000, 0.9995),
    "music 41": (0.2500, 0.3228, 0.0000, 0.0000, 0.9800),
    "music 42": (-0.0099, 0.4312, -1.1059, 0.0094, 0.6427),
}
FORMER_HIDDEN = {
    "score": (0.9690, 0.1734, 0.0000, 1.0000, 1.0000),
    "hidden share": (0.0310, 0.0772, 0.0000, 0.0000, 0.2778),
    "reference score": (0.9697, 0.1714, 0.0000, 1.0000, 1.0000),
}


def found(count, **settings):
    e = made_examples(count, **settings)
    names = ("keypoints", "scores", "reference", "reference_scores", "music", "energy")
    return quantities(*(getattr(e, name).numpy() for name in names))


def assert_alike(figures, former):
    """Within what so many examples differ by chance: a tenth of the spread, a fifth at the ends."""
    for name, (mean, deviation, *percentiles) in former.items():
        now = figures[name]
        room = 0.1 * deviation + 0.003
        assert now[0] == pytest.approx(mean, abs=room), name
        assert now[1] == pytest.approx(deviation, abs=room), name
        assert now[2:] == pytest.approx(percentiles, abs=0.25 * deviation + 0.005), name


def test_examples_are_as_those_of_the_trainer_before():
    assert_alike(found(600, **AS_RECORDED, **PLAIN), FORMER)


def test_joints_are_hidden_as_often_as_before():
    now = found(600, **AS_RECORDED)
    for name, (mean, deviation, *_) in FORMER_HIDDEN.items():
        assert now[name][:2] == pytest.approx((mean, deviation), abs=0.015), name


def test_the_camera_is_narrower_and_moves_more():
    settings = AugmentationSettings()
    cameras = Cameras.draw(Draws((0,), 20_000, CPU), settings)
    assert float(cameras.yaw.std()) == pytest.approx(math.radians(14), rel=0.03)
    moving = cameras.zoom != 0
    assert float(moving.float().mean()) == pytest.approx(0.4, abs=0.02)
    assert float(cameras.zoom[moving].std()) == pytest.approx(0.2, rel=0.05)
    assert float(cameras.zoom.abs().max()) <= 0.5


def test_processes_that_share_a_batch_draw_what_one_alone_would():
    whole = Draws((7, 1), 6, CPU)
    parts = [Draws((7, 1), 6, CPU, rank, 2) for rank in range(2)]
    for draw in (lambda d: d.uniform(3), lambda d: d.normal(2, 2), lambda d: d.integers(0, 100)):
        expected, halves = draw(whole), [draw(d) for d in parts]
        assert torch.equal(expected[0::2], halves[0])
        assert torch.equal(expected[1::2], halves[1])


@pytest.mark.parametrize("hidden", [(), ("knee", "ankle")])
def test_heights_and_placements_are_those_of_the_pipeline(hidden):
    body, rng = BodyTables(), np.random.default_rng(0)
    poses = standing_pose(0.5).pixels[0] / 700 + rng.normal(0, 0.02, (5, 18, 2))
    poses[:, :, 1] *= -1
    shown = np.asarray([not any(part in joint for part in hidden) for joint in OPENPOSE_18.joints])
    points, seen = torch.from_numpy(poses), torch.from_numpy(np.repeat(shown[None], 5, 0))
    heights = body_height(body, points[:, None], seen, even_legs=True)
    expected = [chain_height(p[None], shown[None].astype(float), even_legs=True) for p in poses]
    assert heights.tolist() == pytest.approx(expected)

    class Still(Draws):
        def normal(self, *shape):
            return torch.zeros(5, *shape)

    from tempose.augmentation.canvas import draw_placement

    placement = draw_placement(body, Still((0,), 5, CPU), points, seen, heights)
    for pose, placed in zip(poses, placement.apply(points), strict=True):
        pixels = pose * [1, -1]
        np.testing.assert_allclose(placed, Framing.of(pixels, shown.astype(float)).apply(pixels), atol=1e-6)


def test_wanderers_are_brought_back_without_a_change_of_their_steps():
    body = BodyTables()
    keypoints = torch.rand(1, 256, 18, 2) * 0.02 + 0.4
    keypoints[..., 0] += torch.linspace(0, 1.2, 256)[None, :, None]
    back = brought_back(body, keypoints)
    hips = body.hips(back)[0, :, 0]
    assert ROOM[0] - 0.05 < hips.min() <= hips.max() < ROOM[1] + 0.15
    change = (back - keypoints)[..., 0].diff(dim=1)
    assert change.diff(dim=1).abs().max() < 5e-3  # a hard limit would pass on all of the hips' jitter, 0.02
    near = keypoints.clone()
    near[..., 0] = near[..., 0] * 0.1 + 0.45
    assert torch.equal(brought_back(body, near), near)


# --- music ---


def two_songs():
    """A loud one and a quiet one, krump and ballad."""
    features = np.zeros((2, 1500, LISTENED.width), np.float16)
    features[0, :, LISTENED["loudness"]], features[1, :, LISTENED["loudness"]] = 0.9, -0.5
    features[:, ::7, LISTENED["onset"]] = np.asarray([2.0, 0.2])[:, None, None]
    beats = np.arange(0, 50, 0.6)
    return [BankSong(f, beats, genre) for f, genre in zip(features, ("krump", "ballad"), strict=True)]


@pytest.mark.parametrize(("speed", "louder"), [(1.5, True), (0.1, False)])
def test_lively_dances_get_loud_music_and_calm_ones_quiet(speed, louder):
    bank = MusicBank(two_songs(), (math.log(0.4), 0.6))
    beats = torch.linspace(0, 16, 256).expand(200, -1)
    music = bank.pair(
        Draws((0,), 200, CPU), AugmentationSettings(suited=1.0), torch.full((200, 256), speed),
        torch.full((200,), -1), beats, torch.full((200, 256), 110.0),
    )  # fmt: skip
    loud = music.features[..., MUSIC["loudness"]].mean((1, 2)) > 0.2
    assert loud.float().mean() == pytest.approx(float(louder), abs=0.02)


def test_styles_get_genres_that_suit_them():
    songs = [BankSong(s.features * 0, s.beats, s.genre) for s in two_songs()]
    songs[0].features[:, LISTENED["chroma"]] = 3
    bank = MusicBank(songs, (0.0, 1.0))
    style = torch.tensor([STYLES.index("krump"), STYLES.index("ballet_jazz")]).repeat(100)
    beats, speed = torch.linspace(0, 16, 256).expand(200, -1), torch.ones(200, 256)
    for suited, share in ((1.0, 1.0), (0.0, 0.5)):
        music = bank.pair(
            Draws((0,), 200, CPU), AugmentationSettings(suited=suited), speed, style, beats, 110 + 0 * beats
        )
        krump = music.features[..., MUSIC["chroma"]].mean((1, 2)) > 1.5
        right = torch.where(style == STYLES.index("krump"), krump, ~krump)
        assert right.float().mean() == pytest.approx(share, abs=0.12)


def test_beat_features_are_those_of_the_pipeline():
    beats, bpm = np.linspace(3.2, 19, 256), np.linspace(80, 150, 256)
    batched = beat_features(torch.from_numpy(beats)[None], torch.from_numpy(bpm)[None])[0]
    np.testing.assert_allclose(batched, features.beat_features(beats, beats / 4, bpm), atol=1e-5)


# --- hidden joints ---


def figure():
    """(1, 1, 18, 3) a figure of height 1 before the camera, arms to the sides."""
    recorded = swinging_clip().motion[:1].copy()
    for side, sign in (("left", 1), ("right", -1)):
        recorded[0, J[f"{side}_elbow"]] = recorded[0, J[f"{side}_shoulder"]] + [sign * 0.15, 0, 0]
        recorded[0, J[f"{side}_wrist"]] = recorded[0, J[f"{side}_shoulder"]] + [sign * 0.3, 0, 0]
        recorded[0, J[f"{side}_eye"]] = recorded[0, J["nose"]] + [sign * 0.02, 0.03, -0.01]
        recorded[0, J[f"{side}_ear"]] = recorded[0, J["nose"]] + [sign * 0.05, 0.02, -0.08]
    return torch.from_numpy(recorded)[None]


def hidden_names(view):
    hidden = behind(BodyTables(), view, torch.zeros(1, dtype=torch.bool))[0, 0]
    return {OPENPOSE_18.joints[i] for i in torch.nonzero(hidden).flatten()}


def test_an_arm_behind_the_back_is_hidden_and_one_before_the_chest_is_not():
    assert hidden_names(figure()) == set()
    for depth, hidden in ((-0.15, {"left_wrist"}), (0.15, set())):
        view = figure()
        chest = (view[0, 0, J["neck"]] + view[0, 0, J["left_hip"]] + view[0, 0, J["right_hip"]]) / 3
        view[0, 0, J["left_wrist"]] = chest + torch.tensor([0.0, 0.0, depth])
        assert hidden_names(view) == hidden


def test_a_dancer_turned_away_shows_no_face_and_one_in_profile_half_of_it():
    def turned(degrees):
        c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        turn = torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        return figure() @ turn.T

    assert {"nose", "left_eye", "right_eye"} <= hidden_names(turned(180))
    profile = hidden_names(turned(90))
    assert len({"left_ear", "right_ear"} & profile) == 1
    assert "nose" not in profile


def test_a_leg_behind_the_other_is_hidden():
    view = figure()
    view[0, 0, J["left_ankle"]] = view[0, 0, J["right_ankle"]] + torch.tensor([0.01, 0.1, -0.3])
    assert "left_ankle" in hidden_names(view)
    assert "right_ankle" not in hidden_names(view)


def test_what_is_behind_keeps_its_place_and_flat_dances_hide_nothing():
    e = made_examples(40, occlusion=1.0, **PLAIN)
    assert ((e.scores == 1) | (e.scores == BEHIND) | (e.scores == 0)).all()
    share = (e.scores == BEHIND).float().mean()
    assert 0.005 < share < 0.3
    steps = e.keypoints.diff(dim=1).norm(dim=-1)
    assert steps.max() < 0.06  # nothing jumps where it is hidden
    flat = [c for c in made_source().recombiner.clips if c.motion.shape[-1] == 2]
    assert (made_examples(20, source=made_source(flat), **PLAIN).scores == 1).all()


def test_a_legless_reference_stays_legless():
    e = made_examples(60, legless=1.0, faceless=0.0, gaps=0.0)
    legs = [J[f"{side}_{joint}"] for side in ("left", "right") for joint in ("knee", "ankle")]
    assert (e.reference_scores[:, legs] == 0).all()
    assert (e.scores[:, :, legs] == 0).all()
    hips = e.scores[:, :, [J["left_hip"], J["right_hip"]]]
    assert (hips > 0).float().mean() > 0.99


# --- larger skeletons ---


def test_sixty_joints_are_drawn_with_hands_that_are_never_seen():
    source = made_source(skeleton=OPENPOSE_60, larger=1.3)
    e = ExampleMaker(source, AugmentationSettings())(8, 0)
    assert e.keypoints.shape == (8, 256, 60, 2)
    assert e.known.shape == (8, 256, 60)
    assert (e.scores[..., 18:] == 0).all()
    assert (e.scores[..., :18] > 0).float().mean() > 0.9
    assert e.curves[~e.curves.isnan()].isfinite().all()
