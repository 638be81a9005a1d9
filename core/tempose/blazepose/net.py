"""A small network out of a safetensors file: its operations, in order, on one picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


class Net:
    """The network of a file that `scripts/convert_blazepose.py` wrote.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    size : int
        Height and width of the pictures it takes.
    """

    def __init__(self, path: Path):
        from safetensors import safe_open

        with safe_open(str(path), "pt") as file:
            graph = json.loads(file.metadata()["graph"])
            self._weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        for name, weight in self._weights.items():
            if weight.ndim == 4:
                self._weights[name] = weight.contiguous(memory_format=torch.channels_last)
        self.size: int = graph["size"]
        self._input: str = graph["input"]
        self._outputs: dict[str, str] = graph["outputs"]
        self._steps: list[tuple[str, list[str], str, dict[str, Any]]] = graph["steps"]
        self._plans: dict[tuple[str, ...], list[Any]] = {}

    def __call__(self, picture: np.ndarray, *outputs: str) -> dict[str, np.ndarray]:
        """The named outputs for a picture (size, size, 3) float32 in the network's own range, and no others."""
        return {name: value[0] for name, value in self.batch(picture[None], *outputs).items()}

    @torch.inference_mode()
    def batch(self, pictures: np.ndarray, *outputs: str) -> dict[str, np.ndarray]:
        """The same for several pictures (N, size, size, 3)."""
        first = torch.from_numpy(np.ascontiguousarray(pictures, np.float32)).permute(
            0, 3, 1, 2
        )  # (N, 3, H, W)
        values = self._weights | {self._input: first.contiguous(memory_format=torch.channels_last)}
        wanted = {name: self._outputs[name] for name in outputs}
        for name, given, result, settings, over in self._plan(tuple(wanted.values())):
            value = _OPERATIONS[name](*(values[i] for i in given), **settings)
            values[result] = value
            for spent in over:
                del values[spent]
        found = {name: values[result] for name, result in wanted.items()}
        return {n: (v.permute(0, 2, 3, 1) if v.ndim == 4 else v).numpy() for n, v in found.items()}

    def _plan(self, wanted: tuple[str, ...]) -> list[Any]:
        """The steps that lead to some results, each with what nobody reads after it."""
        if wanted not in self._plans:
            needed, plan = set(wanted), []
            for name, given, result, settings in reversed(self._steps):
                if result in needed:
                    fresh = {i for i in given if i not in needed and i not in self._weights}
                    needed |= set(given)
                    plan.append((name, given, result, settings, fresh))
            self._plans[wanted] = plan[::-1]
        return self._plans[wanted]


def _conv(
    x: Tensor, weight: Tensor, bias: Tensor, *, stride: int, same: bool, deep: bool, then: str = ""
) -> Tensor:
    groups, size = (x.shape[1] if deep else 1), weight.shape[-1]
    padding = 0
    if same:  # as TensorFlow pads: what is odd goes to the right and below
        more = [max((-(-n // stride) - 1) * stride + size - n, 0) for n in x.shape[2:]]
        if stride == 1:
            padding = size // 2
        else:
            x = F.pad(x, (more[1] // 2, more[1] - more[1] // 2, more[0] // 2, more[0] - more[0] // 2))
    return _active(F.conv2d(x, weight, bias, stride, padding, groups=groups), then)


def _active(x: Tensor, then: str) -> Tensor:
    return {"": x.view_as, "relu": torch.relu, "relu6": F.relu6}[then](x)


def _pad(x: Tensor, *, by: list[list[int]]) -> Tensor:
    _, (top, bottom), (left, right), (front, back) = by
    return F.pad(x, (left, right, top, bottom, front, back))


def _resized(x: Tensor, *, size: list[int], corners: bool, halves: bool) -> Tensor:
    assert corners or halves, "TensorFlow's first way of scaling is in none of these networks"
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=corners)


def _reshaped(x: Tensor, *, shape: list[int]) -> Tensor:
    x = x.permute(0, 2, 3, 1) if x.ndim == 4 else x  # the numbers' order is channels last
    return x.reshape(x.shape[0], *shape[1:])


def _to_space(x: Tensor, *, block: int) -> Tensor:
    n, channels, height, width = x.shape
    x = x.reshape(n, block, block, channels // block**2, height, width).permute(0, 3, 4, 1, 5, 2)
    return x.reshape(n, channels // block**2, height * block, width * block)


_OPERATIONS: dict[str, Any] = {
    "conv": _conv,
    "add": lambda a, b, then="": _active(a + b, then),
    "prelu": lambda x, slope: F.prelu(x, slope.flatten()),
    "max_pool_2d": lambda x, *, size: F.max_pool2d(x, kernel_size=size),
    "pad": _pad,
    "resize_bilinear": _resized,
    "reshape": _reshaped,
    "concatenation": lambda *parts, axis: torch.cat(parts, axis),
    "depth_to_space": _to_space,
    "fully_connected": lambda x, weight, bias, then="": _active(F.linear(x, weight, bias), then),
    "mean": lambda x: x.mean((2, 3)),
    "logistic": torch.sigmoid,
}
