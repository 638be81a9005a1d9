"""What was heard in a song, kept in a folder of the song's own, so that the next dance need not hear it again."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tempose.feature_spec import FeatureSpec


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
    with contextlib.suppress(OSError, ValueError, EOFError):
        found = np.load(path, allow_pickle=False)
        if found.ndim == 2 and found.shape[1] == spec.width and np.isfinite(found).all():
            return found
    features = make()
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("wb") as file:
            np.save(file, features, allow_pickle=False)
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return features
