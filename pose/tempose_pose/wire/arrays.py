"""Arrays on the wire: base64 of little-endian float32."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.limits import FARTHEST

SLICE = 2**20
"""Characters that are decoded at once: Python's one lock is held meanwhile, and whoever waits comes in between."""


def from_base64(text: str) -> bytes:
    """The bytes of a base64 text without line ends; raises `ValueError` for anything else."""
    if "=" in text[:-2]:
        raise ValueError("padding within the text")
    starts = range(0, len(text), SLICE)
    return b"".join(binascii.a2b_base64(text[i : i + SLICE], strict_mode=True) for i in starts)


def encode(array: np.ndarray) -> str:
    """An array of any shape as text."""
    return base64.b64encode(np.ascontiguousarray(array, "<f4").tobytes()).decode()


def decode(value: Any, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Text, or nested lists, as a float32 array of that shape, of which one side may be -1.

    Raises
    ------
    TemposeError
        ``"pose_shape"``: it is not an array of that shape. ``"pose_not_finite"``: it has NaN, infinity or numbers
        beyond `FARTHEST`.
    """
    try:
        if isinstance(value, str):
            array = np.frombuffer(from_base64(value), "<f4").reshape(shape)
        else:
            array = np.asarray(value, np.float32)
            fits = array.ndim == len(shape)
            if not fits or any(b not in (-1, a) for a, b in zip(array.shape, shape, strict=True)):
                raise ValueError
    except (TypeError, ValueError):
        raise TemposeError("pose_shape", f"The list {name} has the wrong shape.") from None
    if not np.isfinite(array).all() or (np.abs(array) > FARTHEST).any():
        raise TemposeError("pose_not_finite", f"{name} holds impossible values.")
    return array.astype(np.float32)
