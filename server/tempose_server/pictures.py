"""Pictures that people send to have a pose found in them: untrusted bytes in, one pose out.

`read` and `find` run in separate child processes (see `decode`): the first reads the untrusted file under tight
limits, the second looks for people in plain pixels. Nothing of a picture is kept.
"""

from __future__ import annotations

import base64
import warnings
import zlib
from pathlib import Path
from typing import Any

from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence

KINDS = ("PNG", "JPEG", "WEBP")
SMALLEST = 16  # pixels of the shorter side
MASKED = 4  # people who also get a mask
LOOKED_AT = 2048  # pixels of the longer side that are kept; models look at far fewer


def read(folder: Path, picture_pixels: int) -> dict[str, Any]:
    """Write `folder/picture`, upright and on a white background, as RGB to `folder/pixels.npy`."""
    import numpy as np
    from PIL import Image, ImageOps, UnidentifiedImageError

    Image.MAX_IMAGE_PIXELS = None  # counted here, before anything is unpacked
    warnings.simplefilter("ignore")  # the reader's warnings about a file
    try:
        with Image.open(folder / "picture", formats=KINDS) as image:
            if image.width * image.height > picture_pixels:
                raise TemposeError(
                    "picture_large", f"Pictures may have up to {picture_pixels / 1e6:g} million pixels."
                )
            if min(image.size) < SMALLEST:
                raise TemposeError("picture_small", f"Pictures need at least {SMALLEST} pixels a side.")
            if image.format in ("PNG", "WEBP") and getattr(image, "is_animated", False):
                raise TemposeError("picture_moves", "This picture is animated. Send a still one.")
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


def find(folder: Path, model: str | None) -> dict[str, Any]:
    """The poses of all people in `folder/pixels.npy`, the largest first."""
    import numpy as np

    from tempose.estimator import estimator, poses_in

    pixels = np.load(folder / "pixels.npy", allow_pickle=False)
    try:
        people = poses_in(pixels, estimator(None if model is None else Path(model)))
    except TemposeError:
        raise
    except Exception:  # whatever the library raises about a model file
        import traceback

        traceback.print_exc()
        raise TemposeError(
            "pose_model_broken",
            "The server's pose model cannot be used; the server's log says more.",
        ) from None
    if not people:
        raise TemposeError("nobody_seen", "Nobody was found in this picture.")
    first, *others = (_person(pose, pixels if k < MASKED else None) for k, pose in enumerate(people))
    return {**first, "people": len(people), "others": others}


def _person(pose: PoseSequence, pixels: Any) -> dict[str, Any]:
    """A person in wire form, with its mask if there are pixels."""
    mask = None
    if pixels is not None:
        from tempose.blazepose.masks import figure_mask

        found = figure_mask(pixels, pose.pixels[0][pose.scores[0] > 0])
        data = base64.b64encode(zlib.compress(found.tobytes(), 6)).decode()
        mask = {"width": found.shape[1], "height": found.shape[0], "data": data}
    return {
        "mask": mask,
        "skeleton": pose.skeleton.name,
        "joints": list(pose.skeleton.joints),
        "keypoints": pose.keypoints[0].astype(float).round(6).tolist(),
        "scores": pose.scores[0].astype(float).round(4).tolist(),
    }
