"""The VAE and the transformer, freshly made: shapes, symmetries, and what the mask means."""

import pytest
import torch

from tempose.dit import DanceDiT
from tempose.mixtures import decode_mixtures, mixture_logits, reconstruction_loss
from tempose.music.features import MUSIC
from tempose.representation import BINS, joint_images
from tempose.sampler import mask_channels
from tempose.vae import PoseVAE


@pytest.fixture(scope="module")
def vae():
    torch.manual_seed(0)
    return PoseVAE().eval()


@pytest.fixture(scope="module")
def tracks():
    generator = torch.Generator().manual_seed(1)
    start, move = torch.rand(6, 1, 2, generator=generator), torch.randn(6, 32, 2, generator=generator)
    scores = torch.ones(6, 32)
    scores[1, 10:20] = 0
    scores[2] = 0.6
    return (start + 0.01 * move.cumsum(1)).clamp(0, 1), scores


@torch.no_grad()
def test_encoding_points_equals_encoding_their_images(vae, tracks):
    by_image = vae.encode(joint_images(*tracks)).mode()
    by_points = vae.encode_points(*tracks).mode()
    assert by_image.shape == (6, 18, 1, 4)
    assert torch.allclose(by_image, by_points, atol=1e-5)


@torch.no_grad()
def test_each_latent_column_sees_its_own_eight_frames_only(vae, tracks):
    keypoints, scores = tracks
    changed = keypoints.clone()
    changed[:, 8:16] = 0.1
    difference = (
        vae.encode_points(keypoints, scores).mode() - vae.encode_points(changed, scores).mode()
    ).abs()
    assert difference[..., 1].max() > 0.01
    assert difference[..., [0, 2, 3]].max() == 0


@torch.no_grad()
def test_the_vae_starts_as_a_transform_that_loses_nothing(vae, tracks):
    keypoints, scores = tracks
    mixtures, confidence = vae.decode(vae.encode_points(keypoints, scores).mode())
    error = (decode_mixtures(mixtures).transpose(-1, -2) - keypoints).abs()[scores > 0] * (BINS - 1)
    assert error.mean() < 0.25
    assert mixtures.shape == (6, 2, 3, 3, 32)
    assert confidence.shape == (6, 32)


def test_mixture_probabilities_sum_to_one_over_the_bins_far_from_the_edges():
    mixtures = torch.zeros(1, 3, 2, 4)
    mixtures[:, 1] = torch.tensor([-0.2, 0.3])[:, None]
    bins = torch.arange(float(BINS))[:, None].expand(1, BINS, 4)
    assert torch.allclose(mixture_logits(mixtures, bins).exp().sum(-2), torch.ones(1, 4), atol=1e-4)


def test_the_loss_is_least_at_the_true_bins():
    keypoints, scores = torch.full((1, 8, 2), 0.5), torch.ones(1, 8)
    losses = []
    for off in (-0.05, 0.0, 0.05):
        mixtures = torch.zeros(1, 2, 3, 1, 8)
        mixtures[:, :, 1] = 2 * off
        losses.append(reconstruction_loss(mixtures, torch.full((1, 8), 9.0), keypoints, scores).item())
    assert losses[1] < min(losses[0], losses[2])


def test_the_mask_is_one_exactly_where_8c_plus_p_is_known():
    known = torch.zeros(1, 32, 2, dtype=torch.bool)
    known[0, :11, 0] = True  # N = 11 known first frames of joint 0
    mask = mask_channels(known)  # (1, K, 8, 1, T')
    assert mask.shape == (1, 2, 8, 1, 4)
    for p in range(8):
        for c in range(4):
            assert mask[0, 0, p, 0, c] == float(8 * c + p < 11)
            assert mask[0, 1, p, 0, c] == 0


def inputs(rows=1, batch=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (batch, 18, 18, rows, 4)
    return {
        "noisy": torch.randn(shape, generator=generator),
        "reference": torch.randn(shape, generator=generator),
        "mask": torch.zeros(batch, 18, 8, rows, 4),
        "time": torch.tensor([0.3, 0.9])[:batch],
        "music": torch.randn(batch, 32, MUSIC.width, generator=generator),
        "style": torch.tensor([1, 10])[:batch],
        "energy": torch.tensor([1.0, float("nan")])[:batch],
        "no_music": torch.tensor([False, True])[:batch],
    }


def shaken(**config):
    """A small network whose zero-initialised parts are not zero, so that everything has an effect."""
    torch.manual_seed(0)
    dit = DanceDiT(width=64, depth=2, heads=2, hidden=128, **config).eval()
    with torch.no_grad():
        for p in dit.parameters():
            p.add_(0.05 * torch.randn_like(p))
    return dit


@torch.no_grad()
@pytest.mark.parametrize(("rows", "patch"), [(1, 1), (4, 2)])
def test_the_transformer_keeps_the_shape_of_the_latent(rows, patch):
    assert shaken(rows=rows, patch_rows=patch)(**inputs(rows)).shape == (2, 18, 18, rows, 4)


@torch.no_grad()
@pytest.mark.parametrize("name", ["noisy", "reference", "mask", "time", "music", "style", "energy"])
def test_every_condition_reaches_the_output(name):
    dit, given = shaken(), inputs(batch=1)
    before = dit(**given)
    changed = given | {
        name: torch.zeros_like(given[name]) if name != "mask" else torch.ones_like(given[name])
    }
    assert (dit(**changed) - before).abs().max() > 1e-4


@torch.no_grad()
def test_without_music_the_music_has_no_effect():
    dit, given = shaken(), inputs()
    louder = given | {"music": given["music"] * 2}
    difference = (dit(**louder) - dit(**given)).abs().amax((1, 2, 3, 4))
    assert difference[0] > 1e-4
    assert difference[1] == 0


@torch.no_grad()
def test_shared_time_puts_music_and_pose_of_a_column_at_one_index():
    shared, apart = shaken(), shaken(shared_time=False)
    apart.load_state_dict(shared.state_dict())
    assert (shared(**inputs()) - apart(**inputs())).abs().max() > 1e-4
    cos, _ = shared._rotary(1, 4, torch.device("cpu"))
    assert torch.equal(cos[:4], cos[4:])
