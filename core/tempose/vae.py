"""The VAE that ships, shared by all joints: its latent is a cosine transform; what it learned only decodes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tempose.codec import TIME_STRIDE, LinearLatents
from tempose.diffusers_parts import ConfigMixin, register_to_config
from tempose.joint_autoencoder import JointAutoencoder, gather


class PoseVAE(LinearLatents, JointAutoencoder, ConfigMixin):
    """Autoencoder of joint images.

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

    CORRECTION = 1 / 64  # a step of the optimiser must not move a joint by bins

    @register_to_config
    def __init__(
        self,
        latent_channels: int = 18,
        width: int = 160,
        frame_width: int = 64,
        mixtures: int = 3,
        latent_mean: list[float] | None = None,
        latent_std: list[float] | None = None,
    ):
        super().__init__()
        self._build(latent_channels, width, frame_width, 2 * 3 * mixtures + 1)
        self._start()

    @torch.no_grad()
    def _start(self) -> None:
        """A plain transform that stays as it is, beside the branches that learn.

        Positions are read off the rows and cosine-transformed over 8 frames; both are linear in the image. The
        learned branches add what that leaves: confidence, how sure each bin is, what lies between columns.
        """
        super()._start()
        channels = self.config["latent_channels"]
        k, n = torch.arange(TIME_STRIDE)[:, None], torch.arange(TIME_STRIDE)
        cosine = torch.cos(torch.pi * k * (n + 0.5) / TIME_STRIDE) * (2 / TIME_STRIDE) ** 0.5
        cosine[0] /= 2**0.5  # (8, 8), orthonormal
        # Waves of x and y from slow to fast in turn; the two slowest of confidence close the row.
        order = [(axis, wave) for wave in range(TIME_STRIDE) for axis in (0, 1)][: channels - 2]
        basis = torch.zeros(channels, 3, TIME_STRIDE)
        for channel, (axis, wave) in enumerate([*order, (2, 0), (2, 1)]):
            basis[channel, axis] = cosine[wave]
        self.short_in.weight.copy_(basis.reshape(channels, -1, 1))
        self.short_out.weight.copy_(basis.reshape(channels, -1).T.unsqueeze(-1))
        for fixed in (self.positions, self.short_in, self.short_out):
            fixed.requires_grad_(False)

    def encode_mean(self, keypoints: Tensor, scores: Tensor) -> Tensor:
        """The mean of `encode_points` (B, C, 1, T') by the fixed transform alone, at a hundredth of the cost.

        The learned correction of the mean is some 1e-3 of a channel's spread where positions are, more in the
        two channels of confidence. The transformer is trained on these latents and must be given the same:
        with the corrections its dancers came out up to 1.6 times too large.
        """
        seen = (scores > 0).to(keypoints.dtype)[..., None]
        rows = torch.cat([(2 * keypoints.clamp(0, 1) - 1) * seen, scores[..., None]], -1)  # (B, T, 3)
        return self.short_in(gather(rows.transpose(1, 2))).unsqueeze(2)

    def decode(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Latents (B, C, 1, T') → mixture parameters (B, 2, 3, M, T) and confidence logits (B, T)."""
        short, branches = self._decoded(latent)
        return self._mixtures(short, branches[:, :-1]), branches[:, -1] + 8 * short[:, 2] - 4

    def linear_positions(self, latent: Tensor) -> Tensor:
        """Latents (..., C, 1, T') → positions (..., T, 2) in [0, 1] by the fixed transform alone.

        Within a fraction of a bin of `decode`, and linear: what training losses on motion need.
        """
        frames = torch.einsum("fc,...ct->...ft", self.short_out.weight.squeeze(-1), latent.squeeze(-2))
        frames = frames.unflatten(-2, (3, TIME_STRIDE))[..., :2, :, :]  # (..., 2, 8, T')
        return (frames.transpose(-1, -2).flatten(-2).transpose(-1, -2) + 1) / 2

    def linear_change(self, change: Tensor) -> Tensor:
        """A change of positions (..., T, 2) → the change of the latent (..., C, 1, T'): `linear_positions` undone.

        What it takes to correct a latent where a body needs it without decoding and encoding the rest.
        """
        rows = F.pad(2 * change, (0, 1))  # (..., T, 3), confidence unchanged
        rows = rows.unflatten(-2, (-1, TIME_STRIDE)).movedim(-1, -3).transpose(-1, -2)  # (..., 3, 8, T')
        weight = self.short_in.weight.squeeze(-1)
        return torch.einsum("cf,...ft->...ct", weight, rows.flatten(-3, -2)).unsqueeze(-2)
