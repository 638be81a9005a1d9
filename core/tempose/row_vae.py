"""The paper's way in small: an autoencoder of one-hot rows whose latent is learned, none of it fixed.

As in arXiv 2512.11720 it reads an image of rows, shrinks time by 8 and decodes to a distribution over the bins, whose
spread is the confidence. Unlike there it is no network of pictures: a row's bins are channels, so that it costs about
as much as `vae.PoseVAE` and a hundredth of an `AutoencoderKL`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tempose.diffusers_parts import ConfigMixin, register_to_config
from tempose.joint_autoencoder import JointAutoencoder
from tempose.mixtures import decode_mixtures, mixture_logits, mixture_mass
from tempose.representation import BINS, to_bins

NEAR = 3.5  # bins on each side of the hottest whose mass is the confidence
TRACKS = 32  # encoded at a time: what fits a core's cache takes half as long
SURE = 0.999  # the most it can be, for its logit


class RowVAE(JointAutoencoder, ConfigMixin):
    """Autoencoder of joint images with a learned latent.

    Parameters
    ----------
    latent_channels : int
    width, frame_width : int
        Channels at column rate and at frame rate.
    mixtures : int
        Logistic components per coordinate.
    latent_mean, latent_std : list of float, optional
        Of each latent channel over dancers, measured after training.
    """

    CORRECTION = 1 / 16

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 18,
        width: int = 160,
        frame_width: int = 64,
        mixtures: int = 2,
        latent_mean: list[float] | None = None,
        latent_std: list[float] | None = None,
    ):
        super().__init__()
        self._build(latent_channels, width, frame_width, 2 * 3 * mixtures)
        self._start()

    @torch.no_grad()
    def _start(self) -> None:
        """From any directions, so that which of them the latent keeps is learned."""
        super()._start()
        nn.init.orthogonal_(self.short_in.weight)
        self.short_out.weight.copy_(self.short_in.weight.transpose(0, 1))

    def encode_mean(self, keypoints: Tensor, scores: Tensor) -> Tensor:
        """The mean of `encode_points`, (B, C, 1, T')."""
        parts = zip(keypoints.split(TRACKS), scores.split(TRACKS), strict=True)
        return torch.cat([self.encode_points(*part).mode() for part in parts])

    def mixtures(self, latent: Tensor) -> Tensor:
        """Latents (B, C, 1, T') → mixture parameters (B, 2, 3, M, T)."""
        return self._mixtures(*self._decoded(latent))

    def decode(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Latents (B, C, 1, T') → mixture parameters (B, 2, 3, M, T) and confidence logits (B, T)."""
        mixtures = self.mixtures(latent)
        hottest = to_bins(decode_mixtures(mixtures))  # (B, 2, T)
        sure = mixture_mass(mixtures, hottest - NEAR, hottest + NEAR).amin(1)  # (B, T)
        return mixtures, torch.logit(sure.clamp(1 - SURE, SURE))

    def read_positions(self, latent: Tensor) -> Tensor:
        """Normalised latents (..., C, 1, T') → positions (..., T, 2) in [0, 1]."""
        flat = self.denormalised(latent).flatten(0, -4)
        return decode_mixtures(self.mixtures(flat)).transpose(-1, -2).unflatten(0, latent.shape[:-3])

    def corrected(self, latent: Tensor, change: Tensor) -> Tensor:
        """Normalised latents (..., C, 1, T') as they are after a change of positions (..., T, 2).

        Only the change passes through rows: what the latent says beside positions, and what coding loses, stays.
        """
        points = self.read_positions(latent)
        before, after = (
            self.normalised(self.encode_mean(p.flatten(0, -3), torch.ones_like(p[..., 0]).flatten(0, -2)))
            for p in (points, (points + change).clamp(0, 1))
        )
        return latent + (after - before).unflatten(0, latent.shape[:-3])


def row_loss(mixtures: Tensor, keypoints: Tensor, scores: Tensor, samples: int = 12) -> Tensor:
    """Cross-entropy of the decoded rows, in nats per joint and frame.

    What they shall be is a distribution whose spread is the confidence: of a joint of confidence c, a share c lies
    on the two bins about its place and the rest on all bins alike.

    mixtures (B, 2, 3, M, T), keypoints (B, T, 2), scores (B, T); `samples` random bins stand for all.
    """
    position = to_bins(keypoints.transpose(-1, -2))  # (B, 2, T)
    low = position.floor().clamp(max=BINS - 2)
    share = position - low
    near = mixture_logits(mixtures, torch.stack([low, low + 1], -2))  # (B, 2, 2, T)
    nats = -((1 - share) * near[..., 0, :] + share * near[..., 1, :]).sum(1)  # (B, T)
    anywhere = torch.randint(BINS, (*low.shape[:2], samples, low.shape[-1]), device=low.device).to(low.dtype)
    nowhere = -mixture_logits(mixtures, anywhere).mean(-2).sum(1)  # (B, T)
    return torch.lerp(nowhere, nats, scores).mean()
