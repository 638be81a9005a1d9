"""The state of a run on disk: accelerate's own, and the averaged weights, the result of a run.

`OUT/states/STEP` is complete once it has that name; an older one is removed when a newer one is complete. `OUT/dit`
has the averaged weights in the form that the pipeline loads.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from diffusers.training_utils import EMAModel
from safetensors.torch import load_file, save_file
from torch import Tensor

from tempose.dit import DanceDiT
from tempose_pose.local import whole_files

AVERAGES = "averages.safetensors"


def trainable(dit: torch.nn.Module) -> list[torch.nn.Parameter]:
    """The trained parameters, which are also averaged."""
    return [parameter for parameter in dit.parameters() if parameter.requires_grad]


def latest(out: Path) -> Path | None:
    """The newest complete state of a run, or None."""
    states = [p for p in (out / "states").glob("*") if p.name.isdecimal() and (p / AVERAGES).is_file()]
    return max(states, key=lambda p: int(p.name), default=None)


def averages(state: Path) -> dict[str, Tensor]:
    """The averaged weights of a state, by name."""
    return load_file(state / AVERAGES)


@contextmanager
def averaged(ema: EMAModel, dit: torch.nn.Module) -> Iterator[None]:
    """Context in which the network has its averaged weights."""
    reshard = getattr(dit, "reshard", None)  # after a validation pass FSDP leaves some tensors whole
    if callable(reshard):
        reshard()
    parameters = trainable(dit)
    own = [p.detach().clone() for p in parameters]
    _put(parameters, ema.shadow_params)
    try:
        yield
    finally:
        _put(parameters, own)


@torch.no_grad()
def _put(parameters: list[torch.nn.Parameter], values: list[Tensor]) -> None:
    """Copy values one by one: `EMAModel.copy_to` mixes whole tensors with FSDP's shards."""
    for parameter, value in zip(parameters, values, strict=True):
        parameter.copy_(value)


def gathered(accelerator: Accelerator, ema: EMAModel, dit: torch.nn.Module) -> dict[str, Tensor]:
    """The averaged weights by name, complete on the main process even if sharded; all processes must call."""
    with averaged(ema, dit):
        weights: dict[str, Any] = accelerator.get_state_dict(dit)
        whole = {n: v.full_tensor() if hasattr(v, "full_tensor") else v for n, v in weights.items()}
        return {name: value.detach().float().cpu().clone() for name, value in whole.items()}


def save_state(accelerator: Accelerator, out: Path, step: int, weights: dict[str, Tensor]) -> None:
    """Write the state of a step, completely or not at all; all processes must call."""
    states = out / "states"
    part = states / "part"
    if accelerator.is_main_process:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(part))
    accelerator.wait_for_everyone()
    if not accelerator.is_main_process:
        return
    save_file(weights, part / AVERAGES)
    whole = states / str(step)
    shutil.rmtree(whole, ignore_errors=True)
    whole_files.keep_folder(part, whole)  # earlier states are removed only now
    for other in states.iterdir():
        if other != whole:
            shutil.rmtree(other, ignore_errors=True)


def save_weights(
    out: Path, config: dict[str, Any], weights: dict[str, Tensor], piece_megabytes: int, half: bool
) -> None:
    """Write averaged weights to `out/dit`, in pieces if they are larger than that."""
    dit = DanceDiT(**{k: v for k, v in config.items() if not k.startswith("_")})
    dit.load_state_dict(weights)
    if half:
        torch.nn.Module.to(dit, torch.bfloat16)
    dit.save_pretrained(out / "dit", max_shard_size=f"{piece_megabytes}MB")
