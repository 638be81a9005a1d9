"""Training the autoencoder of rows with a learned latent."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tempose.augmentation.maker import ExampleMaker
from tempose.augmentation.settings import AugmentationSettings
from tempose.datasets.source import Source
from tempose.mixtures import decode_mixtures
from tempose.representation import BINS
from tempose.row_vae import RowVAE, row_loss
from tempose.training.tracks import draw_tracks


def train_row_vae(
    source: Source,
    out: Path,
    *,
    steps: int = 3200,
    batch: int = 96,
    frames: int = 64,
    learning_rate: float = 1e-3,
    kl_weight: float = 0.01,
    seed: int = 0,
    model: dict[str, Any] | None = None,
    minutes: float = math.inf,
    log_every: int = 100,
) -> RowVAE:
    """Train from scratch for `steps`, or as many `minutes` as there are, and save to `out`.

    `batch` tracks of `frames` frames a step. Prints a line every `log_every` steps.
    """
    torch.manual_seed(seed)
    rng, maker = np.random.default_rng(seed), ExampleMaker(source, AugmentationSettings())
    vae = RowVAE(**(model or {}))
    optimiser = torch.optim.AdamW(vae.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    started, step, done = time.monotonic(), 0, 0.0
    while done < 1:
        for group in optimiser.param_groups:
            group["lr"] = (
                learning_rate * min(1, (step + 1) / 50) * (0.5 + 0.5 * math.cos(math.pi * done)) + 1e-6
            )
        keypoints, scores = (torch.from_numpy(a) for a in draw_tracks(maker, rng, batch, frames))
        posterior = vae.encode_points(keypoints, scores)
        mixtures = vae.mixtures(posterior.sample())
        nats = row_loss(mixtures, keypoints, scores)
        # Early on the centres learn faster by distance than by likelihood of a far-off bin.
        distance = _distance(mixtures, keypoints, scores)
        kl = posterior.kl().mean() / frames  # nats per frame
        loss = nats + 20 * distance + kl_weight * kl
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        step += 1
        done = max(step / steps, (time.monotonic() - started) / (60 * minutes))
        if step % log_every == 0:
            print(
                f"step {step} loss {loss.item():.3f} nats {nats.item():.3f} kl {kl.item():.2f} "
                f"bins {distance.item() / 2 * (BINS - 1):.3f} {time.monotonic() - started:.0f}s",
                flush=True,
            )
    _measure_latents(vae, maker)
    vae.eval().save_pretrained(out)
    return vae


def _distance(mixtures: Tensor, keypoints: Tensor, scores: Tensor) -> Tensor:
    """Mean distance in x plus y, in canvases, of the visible joints."""
    found = decode_mixtures(mixtures).transpose(-1, -2)  # (B, T, 2)
    return ((found - keypoints).abs().sum(-1) * (scores > 0)).mean()


@torch.no_grad()
def _measure_latents(vae: RowVAE, maker: ExampleMaker, examples: int = 60) -> None:
    """Measure the latents of augmented dancers and keep their mean and scale in the VAE's own config."""
    drawn = maker(examples, 0)
    keypoints = drawn.keypoints.transpose(1, 2).flatten(0, 1)  # (examples · K, T, 2)
    latents = vae.encode_mean(keypoints, drawn.scores.transpose(1, 2).flatten(0, 1))
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    vae.register_to_config(
        latent_mean=[round(v, 5) for v in mean.tolist()],
        latent_std=[round(v, 5) for v in deviation.clamp_min(1e-4).tolist()],
    )
