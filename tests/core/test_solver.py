"""The solver: exact where the clean latent does not change, of second order where it does."""

import json
from itertools import pairwise

import numpy as np
import torch

from tempose.solver import POWER, FlowSolver


def solve(clean, steps: int, start: float = 1.0) -> float:
    """Integrate from `start` with the estimate clean(x, time); at time 0 the sample itself."""
    solver = FlowSolver(power=1.0)
    solver.set_timesteps(steps)
    x = torch.tensor([start], dtype=torch.float64)
    for i, timestep in enumerate(solver.timesteps):
        x = solver.step(clean(x, float(solver.sigmas[i])), timestep, x, return_dict=False)[0].double()
    return float(x)


def test_a_constant_estimate_is_reached_exactly_whatever_the_noise():
    for steps in (1, 2, 6):
        assert abs(solve(lambda x, time: torch.full_like(x, 0.3), steps, start=-2.0) - 0.3) < 1e-6


def test_a_changing_estimate_is_followed_better_than_by_eulers_steps():
    """Of a Gaussian (mean, spread) the clean estimate and the end of the flow are known in closed form."""
    spread, mean, start = 0.5, 0.2, 1.7

    def clean(x, time):
        if time >= 1:
            return torch.full_like(x, mean)
        noise = time / (1 - time)
        return mean + spread**2 / (spread**2 + noise**2) * (x / (1 - time) - mean)

    end = mean + spread * start
    for steps in (12, 24):
        x, times = torch.tensor([start], dtype=torch.float64), np.append(1 - np.arange(steps) / steps, 0)
        for now, then in pairwise(times):
            x = x + (then - now) * (x - clean(x, now)) / now
        assert abs(solve(clean, steps, start) - end) < 0.6 * abs(float(x) - end)


def test_times_fall_from_one_and_may_pass_through_a_given_one():
    solver = FlowSolver()
    solver.set_timesteps(6)
    assert np.allclose(solver.sigmas[:-1], (1 - np.arange(6) / 6) ** POWER)
    assert solver.sigmas[-1] == 0
    solver.set_timesteps(6, through=0.75)
    assert 0.75 in solver.sigmas.tolist()
    assert (solver.sigmas.diff() < 0).all()


def test_it_is_saved_as_plain_json_and_loaded_again(tmp_path):
    FlowSolver(power=0.55).save_pretrained(tmp_path)
    text = (tmp_path / "scheduler_config.json").read_text("utf-8")
    json.loads(text, parse_constant=lambda name: (_ for _ in ()).throw(ValueError(name)))
    assert FlowSolver.from_pretrained(tmp_path).config["power"] == 0.55
