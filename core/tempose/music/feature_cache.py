"""What was heard in a song, kept in a folder of the song's own, so that the next dance need not hear it again."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tempose.feature_spec import FeatureSpec
from tempose_pose.local import whole_files
from tempose_pose.local.whole_files import Damaged


def kept_features(
    folder: Path | None, name: str, spec: FeatureSpec, make: Callable[[], np.ndarray]
) -> np.ndarray:
    """(F, spec.width) float32 features by name: what the folder has of this version, else made and put there.

    A file that is damaged, or of another width, is made anew. Where nothing can be written (a full disk), nothing is
    kept.
    """
    if folder is None:
        return make()
    path = folder / f"{name}-{spec.version}.npy"
    with contextlib.suppress(Damaged, ValueError, EOFError):
        found = np.load(io.BytesIO(whole_files.read_sealed(path)), allow_pickle=False)
        if found.ndim == 2 and found.shape[1] == spec.width and np.isfinite(found).all():
            return found
    features, data = make(), io.BytesIO()
    np.save(data, features, allow_pickle=False)
    with contextlib.suppress(OSError):
        whole_files.write_sealed(path, data.getvalue())
    return features
