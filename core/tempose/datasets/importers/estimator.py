"""The pose estimator: anything that finds people in a picture; rtmlib's where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tempose.errors import TemposeError


class Estimator(Protocol):
    """Called with a picture (H, W, 3) uint8 RGB; returns people (P, 17, 3): pixels x, y and confidence, COCO-17."""

    def __call__(self, picture: np.ndarray, /) -> np.ndarray: ...


class RtmEstimator:
    """RTMPose or RTMO by rtmlib, from ONNX files that lie in a folder; nothing is downloaded.

    Parameters
    ----------
    folder : Path
        One file with ``rtmo`` in its name; or one with ``yolox`` or ``det`` (finds people) and one with
        ``pose`` (finds their joints).
    device : str
        cpu or cuda, as rtmlib names them.

    Raises
    ------
    TemposeError
        rtmlib is not installed, or the folder lacks the files.
    """

    def __init__(self, folder: Path, device: str = "cpu"):
        try:
            import rtmlib  # pyright: ignore[reportMissingImports] -- optional
        except ImportError:
            raise TemposeError(
                "rtmlib_missing", "Poses from videos need rtmlib: pip install rtmlib onnxruntime."
            ) from None
        files = {p.name.lower(): p for p in sorted(Path(folder).glob("*.onnx"))}

        def named(*words: str) -> Path | None:
            return next((p for n, p in files.items() if any(w in n for w in words)), None)

        one, finder, poser = named("rtmo"), named("yolox", "det"), named("rtmpose", "pose", "rtmw")
        shared = {"backend": "onnxruntime", "device": device}
        self._finder: Any = None
        if one is not None:
            self._poser: Any = rtmlib.RTMO(str(one), model_input_size=input_size(one), **shared)
        elif finder is not None and poser is not None:
            self._finder = rtmlib.YOLOX(str(finder), model_input_size=input_size(finder), **shared)
            self._poser = rtmlib.RTMPose(str(poser), model_input_size=input_size(poser), **shared)
        else:
            raise TemposeError(
                "pose_model_missing",
                f"There is no pose model in {folder}: an rtmo*.onnx, or a yolox*.onnx and an rtmpose*.onnx "
                "of 17 joints, from the model lists of rtmlib or MMPose.",
            )

    def __call__(self, picture: np.ndarray, /) -> np.ndarray:
        picture = np.ascontiguousarray(picture[..., ::-1])  # BGR, as OpenCV has it
        if self._finder is None:
            points, scores = self._poser(picture)
        else:
            boxes = self._finder(picture)
            if len(boxes) == 0:
                return np.zeros((0, 17, 3))
            points, scores = self._poser(picture, bboxes=boxes)
        points, scores = np.asarray(points, float), np.asarray(scores, float)
        if points.size == 0:
            return np.zeros((0, 17, 3))
        return np.concatenate([points[:, :17], np.clip(scores, 0, 1)[:, :17, None]], -1)


def input_size(path: Path) -> tuple[int, int]:
    """Width and height of the pictures a model wants, from the model itself."""
    import onnxruntime  # pyright: ignore[reportMissingImports] -- comes with rtmlib

    height, width = (
        onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).get_inputs()[0].shape[2:]
    )
    return int(width), int(height)
