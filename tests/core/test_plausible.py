"""Limbs keep their length and planted feet their place; everything else is left alone."""

import numpy as np
import pytest
import torch

from tempose.plausible import at_rest, heads_up, on_planted_feet, planted, reach, within_reach
from tempose.sampler import with_neck
from tempose.vae import PoseVAE
from tempose_pose.framing import HEIGHT, Framing
from tempose_pose.limits import FPS
from tempose_pose.skeletons import OPENPOSE_18
from tempose_pose.standing import standing_pose

J = OPENPOSE_18.at


@pytest.fixture
def static():
    pose = standing_pose()
    return Framing.of(pose.pixels[0], pose.scores[0]).apply(pose.pixels[0])


def forearm(points):
    return np.linalg.norm(points[:, J["left_wrist"]] - points[:, J["left_elbow"]], axis=-1)


def test_a_limb_too_long_is_held_back_and_the_rest_hardly_moves(static):
    points = np.repeat(static[None], 5, 0)
    limit = reach(static, np.ones(18))
    along = points[2, J["left_wrist"]] - points[2, J["left_elbow"]]
    points[2, J["left_wrist"]] += 2 * along
    better = within_reach(points, limit)
    assert forearm(points)[2] > 2.5 * limit[J["left_wrist"]]
    assert forearm(better)[2] <= limit[J["left_wrist"]] * (1 + 1e-6)
    others = [0, 1, 3, 4]
    # The knee of the curve takes a little off limbs that are at their full length.
    assert np.abs(better[others] - points[others]).max() < 0.02 * HEIGHT
    turned = better[2, J["left_wrist"]] - better[2, J["left_elbow"]]
    assert np.cross([*turned, 0], [*along, 0])[2] == pytest.approx(0, abs=1e-6)  # same direction


def test_short_limbs_and_heads_are_left_alone(static):
    short = static.copy()
    short[:] = static.mean(0) + 0.5 * (static - static.mean(0))
    assert np.allclose(within_reach(short[None], reach(static, np.ones(18)))[0], short)


def test_a_head_that_hangs_is_held_up_and_one_that_nods_is_left_alone(static):
    limit = reach(static, np.ones(len(static)))
    neck, nose, ear = OPENPOSE_18.indices("neck", "nose", "left_ear")
    head = [nose, *OPENPOSE_18.beyond(nose)]
    length = np.linalg.norm(static[nose] - static[neck])
    dance = np.repeat(static[None], 3, 0)
    dance[1, head, 1] += 0.2 * length  # a nod
    dance[2, head, 1] += 1.5 * length  # below the neck
    held = heads_up(dance, limit)
    np.testing.assert_array_equal(held[:2], dance[:2])
    above = (held[2, neck, 1] - held[2, nose, 1]) / length
    assert 0.4 < above < 0.6
    np.testing.assert_allclose(held[2, ear] - held[2, nose], dance[2, ear] - dance[2, nose])
    body = np.setdiff1d(np.arange(len(OPENPOSE_18)), head)
    np.testing.assert_array_equal(held[:, body], dance[:, body])


def test_guidance_takes_the_head_along_and_throws_it_no_further():
    change = torch.randn(2, len(OPENPOSE_18), 3, 1, 4)
    neck, nose = OPENPOSE_18.indices("neck", "nose")
    head = [nose, *OPENPOSE_18.beyond(nose)]
    led = with_neck(change, OPENPOSE_18)
    assert torch.equal(led[:, head], change[:, [neck]].expand(-1, len(head), -1, -1, -1))
    body = [j for j in range(len(OPENPOSE_18)) if j not in head]
    assert torch.equal(led[:, body], change[:, body])


def test_a_foreshortened_or_hidden_limb_of_the_reference_does_not_bind_the_dance(static):
    full = reach(static, np.ones(18))
    bent = static.copy()
    bent[[J["left_wrist"], J["right_wrist"]]] = bent[
        [J["left_elbow"], J["right_elbow"]]
    ]  # arms at the viewer
    assert reach(bent, np.ones(18))[J["left_wrist"]] > 0.7 * full[J["left_wrist"]]
    hidden = np.ones(18)
    hidden[J["right_ankle"]] = 0
    assert reach(static, hidden)[J["right_ankle"]] == pytest.approx(
        full[J["right_ankle"]]
    )  # as the other side


def sliding(static, speed, lift=0.0):
    """Two seconds in which the left foot drifts at `speed` heights per second, raised by `lift` heights."""
    points = np.repeat(static[None], 2 * FPS, 0)
    points[:, J["left_ankle"], 0] += np.arange(2 * FPS) * speed * HEIGHT / FPS
    points[:, J["left_ankle"], 1] -= lift * HEIGHT
    return points


def test_a_planted_foot_stops_sliding(static):
    points = sliding(static, 0.04)
    assert planted(points)[:, 0].all()
    better = on_planted_feet(points)
    assert np.ptp(points[:, J["left_ankle"], 0]) > 0.03
    assert np.ptp(better[:, J["left_ankle"], 0]) < 1e-9
    still = [i for i in range(18) if i not in (J["left_ankle"], J["left_knee"])]
    assert np.array_equal(better[:, still], points[:, still])


@pytest.mark.parametrize(("speed", "lift"), [(1.5, 0.0), (0.04, 0.1)])
def test_a_foot_that_glides_on_purpose_or_is_in_the_air_moves_on(static, speed, lift):
    points = sliding(static, speed, lift)
    assert np.array_equal(on_planted_feet(points), points)


def test_a_step_between_two_stands_is_led_over_without_a_jump(static):
    points = np.repeat(static[None], 60, 0)
    path = np.concatenate(
        [np.linspace(0, 0.01, 20), np.linspace(0.01, 0.15, 20), np.linspace(0.15, 0.16, 20)]
    )
    points[:, J["left_ankle"], 0] += path
    points[20:40, J["left_ankle"], 1] -= 0.06 * np.sin(np.linspace(0, np.pi, 20))
    better = on_planted_feet(points)[:, J["left_ankle"], 0] - static[J["left_ankle"], 0]
    assert np.ptp(better[2:17]) < 1e-9
    assert np.ptp(better[43:58]) < 1e-9
    assert np.abs(np.diff(better)).max() < 1.3 * np.abs(np.diff(path)).max()


def test_a_dancer_comes_to_rest_stays_and_starts_again(static):
    rng, still = np.random.default_rng(0), np.zeros(240, bool)
    still[60:180] = True
    points = static + np.cumsum(rng.normal(0, 0.002, (240, 18, 2)), axis=0)
    better = at_rest(points, still, np.zeros(240, bool))

    def speed(p, start, stop):
        return np.abs(np.diff(p[start:stop], axis=0)).mean()

    np.testing.assert_array_equal(better[:60], points[:60])
    np.testing.assert_array_equal(better[210:], points[210:])
    assert speed(better, 80, 180) < 0.3 * speed(points, 80, 180)
    assert np.abs(np.diff(better, axis=0)).max() < 2 * np.abs(np.diff(points, axis=0)).max()  # nowhere a jump


def test_a_rest_goes_on_from_the_poses_that_are_known(static):
    points = np.repeat(static[None], 64, 0)
    points[:16] += 0.05
    known = np.arange(64) < 16
    better = at_rest(points, np.ones(64, bool), known)
    assert np.abs(better[20:] - points[15]).max() < 0.01


def test_a_change_of_positions_is_the_same_change_of_the_latent():
    vae = PoseVAE(latent_mean=[0.1] * 18, latent_std=[0.5] * 18).eval()
    latent = torch.randn(2, 18, 1, 4)
    change = 0.1 * torch.randn(2, 32, 2)
    moved = vae.corrected(latent, change)
    before, after = (vae.read_positions(x) for x in (latent, moved))
    assert torch.allclose(after - before, change, atol=1e-5)
