"""The training losses: rectified flow on clean-latent predictions, and visible errors of motion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tempose.augmentation.draws import Draws
from tempose.augmentation.examples import Examples
from tempose.codec import LinearCodec
from tempose.sampler import mask_channels
from tempose.training.config import DiTConfig
from tempose_pose.skeletons import Skeleton

RESTING = 0.0025  # canvases per frame: about a tenth of a body height per second


@torch.no_grad()
def encode(vae: Any, keypoints: Tensor, scores: Tensor) -> Tensor:
    """(B, T, K, 2) and (B, T, K) → normalised latents (B, K, C, W, T')."""
    batch, frames, joints = scores.shape
    latent = vae.encode_mean(
        keypoints.transpose(1, 2).reshape(batch * joints, frames, 2),
        scores.transpose(1, 2).reshape(batch * joints, frames),
    )
    return vae.normalised(latent).unflatten(0, (batch, joints))


def flow_loss(
    dit: torch.nn.Module,
    vae: Any,
    examples: Examples,
    config: DiTConfig,
    draws: Draws,
    skeleton: Skeleton,
    over_ranks: Callable[[Tensor], Tensor] = lambda mean: mean,
) -> dict[str, Tensor]:
    """Losses of one batch, or of a process's part of one: `over_ranks` averages over all parts.

    The network predicts the clean latent; the loss is that of the flow's velocity, 1/t² as heavy (Li and He 2025,
    arXiv 2511.13720), with the weight bounded. Further terms compare motion, as in MDM and EDGE: `motion_losses`.
    """
    exact = torch.autocast(examples.scores.device.type, enabled=False)  # positions need float32
    known = examples.known
    with exact:
        clean = encode(vae, examples.keypoints, examples.scores)  # (B, K, C, W, T')
        shown = torch.where(known[..., None], examples.keypoints, examples.reference[:, None])
        shown_scores = torch.where(known, examples.scores, examples.reference_scores[:, None])
        reference = encode(vae, shown, shown_scores)

    t = examples.time
    noisy = torch.lerp(clean, draws.normal(*clean.shape[1:]), t[:, None, None, None, None])
    predicted = dit(
        noisy, reference, mask_channels(known), t, examples.music, examples.style, examples.energy,
        examples.no_music, examples.curves, examples.encoded, examples.song, examples.memory, examples.ago,
    ).float()  # fmt: skip
    weight = 1 / t.clamp_min(config.smallest_time) ** 2  # (B,)
    joints = joint_weights(skeleton, config.limb_weight).to(clean.device)  # (K,)
    error = ((predicted - clean).square().mean((2, 3, 4)) * joints).mean(1)
    whole = over_ranks(weight.mean())
    flow = (weight * error).mean() / whole

    terms: dict[str, Tensor] = {}
    if isinstance(vae, LinearCodec):  # others would have to decode, at ten to a hundred times the cost
        with exact:
            drawn, true = (vae.read_positions(x) for x in (predicted, clean))  # (B, K, T, 2)
            terms = motion_losses(drawn, true, examples.scores.transpose(1, 2), skeleton, joints)  # (B,) each
    terms = {name: (weight * term).mean() / whole for name, term in terms.items()}
    loss = flow + sum(getattr(config, f"{name}_weight") * term for name, term in terms.items())
    return {"loss": loss, "flow": flow, **terms, "error": error.mean()}


def joint_weights(skeleton: Skeleton, limbs: float) -> Tensor:
    """(K,) of mean 1: knees, ankles, elbows and wrists, and toes and heels, weigh `limbs` times as much as others."""
    far = ("knee", "ankle", "toe", "heel", "elbow", "wrist")
    weights = torch.tensor([limbs if joint.split("_")[-1] in far else 1.0 for joint in skeleton.joints])
    return weights / weights.mean()


def motion_losses(
    drawn: Tensor,
    true: Tensor,
    scores: Tensor,
    skeleton: Skeleton,
    weights: Tensor | None = None,
) -> dict[str, Tensor]:
    """Squared errors of visible motion, (B,) each, scaled to match the flow's loss.

    ``velocity``: of joint velocities. ``bone``: of the vectors along the limbs, whose errors of length look like
    rubber. ``contact``: of the ankles' velocities where the true foot rests, which look like sliding. All three
    are linear in the latent, so a perfect model loses nothing by them. After MDM (Tevet et al. 2022) and EDGE
    (Tseng et al. 2023).

    Parameters
    ----------
    drawn, true : (B, K, T, 2)
        Canonical positions; a figure stands about 0.6 tall.
    scores : (B, K, T)
    weights : (K,), optional
        Weights of the joints' velocities, with mean 1.
    """
    seen = (scores > 0).to(true.dtype)[..., None]  # (B, K, T, 1)
    step, true_step = drawn.diff(dim=2), true.diff(dim=2)  # (B, K, T-1, 2)
    both = seen[:, :, 1:] * seen[:, :, :-1]
    error = (step - true_step).square() * both
    near, far = limbs(skeleton)
    bones = (drawn[:, far] - drawn[:, near]) - (true[:, far] - true[:, near])  # (B, bones, T, 2)
    ankles = [skeleton.index("left_ankle"), skeleton.index("right_ankle")]
    rests = (true_step[:, ankles].norm(dim=-1, keepdim=True) < RESTING).to(true.dtype)
    weighed = error if weights is None else error * weights[:, None, None]
    return {
        "velocity": weighed.mean((1, 2, 3)) * 1e3,
        "bone": (bones.square() * seen[:, far] * seen[:, near]).mean((1, 2, 3)) * 50,
        "contact": (error[:, ankles] * rests).mean((1, 2, 3)) * 1e3,
    }


def limbs(skeleton: Skeleton) -> tuple[list[int], list[int]]:
    """Near and far ends of the limbs with visible length; not those of the face."""
    face = ("eye", "ear")
    pairs = [
        (a, b)
        for a, b in skeleton.limbs
        if not any(skeleton.joints[j].split("_")[-1] in face for j in (a, b))
    ]
    return [a for a, _ in pairs], [b for _, b in pairs]
