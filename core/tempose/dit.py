"""The diffusion transformer: [noisy latent | reference latent | known mask], curves and music tokens → clean latent.

Read from top to bottom: block, final layer, model, sizes; what they are made of is in `embedders` and `attention`.
The family is Lumina-Image-2.0's (RMSNorm before and after each branch, QK-norm, SwiGLU, scale and tanh gate from the
timestep, rotary position on three axes, joint self-attention); time-shared indexing and the mask follow arXiv
2512.11720. Letters in shape comments: B batch, K joints, C latent channels, W bin rows of the latent, T latent
columns (8 frames each), D width.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tempose.attention import RMSNorm, attend, rotary_angles, rotate
from tempose.codec import TIME_STRIDE
from tempose.diffusers_parts import ConfigMixin, ModelMixin, register_to_config
from tempose.embedders import Context, GivenEmbedder, MusicEmbedder, ScalarEmbedder
from tempose.feature_spec import FeatureSpec
from tempose.music.encoders import encoder_spec
from tempose.music.features import BEAT_GRID, MUSIC
from tempose_pose.request import STYLES
from tempose_pose.skeletons import OPENPOSE_18

# --- block ---


class Block(nn.Module):
    """Joint self-attention over pose and music tokens, then SwiGLU; both gated by the timestep.

    `wanted`: all tokens are looked at, but only so many of the first are made; the last block needs no more.
    """

    def __init__(self, width: int, heads: int, hidden: int):
        super().__init__()
        self.heads = heads
        self.norm_attention, self.norm_attention_out = RMSNorm(width), RMSNorm(width)
        self.norm_mlp, self.norm_mlp_out = RMSNorm(width), RMSNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.norm_q, self.norm_k = RMSNorm(width // heads), RMSNorm(width // heads)
        self.out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)
        # This block's own offset to the modulation that all blocks share (PixArt's adaLN-single).
        self.modulation = nn.Parameter(torch.zeros(4, width))

    def forward(
        self, x: Tensor, modulation: Tensor, cos: Tensor, sin: Tensor, wanted: int | None = None
    ) -> Tensor:
        batch, tokens, _ = x.shape
        scale_a, gate_a, scale_m, gate_m = (modulation + self.modulation).unsqueeze(2).unbind(1)  # (B, 1, D)

        y = self.norm_attention(x) * (1 + scale_a)
        q, k, v = (
            self.qkv(y).reshape(batch, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        )  # (B, H, N, D/H)
        q, k = rotate(self.norm_q(q), cos, sin), rotate(self.norm_k(k), cos, sin)
        y = attend(q[:, :, :wanted], k, v).transpose(1, 2).flatten(2)  # (B, wanted, D)
        x = x[:, :wanted] + gate_a.tanh() * self.norm_attention_out(self.out(y))

        gate, up = self.gate_up(self.norm_mlp(x) * (1 + scale_m)).chunk(2, -1)
        return x + gate_m.tanh() * self.norm_mlp_out(self.down(F.silu(gate) * up))


# --- final layer ---


class FinalLayer(nn.Module):
    """Normalise, modulate once more, and map each pose token to its patch of the latent."""

    def __init__(self, width: int, patch: int):
        super().__init__()
        self.norm = RMSNorm(width, elementwise_affine=False)
        self.scale = nn.Linear(width, width)
        self.linear = nn.Linear(width, patch)
        nn.init.zeros_(self.scale.weight)
        nn.init.zeros_(self.scale.bias)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.linear(self.norm(x) * (1 + self.scale(F.silu(condition))[:, None]))


# --- model ---


class DanceDiT(ModelMixin, ConfigMixin):
    """Predicts the clean latent of a segment.

    Parameters
    ----------
    joints, latent_channels, rows : int
        K, C and W. The paper's latents have W = 64 bin rows; ours compress the bins to one.
    skeleton : str
        Name of the layout (`tempose_pose.skeletons.LAYOUTS`) that the K joints are of.
    patch_rows : int
        Bin rows per token; the patch is 1 column wide, so that pose and music share their time index.
    width, depth, heads, hidden : int
    music_features : dict or int
        What the music's columns are, as `FeatureSpec.to_config` has it; older configurations say how many.
    shared_time : bool
        Whether music token t sits at the time index of pose column t (the paper's finding) or after them all.
    beat_path : bool
        Whether pose tokens also get the beat features of their own 8 frames directly. Attention finds the
        beat by itself only after long training; a corrected grid must steer the dance from the first minute.
    beats : bool
        Whether the beat grid is heard at all; without it only what is listened from the sound.
    reference : bool
        Whether the static pose is shown; without it only frames that are known.
    curves : tuple of str
        The curves (see `tempose_pose.curves`) that pose tokens get of their own 8 frames, beside the beat features.
    encoder : dict or None
        The music encoder whose features pose tokens get in the same way, as `encoders.encoder_config` has it.
    song : bool
        Whether pose tokens see what the song is like as a whole.
    memory : int
        How many poses of what was danced before they see.
    """

    # Parts that start without effect, so that weights from before them may be trained on with them.
    ADDITIONS: ClassVar = ("curves_in.", "encoded_in.", "context.")

    @register_to_config
    def __init__(
        self,
        joints: int = 18,
        latent_channels: int = 18,
        rows: int = 1,
        patch_rows: int = 1,
        width: int = 384,
        depth: int = 6,
        heads: int = 6,
        hidden: int = 1024,
        music_features: dict | int = MUSIC.to_config(),  # noqa: B008 -- read, never written
        styles: int = len(STYLES),
        shared_time: bool = True,
        beat_path: bool = True,
        beats: bool = True,
        reference: bool = True,
        curves: tuple[str, ...] = (),
        encoder: dict[str, Any] | None = None,
        song: bool = False,
        memory: int = 0,
        skeleton: str = OPENPOSE_18.name,
    ):
        super().__init__()
        latent = joints * latent_channels
        self.pose_in = nn.Linear(patch_rows * (2 * latent + joints * TIME_STRIDE), width)
        self.music = FeatureSpec.from_config(music_features, MUSIC)
        self.beat_columns = self.music.slice_of(BEAT_GRID)
        self.music_in = MusicEmbedder(self.music.width, width)
        self.beats_in = nn.Linear(TIME_STRIDE * BEAT_GRID.width, width, bias=False) if beat_path else None
        if self.beats_in is not None:
            nn.init.zeros_(self.beats_in.weight)
        self.curves_in = GivenEmbedder(len(curves), width) if curves else None
        self.encoded_in = GivenEmbedder(encoder_spec(encoder).width, width) if encoder else None
        self.context = Context(width, heads, joints, song, memory > 0) if song or memory else None
        self.kind = nn.Parameter(torch.randn(2, width) * 0.02)  # pose or music
        self.time = ScalarEmbedder(width)
        self.energy = ScalarEmbedder(width, scale=100.0)
        self.style = nn.Embedding(styles + 1, width)  # the last one is "any"
        nn.init.normal_(self.style.weight, std=0.02)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 4 * width))
        self.blocks = nn.ModuleList([Block(width, heads, hidden) for _ in range(depth)])
        self.final = FinalLayer(width, patch_rows * latent)

    def forward(
        self,
        noisy: Tensor,
        reference: Tensor,
        mask: Tensor,
        time: Tensor,
        music: Tensor,
        style: Tensor,
        energy: Tensor,
        no_music: Tensor,
        curves: Tensor | None = None,
        encoded: Tensor | None = None,
        song: Tensor | None = None,
        memory: Tensor | None = None,
        ago: Tensor | None = None,
    ) -> Tensor:
        """Clean latent.

        Parameters
        ----------
        noisy, reference : (B, K, C, W, T)
            The latent at this time of the flow, and the encoded reference image: the static pose with the
            known frames written over it.
        mask : (B, K, 8, 1 or W, T)
            1 at [k, p, w, c] where joint k is known at frame 8c + p.
        time : (B,)
            Time of the flow: 0 clean, 1 noise.
        music : (B, 8T, F)
        style : (B,) long
            Index of a style; the number of styles means any.
        energy : (B,)
            NaN means any.
        no_music : (B,) bool
        curves : (B, 8T, curves), optional
            In the order of the model's own `curves`; NaN is not given.
        encoded : (B, 8T, E), optional
            The encoder's features; NaN is not given.
        song : (B, 70), optional
            The song as a whole, see `music.features.describe_song`; NaN is not given.
        memory, ago : (B, M, K, 3) and (B, M), optional
            Poses danced before and how many seconds ago, see `memory.recall`; NaN is not given.
        """
        batch, _, _, rows, columns = noisy.shape
        patch = self.config["patch_rows"]
        mask = mask.expand(-1, -1, -1, rows, -1)
        if not self.config["reference"]:
            reference = reference * (mask.amax(2, keepdim=True) > 0)
        if not self.config["beats"]:
            music = music.clone()
            music[..., self.beat_columns] = 0
        x = torch.cat([noisy, reference, mask], 2)  # (B, K, 2C+8, W, T)
        x = x.reshape(batch, -1, rows // patch, patch, columns)  # (B, K(2C+8), W/p, p, T)
        x = x.permute(0, 2, 4, 3, 1).flatten(3).flatten(1, 2)  # (B, W/p·T, p·K(2C+8))
        x = self.pose_in(x) + self.kind[0]  # (B, W/p·T, D)
        m = self.music_in(music, no_music) + self.kind[1]  # (B, T, D)
        if self.beats_in is not None:
            beats = music[..., self.beat_columns].reshape(batch, 1, columns, -1)  # (B, 1, T, 8·8)
            beats = self.beats_in(beats * ~no_music[:, None, None, None])  # (B, 1, T, D)
            x = x + beats.expand(-1, rows // patch, -1, -1).flatten(1, 2)
        if self.curves_in is not None and curves is not None:
            x = x + self.curves_in(curves).repeat(1, rows // patch, 1)
        if self.encoded_in is not None and encoded is not None:
            heard = self.encoded_in(encoded.masked_fill(no_music[:, None, None], torch.nan))  # (B, T, D)
            x = x + heard.repeat(1, rows // patch, 1)
        if self.context is not None:
            x = self.context(x, song, memory, ago)

        unknown = energy.isnan()
        condition = self.time(time) + self.style(style) + self.energy(energy.nan_to_num(1.0).log1p(), unknown)
        modulation = self.modulation(condition).reshape(batch, 4, -1)  # (B, 4, D)

        cos, sin = self._rotary(rows // patch, columns, x.device)
        x = torch.cat([x, m], 1)  # (B, N, D)
        cos, sin = cos.to(x.dtype), sin.to(x.dtype)
        for block in self.blocks[:-1]:
            x = block(x, modulation, cos, sin)
        x = self.blocks[-1](x, modulation, cos, sin, rows // patch * columns)  # (B, W/p·T, D)
        x = self.final(x, condition)  # (B, W/p·T, p·KC)

        x = x.reshape(batch, rows // patch, columns, patch, self.config["joints"], -1)  # (B, W/p, T, p, K, C)
        return x.permute(0, 4, 5, 1, 3, 2).reshape(noisy.shape)  # (B, K, C, W, T)

    def _rotary(self, rows: int, columns: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Cosines and sines for pose tokens at (0, w, t), then music tokens at (0, 0, t)."""
        w, t = torch.meshgrid(
            torch.arange(rows, device=device), torch.arange(columns, device=device), indexing="ij"
        )
        pose = torch.stack([torch.zeros_like(w), w, t], -1).reshape(-1, 3)
        music = torch.zeros(columns, 3, dtype=pose.dtype, device=device)
        music[:, 2] = torch.arange(columns, device=device) + (0 if self.config["shared_time"] else columns)
        angles = rotary_angles(torch.cat([pose, music]), self.config["width"] // self.config["heads"])
        return angles.cos(), angles.sin()


# --- sizes ---

SIZES: dict[str, dict[str, int]] = {
    "tiny": {"width": 192, "depth": 3, "heads": 3, "hidden": 512},  # 2 M, for ablations
    "small": {"width": 384, "depth": 6, "heads": 6, "hidden": 1024},  # 12 M, ships
    "base": {"width": 512, "depth": 10, "heads": 8, "hidden": 1408},  # 33 M
    "large": {"width": 1024, "depth": 20, "heads": 16, "hidden": 2816},  # 260 M
    "paper": {"width": 2304, "depth": 26, "heads": 24, "hidden": 9216},  # 2.6 B class
}
