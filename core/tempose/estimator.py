"""The pose estimator: anything that finds people in a picture; rtmlib's where it is installed."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from tempose_pose.errors import TemposeError

ANY_SIZE = (640, 640)  # for models that take pictures of any size
COUNTS = (17, 26, 133)  # joints: COCO, Halpe (with feet), COCO-WholeBody (with feet and hands)


class Estimator(Protocol):
    """Called with a picture (H, W, 3) uint8 RGB; returns people (P, K, 3): pixels x, y and confidence.

    K is one of `COUNTS`, in the order of `formats.layouts.COCO_LAYOUTS`.
    """

    def __call__(self, picture: np.ndarray, /) -> np.ndarray: ...


class ModelFiles(NamedTuple):
    """What a folder holds: `poser` alone finds everybody where there is no `finder`."""

    finder: Path | None
    poser: Path


def model_files(folder: Path) -> ModelFiles | None:
    """The models in a folder; None where there are none.

    One file with ``rtmo`` in its name; or one with ``yolox`` or ``det`` (finds people) and one with ``pose``,
    ``rtmw`` or ``dw-ll`` (finds their joints).
    """
    files = {p.name.lower(): p for p in sorted(Path(folder).glob("*.onnx"))}

    def named(*words: str) -> Path | None:
        return next((p for n, p in files.items() if any(w in n for w in words)), None)

    one, finder, poser = named("rtmo"), named("yolox", "det"), named("rtmpose", "pose", "rtmw", "dw-ll")
    if one is not None:
        return ModelFiles(None, one)
    return ModelFiles(finder, poser) if finder is not None and poser is not None else None


def missing(folder: Path) -> TemposeError | None:
    """Why there can be no estimator with the models of this folder; None where there can. Loads nothing."""
    if find_spec("rtmlib") is None or find_spec("onnxruntime") is None:
        return TemposeError("rtmlib_missing", "Poses from pictures need rtmlib: pip install 'tempose[pose]'.")
    if model_files(folder) is None:
        return TemposeError(
            "pose_model_missing",
            f"There is no pose model in {folder}: an rtmo*.onnx, or a yolox*.onnx and an rtmpose*.onnx "
            "of 17, 26 or 133 joints, from the model lists of rtmlib or MMPose.",
        )
    return None


class RtmEstimator:
    """RTMPose or RTMO by rtmlib, from ONNX files that lie in a folder; nothing is downloaded.

    Parameters
    ----------
    folder : Path
        See `model_files`.
    device : str
        cpu or cuda, as rtmlib names them.

    Raises
    ------
    TemposeError
        rtmlib is not installed, or the folder lacks the files.
    """

    def __init__(self, folder: Path, device: str = "cpu"):
        if problem := missing(folder):
            raise problem
        import rtmlib  # pyright: ignore[reportMissingImports] -- optional

        files = model_files(folder)
        assert files is not None
        width, height = input_size(files.poser)
        shared: dict[str, Any] = {"backend": "onnxruntime", "device": device}
        self._finder: Any = None
        if files.finder is None:  # rtmlib takes height first for what looks at whole pictures
            self._poser: Any = rtmlib.RTMO(str(files.poser), model_input_size=(height, width), **shared)
        else:
            size = input_size(files.finder)[::-1]
            self._finder = rtmlib.YOLOX(str(files.finder), model_input_size=size, **shared)
            self._poser = rtmlib.RTMPose(str(files.poser), model_input_size=(width, height), **shared)

    def __call__(self, picture: np.ndarray, /) -> np.ndarray:
        picture = np.ascontiguousarray(picture[..., ::-1])  # BGR, as OpenCV has it
        if self._finder is None:
            points, scores = self._poser(picture)
        else:
            boxes = self._finder(picture)
            if len(boxes) == 0:
                return np.zeros((0, COUNTS[0], 3))
            points, scores = self._poser(picture, bboxes=boxes)
        points, scores = np.asarray(points, float), np.asarray(scores, float)
        if points.size == 0:
            return np.zeros((0, COUNTS[0], 3))
        if points.shape[1] not in COUNTS:
            raise TemposeError(
                "pose_model_joints",
                f"The pose model finds {points.shape[1]} joints; models of 17, 26 or 133 are known.",
            )
        return np.concatenate([points, np.clip(scores, 0, 1)[..., None]], -1)


def input_size(path: Path) -> tuple[int, int]:
    """Width and height of the pictures a model wants, from the model itself."""
    import onnxruntime  # pyright: ignore[reportMissingImports] -- comes with rtmlib

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    height, width = session.get_inputs()[0].shape[2:]
    if not (isinstance(width, int) and isinstance(height, int)):
        return ANY_SIZE  # the model takes any
    return width, height
