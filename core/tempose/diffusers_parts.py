"""What is borrowed of diffusers, without the half of its import that nothing here needs.

Importing diffusers imports torch's compiler, sympy and all, for decorators that matter to compiled programs only, and
scipy.stats for one schedule: five of nine seconds of computing before a server answers. Who asks for them still gets
them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import scipy  # its parts come when they are asked for
import torch.compiler

COMPILER = "torch._dynamo"


def _leave(function: Callable | None = None, recursive: bool = True, **_: Any) -> Any:
    """In place of `torch.compiler.disable`."""
    return function if function is not None else lambda decorated: decorated


@contextmanager
def _without_compiler() -> Iterator[None]:
    """Imports meet a torch without its compiler, which diffusers expects; where that is loaded, it stays."""
    if COMPILER in sys.modules:
        yield
        return
    disable = torch.compiler.disable
    sys.modules[COMPILER] = None  # type: ignore[assignment]
    torch.compiler.disable = _leave  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.compiler.disable = disable
        del sys.modules[COMPILER]


@contextmanager
def _without_scipy() -> Iterator[None]:
    there = found._scipy_available
    found._scipy_available = False
    try:
        yield
    finally:
        found._scipy_available = there


with _without_compiler():
    from diffusers.utils import import_utils as found

with _without_compiler(), _without_scipy():
    import diffusers.schedulers.scheduling_dpmsolver_multistep as multistep
    from diffusers.configuration_utils import ConfigMixin, register_to_config
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
    from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
    from diffusers.models.modeling_utils import ModelMixin
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    DPMSolverMultistepScheduler = multistep.DPMSolverMultistepScheduler

multistep.scipy = scipy  # type: ignore[attr-defined] -- for other programs' beta schedules

__all__ = [
    "AutoencoderKL", "AutoencoderTiny", "ConfigMixin", "DPMSolverMultistepScheduler", "DiagonalGaussianDistribution",
    "DiffusionPipeline", "ModelMixin", "register_to_config",
]  # fmt: skip
