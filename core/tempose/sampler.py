"""One segment, from noise to poses: what is known and heard goes in, the solver steps, the body's limits hold.

Letters in shape comments as in `tempose.dit`; a batch holds segments that do not depend on each other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from tempose.codec import TIME_STRIDE, Codec, CorrectableCodec, LinearCodec
from tempose.dit import DanceDiT
from tempose.emphasis import emphasize
from tempose.mixtures import decode_mixtures
from tempose.plausible import at_rest, head_of, heads_up, on_planted_feet, within_reach
from tempose.solver import FlowSolver
from tempose_pose.curves import RANGES
from tempose_pose.request import STYLES, USUAL_ENERGY
from tempose_pose.skeletons import Skeleton

PLAUSIBLE = 0.9  # time of the flow from which on the estimate is held to what a body can do ...
ROUNDS = 3  # ... so often a step: feet put in their place lengthen legs, and the other way round
# What music, style and energy change is not drawn anew in the second step, where hardly anything is seen yet: it
# grows by so much as the time of the flow falls. Nor in the last: so much of the step before. See docs/ablations.md.
EARLY, GROWTH = 0.85, 3.9
LAST = 0.6
# Share of the way from an energy to the usual one; what guidance makes of it: docs/ablations.md.
FLATTENED = 0.3
FOLLOWED = ("hits", "facing")  # curves that the network follows as they are
VISIBLE = (
    0.5  # confidence below which a joint counts as hidden; chosen on training windows, docs/representation.md
)


@dataclass(frozen=True, eq=False)
class Conditions:
    """What a batch of segments is danced to.

    Parameters
    ----------
    music : (B, T, F) float32
    style : (B,) int64
        Index of a style; the number of styles means any.
    energy : (B,) float32
        NaN means any.
    curves : (B, T, curves) float32
        NaN where not given.
    encoded : (B, T, E) float32, optional
        Features of the model's music encoder.
    song : (B, 70) float32, optional
        The song as a whole, see `music.features.describe_song`.
    memory, ago : (B, M, K, 3) and (B, M) float32, optional
        What was danced before, see `memory.recall`.
    """

    music: np.ndarray
    style: np.ndarray
    energy: np.ndarray
    curves: np.ndarray
    encoded: np.ndarray | None = None
    song: np.ndarray | None = None
    memory: np.ndarray | None = None
    ago: np.ndarray | None = None

    def tensors(self, device: torch.device) -> dict[str, Tensor]:
        """The network's arguments."""
        given = {
            f.name: torch.from_numpy(value)
            for f in fields(self)
            if (value := getattr(self, f.name)) is not None
        }
        given["no_music"] = torch.zeros(len(self.music), dtype=torch.bool)
        return {name: value.to(device) for name, value in given.items()}


@dataclass(frozen=True, eq=False)
class Earlier:
    """Poses that a batch of segments shall resemble.

    Parameters
    ----------
    poses : (B, T, K, 2)
        Canonical.
    until : (B, T') float
        Time of the flow down to which each latent column follows them, above which it is drawn freely: small times
        leave little freedom. Infinity: nothing to resemble.
    """

    poses: np.ndarray
    until: np.ndarray


@dataclass(frozen=True, eq=False)
class Shown:
    """What a batch of segments is shown: the static reference pose, and over it the frames and joints that are known.

    Parameters
    ----------
    poses : (B, T, K, 2)
        Canonical.
    scores : (B, T, K)
    known : (B, T, K) bool
    reach : (K,)
        See `tempose.plausible.reach`.
    bones : Skeleton
    """

    poses: np.ndarray
    scores: np.ndarray
    known: np.ndarray
    reach: np.ndarray
    bones: Skeleton


class SegmentSampler:
    """Draws segments with a model's parts."""

    def __init__(self, vae: Codec, dit: DanceDiT, solver: FlowSolver):
        self.vae, self.dit, self.solver = vae, dit, solver

    @torch.no_grad()
    def __call__(
        self,
        shown: Shown,
        conditions: Conditions,
        seeds: list[int],
        steps: int,
        guidance: float,
        earlier: Earlier | None = None,
        on_step: Callable[[int], None] = lambda done: None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Canonical keypoints (B, T, K, 2) and confidence (B, T, K)."""
        device = self.dit.device
        reference = self.encode(shown.poses, shown.scores)  # (B, K, C, W, T')
        mask = mask_channels(torch.from_numpy(shown.known)).to(device)  # (B, K, 8, 1, T')
        # Drawn on the CPU: the same noise on every device, and for each sample alone as in a batch.
        noise = [
            torch.randn(reference.shape[1:], generator=torch.Generator().manual_seed(seed)) for seed in seeds
        ]
        latent = torch.stack(noise).to(device)  # (B, K, C, W, T')
        given = conditions.tensors(device)
        silence = unheard(given, self.dit.config["curves"])
        both = {name: torch.cat([value, silence[name]]) for name, value in given.items()}
        shown_twice = torch.cat([reference] * 2), torch.cat([mask] * 2)
        energy = asked_energy(conditions.curves, self.dit.config["curves"])  # (B, T)
        follows, target, through = self._earlier(earlier, shown)
        self.solver.set_timesteps(steps, device=device, through=through)
        change = torch.zeros(())
        for i, timestep in enumerate(self.solver.timesteps):
            time = self.solver.sigmas[i].item()
            times = torch.full((len(latent),), time, device=device)
            if guidance == 1:
                clean = self.dit(latent, reference, mask, times, **given)  # (B, K, C, W, T')
            elif (share := _kept(i, steps, time)) is not None:
                change = share * change
                clean = self.dit(latent, reference, mask, times, **given) + (guidance - 1) * change
            else:
                drawn = self.dit(torch.cat([latent] * 2), *shown_twice, torch.cat([times] * 2), **both)
                heard, deaf = drawn.chunk(2)
                change = heard - deaf  # by music, style, energy and curves
                if isinstance(self.vae, LinearCodec):
                    change = with_neck(change, shown.bones)
                clean = heard + (guidance - 1) * change
            if time < PLAUSIBLE and isinstance(self.vae, CorrectableCodec):
                clean = self._plausible(self.vae, clean, shown, energy)
            if target is not None:
                clean = torch.where(time > follows, target, clean)
            latent = self.solver.step(clean, timestep, latent, return_dict=False)[0]
            on_step(i + 1)
        return self.decode(latent)

    def _earlier(self, earlier: Earlier | None, shown: Shown) -> tuple[Tensor, Tensor | None, float | None]:
        """Time (B, 1, 1, 1, T') until which columns follow, their latents, and a time to be met exactly."""
        if earlier is None or not np.isfinite(earlier.until).any():
            return torch.zeros(1), None, None
        until = torch.from_numpy(earlier.until).float().to(self.dit.device)
        target = self.encode(earlier.poses, shown.scores)
        through = float(until[until.isfinite()].min())
        return until[:, None, None, None, :], target, through if 0 < through < 1 else None

    @staticmethod
    def _plausible(vae: CorrectableCodec, clean: Tensor, shown: Shown, energy: np.ndarray) -> Tensor:
        """The estimate (B, K, C, 1, T') as a body could dance it, and as lively as is asked for."""
        still = energy <= RANGES["energy"][0]  # (B, T); NaN compares false
        points = vae.read_positions(clean)  # (B, K, T, 2)
        drawn = points.transpose(1, 2).double().cpu().numpy()
        whole = np.asarray(shown.known.all(-1))  # (B, T)
        lively = np.where(still, np.nan, energy)
        better = []
        for i, estimate in enumerate(drawn):
            free = emphasize(estimate, lively[i], whole[i], shown.bones)
            # A rest goes on from what is known.
            standing = np.where(shown.known[i, ..., None], shown.poses[i], free)
            better.append(at_rest(standing, still[i], whole[i]))
        for _ in range(ROUNDS):
            better = [within_reach(on_planted_feet(p, shown.bones), shown.reach, shown.bones) for p in better]
        better = [heads_up(p, shown.reach, shown.bones) for p in better]
        # Known joints and frames stay as they are drawn (`segments.meet` leads over to them), but for those a rest
        # goes on from: what follows stands where they stand.
        given = np.where(still[..., None, None], shown.poses, drawn)
        change = np.where(shown.known[..., None], given, np.stack(better)) - drawn
        change = torch.from_numpy(change).to(clean).transpose(1, 2)  # (B, K, T, 2)
        return vae.corrected(clean, change)

    def encode(self, poses: np.ndarray, scores: np.ndarray) -> Tensor:
        """(B, T, K, 2) and (B, T, K) canonical → normalised latents (B, K, C, W, T')."""
        points = torch.tensor(poses, dtype=torch.float32).clamp(0, 1).transpose(1, 2)  # (B, K, T, 2)
        seen = torch.tensor(scores, dtype=torch.float32).transpose(1, 2)
        latent = self.vae.encode_mean(  # as in training: the corrections beside it would be news to the DiT
            points.flatten(0, 1).to(self.dit.device), seen.flatten(0, 1).to(self.dit.device)
        )
        return self.vae.normalised(latent).unflatten(0, points.shape[:2])

    def decode(self, latent: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Normalised latents (B, K, C, W, T') → canonical keypoints (B, T, K, 2) and confidence (B, T, K)."""
        mixtures, confidence = self.vae.decode(self.vae.denormalised(latent.flatten(0, 1)))
        points = decode_mixtures(mixtures).unflatten(0, latent.shape[:2])  # (B, K, 2, T)
        seen = torch.sigmoid(confidence).unflatten(0, latent.shape[:2])  # (B, K, T)
        seen = torch.where(seen < VISIBLE, 0, seen)
        return (
            points.permute(0, 3, 1, 2).double().cpu().numpy(),
            seen.transpose(1, 2).float().cpu().numpy(),
        )


def _kept(step: int, steps: int, time: float) -> float | None:
    """So much of the last step's change stands for this step's, or None where it is to be drawn anew."""
    if step == 0:
        return None
    if step == steps - 1:
        return LAST
    return 1 + GROWTH * (1 - time) if step == 1 and time > EARLY else None


def unheard(given: dict[str, Tensor], curves: Sequence[str]) -> dict[str, Tensor]:
    """The network's arguments where no music, song, style or energy is given: what guidance leads away from.

    Nor are the curves that say where and how tall the dancer stands, so that guidance exaggerates them too; alone,
    the network follows them by a quarter. The energy curve is flattened towards a song's usual energy by `FLATTENED`.

    Parameters
    ----------
    given : dict
        See `Conditions.tensors`.
    curves : sequence of str
        Names of the columns of the curves.
    """
    free = given["curves"].clone()  # (B, T, curves)
    for column, name in enumerate(curves):
        if name == "energy":
            free[..., column] = torch.lerp(free[..., column], torch.tensor(USUAL_ENERGY), FLATTENED)
        elif name not in FOLLOWED:
            free[..., column] = torch.nan
    without = {"song": torch.full_like(given["song"], torch.nan)} if "song" in given else {}
    return (
        given
        | without
        | {
            "style": torch.full_like(given["style"], len(STYLES)),
            "energy": torch.full_like(given["energy"], torch.nan),
            "no_music": torch.ones_like(given["no_music"]),
            "curves": free,
        }
    )


def with_neck(change: Tensor, bones: Skeleton) -> Tensor:
    """What guidance enlarges of linear latents (B, K, C, 1, T'), the head taken along by the neck.

    Nods and bows of the head stay as large as the network draws them. Enlarged too, they were thrown about: the nose
    below the neck, the head squashed (docs/ablations.md).
    """
    if (found := head_of(bones)) is None:
        return change
    neck, head = found
    out = change.clone()
    out[:, head] = change[:, [neck]]
    return out


def asked_energy(curves: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """(B, T) the energy among the curves (B, T, curves), NaN where none is given."""
    if "energy" not in names:
        return np.full(curves.shape[:2], np.nan)
    return curves[..., list(names).index("energy")]


def mask_channels(known: Tensor) -> Tensor:
    """Known (B, T, K) → the 8-phase mask (B, K, 8, 1, T'): [k, p, ·, c] says whether frame 8c + p is known."""
    return known.transpose(1, 2).unflatten(-1, (-1, TIME_STRIDE)).transpose(-1, -2).unsqueeze(-2).float()
