"""Cameras: where the dance is seen from, and how it looks from there."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tempose.augmentation.draws import Draws
from tempose.augmentation.settings import AugmentationSettings

AIM = 0.6  # height that cameras point at, body heights
NEAREST = 0.5  # body heights from the camera: nearer joints look no larger


@dataclass(frozen=True, eq=False)
class Cameras:
    """One camera per example; all (B,).

    Attributes
    ----------
    yaw, pitch : Tensor
        Radians: to the side and from above.
    distance : Tensor
        Body heights.
    zoom, pan : Tensor
        Change of the size and of the place (body heights) from the first frame to the last.
    """

    yaw: Tensor
    pitch: Tensor
    distance: Tensor
    zoom: Tensor
    pan: Tensor

    @classmethod
    def draw(cls, draws: Draws, settings: AugmentationSettings) -> Cameras:
        """Random cameras."""
        moving = draws.chance(settings.moving).float()
        pitch = math.radians(settings.pitch)
        low, high = settings.distance
        return cls(
            yaw=(draws.normal() * math.radians(settings.yaw)).clamp(-1.2, 1.2),
            pitch=pitch + pitch * draws.normal(),
            distance=draws.uniform(low=low, high=high),
            zoom=(settings.zoom * draws.normal()).clamp(-2.5 * settings.zoom, 2.5 * settings.zoom) * moving,
            pan=settings.pan * draws.normal() * moving,
        )

    def view(self, motion: Tensor) -> Tensor:
        """(B, T, ..., 3) in the camera's frame: x to the right, y up from where it aims, z towards it."""
        shape = (-1, *[1] * (motion.dim() - 2))
        yaw, pitch = self.yaw.reshape(shape), self.pitch.reshape(shape)
        x = yaw.cos() * motion[..., 0] + yaw.sin() * motion[..., 2]
        z = yaw.cos() * motion[..., 2] - yaw.sin() * motion[..., 0]
        y = motion[..., 1] - AIM
        return torch.stack([x, pitch.cos() * y - pitch.sin() * z, pitch.cos() * z + pitch.sin() * y], -1)

    def magnification(self, depth: Tensor) -> Tensor:
        """Apparent over true size (B, T, ...) at depths z of the camera's frame, zoom and all."""
        shape = (-1, *[1] * (depth.dim() - 1))
        distance, zoom = self.distance.reshape(shape), self.zoom.reshape(shape)
        course = _course(depth.shape[1], depth.device).reshape(1, -1, *[1] * (depth.dim() - 2))
        return distance / (distance - depth).clamp_min(NEAREST) * (1 + zoom * course)

    def project(self, motion: Tensor, flat: Tensor, still: bool = False) -> Tensor:
        """(B, T, K, 2) body heights as seen, y up; flat dances (B,) are only zoomed and panned.

        `motion` is (B, T, K, 3). `still`: by the camera as it stands at the middle of its zoom and pan.
        """
        if still:
            here = replace(self, zoom=torch.zeros_like(self.zoom), pan=torch.zeros_like(self.pan))
            return here.project(motion, flat)
        view = self.view(motion)
        flat = flat[:, None, None, None]
        depth = torch.where(flat[..., 0], 0.0, view[..., 2])
        seen = torch.where(flat, motion[..., :2] - motion.new_tensor([0, AIM]), view[..., :2])
        course = _course(motion.shape[1], motion.device)[None, :, None]  # (1, T, 1)
        zoom = 1 + self.zoom[:, None, None] * course
        size = torch.where(flat[..., 0], zoom, self.magnification(depth))
        x = seen[..., 0] * size + self.pan[:, None, None] * course
        return torch.stack([x, seen[..., 1] * size + AIM * zoom], -1)


def _course(frames: int, device: torch.device) -> Tensor:
    """(T,) from -½ at the first frame to ½ at the last; 0 for a single one."""
    return torch.linspace(-0.5, 0.5, frames, device=device) if frames > 1 else torch.zeros(1, device=device)
