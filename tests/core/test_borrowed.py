"""Loading the dancer leaves out what only compiling needs, and leaves it there for other programs."""

import subprocess
import sys

PROGRAM = """
import sys
from tempose.generator import load_generator
load_generator()
print([name for name in ("torch._dynamo", "sympy", "scipy.stats") if name in sys.modules])
import torch
from diffusers import DPMSolverMultistepScheduler
solver = DPMSolverMultistepScheduler(use_beta_sigmas=True)
solver.set_timesteps(4)
print(len(solver.timesteps), torch.compiler.disable(len)([0, 0]), "torch._dynamo" in sys.modules)
"""


def test_unneeded_libraries_are_not_imported_until_used():
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["[]", "4 2 True"]
