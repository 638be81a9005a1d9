"""The curves that direct the dancer, read off the motion itself: what training asks for is exactly what is danced.

Each function gives (B, T) in the units of `tempose_pose.curves`; keypoints are canonical, with y down.
"""

from __future__ import annotations

import torch
from torch import Tensor

from tempose.augmentation.bodies import BodyTables
from tempose.augmentation.cameras import Cameras
from tempose.augmentation.canvas import body_height
from tempose.augmentation.draws import Draws
from tempose.augmentation.settings import AugmentationSettings
from tempose.augmentation.smoothing import gaussian
from tempose_pose.curves import CURVES
from tempose_pose.framing import CENTRE, GROUND, HEIGHT
from tempose_pose.limits import FPS
from tempose_pose.request import NORMAL_SPEED

SLOWEST = 0.03  # body heights per second: what counts as standing still
HIP_HEIGHT = 0.53  # of a body's height


def joint_speed(body: BodyTables, keypoints: Tensor) -> Tensor:
    """(B, T) mean joint speed in body heights per second; the first frame has the second one's."""
    steps = keypoints[:, :, body.measured].diff(dim=1).norm(dim=-1).mean(-1) * (FPS / HEIGHT)
    return torch.cat([steps[:, :1], steps], 1)


def energy(speed: Tensor) -> Tensor:
    """Logarithm of the speed, smoothed over half a second, over the normal one."""
    return (gaussian(speed, 15.0).clamp_min(SLOWEST) / NORMAL_SPEED).log().clamp(-2.5, 1.5)


def hits(speed: Tensor, beats: Tensor) -> Tensor:
    """Share of the speed that is lost at the nearest beat; `beats` (B, T) is the music's position."""
    lost = 1 - gaussian(speed, 1.5) / gaussian(speed, 8.0).clamp_min(0.02)
    nearest = torch.searchsorted(beats.contiguous(), beats.round().contiguous())
    return lost.gather(1, nearest.clamp(0, beats.shape[1] - 1)).clamp(-1, 1)


def facing(body: BodyTables, motion: Tensor, cameras: Cameras) -> Tensor:
    """1 towards the camera, 0 in profile, -1 away; `motion` is (B, T, K, 3) body heights."""
    across = sum(
        (
            body.at(motion, f"left_{joint}") - body.at(motion, f"right_{joint}")
            for joint in ("shoulder", "hip")
        ),
        start=torch.zeros_like(motion[:, :, 0]),
    )  # (B, T, 3) from the dancer's right to their left
    yaw = cameras.yaw[:, None]
    sideways = yaw.cos() * across[..., 0] + yaw.sin() * across[..., 2]
    return gaussian(sideways / across.norm(dim=-1).clamp_min(1e-4), 5.0)


def path(body: BodyTables, keypoints: Tensor) -> Tensor:
    """Where the hips are from the canvas centre, body heights to the right."""
    return (gaussian(body.hips(keypoints)[..., 0], 20.0) - CENTRE) / HEIGHT


def level(body: BodyTables, keypoints: Tensor) -> Tensor:
    """How high the hips are over standing, in leg lengths: below 0 crouching, above in the air."""
    height = (GROUND - body.hips(keypoints)[..., 1]) / (HEIGHT * HIP_HEIGHT)
    return gaussian(height - 1, 3.0).clamp(-1, 1)


def zoom(body: BodyTables, motion: Tensor, cameras: Cameras, scale: Tensor) -> Tensor:
    """Logarithm of the figure's apparent height over the canonical one, from the camera itself.

    `motion` is (B, T, K, 3) body heights, `scale` (B,) the placement's.
    """
    depth = cameras.view(body.hips(motion))[..., 2]  # (B, T)
    true = body_height(body, motion) * scale / HEIGHT  # (B,)
    return gaussian((cameras.magnification(depth) * true[:, None]).clamp_min(0.2).log(), 8.0)


def drop(
    draws: Draws, settings: AugmentationSettings, curves: dict[str, Tensor], flat: Tensor, has_music: Tensor
) -> Tensor:
    """Curves by name → (B, T, curves), NaN where not given: by chance, or because nobody can know.

    A flat dance shows neither where it faces nor how near it is, one without music has no beats to hit.
    """
    shares = torch.tensor(settings.drop_curves, device=draws.device)
    dropped = (draws.uniform(len(CURVES)) < shares) | draws.chance(settings.drop_all_curves, 1)  # (B, curves)
    unknown = {"facing": flat, "zoom": flat, "hits": ~has_music}
    never = torch.zeros_like(flat)
    dropped = dropped | torch.stack([unknown.get(name, never) for name in CURVES], -1)
    values = torch.stack([curves[name] for name in CURVES], -1)  # (B, T, curves)
    return values.masked_fill(dropped[:, None], torch.nan)
