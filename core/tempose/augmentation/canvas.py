"""From body heights to the canonical canvas, batched: `tempose_pose.framing` for many dancers at once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tempose.augmentation.bodies import BodyTables
from tempose.augmentation.draws import Draws
from tempose.augmentation.smoothing import gaussian
from tempose_pose.framing import CENTRE, GROUND, HEIGHT, SHARES

ROOM = (0.3, 0.7)  # of the canvas: the hips' slow path stays within
SLOW = 40.0  # frames over which that path is smoothed: a hard limit would make feet slide
LARGEST, SMALLEST = (
    1.3,
    0.85,
)  # scale over the usual one: a foreshortened reference must not blow the figure up


def body_height(
    body: BodyTables, points: Tensor, seen: Tensor | None = None, even_legs: bool = False
) -> Tensor:
    """(B,) length of the chain nose-neck-hips-knee-ankle; see `tempose_pose.framing.chain_height`.

    Parameters
    ----------
    points : (B, T, K, D)
    seen : (B, K) bool, optional
        Links with a joint that is not seen are left out, and the rest is scaled up by usual proportions.
    even_legs : bool
        Where thigh or shin is less than nine tenths of what the other makes it, take the other's word.
    """
    whole = torch.ones(points.shape[0], points.shape[2], dtype=torch.bool, device=points.device)
    seen = whole if seen is None else seen

    def there(name: str) -> Tensor:
        return seen[:, body.skeleton.index(name)]

    def longest(a: str, b: str) -> tuple[Tensor, Tensor]:
        """(B,) the longer side's length and whether either is seen."""
        pairs = [(f"{side}_{a}", f"{side}_{b}") for side in ("left", "right")]
        known = torch.stack([there(x) & there(y) for x, y in pairs])
        lengths = torch.stack([_extent(body.at(points, x) - body.at(points, y)) for x, y in pairs])
        return (lengths * known).amax(0), known.any(0)

    hips = there("left_hip") & there("right_hip")
    links = {
        "head": (_extent(body.at(points, "nose") - body.at(points, "neck")), there("nose") & there("neck")),
        "torso": (_extent(body.at(points, "neck") - body.hips(points)), hips & there("neck")),
        "thigh": longest("hip", "knee"),
        "shin": longest("knee", "ankle"),
    }
    length = {name: torch.where(known, length, 0) for name, (length, known) in links.items()}
    if even_legs:
        legs = torch.maximum(length["thigh"] / SHARES["thigh"], length["shin"] / SHARES["shin"])
        for name in ("thigh", "shin"):
            even = legs * SHARES[name]
            length[name] = torch.where(links[name][1] & (length[name] < 0.9 * even), even, length[name])
    shares = sum(SHARES[name] * known for name, (_, known) in links.items())
    return sum(length.values()) / torch.as_tensor(shares).clamp_min(1e-6)


def _extent(vectors: Tensor) -> Tensor:
    """(B, T, D) → (B,) the 90th percentile of their lengths over time."""
    lengths = vectors.norm(dim=-1)
    return lengths[:, 0] if lengths.shape[1] == 1 else torch.quantile(lengths, 0.9, dim=1)


@dataclass(frozen=True, eq=False)
class CanvasPlacement:
    """canonical = points with y down · scale + offset; scale (B,), offset (B, 2)."""

    scale: Tensor
    offset: Tensor

    def apply(self, points: Tensor) -> Tensor:
        """(B, ..., 2) body heights with y up → canonical coordinates."""
        shape = (-1, *[1] * (points.dim() - 2))
        down = points * points.new_tensor([1, -1])
        return down * self.scale.reshape(*shape, 1) + self.offset.reshape(*shape, 2)


def draw_placement(
    body: BodyTables, draws: Draws, reference: Tensor, shown: Tensor, height: Tensor
) -> CanvasPlacement:
    """Where a reference pose puts its figure, as in `tempose_pose.framing.Framing.of`, with a little jitter.

    Parameters
    ----------
    reference : (B, K, 2)
        Body heights, y up.
    shown : (B, K) bool
    height : (B,)
        Of the dancer as seen, over all of the dance.
    """
    down = reference * reference.new_tensor([1, -1])
    framed = HEIGHT / body_height(body, down[:, None], shown, even_legs=True).clamp_min(1e-6)
    across, ground = body.hips(down)[:, 0], _ground(body, down, shown)
    anchor = torch.stack([across, ground], -1)  # (B, 2) goes to the hips' x and the canvas' ground
    usual = HEIGHT / height
    scale = torch.minimum(torch.maximum(framed, SMALLEST * usual), LARGEST * usual)
    scale = scale * (0.04 * draws.normal()).exp()
    target = anchor.new_tensor([CENTRE, GROUND])
    return CanvasPlacement(scale, target - anchor * scale[:, None] + 0.02 * draws.normal(2))


def _ground(body: BodyTables, down: Tensor, shown: Tensor) -> Tensor:
    """(B,) y of the ground under a pose: its lower ankle, or where the feet of so tall a figure would be."""
    ankles = [body.skeleton.index(f"{side}_ankle") for side in ("left", "right")]
    lowest = torch.where(shown[:, ankles], down[:, ankles, 1], -torch.inf).amax(1)
    below_neck = (1 - SHARES["head"]) * body_height(body, down[:, None], shown, even_legs=True)
    return torch.where(shown[:, ankles].any(1), lowest, body.at(down, "neck")[:, 1] + below_neck)


def brought_back(body: BodyTables, keypoints: Tensor) -> Tensor:
    """Keypoints (B, T, K, 2) whose hips' slow path stays within `ROOM`."""
    return _moved_within(keypoints, gaussian(body.hips(keypoints)[..., 0], SLOW))


def within_room(body: BodyTables, poses: Tensor) -> Tensor:
    """Single poses (B, M, K, 2) whose hips lie within `ROOM`."""
    return _moved_within(poses, body.hips(poses)[..., 0])


def _moved_within(keypoints: Tensor, across: Tensor) -> Tensor:
    """Keypoints (B, T, K, 2) moved by what `across` (B, T) lies outside `ROOM`."""
    out = (across - across.clamp(*ROOM))[..., None]
    return torch.stack([keypoints[..., 0] - out, keypoints[..., 1]], -1)


def on_canvas(keypoints: Tensor) -> Tensor:
    """(..., 2) → (...) bool: on the canvas, with a hair's breadth around it."""
    return ((keypoints > -0.01) & (keypoints < 1.01)).all(-1)
