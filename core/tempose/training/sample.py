"""A dance drawn while training: one segment for a held-out example, as the pipeline would draw it."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tempose.dit import DanceDiT
from tempose.music.features import MUSIC
from tempose.request import FPS, STYLES
from tempose.sampler import mask_channels
from tempose.vae import decode_mixtures
from tempose_pose.dance import Dance
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import OPENPOSE_18


@torch.no_grad()
def draw_segment(dit: Any, vae: Any, example: dict[str, Tensor], steps: int = 12, seed: int = 0) -> Dance:
    """Draw one example (a batch of one) from its reference pose alone, by Euler steps without guidance."""
    from tempose.training.dit import encode

    batch, frames, joints = example["scores"].shape
    known = torch.zeros(batch, frames, joints, dtype=torch.bool, device=example["scores"].device)
    shown = example["reference"][:, None].expand(-1, frames, -1, -1)
    reference = encode(vae, shown.contiguous(), example["reference_scores"][:, None].expand(-1, frames, -1))
    generator = torch.Generator().manual_seed(seed)
    latent = torch.randn(reference.shape, generator=generator).to(reference)
    style = torch.where(example["style"] < 0, len(STYLES), example["style"])
    times = np.linspace(1, 0, steps + 1)
    for now, then in pairwise(times):
        time = torch.full((batch,), float(now), device=latent.device)
        clean = dit(
            latent, reference, mask_channels(known), time, example["music"], style, example["energy"],
            example["no_music"],
        ).float()  # fmt: skip
        latent = latent + (then - now) * (latent - clean) / now
    mixtures, confidence = vae.decode(vae.denormalised(latent[0]))
    points = decode_mixtures(mixtures).permute(2, 0, 1).cpu().numpy()
    scores = torch.sigmoid(confidence).T.cpu().numpy()
    music = example["music"][0].cpu().numpy()
    phase = np.arctan2(music[:, MUSIC["beat_sine"]], music[:, MUSIC["beat_cosine"]])[:, 0]
    beats = (np.flatnonzero((phase[:-1] < 0) & (phase[1:] >= 0) & (np.diff(phase) < np.pi)) + 1) / FPS
    poses = PoseSequence(points, np.where(scores < 0.3, 0, scores), FPS, OPENPOSE_18)
    return Dance(poses, beats, np.zeros(0), np.zeros(0, np.int32), seed, "in training")


def draw_sheet(dit: Any, ema: dict[str, Tensor], vae: Any, check: dict[str, Tensor], path: Path) -> None:
    """A contact sheet of the first held-out example, danced with the averaged weights."""
    from PIL import Image

    from tempose.render.contact_sheet import contact_sheet

    state = torch.random.get_rng_state()  # a run with pictures ends where one without does
    averaged = DanceDiT(**{k: v for k, v in dit.config.items() if not k.startswith("_")})
    averaged.load_state_dict(ema)
    torch.nn.Module.to(averaged, check["scores"].device)
    averaged.eval()
    dance = draw_segment(averaged, vae, {key: value[:1] for key, value in check.items()})
    torch.random.set_rng_state(state)
    part = path.with_name(path.name + ".part")
    Image.fromarray(contact_sheet(dance, title="held out", count=16)).save(part, "PNG")
    part.replace(path)
