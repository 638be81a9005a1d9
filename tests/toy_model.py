"""A tiny dancer with random weights on any skeleton: python tests/toy_model.py FOLDER SKELETON."""

import sys
from pathlib import Path

import torch

from tempose.dit import DanceDiT
from tempose.generator import WEIGHTS
from tempose.pipeline import DancePipeline
from tempose.pose_codecs import latent_shape, load_vae
from tempose.solver import FlowSolver
from tempose_pose.curves import CURVES
from tempose_pose.skeletons import skeleton


def toy(name: str) -> DancePipeline:
    """A pipeline that dances, however badly, on the skeleton of that name."""
    torch.manual_seed(0)
    vae = load_vae(WEIGHTS / "vae")  # one for every joint of every skeleton; a new one sees nobody
    dit = DanceDiT(
        joints=len(skeleton(name)), skeleton=name, **latent_shape(vae), width=32, depth=1, heads=1, hidden=32,
        curves=CURVES,
    ).eval()  # fmt: skip
    torch.nn.init.normal_(dit.final.linear.weight, std=0.05)  # a new one says nothing at all
    return DancePipeline(vae, dit, FlowSolver())


if __name__ == "__main__":
    toy(sys.argv[2]).save_pretrained(Path(sys.argv[1]))
