"""The shipped weights, end to end: same request, same dance; known frames kept; canceled in time."""

from dataclasses import replace

import numpy as np
import pytest

from tempose.generator import WEIGHTS, load_generator
from tempose.metrics.motion import joint_speed
from tempose.music.audio import Song
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.curves import Curve
from tempose_pose.dance import Dance
from tempose_pose.errors import Canceled, TemposeError
from tempose_pose.form import Section
from tempose_pose.framing import chain_height
from tempose_pose.grid import BeatGrid
from tempose_pose.request import DanceRequest, Known
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18
from tempose_pose.standing import standing_pose
from tempose_pose.tempo import TempoMap


@pytest.fixture(scope="module")
def song():
    """Clicks at 120 BPM on soft noise."""
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 0.01, 14 * SAMPLE_RATE)
    click = np.exp(-np.arange(2000) / 300) * rng.normal(0, 0.5, 2000)
    for beat in np.arange(0, 13.5, 0.5):
        samples[int(beat * SAMPLE_RATE) :][:2000] += click
    return Song(samples.astype(np.float32))


@pytest.fixture(scope="module")
def generator():
    return load_generator("default", "cpu")


@pytest.fixture(scope="module")
def request_():
    grid = BeatGrid(np.arange(0, 13.5, 0.5), np.arange(0, 13.5, 2.0))
    return DanceRequest(standing_pose(), 10.0, grid=grid, seed=5, steps=4)


@pytest.fixture(scope="module")
def dance(generator, song, request_):
    return generator(song, request_)


def test_the_shipped_weights_fit_the_wheel_and_carry_their_card_and_credits():
    total = sum(p.stat().st_size for p in WEIGHTS.rglob("*") if p.is_file())
    assert total < 32e6
    assert "AIST++" in (WEIGHTS / "NOTICE.md").read_text("utf-8")
    assert "beat lock" in (WEIGHTS / "README.md").read_text("utf-8").lower()
    assert not [p for p in WEIGHTS.rglob("*") if p.suffix in (".bin", ".pt", ".pth", ".ckpt", ".pkl")]


def test_a_dance_has_the_frames_beats_and_seams_asked_for(dance, generator):
    assert dance.poses.keypoints.shape == (300, 18, 2)
    assert dance.seams.tolist() == [256]
    assert np.allclose(dance.beat_times, np.arange(0, 10, 0.5))
    assert np.allclose(dance.downbeat_times, np.arange(0, 10, 2.0))
    assert dance.seed == 5
    assert dance.model_revision == generator.revision
    assert len(generator.revision) == 12
    assert 0 <= dance.poses.keypoints.min() <= dance.poses.keypoints.max() <= 1


def test_the_same_request_gives_the_same_numbers_and_another_seed_others(dance, generator, song, request_):
    again = generator(song, request_)
    assert np.array_equal(again.poses.keypoints, dance.poses.keypoints)
    other = generator(song, replace(request_, seed=6))
    assert np.abs(other.poses.keypoints - dance.poses.keypoints).max() > 0.01


def test_the_dancer_moves_and_keeps_the_size_of_its_reference(dance):
    points = dance.poses.keypoints.astype(float)
    reference = standing_pose().keypoints.astype(float)
    assert np.linalg.norm(np.diff(points, axis=0), axis=-1).mean() > 0.0005
    assert 0.75 < chain_height(points) / chain_height(reference) < 1.3


def test_a_child_in_a_corner_dances_there_at_its_own_size(generator, song, request_):
    child = standing_pose(0.2, (0.8, 0.8))
    small = generator(song, replace(request_, reference=child, seconds=4.0)).poses.keypoints.astype(float)
    assert 0.7 < chain_height(small) / chain_height(child.keypoints.astype(float)) < 1.3
    assert np.abs(np.median(small[:, 1], 0) - child.keypoints[0, 1]).max() < 0.15


def test_segments_arrive_in_order_and_make_up_the_result(generator, song, request_):
    parts, steps = [], []
    dance = generator(
        song,
        request_,
        on_segment=lambda start, points, scores: parts.append((start, points.copy(), scores.copy())),
        on_step=lambda done, total: steps.append((done, total)),
    )
    assert [start for start, *_ in parts] == [0, 256]
    assert np.array_equal(np.concatenate([p for _, p, _ in parts]), dance.poses.keypoints)
    assert steps == [(i + 1, 8) for i in range(8)]


@pytest.mark.parametrize("after", [1, 3, 6])
def test_cancel_takes_hold_within_one_sampler_step(generator, song, request_, after):
    steps = []
    with pytest.raises(Canceled):
        generator(
            song,
            request_,
            on_step=lambda done, total: steps.append(done),
            should_cancel=lambda: len(steps) >= after,
        )
    assert len(steps) == after


def test_known_frames_come_back_bit_for_bit_and_the_rest_is_danced(dance, generator, song, request_):
    mask = np.ones((300, 18), bool)
    mask[100:180] = False
    known = Known(dance.poses, mask)
    again = generator(song, replace(request_, known=known, seed=9)).poses.keypoints
    assert np.array_equal(again[mask], dance.poses.keypoints[mask])
    assert np.abs(again[100:180] - dance.poses.keypoints[100:180]).max() > 0.01


def test_locked_legs_stay_while_arms_are_danced_anew(dance, generator, song, request_):
    legs = [8, 9, 10, 11, 12, 13]
    mask = np.zeros((300, 18), bool)
    mask[:, legs] = True
    again = generator(song, replace(request_, known=Known(dance.poses, mask), seed=9)).poses.keypoints
    assert np.array_equal(again[:, legs], dance.poses.keypoints[:, legs])
    assert np.abs(again[:, 4] - dance.poses.keypoints[:, 4]).max() > 0.01


def test_beats_follow_the_tempo_map(generator, song, request_):
    fast = generator(song, replace(request_, tempo_map=TempoMap.constant(1.25), seconds=8.0))
    assert np.allclose(fast.beat_times, np.arange(0, 8, 0.4))


def test_a_figure_without_legs_stays_without_and_one_with_a_leg_gets_the_other(generator, song):
    at = OPENPOSE_18.index
    pose = standing_pose()
    for missing in (("knee", "ankle"), ("left_knee", "left_ankle")):
        unseen = [at(j) for j in OPENPOSE_18.joints if j.endswith(missing)]
        scores = pose.scores.copy()
        scores[:, unseen] = 0
        request = DanceRequest(replace(pose, scores=scores), 1.0, steps=1, guidance=1.0)
        danced = generator(song, request).poses.scores
        assert (danced[:, unseen] == 0).all() == (len(unseen) == 4)
        others = [j for j in range(18) if j not in unseen]
        assert danced[:, others].mean() > 0.9


def test_a_reference_without_a_torso_is_refused_in_words(generator, song, request_):
    pose = standing_pose()
    scores = np.zeros((1, 18))
    scores[0, 0] = 1
    lonely = PoseSequence(pose.keypoints, scores, 30, pose.skeleton)
    with pytest.raises(TemposeError) as caught:
        generator(song, replace(request_, reference=lonely))
    assert caught.value.code == "reference_incomplete"


def test_an_unknown_device_or_folder_is_refused_in_words(tmp_path):
    with pytest.raises(TemposeError, match="device"):
        load_generator("default", "abacus")
    with pytest.raises(TemposeError, match="no Tempose weights"):
        load_generator(tmp_path)


def test_damaged_weights_are_refused(tmp_path):
    import shutil

    folder = tmp_path / "weights"
    shutil.copytree(WEIGHTS, folder)
    target = next(folder.rglob("dit/*.safetensors"))
    target.write_bytes(b"\x80\x04not safetensors" * 100)
    with pytest.raises(TemposeError) as caught:
        load_generator(folder, "cpu")
    assert caught.value.code == "weights_changed"


def test_a_dance_survives_its_file(dance, tmp_path):
    dance.save(tmp_path / "d.npz")
    loaded = Dance.load(tmp_path / "d.npz")
    assert np.array_equal(loaded.poses.keypoints, dance.poses.keypoints)
    assert loaded.model_revision == dance.model_revision
    (tmp_path / "bad.npz").write_text("no")
    with pytest.raises(TemposeError):
        Dance.load(tmp_path / "bad.npz")


def test_faster_music_is_danced_faster_and_energy_adds_to_that(generator, song, request_):
    def speed(factor: float, energy: float = 1.0) -> float:
        asked = replace(request_, tempo_map=TempoMap.constant(factor), seconds=8.0, energy=energy)
        return joint_speed(generator(song, asked).poses)

    normal = speed(1.0)
    assert speed(0.6) < 0.85 * normal
    assert speed(1.0, energy=1.6) > 1.2 * normal


def _apart(a, b) -> float:
    return float(np.linalg.norm(a.astype(float) - b.astype(float), axis=-1).mean())


def test_a_section_that_returns_is_danced_again_as_closely_as_asked(generator, song, request_):
    form = (Section(0, 4, "A"), Section(4, 9, "B"), Section(9, 13, "A"))
    apart = {}
    for repeat in (0.0, 0.6, 1.0):
        asked = replace(request_, seconds=13.0, sections=form, repeat=repeat)
        points = generator(song, asked).poses.keypoints
        apart[repeat] = _apart(points[:120], points[270:390])
    assert apart[1.0] < 0.35 * apart[0.0]
    assert apart[1.0] < apart[0.6] < apart[0.0]


def test_the_dancer_hears_silence_and_obeys_an_energy_curve(generator, song, request_):
    def speeds(asked, heard=song):
        steps = np.diff(generator(heard, asked).poses.keypoints.astype(float), axis=0)
        step = np.linalg.norm(steps, axis=-1).mean(1)
        return step[:140].mean(), step[180:].mean()

    samples = song.samples.copy()
    samples[5 * SAMPLE_RATE :] = 0
    loud, silent = speeds(request_, Song(samples))
    assert silent < 0.3 * loud
    calm = Curve(np.array([0.0, 4.9, 5.1]), np.array([0.8, 0.8, -2.0]))
    loud, quiet = speeds(replace(request_, curves={"energy": calm}))
    assert quiet < 0.4 * loud
    as_before = speeds(replace(request_, listen=0.0), Song(samples))
    assert as_before[1] > 0.5 * as_before[0]
