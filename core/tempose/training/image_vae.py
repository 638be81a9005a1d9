"""Training an image autoencoder on joint images, as in arXiv 2512.11720, with a learned latent."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tempose.augmentation.maker import ExampleMaker
from tempose.augmentation.settings import AugmentationSettings
from tempose.datasets.source import Source
from tempose.pose_codecs import ImageVAE
from tempose.representation import BINS, one_hot_rows, to_bins
from tempose.training.tracks import draw_tracks

SHARPNESS = 12.0


TINY = {
    "block_out_channels": [8, 16, 32, 32], "down_block_types": ["DownEncoderBlock2D"] * 4,
    "up_block_types": ["UpDecoderBlock2D"] * 4, "norm_num_groups": 4, "latent_channels": 4,
    "layers_per_block": 1, "mid_block_add_attention": False,
}  # fmt: skip


def train_joint_vae(
    source: Source,
    out: Path,
    *,
    steps: int = 2000,
    batch: int = 12,
    frames: int = 64,
    learning_rate: float = 2e-3,
    seed: int = 0,
    model: dict[str, Any] | None = None,
    minutes: float = math.inf,
) -> ImageVAE:
    """Train an `AutoencoderKL` for all joints from scratch, and save it to `out` in the form the transformer takes.

    Parameters
    ----------
    source : Source
    out : Path
    steps, batch, frames, learning_rate, seed
        `batch` joints of `frames` frames a step.
    model : dict, optional
        Arguments of `AutoencoderKL`, over `TINY`.
    minutes : float
        At most.
    """
    torch.manual_seed(seed)
    rng, maker = np.random.default_rng(seed), ExampleMaker(source, AugmentationSettings())
    inner = TINY | (model or {}) | {"in_channels": 3, "out_channels": 3}
    vae = ImageVAE("AutoencoderKL", inner, sharpness=SHARPNESS)

    def draw() -> tuple[Tensor, Tensor]:
        keypoints, scores = (torch.from_numpy(a) for a in draw_tracks(maker, rng, batch, frames))
        return keypoints[:, None], scores[:, None]  # (B, 1, T, 2), (B, 1, T)

    def tell(step: int, loss: float) -> None:
        if step % 25 == 0:
            print(f"step {step} loss {loss:.3f}", flush=True)

    train_image_vae(vae.vae, draw, minutes, learning_rate, tell, steps)
    with torch.no_grad():
        keypoints, scores = (part[:, 0] for part in draw())
        latent = vae.encode_mean(keypoints, scores)
    inner |= {"scaling_factor": 1 / float(latent.std()), "shift_factor": float(latent.mean())}
    made = ImageVAE("AutoencoderKL", inner, sharpness=SHARPNESS)
    made.load_state_dict(vae.state_dict())
    made.eval().save_pretrained(out)
    return made


def images_of(keypoints: Tensor, scores: Tensor) -> Tensor:
    """(B, K, T, 2), (B, K, T) → one picture per example, (B, 3K, BINS, T): x, y and confidence of each joint."""
    rows = one_hot_rows(keypoints.transpose(-1, -2)) * (scores > 0).to(keypoints.dtype)[:, :, None, None]
    confidence = scores[:, :, None, None].expand(-1, -1, 1, BINS, -1)
    return torch.cat([rows, confidence], 2).flatten(1, 2)


def image_loss(images: Tensor, keypoints: Tensor, scores: Tensor, sharpness: float = SHARPNESS) -> Tensor:
    """Cross-entropy of the decoded rows, in nats per joint and frame.

    The target is a distribution whose spread is the confidence: for a joint of confidence c, a share c is on the
    two bins around its position and the rest is uniform over all bins.

    images (B, 3K, BINS, T), keypoints (B, K, T, 2), scores (B, K, T).
    """
    parts = images.unflatten(1, (-1, 3))  # (B, K, 3, BINS, T)
    position = to_bins(keypoints.transpose(-1, -2))  # (B, K, 2, T)
    low = position.floor().clamp(max=BINS - 2)
    share = position - low
    log_p = F.log_softmax(sharpness * parts[:, :, :2], -2)
    near = torch.stack([low, low + 1], -2).long()  # (B, K, 2, 2, T)
    nats = log_p.gather(-2, near)
    nats = -((1 - share) * nats[..., 0, :] + share * nats[..., 1, :]).sum(2)  # (B, K, T)
    nowhere = -log_p.mean(-2).sum(2)  # (B, K, T)
    return torch.lerp(nowhere, nats, scores).mean()


def train_image_vae(
    model: Any,
    draw: Callable[[], tuple[Tensor, Tensor]],
    minutes: float,
    learning_rate: float = 2e-3,
    on_step: Callable[[int, float], None] | None = None,
    most_steps: int = 10**9,
) -> int:
    """Train a diffusers image autoencoder in place for some minutes; return the number of steps.

    `draw` gives keypoints (B, K, T, 2) and scores (B, K, T); the model takes 3K channels.
    """
    optimiser = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.98))
    started, step = time.monotonic(), 0
    while (passed := time.monotonic() - started) < 60 * minutes and step < most_steps:
        left = max(1 - max(passed / (60 * minutes), step / most_steps), 0.02)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate * min(1, (step + 1) / 20, 2 * left)
        keypoints, scores = draw()
        out = model.encode(2 * images_of(keypoints, scores) - 1)
        latent = out.latents if hasattr(out, "latents") else out.latent_dist.sample()
        decoded = (model.decode(latent).sample + 1) / 2
        loss = image_loss(decoded, keypoints, scores)
        if not hasattr(out, "latents"):
            loss = loss + 1e-4 * out.latent_dist.kl().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        step += 1
        if on_step:
            on_step(step, loss.item())
    return step
