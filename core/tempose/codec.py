"""The door between poses and latents, and what latents of one kind have in common.

Letters: B tracks of one joint each, C channels, W bin rows, T frames, T' columns of 8 frames.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from torch import Tensor

TIME_STRIDE = 8


class Codec(Protocol):
    """What stands between poses and latents, normalised to about unit scale for the transformer."""

    def encode_mean(self, keypoints: Tensor, scores: Tensor) -> Tensor:
        """Keypoints (B, T, 2) in [0, 1] and scores (B, T) → latents (B, C, W, T')."""
        ...

    def decode(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Latents → mixtures (B, 2, 3, M, T) and confidence logits (B, T)."""
        ...

    def normalised(self, latent: Tensor) -> Tensor: ...

    def denormalised(self, latent: Tensor) -> Tensor: ...


@runtime_checkable
class CorrectableCodec(Codec, Protocol):
    """One whose positions can be read and changed at little cost while a dance is drawn."""

    def read_positions(self, latent: Tensor) -> Tensor:
        """Normalised latents (..., C, 1, T') → positions (..., T, 2) in [0, 1]."""
        ...

    def corrected(self, latent: Tensor, change: Tensor) -> Tensor:
        """Normalised latents (..., C, 1, T') as they are after a change of positions (..., T, 2)."""
        ...


@runtime_checkable
class LinearCodec(CorrectableCodec, Protocol):
    """One whose positions are linear in the latent: they can be read and changed without decoding."""

    def linear_positions(self, latent: Tensor) -> Tensor: ...

    def linear_change(self, change: Tensor) -> Tensor: ...


class NormalisedLatents:
    """Latents as the transformer sees them, by each channel's mean and scale in the model's config."""

    config: Any

    def _statistics(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and scale, (C, 1, 1) each."""
        channels = self.config["latent_channels"]
        mean = self.config["latent_mean"] or [0.0] * channels
        std = self.config["latent_std"] or [1.0] * channels
        return like.new_tensor(mean)[:, None, None], like.new_tensor(std)[:, None, None]

    def normalised(self, latent: Tensor) -> Tensor:
        """Latents (..., C, 1, T') to about zero mean and unit scale."""
        mean, std = self._statistics(latent)
        return (latent - mean) / std

    def denormalised(self, latent: Tensor) -> Tensor:
        """The inverse of `normalised`."""
        mean, std = self._statistics(latent)
        return latent * std + mean


class LinearLatents(NormalisedLatents):
    """Latents that positions are read off and changed in by a matrix."""

    def linear_positions(self, latent: Tensor) -> Tensor:
        """Latents (..., C, 1, T') → positions (..., T, 2) in [0, 1]."""
        raise NotImplementedError

    def linear_change(self, change: Tensor) -> Tensor:
        """A change of positions (..., T, 2) → the change of the latent (..., C, 1, T')."""
        raise NotImplementedError

    def read_positions(self, latent: Tensor) -> Tensor:
        """Normalised latents (..., C, 1, T') → positions (..., T, 2) in [0, 1]."""
        return self.linear_positions(self.denormalised(latent))

    def corrected(self, latent: Tensor, change: Tensor) -> Tensor:
        """Normalised latents (..., C, 1, T') as they are after a change of positions (..., T, 2)."""
        return latent + self.linear_change(change) / self._statistics(change)[1]
