"""Training the VAE, and measuring its round trip."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tempose.augmentation.maker import ExampleMaker
from tempose.augmentation.settings import AugmentationSettings
from tempose.datasets.source import Source
from tempose.mixtures import decode_mixtures, reconstruction_loss
from tempose.representation import BINS, joint_images
from tempose.training.tracks import draw_tracks
from tempose.vae import PoseVAE


def train_vae(
    source: Source,
    out: Path,
    *,
    steps: int = 1500,
    batch: int = 96,
    frames: int = 64,
    learning_rate: float = 5e-4,
    kl_weight: float = 0.02,
    seed: int = 0,
    model: dict | None = None,
    log_every: int = 25,
) -> PoseVAE:
    """Train from scratch and save to `out`; print a line every `log_every` steps."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    maker = ExampleMaker(source, AugmentationSettings())
    vae = PoseVAE(**(model or {}))
    optimiser = torch.optim.AdamW(vae.parameters(), lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.01)
    started = time.time()
    for step in range(steps):
        warm = min(1.0, (step + 1) / 50)
        rate = learning_rate * warm * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 1e-6
        for group in optimiser.param_groups:
            group["lr"] = rate
        keypoints, scores = (torch.from_numpy(a) for a in draw_tracks(maker, rng, batch, frames))
        posterior = vae.encode(joint_images(keypoints, scores))
        mixtures, confidence = vae.decode(posterior.sample())
        nats = reconstruction_loss(mixtures, confidence, keypoints, scores)
        # Early on, the centres learn faster from distances than from likelihoods of distant bins.
        centre = decode_mixtures(mixtures).transpose(-1, -2)
        distance = ((centre - keypoints).abs().sum(-1) * (scores > 0)).mean() * 20
        kl = posterior.kl().mean() / (frames / 8) / 8  # nats per frame
        loss = nats + distance + kl_weight * kl
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        if step % log_every == 0 or step == steps - 1:
            figures = round_trip(vae, keypoints, scores)
            print(
                f"step {step} loss {loss.item():.3f} nats {nats.item():.3f} kl {kl.item():.2f} "
                f"bins {figures['mean_error_bins']:.3f} beyond2 {figures['beyond_2_bins']:.5f} "
                f"f1 {figures['hidden_f1']:.4f} {time.time() - started:.0f}s",
                flush=True,
            )
    measure_latents(vae, maker)
    vae.save_pretrained(out)
    return vae


@torch.no_grad()
def round_trip(vae: PoseVAE, keypoints: Tensor, scores: Tensor) -> dict[str, float]:
    """Encode and decode (B, T, 2) tracks; errors in bins over visible joints, hidden-joint detection."""
    mixtures, confidence = vae.decode(vae.encode(joint_images(keypoints, scores)).mode())
    error = (decode_mixtures(mixtures).transpose(-1, -2) - keypoints).abs() * (BINS - 1)
    seen = scores > 0
    error = error[seen]
    hidden, found = ~seen, torch.sigmoid(confidence) < 0.15
    hits = (hidden & found).sum().item()
    return {
        "mean_error_bins": error.mean().item(),
        "beyond_2_bins": (error > 2).float().mean().item(),
        "hidden_f1": 2 * hits / max(1, (hidden.sum() + found.sum()).item()),
    }


@torch.no_grad()
def measure_latents(vae: PoseVAE, maker: ExampleMaker, examples: int = 60) -> None:
    """Measure the latents of augmented dancers and store their scale in the VAE's own config.

    Half-whitened: a channel of standard deviation s is divided by s^0.6 of the slowest's^0.4. Fully whitened,
    the fast waves (a thousandth of a canvas) would weigh as much as the joint's position; unscaled, a beat's sharp
    turn would drown in the flow's noise.
    """
    drawn = maker(examples, 0)
    keypoints = drawn.keypoints.transpose(1, 2).flatten(0, 1)  # (examples · K, T, 2)
    scores = drawn.scores.transpose(1, 2).flatten(0, 1)
    latents = vae.encode_points(keypoints, scores).mode()  # (examples · 18, C, 1, T')
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    scale = deviation**0.6 * deviation[0] ** 0.4
    scale[-2:] = 3 * deviation[-2:]  # confidence, hidden or not, is easily learned: it may weigh less
    vae.register_to_config(
        latent_mean=[round(v, 5) for v in mean.tolist()], latent_std=[round(v, 5) for v in scale.tolist()]
    )
