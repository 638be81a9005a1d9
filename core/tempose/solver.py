"""The solver of the flow: few steps, of second order, from noise (time 1) to the clean latent (time 0)."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch

from tempose.diffusers_parts import DPMSolverMultistepScheduler, register_to_config

POWER = 0.65  # steps grow towards the end, where the estimate hardly changes any more


class FlowSolver(DPMSolverMultistepScheduler):
    """DPM-Solver++ 2M (Lu et al. 2022, arXiv 2211.01095) on the straight path, for networks that predict the clean
    latent; step i of n lies at time (1 − i/n)^`power`.

    Five such steps dance nearly as twenty of Euler's do, at a fifth of the cost (`docs/ablations.md`).
    """

    _compatibles: ClassVar = [
        "DPMSolverMultistepScheduler"
    ]  # whose settings it has; all others stay unloaded

    @register_to_config
    def __init__(self, power: float = POWER):
        super().__init__(
            prediction_type="sample",
            use_flow_sigmas=True,
            lambda_min_clipped=-5.1,  # not used on this path; minus infinity is no JSON
        )
        self.register_to_config(power=power)

    def set_timesteps(
        self,
        num_inference_steps: int,
        device: str | torch.device | None = None,
        through: float | None = None,
    ) -> None:
        """Choose the times of the steps.

        Parameters
        ----------
        num_inference_steps : int
        device : optional
        through : float in (0, 1), optional
            A time that one of the steps after the first must have exactly; the nearest is moved there.
        """
        times = (1 - np.arange(num_inference_steps) / num_inference_steps) ** self.config["power"]
        if through is not None and num_inference_steps > 1:
            times[1 + np.abs(times[1:] - through).argmin()] = through
        self.sigmas = torch.from_numpy(np.append(times, 0)).float()
        self.timesteps = (
            torch.from_numpy(times * self.config["num_train_timesteps"]).round().long().to(device)
        )
        # What the base class's own method resets besides; it takes no times of one's own.
        self.num_inference_steps = num_inference_steps
        self.model_outputs = [None] * self.config["solver_order"]
        self.lower_order_nums = 0
        self._step_index = self._begin_index = None
