"""Convert BlazePose's TFLite files to the shipped safetensors: weights in half precision, with the graph.

    python -m pip install ai-edge-litert
    python scripts/convert_blazepose.py FOLDER

FOLDER contains pose_detection.tflite, pose_landmark_*.tflite, palm_detection_full.tflite and
hand_landmark_full.tflite, of the PyPI package mediapipe (0.10.21) and the npm package @mediapipe/pose (0.5).
Writes core/tempose/blazepose/*.safetensors and prints how far each network's answers are from LiteRT's.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema  # pyright: ignore[reportMissingImports]
from safetensors.torch import save_file

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "core" / "tempose" / "blazepose"
NETS = {  # our file name: its source, and the used outputs, by name
    "person": ("pose_detection", {"boxes": 0, "scores": 1}),
    "body": ("pose_landmark_{size}", {"landmarks": 0, "presence": 1, "mask": 2}),
    "palm": ("palm_detection_full", {"boxes": 0, "scores": 1}),
    "hand": ("hand_landmark_full", {"landmarks": 0, "presence": 1, "handedness": 2}),
}
OPERATORS = {code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")}
ACTIVATIONS = {0: "", 1: "relu", 3: "relu6"}
TYPES = {0: np.float32, 1: np.float16, 2: np.int32}


class Graph:
    """A TFLite graph as operations on channels-first tensors."""

    def __init__(self, data: bytes):
        self.model = schema.ModelT.InitFromPackedBuf(data, 0)
        self.graph = self.model.subgraphs[0]
        held = ((i, self._constant(t)) for i, t in enumerate(self.graph.tensors))
        self.constants = {i: value for i, value in held if value is not None}
        self.weights: dict[str, torch.Tensor] = {}
        self.steps: list[list[Any]] = []
        for operator in self.graph.operators:
            code = self.model.operatorCodes[operator.opcodeIndex]
            name = OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]
            self._add(
                name, operator.builtinOptions, [int(i) for i in operator.inputs], int(operator.outputs[0])
            )

    def _constant(self, tensor: Any) -> np.ndarray | None:
        data = self.model.buffers[tensor.buffer].data
        if data is None or not len(data):
            return None
        values = np.frombuffer(bytes(data), TYPES[tensor.type])
        return _dense(values, tensor) if tensor.sparsity is not None else values.reshape(tensor.shape)

    def _weight(self, index: int, *order: int) -> str:
        values = self.constants[index].astype(np.float16)
        name = f"w{index}"
        self.weights[name] = torch.from_numpy(
            np.ascontiguousarray(values.transpose(order) if order else values)
        )
        return name

    def _add(self, name: str, options: Any, inputs: list[int], output: int) -> None:  # noqa: PLR0912
        first = f"t{inputs[0]}"
        if name in ("DEQUANTIZE", "DENSIFY"):  # dequantises weights, which are in half precision
            self.constants[output] = self.constants[inputs[0]]
            return
        settings: dict[str, Any] = {}
        given = [first]
        if name in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            assert (
                options.dilationHFactor == options.dilationWFactor == 1 and options.strideH == options.strideW
            )
            deep = name == "DEPTHWISE_CONV_2D"  # (1, H, W, C), else (O, H, W, I)
            given += [
                self._weight(inputs[1], *((3, 0, 1, 2) if deep else (0, 3, 1, 2))),
                self._weight(inputs[2]),
            ]
            settings = {"stride": options.strideH, "same": options.padding == 0, "deep": deep}
            name = "conv"
        elif name == "MAX_POOL_2D":
            assert options.strideH == options.filterHeight
            settings = {"size": options.filterHeight}
        elif name == "ADD":
            given.append(f"t{inputs[1]}")
        elif name == "CONCATENATION":
            given = [f"t{i}" for i in inputs]
            settings = {"axis": options.axis}
        elif name == "PRELU":
            given.append(self._weight(inputs[1], 2, 0, 1))
        elif name == "FULLY_CONNECTED":
            given += [self._weight(inputs[1]), self._weight(inputs[2])]
        elif name == "PAD":  # N, H, W, C
            settings = {"by": self.constants[inputs[1]].tolist()}
        elif name == "RESIZE_BILINEAR":
            size = self.constants[inputs[1]].tolist()
            settings = {"size": size, "corners": options.alignCorners, "halves": options.halfPixelCenters}
        elif name == "RESHAPE":
            settings = {"shape": [int(v) for v in self.constants[inputs[1]]]}
        elif name == "DEPTH_TO_SPACE":
            settings = {"block": options.blockSize}
        else:
            assert name in ("LOGISTIC", "MEAN"), name
        if activation := ACTIVATIONS[getattr(options, "fusedActivationFunction", 0) or 0]:
            settings["then"] = activation
        self.steps.append([name.lower(), given, f"t{output}", settings])

    def written(self, outputs: dict[str, int]) -> str:
        """Input, operations and named outputs, as JSON."""
        shape = [int(v) for v in self.graph.tensors[self.graph.inputs[0]].shape]
        named = {name: f"t{self.graph.outputs[i]}" for name, i in outputs.items()}
        needed, kept = set(named.values()), []
        for step in reversed(self.steps):
            if step[2] in needed:
                needed |= set(step[1])
                kept.append(step)
        self.weights = {name: w for name, w in self.weights.items() if name in needed}
        source = f"t{self.graph.inputs[0]}"
        return json.dumps({"input": source, "size": shape[1], "outputs": named, "steps": kept[::-1]})


def _dense(values: np.ndarray, tensor: Any) -> np.ndarray:
    """Weights stored as their non-zero blocks (TFLite's DIM metadata: dense or compressed rows)."""
    sparsity, shape = tensor.sparsity, [int(v) for v in tensor.shape]
    order, blocks = [int(v) for v in sparsity.traversalOrder], [int(v) for v in sparsity.blockMap or ()]
    size = [int(d.denseSize) for d in sparsity.dimMetadata[len(shape) :]]
    out, place = np.zeros(shape, values.dtype), iter(values)

    def walk(level: int, before: int, indices: list[int]) -> None:
        if level == len(order):
            where = [0] * len(shape)
            for dimension, index in zip(order, indices, strict=True):
                if dimension < len(shape):
                    where[dimension] += index * (size[blocks.index(dimension)] if dimension in blocks else 1)
                else:
                    where[blocks[dimension - len(shape)]] += index
            out[tuple(where)] = next(place)
            return
        facts = sparsity.dimMetadata[level]
        if facts.format == 0:
            for index in range(facts.denseSize):
                walk(level + 1, before * facts.denseSize + index, [*indices, index])
        else:
            segments, found = facts.arraySegments.values, facts.arrayIndices.values
            for at in range(int(segments[before]), int(segments[before + 1])):
                walk(level + 1, at, [*indices, int(found[at])])

    walk(0, 0, [])
    return out


def convert(source: Path, target: Path, outputs: dict[str, int]) -> None:
    """Write one network of a TFLite file as safetensors."""
    graph = Graph(source.read_bytes())
    text = graph.written(outputs)
    target.parent.mkdir(parents=True, exist_ok=True)
    save_file(graph.weights, target, {"graph": text, "source": source.name})


def compared(source: Path, net: Path, outputs: dict[str, int]) -> str:
    """How far the answers for noise are from LiteRT's, relative to the largest (or to 1, if all are smaller)."""
    from ai_edge_litert.interpreter import Interpreter  # pyright: ignore[reportMissingImports]

    from tempose.blazepose.net import Net

    interpreter, ours = Interpreter(str(source)), Net(net)
    interpreter.allocate_tensors()
    picture = np.random.default_rng(0).random((ours.size, ours.size, 3), np.float32)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture[None])
    interpreter.invoke()
    answers = ours(picture, *outputs)
    off = []
    for name, index in outputs.items():
        theirs = interpreter.get_tensor(interpreter.get_output_details()[index]["index"])[0].squeeze()
        off.append(
            f"{name} {np.abs(answers[name].squeeze() - theirs).max() / max(np.abs(theirs).max(), 1):.1e}"
        )
    return ", ".join(off)


def main() -> None:
    """Convert all networks."""
    parser = argparse.ArgumentParser(description="Convert BlazePose for torch.")
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--size", default="full", choices=("full", "heavy"), help="of the body's landmark model"
    )
    parser.add_argument("--to", type=Path, default=TARGET)
    asked = parser.parse_args()
    for name, (stem, outputs) in NETS.items():
        source = asked.folder / f"{stem.format(size=asked.size)}.tflite"
        target = asked.to / f"{name}.safetensors"
        convert(source, target, outputs)
        print(
            f"{target.name}: {target.stat().st_size / 1e6:.1f} MB; off by {compared(source, target, outputs)}"
        )


if __name__ == "__main__":
    main()
