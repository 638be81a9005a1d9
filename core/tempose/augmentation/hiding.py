"""Hidden joints: half figures, limbs behind the body, what is out of sight for a while or out of the picture.

Two kinds of hidden. What nobody can see has confidence 0 and no place. What goes behind the body for a moment has the
confidence `BEHIND`: its place is known from the motion in space, so a dancer's arm passes behind its back instead of
vanishing to nowhere.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from tempose.augmentation.bodies import BodyTables
from tempose.augmentation.draws import Draws
from tempose.augmentation.settings import AugmentationSettings

BEHIND = 0.2  # below what the pipeline takes as visible
MARGIN = 0.03  # body heights behind what hides it
TRUNK = (
    0.07,
    0.06,
)  # least half widths at the shoulders and hips, body heights: a trunk in profile is no line
LEG, HEAD = 0.04, 0.07  # half widths
FLICKER = 5  # frames: shorter occlusions and gaps between them do not count


def draw_half_figures(
    body: BodyTables, draws: Draws, settings: AugmentationSettings, absent: Tensor
) -> Tensor:
    """(B, K) bool: joints that neither the reference nor the dance shows; `absent` (B, K) are never known."""
    legless = draws.chance(settings.legless)
    faceless, kind = draws.chance(settings.faceless), draws.integers(0, 3)
    hidden = absent.clone()
    hidden[:, body.shins] |= legless[:, None]
    sides = ([1, 3], [2, 4], [0, 1, 2, 3, 4])  # of `BodyTables.face`: its left, its right, all of it
    for number, parts in enumerate(sides):
        hidden[:, [body.face[i] for i in parts]] |= (faceless & (kind == number))[:, None]
    return hidden


def draw_gaps(body: BodyTables, draws: Draws, settings: AugmentationSettings, frames: int) -> Tensor:
    """(B, T, K) bool: one joint of some dancers out of sight for a while."""
    chosen = draws.chance(settings.gaps)
    bones = torch.tensor([joint for joint, _, _ in body.bones[3:]], device=draws.device)
    joint = bones[draws.integers(0, len(bones))]
    first = draws.integers(0, frames - 20)
    last = first + draws.integers(8, 80)
    now = torch.arange(frames, device=draws.device)
    during = chosen[:, None] & (now >= first[:, None]) & (now < last[:, None])  # (B, T)
    return during[..., None] & (torch.arange(len(body.skeleton), device=draws.device) == joint[:, None, None])


def behind(body: BodyTables, view: Tensor, flat: Tensor) -> Tensor:
    """(B, T, K) bool: joints that trunk, head or the other leg hide from the camera.

    Parameters
    ----------
    view : (B, T, K, 3)
        Body heights in the camera's frame, z towards it.
    flat : (B,) bool
        Dances without depth, in which nothing is known to be behind.
    """
    neck, hips = body.at(view, "neck"), body.hips(view)
    widths = [
        (body.at(view, f"left_{joint}")[..., 0] - body.at(view, f"right_{joint}")[..., 0]).abs() / 2
        for joint in ("shoulder", "hip")
    ]  # (B, T) half widths as seen
    trunk = [width.clamp_min(least) for width, least in zip(widths, TRUNK, strict=True)]
    head = (body.at(view, "left_ear") + body.at(view, "right_ear")) / 2
    hidden = torch.zeros(view.shape[:-1], dtype=torch.bool, device=view.device)
    arms = [j for side in ("left", "right") for j in body.beyond(f"{side}_shoulder")]
    hidden[:, :, body.limbs] |= _covered(view[:, :, body.limbs], neck, hips, *trunk)
    hidden[:, :, arms] |= _covered(view[:, :, arms], neck, head, LEG, HEAD)
    for side, other in (("left", "right"), ("right", "left")):
        mine = body.beyond(f"{side}_hip")
        hip, knee, ankle = (body.at(view, f"{other}_{joint}") for joint in ("hip", "knee", "ankle"))
        hidden[:, :, mine] |= _covered(view[:, :, mine], hip, knee, LEG, LEG)
        hidden[:, :, mine] |= _covered(view[:, :, mine], knee, ankle, LEG, LEG)
    hidden |= _turned_away(body, view)
    return _steady(hidden) & ~flat[:, None, None]


def _covered(
    points: Tensor, start: Tensor, end: Tensor, wide: Tensor | float, wide_end: Tensor | float
) -> Tensor:
    """(B, T, J) bool: points (B, T, J, 3) behind a rod from start to end (B, T, 3) of these half widths."""
    rod = (end - start)[:, :, None]  # (B, T, 1, 3)
    offset = points - start[:, :, None]
    length = rod[..., :2].square().sum(-1).clamp_min(1e-6)
    along = ((offset[..., :2] * rod[..., :2]).sum(-1) / length).clamp(0, 1)  # (B, T, J)
    beside = (offset - along[..., None] * rod)[..., :2].norm(dim=-1)
    near, far = (
        torch.as_tensor(w, device=points.device).expand(points.shape[:2])[..., None] for w in (wide, wide_end)
    )
    deeper = offset[..., 2] - along * rod[..., 2] < -MARGIN
    return deeper & (beside < near + along * (far - near))


def _turned_away(body: BodyTables, view: Tensor) -> Tensor:
    """(B, T, K) bool: parts of the face on the far side of the head."""
    nose, left_eye, right_eye, left_ear, right_ear = (view[:, :, j] for j in body.face)
    head, eyes = (left_ear + right_ear) / 2, (left_eye + right_eye) / 2
    hidden = torch.zeros(view.shape[:-1], dtype=torch.bool, device=view.device)
    ahead = nose - head
    back = ahead[..., 2] < -0.3 * ahead.norm(dim=-1)  # seen from behind
    for part, outward, limit in (
        (1, left_eye - eyes, 0.7), (2, right_eye - eyes, 0.7), (3, left_ear - head, 0.5), (4, right_ear - head, 0.5),
    ):  # fmt: skip
        far = outward[..., 2] < -limit * outward.norm(dim=-1).clamp_min(1e-3)
        hidden[:, :, body.face[part]] = far | (back if part < 3 else torch.zeros_like(back))
    hidden[:, :, body.face[0]] = back
    return hidden


def _steady(hidden: Tensor) -> Tensor:
    """(B, T, K) bool without flicker: what most of the frames around say."""
    batch, frames, joints = hidden.shape
    if frames < FLICKER:
        return hidden
    series = hidden.transpose(1, 2).reshape(batch * joints, 1, frames).float()
    padded = F.pad(series, (FLICKER // 2, FLICKER // 2), mode="replicate")
    return (F.avg_pool1d(padded, FLICKER, 1) > 0.5).reshape(batch, joints, frames).transpose(1, 2)
