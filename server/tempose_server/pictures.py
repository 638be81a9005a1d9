"""Pictures that people send to have a pose found in them: untrusted bytes in, one pose out.

`read` and `find` run in child processes (see `decode`), each a step of its own: the first reads the hostile
file under tight limits, the second looks for people in plain pixels. Nothing of a picture is kept.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from tempose_pose.errors import TemposeError

KINDS = ("PNG", "JPEG", "WEBP")
SMALLEST = 16  # pixels of the shorter side
LOOKED_AT = 2048  # pixels of the longer side that are looked at; models look at far fewer
SURE = 0.3  # a joint is there from this confidence on
FEWEST = 6  # joints that make a person


def read(folder: Path, picture_pixels: int) -> dict[str, Any]:
    """`folder/picture`, upright and on white where it is clear, as RGB in `folder/pixels.npy`."""
    import numpy as np
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # counted here, before anything is unpacked
    warnings.simplefilter("ignore")  # what the reader finds odd about a file
    try:
        with Image.open(folder / "picture", formats=KINDS) as image:
            if image.width * image.height > picture_pixels:
                raise TemposeError(
                    "picture_large", f"Pictures may have up to {picture_pixels / 1e6:g} million pixels."
                )
            if min(image.size) < SMALLEST:
                raise TemposeError("picture_small", f"Pictures need at least {SMALLEST} pixels a side.")
            if image.format in ("PNG", "WEBP") and getattr(image, "is_animated", False):
                raise TemposeError("picture_moves", "This picture moves. Send one that stands still.")
            upright = ImageOps.exif_transpose(image)
            width, height = upright.size
            if upright.mode.startswith("I"):  # 16 bits of grey
                upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
            clear = upright.convert("RGBA")
            clear.thumbnail((LOOKED_AT, LOOKED_AT))
            white = Image.new("RGBA", clear.size, "white")
            pixels = np.asarray(Image.alpha_composite(white, clear).convert("RGB"))
    except (TemposeError, MemoryError):
        raise
    except UnidentifiedImageError:
        raise TemposeError(
            "picture_unreadable", "This is not a picture that can be read. Use PNG, JPEG or WebP."
        ) from None
    except Exception:  # each format has errors of its own
        raise TemposeError("picture_unreadable", "The picture is damaged and cannot be read.") from None
    np.save(folder / "pixels.npy", pixels)
    return {"width": width, "height": height}


def find(folder: Path, model: str) -> dict[str, Any]:
    """The pose of the largest person in `folder/pixels.npy`."""
    import numpy as np

    from tempose.estimator import RtmEstimator
    from tempose_pose.formats import parse_poses

    pixels = np.load(folder / "pixels.npy", allow_pickle=False)
    try:
        people = RtmEstimator(Path(model))(pixels)
    except TemposeError:
        raise
    except Exception:  # whatever the library says about a model file
        import traceback

        traceback.print_exc()
        raise TemposeError(
            "pose_model_broken",
            "The server's pose model cannot be used; the server's log says more.",
        ) from None
    people = np.where(people[..., 2:] >= SURE, people, 0.0)
    people = [one for one in people if (one[:, 2] > 0).sum() >= FEWEST]
    if not people:
        raise TemposeError("nobody_seen", "Nobody was found in this picture.")
    canvas = (pixels.shape[1], pixels.shape[0])
    flat = max(people, key=_weight).ravel().tolist()
    whole = _with_neck(parse_poses([{"image_id": 0, "keypoints": flat}], canvas=canvas))
    return {
        "skeleton": whole.skeleton.name,
        "joints": list(whole.skeleton.joints),
        "keypoints": np.round(whole.keypoints[0].astype(float), 6).tolist(),
        "scores": np.round(whole.scores[0].astype(float), 4).tolist(),
        "people": len(people),
    }


def _weight(person: Any) -> float:
    """How large and how sure a person (K, 3) is."""
    seen = person[person[:, 2] > 0]
    return float((seen[:, :2].max(0) - seen[:, :2].min(0)).sum() * seen[:, 2].mean())


def _with_neck(poses: Any) -> Any:
    """On a layout that holds openpose18's joints, with feet and hands where they were found."""
    from tempose_pose.sequence import convert
    from tempose_pose.skeletons import BODY_25, COCO_17, HALPE_26, OPENPOSE_18

    target = {COCO_17.name: OPENPOSE_18, HALPE_26.name: BODY_25}.get(poses.skeleton.name)
    return poses if target is None else convert(poses, target)
