"""Batches of single-joint tracks for the VAE: dancers' joints, and smooth paths anywhere on the canvas."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tempose.augmentation.maker import ExampleMaker


def draw_tracks(
    maker: ExampleMaker, rng: np.random.Generator, count: int, frames: int
) -> tuple[np.ndarray, np.ndarray]:
    """(count, frames, 2) keypoints in [0, 1] and (count, frames) scores.

    Half are joints of augmented dancers, moved and zoomed anywhere, so that the VAE does not depend on a skeleton
    or framing; the rest are random smooth paths and still points. Some joints come and go.
    """
    tracks = np.empty((count, frames, 2), np.float32)
    i = 0
    dancers = maker(-(-count // 12), int(rng.integers(2**31))).keypoints.numpy()  # six joints of each
    for dancer in dancers:
        for joint in rng.choice(18, 6, replace=False):
            if i == count // 2:
                break
            start = int(rng.integers(len(dancer) - frames + 1))
            path = dancer[start : start + frames, joint]
            if rng.random() < 0.5:
                path = (path - 0.5) * np.exp(rng.normal(0, 0.4)) + rng.uniform(0.1, 0.9, 2)
            tracks[i] = path
            i += 1
    while i < count:
        kind = rng.random()
        steps = rng.normal(size=(frames + 40, 2))
        path = gaussian_filter1d(steps, float(np.exp(rng.uniform(0.3, 3))), axis=0)[20:-20]
        path *= float(np.exp(rng.uniform(-6, -1.2))) / max(path.std(), 1e-6)
        tracks[i] = rng.uniform(0, 1, 2) + (path if kind < 0.85 else 0)
        i += 1
    scores = np.ones((count, frames), np.float32)
    for k in np.flatnonzero(rng.random(count) < 0.25):
        a, b = np.sort(rng.integers(-frames // 2, frames + frames // 2, 2))
        scores[k, max(a, 0) : max(b, 0)] = 0
    faint = rng.random(count) < 0.1
    scores[faint] *= rng.uniform(0.3, 1, (int(faint.sum()), 1)).astype(np.float32)
    return np.clip(tracks, 0, 1), scores
