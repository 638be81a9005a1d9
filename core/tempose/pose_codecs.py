"""Other ways between poses and latents, through the door of `vae.PoseVAE`.

`ImageVAE`: an image autoencoder of the diffusers library (`AutoencoderKL`, `AutoencoderTiny`), pretrained on
pictures or on joint images; one joint is one picture of x rows, y rows and confidence. `RawCoordinates`: no
autoencoder and no rows at all, coordinates as they are; the counterpart in the ablation of one-hot rows.

The door is `codec.Codec`, and letters are as there.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tempose.codec import TIME_STRIDE, LinearLatents
from tempose.diffusers_parts import (
    AutoencoderKL,
    AutoencoderTiny,
    ConfigMixin,
    ModelMixin,
    register_to_config,
)
from tempose.representation import certainty, decode_rows, joint_images
from tempose.row_vae import RowVAE
from tempose.vae import PoseVAE
from tempose_pose.errors import TemposeError

SHARPEST = -2.5  # log-scale of a mixture that is as sure as it can be


def as_mixtures(points: Tensor) -> Tensor:
    """Positions (B, T, 2) in [0, 1] → mixtures (B, 2, 3, 1, T) of one sharp component, as `PoseVAE.decode` gives."""
    mean = (2 * points - 1).transpose(-1, -2)  # (B, 2, T)
    mixtures = torch.stack([torch.zeros_like(mean), mean, torch.full_like(mean, SHARPEST)], 2)
    return mixtures.unsqueeze(3)


class ImageVAE(ModelMixin, ConfigMixin):
    """An image autoencoder of three channels as the VAE shared by all joints.

    Parameters
    ----------
    kind : str
        AutoencoderKL or AutoencoderTiny.
    inner : dict
        Its config. It must shrink both sides by 8: one latent column for 8 frames, 64 bin rows.
    sharpness : float
        What the decoded rows are multiplied by before they are taken as logits over the bins.
    """

    KINDS: ClassVar[dict[str, Any]] = {"AutoencoderKL": AutoencoderKL, "AutoencoderTiny": AutoencoderTiny}

    @register_to_config
    def __init__(self, kind: str, inner: dict[str, Any], sharpness: float = 12.0):
        super().__init__()
        if kind not in self.KINDS:
            raise TemposeError("vae_kind", f"An image VAE is {' or '.join(self.KINDS)}, not {kind}.")
        self.vae = self.KINDS[kind].from_config(inner)
        widths = self.vae.config[
            "block_out_channels" if kind == "AutoencoderKL" else "encoder_block_out_channels"
        ]
        if 2 ** (len(widths) - 1) != TIME_STRIDE or self.vae.config["in_channels"] != 3:
            raise TemposeError(
                "vae_shape",
                f"The image VAE must take 3 channels and shrink by {TIME_STRIDE}; this one takes "
                f"{self.vae.config['in_channels']} and shrinks by {2 ** (len(widths) - 1)}.",
            )

    @classmethod
    def wrap(cls, folder: str | os.PathLike, **loading: Any) -> ImageVAE:
        """From a folder that `AutoencoderKL.save_pretrained` or `AutoencoderTiny.save_pretrained` wrote."""
        kind = _class_name(Path(folder))
        if kind not in cls.KINDS:
            raise TemposeError("vae_kind", f"{folder} holds {kind}, not {' or '.join(cls.KINDS)}.")
        given = cls.KINDS[kind].from_pretrained(
            folder, use_safetensors=True, low_cpu_mem_usage=False, **loading
        )
        inner = {k: v for k, v in given.config.items() if not k.startswith("_")}
        made = cls(kind, inner)
        made.vae.load_state_dict(given.state_dict())
        return made.eval()

    def encode_mean(self, keypoints: Tensor, scores: Tensor) -> Tensor:
        """Keypoints (B, T, 2) in [0, 1] and scores (B, T) → latents (B, C, 64, T')."""
        return self.encode_images(joint_images(keypoints, scores))

    def encode_images(self, images: Tensor) -> Tensor:
        """Joint images (B, 3, BINS, T) → latents (B, C, 64, T')."""
        out = self.vae.encode(2 * images - 1)
        return out.latents if hasattr(out, "latents") else out.latent_dist.mode()

    def decode_images(self, latent: Tensor) -> Tensor:
        """Latents (B, C, 64, T') → joint images (B, 3, BINS, T), about 0 to 1."""
        return (self.vae.decode(latent).sample + 1) / 2

    def decode(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Latents (B, C, 64, T') → mixtures (B, 2, 3, 1, T) and confidence logits (B, T)."""
        logits = self.config["sharpness"] * self.decode_images(latent)[:, :2].float()  # (B, 2, BINS, T)
        points = decode_rows(logits)  # (B, 2, T)
        confidence = (
            certainty(logits).amin(1).clamp(1e-3, 1 - 1e-3)
        )  # the spread of the bins is the confidence
        return as_mixtures(points.transpose(-1, -2)), torch.logit(confidence)

    def normalised(self, latent: Tensor) -> Tensor:
        """Latents to the scale that the autoencoder's own config states."""
        scale, shift = self._scale()
        return (latent - shift) * scale

    def denormalised(self, latent: Tensor) -> Tensor:
        """The inverse of `normalised`."""
        scale, shift = self._scale()
        return latent / scale + shift

    def _scale(self) -> tuple[float, float]:
        config = self.vae.config
        return float(config.get("scaling_factor") or 1.0), float(config.get("shift_factor") or 0.0)


class RawCoordinates(LinearLatents, ModelMixin, ConfigMixin):
    """Coordinates without rows: the 8 frames of x, y and confidence of a column are its 24 channels."""

    @register_to_config
    def __init__(
        self,
        mean: tuple[float, float, float] = (0.0, 0.03, 0.97),
        std: tuple[float, float, float] = (0.16, 0.37, 0.5),
    ):
        """Mean and scale of x, y (from -1 to 1) and confidence, as measured on augmented dancers; confidence,
        which is easily told, weighs a third as in `PoseVAE`."""
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1), requires_grad=False)  # where the module lives

    def encode_mean(self, keypoints: Tensor, scores: Tensor) -> Tensor:
        """Keypoints (B, T, 2) in [0, 1] and scores (B, T) → (B, 24, 1, T')."""
        seen = (scores > 0).to(keypoints.dtype)[..., None]
        rows = torch.cat([(2 * keypoints.clamp(0, 1) - 1) * seen, scores[..., None]], -1)  # (B, T, 3)
        return self._columns(rows)

    @staticmethod
    def _columns(rows: Tensor) -> Tensor:
        """(..., T, 3) → (..., 24, 1, T')."""
        return rows.unflatten(-2, (-1, TIME_STRIDE)).movedim(-3, -1).flatten(-3, -2).unsqueeze(-2)

    @staticmethod
    def _frames(latent: Tensor) -> Tensor:
        """(..., 24, 1, T') → (..., T, 3)."""
        return latent.squeeze(-2).unflatten(-2, (TIME_STRIDE, 3)).movedim(-1, -3).flatten(-3, -2)

    def decode(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 24, 1, T') → mixtures (B, 2, 3, 1, T) and confidence logits (B, T)."""
        rows = self._frames(latent).float()
        return as_mixtures((rows[..., :2] + 1) / 2), torch.logit(rows[..., 2].clamp(1e-3, 1 - 1e-3))

    def linear_positions(self, latent: Tensor) -> Tensor:
        """(..., 24, 1, T') → positions (..., T, 2) in [0, 1]."""
        return (self._frames(latent)[..., :2] + 1) / 2

    def linear_change(self, change: Tensor) -> Tensor:
        """A change of positions (..., T, 2) → of the latent (..., 24, 1, T')."""
        return self._columns(F.pad(2 * change, (0, 1)))

    def _statistics(self, like: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and scale per channel, (24, 1, 1)."""
        mean, std = (like.new_tensor(self.config[key]).repeat(TIME_STRIDE) for key in ("mean", "std"))
        return mean[:, None, None], std[:, None, None]


def _class_name(folder: Path) -> str:
    try:
        return str(json.loads((folder / "config.json").read_text(encoding="utf-8"))["_class_name"])
    except OSError:
        raise TemposeError("vae_missing", f"There is no VAE in {folder}: config.json is missing.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise TemposeError("vae_unreadable", f"{folder / 'config.json'} names no model.") from error


def load_vae(folder: str | os.PathLike) -> Any:
    """The VAE of a folder, whichever it is; ``raw`` stands for `RawCoordinates`. Safetensors alone are read.

    Raises
    ------
    TemposeError
        The folder holds no VAE, or one that does not fit.
    """
    if str(folder) == "raw":
        return RawCoordinates()
    kind = _class_name(Path(folder))
    if kind in ImageVAE.KINDS:
        return ImageVAE.wrap(folder)
    ours = {"PoseVAE": PoseVAE, "RowVAE": RowVAE, "ImageVAE": ImageVAE, "RawCoordinates": RawCoordinates}
    if kind not in ours:
        raise TemposeError(
            "vae_kind", f"{folder} holds {kind}; known: {', '.join([*ours, *ImageVAE.KINDS])}."
        )
    return ours[kind].from_pretrained(folder, use_safetensors=True, low_cpu_mem_usage=False).eval()


def latent_shape(vae: Any) -> dict[str, int]:
    """``latent_channels`` and ``rows`` of a transformer for this VAE."""
    with torch.no_grad():
        latent = vae.encode_mean(torch.full((1, TIME_STRIDE * 2, 2), 0.5), torch.ones(1, TIME_STRIDE * 2))
    return {"latent_channels": latent.shape[1], "rows": latent.shape[2]}


__all__ = ["ImageVAE", "RawCoordinates", "as_mixtures", "latent_shape", "load_vae"]
