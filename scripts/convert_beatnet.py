"""Convert BeatNet's published weights to safetensors, for `tempose.music.beat_crnn`.

    python scripts/convert_beatnet.py BeatNet/models

The folder is that of the Python package BeatNet 1.1.3 and contains `model_1_weights.pt` to `model_3_weights.pt`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file

from tempose.music.beat_crnn import TRAININGS, WEIGHTS, BeatCrnn


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    states = [
        torch.load(folder / f"model_{k}_weights.pt", map_location="cpu", weights_only=True)
        for k in range(1, TRAININGS + 1)
    ]
    wanted = BeatCrnn().state_dict()
    save_file({name: torch.stack([state[name] for state in states]).half() for name in wanted}, WEIGHTS)


if __name__ == "__main__":
    main()
