"""Training an image autoencoder on joint images, for comparison with the one that ships."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tempose.representation import BINS, one_hot_rows, to_bins

SHARPNESS = 12.0


def images_of(keypoints: Tensor, scores: Tensor) -> Tensor:
    """(B, K, T, 2), (B, K, T) → one picture per example, (B, 3K, BINS, T): x, y and confidence of each joint."""
    rows = one_hot_rows(keypoints.transpose(-1, -2)) * (scores > 0).to(keypoints.dtype)[:, :, None, None]
    confidence = scores[:, :, None, None].expand(-1, -1, 1, BINS, -1)
    return torch.cat([rows, confidence], 2).flatten(1, 2)


def image_loss(images: Tensor, keypoints: Tensor, scores: Tensor, sharpness: float = SHARPNESS) -> Tensor:
    """Cross-entropy of decoded rows and squared error of the confidence.

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
    seen = (scores > 0).to(nats.dtype)
    confidence = (parts[:, :, 2].mean(-2) - scores).square().mean()
    return (nats * seen).sum() / seen.sum().clamp_min(1) + 20 * confidence


def train_image_vae(
    model: Any,
    draw: Callable[[], tuple[Tensor, Tensor]],
    minutes: float,
    learning_rate: float = 2e-3,
    on_step: Callable[[int, float], None] | None = None,
    most_steps: int = 10**9,
) -> int:
    """Train a diffusers image autoencoder in place for some minutes; steps made.

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
