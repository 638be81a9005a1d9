"""Pickles that may hold numpy arrays and plain containers, and can do nothing.

A pickle is a program: what it may call decides what it can do. Here it may rebuild arrays and scalars of plain
numbers, and nothing else; any other name in the file is refused before it is looked up.
"""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy._core.multiarray import _reconstruct, scalar  # pyright: ignore[reportAttributeAccessIssue]

from tempose_pose.errors import TemposeError

MAX_BYTES = 1 << 30


def _plain_dtype(*arguments: Any) -> np.dtype:
    """numpy.dtype for plain numbers alone: an object array would hold whatever the file likes."""
    dtype = np.dtype(arguments[0])
    if dtype.kind not in "biufc":
        raise pickle.UnpicklingError(f"numpy dtype {dtype} is not a plain number")
    return dtype


def _bytes(text: str, encoding: str) -> bytes:
    """What protocols 0 to 2 write for bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"encoding {encoding} is not allowed")
    return str(text).encode("latin1")


def _frombuffer(data: bytes, dtype: np.dtype, shape: tuple[int, ...], order: str) -> np.ndarray:
    """What protocol 5 writes for arrays."""
    return np.frombuffer(data, _plain_dtype(dtype)).reshape(shape, order="F" if order == "F" else "C")


_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): _plain_dtype,
    ("_codecs", "encode"): _bytes,
    ("numpy.core.numeric", "_frombuffer"): _frombuffer,
    ("numpy._core.numeric", "_frombuffer"): _frombuffer,
    **{
        (f"numpy.{core}.multiarray", name): function
        for core in ("core", "_core")  # numpy 1 and 2
        for name, function in (("_reconstruct", _reconstruct), ("scalar", scalar))
    },
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed") from None

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("persistent objects are not allowed")


def load_arrays(path: str | os.PathLike) -> dict[str, Any]:
    """The dictionary of arrays and numbers in a pickle.

    Raises
    ------
    TemposeError
        The file is missing, larger than 1 GiB, no pickle, no dictionary, or wants anything but plain arrays.
    """
    path = Path(path)
    if not path.is_file():
        raise TemposeError("pickle_missing", f"There is no file {path}.")
    if path.stat().st_size > MAX_BYTES:
        raise TemposeError("pickle_large", f"{path.name} is larger than {MAX_BYTES >> 30} GiB.")
    try:
        data = _Unpickler(io.BytesIO(path.read_bytes())).load()
    except pickle.UnpicklingError as error:
        raise TemposeError("pickle_refused", f"{path.name} was refused: {error}.") from error
    except Exception as error:  # a damaged pickle may raise anything
        raise TemposeError("pickle_unreadable", f"{path.name} is damaged.") from error
    if not isinstance(data, dict):
        raise TemposeError("pickle_unreadable", f"{path.name} holds no dictionary of arrays.")
    return data
