"""Training the transformer: rectified flow on clean-latent predictions."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from tempose.codecs import latent_shape
from tempose.datasets.augment import Augmenter
from tempose.dit import SIZES, DanceDiT
from tempose.request import STYLES
from tempose.sampler import mask_channels
from tempose.training.live import Live, trimmed
from tempose.training.masks import draw_known
from tempose.vae import PoseVAE
from tempose_pose.skeletons import OPENPOSE_18


@dataclass
class DiTConfig:
    """Everything that decides a run. Times are fractions of the flow: 0 clean, 1 noise."""

    out: str
    start: str = (
        ""  # a folder of weights to start from, as another run's OUT/dit; its size must be this one's
    )
    steps: int = 4000
    batch: int = 48
    learning_rate: float = 1e-3
    warmup: int = 100
    cooldown: int = 600  # last steps, over which the learning rate falls to nothing
    weight_decay: float = 0.02
    ema: float = 0.998
    seed: int = 0
    drop_music: float = 0.15
    drop_style: float = 0.35
    drop_energy: float = 0.35
    time_mean: float = 0.0  # of the logit-normal draw of flow times
    time_std: float = 1.2
    smallest_time: float = 0.1  # the loss weighs by 1/t², not more than at this time
    velocity_weight: float = 4.0
    bone_weight: float = 1.5
    contact_weight: float = 4.0
    mask: str = "any"  # which frames and joints are known in training: any, or prefix (first frames alone)
    workers: int = 1
    compile: bool = False  # by torch.compile: a third faster on a CPU; needs a C++ compiler
    save_every_minutes: float = 5
    validate_every: int = 100
    sample_every_minutes: float = 0  # draw a dance with the averaged weights for the live page; 0 is never
    size: str = "small"  # one of `dit.SIZES`
    model: dict = field(default_factory=dict)  # more of `DanceDiT`, before the size's own


_J = {joint: i for i, joint in enumerate(OPENPOSE_18.joints)}
LIMBS = tuple(
    [_J[f"{side}_{bone[end]}"] for side in ("left", "right") for bone in (
        ("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"),
    )] + [_J[joint] for joint in (("neck", "neck", "neck", "neck", "neck"),
          ("nose", "left_shoulder", "right_shoulder", "left_hip", "right_hip"))[end]]
    for end in (0, 1)
)  # fmt: skip
ANKLES = [_J["left_ankle"], _J["right_ankle"]]
RESTING = 0.0025  # canvases per frame: about a tenth of a body height per second


class _Examples(IterableDataset):
    """Endless examples; example i depends on (seed, i) alone, so that a resumed run goes on exactly.

    Of `ranks` processes each takes every `ranks`-th; together they see what one process would.
    """

    def __init__(
        self, augmenter: Augmenter, seed: int, first: int, config: DiTConfig, rank: int = 0, ranks: int = 1
    ):
        self.augmenter, self.seed, self.first, self.config = augmenter, seed, first, config
        self.rank, self.ranks = rank, ranks

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        info = torch.utils.data.get_worker_info()
        step, index = (info.num_workers, info.id) if info else (1, 0)
        step, index = step * self.ranks, self.first + self.rank + index * self.ranks
        while True:
            yield make_example(self.augmenter, np.random.default_rng((self.seed, index)), self.config)
            index += step


def make_example(augmenter: Augmenter, rng: np.random.Generator, config: DiTConfig) -> dict[str, Tensor]:
    """One example as tensors, with its condition dropout and known mask drawn."""
    e = augmenter.draw(rng)
    known = draw_known(rng, kinds=config.mask)
    any_style = e.style < 0 or rng.random() < config.drop_style
    return {
        "keypoints": torch.from_numpy(e.keypoints),
        "scores": torch.from_numpy(e.scores),
        "reference": torch.from_numpy(e.reference),
        "reference_scores": torch.from_numpy(e.reference_scores),
        "known": torch.from_numpy(known),
        "music": torch.from_numpy(e.music),
        "style": torch.tensor(-1 if any_style else e.style),
        "energy": torch.tensor(float("nan") if rng.random() < config.drop_energy else e.energy),
        "no_music": torch.tensor(not e.has_music or rng.random() < config.drop_music),
        "time": torch.tensor(float(1 / (1 + np.exp(-rng.normal(config.time_mean, config.time_std))))),
        "noise_seed": torch.tensor(int(rng.integers(2**31))),
    }


@torch.no_grad()
def encode(vae: PoseVAE, keypoints: Tensor, scores: Tensor) -> Tensor:
    """(B, T, K, 2) and (B, T, K) → normalised latents (B, K, C, 1, T')."""
    batch, frames, joints = scores.shape
    latent = vae.encode_linear(
        keypoints.transpose(1, 2).reshape(batch * joints, frames, 2),
        scores.transpose(1, 2).reshape(batch * joints, frames),
    )
    return vae.normalised(latent).unflatten(0, (batch, joints))


def flow_loss(
    dit: torch.nn.Module,
    vae: PoseVAE,
    batch: dict[str, Tensor],
    config: DiTConfig,
    over_ranks: Callable[[Tensor], Tensor] = lambda mean: mean,
) -> dict[str, Tensor]:
    """Losses of one batch, or of a process's part of one: `over_ranks` turns its mean into that of all parts.

    The network predicts the clean latent; the loss is that of the flow's velocity, 1/t² as heavy (Li and He 2025,
    arXiv 2511.13720), with the weight bounded. A second term compares joint velocities, as in MDM and EDGE.
    """
    device = batch["scores"].device.type
    known = batch["known"]
    exact = torch.autocast(device, enabled=False)  # bf16 is for the transformer; positions need float32
    with exact:
        clean = encode(vae, batch["keypoints"], batch["scores"])  # (B, K, C, 1, T')
        shown = torch.where(known[..., None], batch["keypoints"], batch["reference"][:, None])
        shown_scores = torch.where(known, batch["scores"], batch["reference_scores"][:, None])
        reference = encode(vae, shown, shown_scores)

    noise = torch.stack(
        [
            torch.randn(clean.shape[1:], generator=torch.Generator().manual_seed(int(s)))
            for s in batch["noise_seed"]
        ]
    ).to(clean.device)
    t = batch["time"].to(clean.dtype)
    noisy = torch.lerp(clean, noise, t[:, None, None, None, None])
    predicted = dit(
        noisy,
        reference,
        mask_channels(known),
        t,
        batch["music"],
        torch.where(batch["style"] < 0, len(STYLES), batch["style"]),
        batch["energy"],
        batch["no_music"],
    ).float()
    weight = 1 / t.clamp_min(config.smallest_time) ** 2  # (B,)
    error = (predicted - clean).square().mean((1, 2, 3, 4))
    whole = over_ranks(weight.mean())
    flow = (weight * error).mean() / whole

    terms: dict[str, Tensor] = {}
    if getattr(vae, "linear", True):  # an image VAE would have to decode, at a hundred times the cost
        with exact:
            drawn, true = (
                vae.linear_positions(vae.denormalised(x)) for x in (predicted, clean)
            )  # (B, K, T, 2)
            terms = motion_losses(drawn, true, batch["scores"].transpose(1, 2))  # (B,) each
    terms = {name: (weight * term).mean() / whole for name, term in terms.items()}
    loss = flow + sum(getattr(config, f"{name}_weight") * term for name, term in terms.items())
    return {"loss": loss, "flow": flow, **terms, "error": error.mean()}


def motion_losses(drawn: Tensor, true: Tensor, scores: Tensor) -> dict[str, Tensor]:
    """Squared errors of what the eye sees in motion, (B,) each; scaled to stand beside the flow's loss.

    ``velocity``: of joint velocities. ``bone``: of the vectors along the limbs, whose errors of length look like
    rubber. ``contact``: of the ankles' velocities where the true foot rests, which look like sliding. All three
    are linear in the latent, so a perfect model loses nothing by them. After MDM (Tevet et al. 2022) and EDGE
    (Tseng et al. 2023).

    Parameters
    ----------
    drawn, true : (B, K, T, 2)
        Canonical positions; a figure stands about 0.6 tall.
    scores : (B, K, T)
    """
    seen = (scores > 0).to(true.dtype)[..., None]  # (B, K, T, 1)
    step, true_step = drawn.diff(dim=2), true.diff(dim=2)  # (B, K, T-1, 2)
    both = seen[:, :, 1:] * seen[:, :, :-1]
    error = (step - true_step).square() * both
    near, far = LIMBS
    bones = (drawn[:, far] - drawn[:, near]) - (true[:, far] - true[:, near])  # (B, bones, T, 2)
    rests = (true_step[:, ANKLES].norm(dim=-1, keepdim=True) < RESTING).to(true.dtype)
    return {
        "velocity": error.mean((1, 2, 3)) * 1e3,
        "bone": (bones.square() * seen[:, far] * seen[:, near]).mean((1, 2, 3)) * 50,
        "contact": (error[:, ANKLES] * rests).mean((1, 2, 3)) * 1e3,
    }


UNUSED = DistributedDataParallelKwargs(find_unused_parameters=True)  # some parts only some batches use
MOMENTS = ("exp_avg", "exp_avg_sq")  # what the optimiser remembers of each parameter


def train_dit(
    config: DiTConfig, vae: PoseVAE, train: Augmenter, held_out: Augmenter, minutes: float = 1e9
) -> None:
    """Train, resume from `config.out` where it holds a state, stop after `steps` or `minutes`.

    Under `accelerate launch` with N processes the batch is N times `config.batch`, and the run is the one that a
    single process with that batch would make.
    """
    out = Path(config.out)
    out.mkdir(parents=True, exist_ok=True)
    accelerator = Accelerator(mixed_precision="bf16", kwargs_handlers=[UNUSED])
    torch.manual_seed(config.seed)
    dit = _untrained(config, vae)
    vae = vae.to(accelerator.device).eval().requires_grad_(False)
    optimiser = torch.optim.AdamW(
        dit.parameters(), lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay
    )
    ema = {name: p.detach().clone() for name, p in dit.state_dict().items()}
    step = load_state(out, dit, ema, optimiser)
    trimmed(out / "log.csv", step)
    if config.compile:
        dit.compile()
    dit, optimiser = accelerator.prepare(dit, optimiser)
    ranks = accelerator.num_processes
    loader = _batches(train, config, step, accelerator.process_index, ranks)

    def over_ranks(mean: Tensor) -> Tensor:
        return cast(Tensor, accelerator.reduce(mean.detach(), "mean")) if ranks > 1 else mean

    check = {key: value.to(accelerator.device) for key, value in _checks(held_out, config).items()}

    started = saved = time.time()
    sums: dict[str, float] = {}
    live = Live(out, config.steps, step, accelerator.is_main_process)
    while step < config.steps and time.time() - started < 60 * minutes:
        batch = {key: value.to(accelerator.device) for key, value in next(loader).items()}
        _set_rate(optimiser, _rate(config, step))
        with accelerator.autocast():
            losses = flow_loss(dit, vae, batch, config, over_ranks)
        accelerator.backward(losses["loss"])
        accelerator.clip_grad_norm_(dit.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        _average(ema, accelerator.unwrap_model(dit), min(config.ema, (1 + step) / (10 + step)))
        for key, value in losses.items():
            sums[key] = sums.get(key, 0) + float(over_ranks(value.detach()))
        if not accelerator.is_main_process:
            continue
        live.step(step, float(losses["loss"].detach()))
        if step % config.validate_every == 0:
            with torch.no_grad(), accelerator.autocast():
                # the other processes do not validate, so this one must not wait for them
                validation = flow_loss(getattr(dit, "module", dit), vae, check, config)
            _log(out / "log.csv", step, time.time() - started, sums, config.validate_every, validation)
            sums = {}
            live.page()
        if live.sample_due(config.sample_every_minutes):
            live.sample(accelerator.unwrap_model(dit), ema, vae, check)
        if time.time() - saved > 60 * config.save_every_minutes or step >= config.steps:
            save_state(out, accelerator.unwrap_model(dit), ema, optimiser, step, config)
            saved = time.time()
    live.stop()
    if accelerator.is_main_process:
        save_state(out, accelerator.unwrap_model(dit), ema, optimiser, step, config)


def _untrained(config: DiTConfig, vae: PoseVAE) -> DanceDiT:
    """The network before this run's first step: new, or with the weights of `config.start`."""
    dit = DanceDiT(**{**latent_shape(vae), **SIZES[config.size], **config.model})
    if config.start:
        given = DanceDiT.from_pretrained(config.start, use_safetensors=True, low_cpu_mem_usage=False)
        dit.load_state_dict(given.state_dict())
    return dit


def _batches(
    train: Augmenter, config: DiTConfig, step: int, rank: int, ranks: int
) -> Iterator[dict[str, Tensor]]:
    """This process's part of the batches from `step` on."""
    examples = _Examples(train, config.seed, step * config.batch * ranks, config, rank, ranks)
    return iter(DataLoader(examples, batch_size=config.batch, num_workers=config.workers))


def _rate(config: DiTConfig, step: int) -> float:
    """Learning rate: up over `warmup` steps, down over the last `cooldown`."""
    return config.learning_rate * min(
        1.0, (step + 1) / config.warmup, (config.steps - step) / config.cooldown
    )


def _set_rate(optimiser, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate


@torch.no_grad()
def _average(ema: dict[str, Tensor], dit: torch.nn.Module, decay: float) -> None:
    for name, p in dit.state_dict().items():
        ema[name].lerp_(p, 1 - decay)


def _checks(held_out: Augmenter, config: DiTConfig) -> dict[str, Tensor]:
    """A batch of held-out examples, the same in every run."""
    rng = np.random.default_rng(12345)
    drawn = [make_example(held_out, rng, config) for _ in range(config.batch)]
    return {key: torch.stack([e[key] for e in drawn]) for key in drawn[0]}


def _log(
    path: Path, step: int, seconds: float, sums: dict[str, float], steps: int, validation: dict[str, Tensor]
) -> None:
    """Append a row of mean training losses and of the losses on held-out examples."""
    row = {"step": step, "seconds": round(seconds, 1)}
    row |= {key: round(total / steps, 5) for key, total in sums.items()}
    row |= {f"held_out_{key}": round(float(value), 5) for key, value in validation.items()}
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, row)
        if new:
            writer.writeheader()
        writer.writerow(row)
    print(row, flush=True)


def save_state(
    out: Path, dit: DanceDiT, ema: dict[str, Tensor], optimiser, step: int, config: DiTConfig
) -> None:
    """Write the whole state in one safetensors file, whole or not at all, and the averaged weights beside it."""
    tensors = {f"model.{n}": p for n, p in dit.state_dict().items()} | {f"ema.{n}": p for n, p in ema.items()}
    inner = getattr(optimiser, "optimizer", optimiser)  # as accelerate wraps it
    for name, p in dit.named_parameters():
        state = inner.state.get(p, {})
        tensors |= {f"optimiser.{key}.{name}": state[key] for key in MOMENTS if key in state}
    tensors = {name: t.detach().contiguous().clone() for name, t in tensors.items()}
    part = out / "state.part"
    save_file(tensors, part, metadata={"step": str(step), "config": repr(asdict(config))})
    part.replace(out / "state.safetensors")
    averaged = DanceDiT(**{k: v for k, v in dit.config.items() if not k.startswith("_")})
    averaged.load_state_dict(ema)
    averaged.save_pretrained(out / "dit")


def load_state(out: Path, dit: DanceDiT, ema: dict[str, Tensor], optimiser: torch.optim.Optimizer) -> int:
    """Restore a state in place and return its step; 0 where there is none."""
    path = out / "state.safetensors"
    if not path.is_file():
        return 0
    from safetensors import safe_open

    tensors = load_file(path)
    with safe_open(path, "pt") as file:
        step = int(file.metadata()["step"])
    dit.load_state_dict({n[6:]: t for n, t in tensors.items() if n.startswith("model.")})
    for name, average in ema.items():
        average.copy_(tensors[f"ema.{name}"])
    for name, p in dit.named_parameters():
        if f"optimiser.exp_avg.{name}" in tensors:
            optimiser.state[p] = {
                "step": torch.tensor(float(step)),
                **{key: tensors[f"optimiser.{key}.{name}"] for key in MOMENTS},
            }
    return step
