"""Convert Basic Pitch's published weights to safetensors, for `tempose.music.encoders.basic_pitch_net`.

    python scripts/convert_basic_pitch.py nmp.onnx

Needs the package onnx. Writes the file, its hash and the licence beside the network.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import save_file

from tempose.music.encoders.basic_pitch_net import HEARD, WEIGHTS, BasicPitchNet
from tempose.weights_check import write_manifest

NODES = {  # the last convolutions, in the graph's order
    "onset_1": (32, 8, 5, 5), "contour_1": (8, 8, 3, 39), "contour_2": (1, 8, 5, 5), "note_1": (32, 1, 7, 7),
    "note_2": (1, 32, 7, 3), "onset_2": (1, 33, 3, 3),
}  # fmt: skip


def weights(path: Path) -> dict[str, torch.Tensor]:
    """The network's state, from the published graph."""
    graph = onnx.load(str(path)).graph
    values = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    given = [[values[name] for name in node.input if name in values] for node in graph.node]
    operations = [node.op_type for node in graph.node]
    convolutions = [arrays for op, arrays in zip(operations, given, strict=True) if op == "Conv"]
    state: dict[str, np.ndarray] = {
        # 9 octaves share their kernels; the imaginary part is drawn first
        "heard.kernels": np.concatenate([convolutions[1][0], convolutions[0][0]])[:, 0],
        "heard.lowpass": convolutions[2][0][:, 0],
    }
    lengths = [a for arrays in given for a in arrays if a.shape == (HEARD, 1, 1)]
    state["heard.lengths"] = lengths[0].reshape(-1)
    tail = operations.index("Where")
    state["scale"] = next(a for op, a in zip(operations[tail:], given[tail:], strict=True) if op == "Mul")[0]
    state["offset"] = next(a for op, a in zip(operations[tail:], given[tail:], strict=True) if op == "Add")[0]
    for name, shape in NODES.items():
        weight, bias = next(arrays for arrays in convolutions if arrays[0].shape == shape)
        state[f"{name}.weight"], state[f"{name}.bias"] = weight, bias
    return {key: torch.from_numpy(np.array(value, np.float32)) for key, value in state.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("graph", type=Path)
    state = weights(parser.parse_args().graph)
    BasicPitchNet().load_state_dict(state)
    save_file(state, WEIGHTS)
    print(f"{write_manifest(WEIGHTS.parent)}: {sum(v.numel() for v in state.values())} numbers")


if __name__ == "__main__":
    main()
