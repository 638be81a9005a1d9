"""The training loop of the transformer, for one core, one GPU or many."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs
from diffusers.optimization import get_scheduler
from diffusers.training_utils import EMAModel
from torch import Tensor

from tempose.augmentation.bodies import BodyTables
from tempose.augmentation.draws import Draws
from tempose.augmentation.examples import Windows
from tempose.augmentation.maker import augmentation_of
from tempose.datasets.source import Source
from tempose.dit import SIZES, DanceDiT
from tempose.pose_codecs import latent_shape
from tempose.training.config import DiTConfig
from tempose.training.live import Live
from tempose.training.losses import flow_loss
from tempose.training.state import averages, gathered, latest, save_state, save_weights, trainable
from tempose.training.trackers import CsvTracker, trimmed
from tempose.training.windows import WindowPool
from tempose_pose.curves import CURVES
from tempose_pose.errors import TemposeError
from tempose_pose.skeletons import skeleton

UNUSED = DistributedDataParallelKwargs(find_unused_parameters=True)  # some parts are not always used
CHECKS = 12345  # seed of the held-out examples, the same in every run
TRAINING, LOOKING = 1, 2  # keeps the seeds of a step's draws apart from those of other purposes


def train_dit(
    config: DiTConfig,
    vae: Any,
    train: Source,
    held_out: Source,
    minutes: float = math.inf,
    finish: bool = False,
) -> None:
    """Train; resume from `config.out` if it has a state; stop after `steps` or `minutes`.

    Under `accelerate launch` with N processes the batch is N times `config.batch`, and the run is the one that a
    single process with that batch would make.

    Parameters
    ----------
    config : DiTConfig
    vae : PoseVAE, or another codec with its interface: see `pose_codecs`
    train, held_out : Source
    minutes : float
        The next call continues from there, unless …
    finish : bool
        … this is the last one: the learning rate falls to zero by the end of the minutes.
    """
    Run(config, vae, train, held_out, minutes, finish).go()


class Run:
    """One call of `train_dit`."""

    def __init__(
        self, config: DiTConfig, vae: Any, train: Source, held_out: Source, minutes: float, finish: bool
    ):
        self.config, self.minutes, self.finish = config, minutes, finish
        self.out = Path(config.out)
        self.out.mkdir(parents=True, exist_ok=True)
        csv = CsvTracker(self.out / "log.csv")
        self.accelerator = Accelerator(
            mixed_precision=_precision(config.precision), log_with=[csv, *config.trackers],
            project_dir=str(self.out), kwargs_handlers=[UNUSED],
        )  # fmt: skip
        self.device, self.ranks = self.accelerator.device, self.accelerator.num_processes
        self.main = self.accelerator.is_main_process
        torch.manual_seed(config.seed)
        self.vae = vae.to(self.device).eval().requires_grad_(False)
        self._build(vae)
        if self.main:
            trimmed(csv.path, self.step)
        self.accelerator.init_trackers(self.out.name, _plain(asdict(config)))
        self._prepare_data(train, held_out)

    def _build(self, vae: Any) -> None:
        """Build network, optimiser, schedule and averages, new or as last saved."""
        config, state = self.config, latest(self.out)
        self.step = self.saved = int(state.name) if state else 0
        dit = untrained(config, vae)
        self.model_config = dict(dit.config)
        if state:
            dit.load_state_dict(averages(state))
        if config.compile:
            for block in dit.blocks:
                block.compile()
        optimiser = torch.optim.AdamW(
            trainable(dit), lr=config.learning_rate, betas=(0.9, 0.98),
            weight_decay=config.weight_decay,
        )  # fmt: skip
        self.dit, self.optimiser = self.accelerator.prepare(dit, optimiser)
        # The averages are made of each process's share, which under FSDP is a part of each tensor.
        self.ema = EMAModel(trainable(self.dit), decay=config.ema, foreach=True)
        self.ema.optimization_step = self.step
        self.schedule = get_scheduler(
            config.schedule, optimiser, num_warmup_steps=config.warmup, num_training_steps=config.steps
        )
        self.accelerator.register_for_checkpointing(self.schedule)
        if state:
            self.accelerator.load_state(str(state))

    def _prepare_data(self, train: Source, held_out: Source) -> None:
        config, rank = self.config, self.accelerator.process_index
        self.body = BodyTables(train.skeleton, self.device)
        self.pool = WindowPool(train.recombiner, config, self.step, self.device, rank, self.ranks)
        self.augmentation = augmentation_of(train, config, self.body)
        rows = config.batch * self.ranks
        self.checks = []
        checking = augmentation_of(held_out, config, self.body)
        for number in range(math.ceil(config.checks / rows)):
            own = range(number * rows + rank, (number + 1) * rows, self.ranks)
            windows = Windows.of([held_out.recombiner.window(CHECKS, i) for i in own])
            self.checks.append(checking(windows.to(self.device), self._draws(CHECKS, number)))

    def _draws(self, *seed: int) -> Draws:
        rows = self.config.batch * self.ranks
        return Draws(seed, rows, self.device, self.accelerator.process_index, self.ranks)

    def _over_ranks(self, mean: Tensor) -> Tensor:
        """The mean over all processes."""
        if self.ranks == 1:
            return mean
        return cast(Tensor, self.accelerator.reduce(mean.detach(), "mean"))

    def go(self) -> None:
        """Train until the steps or the minutes are used up."""
        config = self.config
        started = saved = sampled = time.monotonic()
        live = Live(self.out, config.steps, self.step, self.main)
        sums: dict[str, Tensor] = {}
        while self.step < config.steps and time.monotonic() - started < 60 * self.minutes:
            losses = self._one_step(started)
            for key, value in losses.items():
                sums[key] = sums.get(key, torch.zeros((), device=self.device)) + value.detach()
            live.step(self.step, losses["loss"])
            now = time.monotonic()
            if self.step % config.validate_every == 0:
                self._log(sums, now - started)
                sums = {}
                live.page()
            if self._due(now - sampled, config.sample_every_minutes):
                self._sample()
                live.page()
                sampled = now
            if self._due(now - saved, config.save_every_minutes) or self.step >= config.steps:
                self._save()
                saved = time.monotonic()
        if self.saved != self.step:
            self._save()
        live.stop()
        self.accelerator.end_training()

    def _one_step(self, started: float) -> dict[str, Tensor]:
        config = self.config
        draws = self._draws(config.seed, TRAINING, self.step)
        examples = self.augmentation(self.pool.draw(self.step, draws), draws)
        rates = self.schedule.get_last_lr()
        cooling = self._cooling(time.monotonic() - started)
        for group, rate in zip(self.optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * cooling
        with self.accelerator.autocast():
            losses = flow_loss(
                self.dit, self.vae, examples, config, draws, self.body.skeleton, self._over_ranks
            )
        self.accelerator.backward(losses["loss"])
        self.accelerator.clip_grad_norm_(self.dit.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.schedule.step()
        self.ema.step(trainable(self.dit))
        self.step += 1
        return losses

    def _cooling(self, seconds: float) -> float:
        """Factor on the learning rate: 1 until the last part of the steps, or of the time."""
        cooldown = max(self.config.cooldown, 1e-9)
        left = (self.config.steps - self.step) / self.config.steps
        if self.finish:
            left = min(left, 1 - seconds / (60 * self.minutes))
        return min(1.0, max(left, 0.0) / cooldown)

    def _due(self, seconds: float, minutes: float) -> bool:
        """Whether something done every so many minutes is due; the main process decides for all."""
        due = torch.tensor(float(minutes > 0 and seconds > 60 * minutes), device=self.device)
        if self.ranks > 1:
            due = cast(Tensor, self.accelerator.reduce(due * self.main, "sum"))
        return bool(due)

    @torch.no_grad()
    def _log(self, sums: dict[str, Tensor], seconds: float) -> None:
        """Log mean training losses since the last time, and the losses on held-out examples."""
        found: dict[str, Tensor] = {}
        for number, examples in enumerate(self.checks):
            with self.accelerator.autocast():
                losses = flow_loss(
                    self.dit, self.vae, examples, self.config, self._draws(CHECKS, LOOKING, number),
                    self.body.skeleton, self._over_ranks,
                )  # fmt: skip
            for key, value in losses.items():
                found[f"held_out_{key}"] = found.get(f"held_out_{key}", 0) + value / len(self.checks)
        row = {
            key: float(self._over_ranks(total)) / self.config.validate_every for key, total in sums.items()
        }
        row |= {key: float(self._over_ranks(value)) for key, value in found.items()}
        if self.main:
            self.accelerator.log({"seconds": round(seconds, 1), **row}, step=self.step)
            print({"step": self.step, **{key: round(value, 5) for key, value in row.items()}}, flush=True)

    def _sample(self) -> None:
        from tempose.training.sample import draw_sheet

        weights = gathered(self.accelerator, self.ema, self.dit)
        if self.main:
            dit = DanceDiT(**{k: v for k, v in self.model_config.items() if not k.startswith("_")})
            dit.load_state_dict(weights)
            draw_sheet(
                dit.to(self.device).eval(),
                self.vae,
                self.checks[0].rows(slice(1)),
                self.out / "sample.png",
                self.body.skeleton,
            )
        self.accelerator.wait_for_everyone()

    def _save(self) -> None:
        weights = gathered(self.accelerator, self.ema, self.dit)
        if self.config.states:
            save_state(self.accelerator, self.out, self.step, weights)
        if self.main:
            save_weights(self.out, self.model_config, weights, self.config.piece_megabytes, self.config.half)
        self.saved = self.step
        self.accelerator.wait_for_everyone()


def untrained(config: DiTConfig, vae: Any) -> DanceDiT:
    """The network before a run's first step: new, or with the weights of `config.start`.

    Raises
    ------
    TemposeError
        `start_size`: those weights have another size. Parts that they lack (`DanceDiT.ADDITIONS`) start without
        effect.
    """
    joints = len(skeleton(config.skeleton))
    shape = {"joints": joints, "skeleton": config.skeleton, "curves": CURVES, **latent_shape(vae)}
    dit = DanceDiT(**{**shape, **SIZES[config.size], **config.model, **config.context()})
    dit.time.null.requires_grad_(
        False
    )  # the time is never missing, and FSDP restores no state of parameters that never changed
    if folder := config.start_folder:
        given = DanceDiT.from_pretrained(folder, use_safetensors=True, low_cpu_mem_usage=False)
        weights, own = given.state_dict(), dit.state_dict()
        fits = all(name in own and own[name].shape == value.shape for name, value in weights.items())
        if not fits or any(not name.startswith(DanceDiT.ADDITIONS) for name in set(own) - set(weights)):
            raise TemposeError("start_size", f"The weights in {folder} are of another size than this run's.")
        dit.load_state_dict(own | weights)
    return dit


def _precision(name: str) -> str:
    """The precision for accelerate: bf16 on GPUs and on CPUs with matrix tiles for it, else float32."""
    if name != "auto":
        return name
    if torch.cuda.is_available() or torch.backends.mps.is_available():
        return "bf16"
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return "bf16" if capabilities.get("amx_tile") else "no"


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings in the form that trackers take."""
    return {k: v if isinstance(v, int | float | str) else str(v) for k, v in settings.items()}
