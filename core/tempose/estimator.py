"""The pose estimator: what finds people in a picture. BlazePose ships; rtmlib runs models that people bring."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.formats import parse_poses
from tempose_pose.sequence import PoseSequence, convert
from tempose_pose.skeletons import BODY_25, COCO_17, HALPE_26, OPENPOSE_18

ANY_SIZE = (640, 640)  # for models that take pictures of any size
COUNTS = (17, 26, 133)  # joints: COCO, Halpe (with feet), COCO-WholeBody (with feet and hands)


class Estimator(Protocol):
    """Called with a picture (H, W, 3) uint8 RGB; returns people (P, K, 3): pixels x, y and confidence.

    K is one of `COUNTS`, in the order of `formats.layouts.COCO_LAYOUTS`.

    Attributes
    ----------
    seen : float
        Confidence from which on a joint is there.
    """

    seen: float

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


def estimator(folder: Path | None = None) -> Estimator:
    """The one that ships, or rtmlib's with the models of a folder."""
    return BlazePose() if folder is None else RtmEstimator(folder)


FEWEST = 6  # joints that make a person
DOUBTFUL = 0.6  # score below which a joint that was found is one to look at


def poses_in(picture: np.ndarray, look: Estimator) -> list[PoseSequence]:
    """Everybody in a picture (H, W, 3) uint8 RGB, the largest first.

    Each is one frame on a layout that holds openpose18's joints, with feet and hands where they are known.
    """
    found = look(picture)
    found = np.where(found[..., 2:] >= look.seen, found, 0.0)
    people = [one for one in found if (one[:, 2] > 0).sum() >= FEWEST]
    canvas = (picture.shape[1], picture.shape[0])
    rows = [one.ravel().tolist() for one in sorted(people, key=_weight, reverse=True)]
    return [_whole(parse_poses([{"image_id": 0, "keypoints": row}], canvas=canvas)) for row in rows]


def _weight(person: np.ndarray) -> float:
    """How large and how sure a person (K, 3) is."""
    seen = person[person[:, 2] > 0]
    return float((seen[:, :2].max(0) - seen[:, :2].min(0)).sum() * seen[:, 2].mean())


def _whole(poses: PoseSequence) -> PoseSequence:
    target = {COCO_17.name: OPENPOSE_18, HALPE_26.name: BODY_25}.get(poses.skeleton.name)
    return poses if target is None else convert(poses, target)


class BlazePose:
    """People and drawn figures with feet and hands (133 points, of the face the five of the body's layout)."""

    seen = 0.1

    def __call__(self, picture: np.ndarray, /) -> np.ndarray:
        from PIL import Image

        from tempose.blazepose.people import find_people
        from tempose.blazepose.whole_body import whole_body

        image = Image.fromarray(np.ascontiguousarray(picture))
        people = [whole_body(person, image.size) for person in find_people(image)]
        return np.stack(people) if people else np.zeros((0, COUNTS[-1], 3))


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

    seen = 0.3

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
