"""Is it the same kind of motion? Kinetic features, the Fréchet distance between sets, diversity.

Convention
----------
Per joint three numbers (Onuma et al. 2008, as fairmotion has them): horizontal energy, vertical energy, and
"energy expenditure", the mean length of the acceleration, all over a window of five frames. Three forms:

- ``"corrected"`` (default): 2D, in body heights and seconds, from the first frame's hips; the acceleration is
  an acceleration.
- ``"rms"``: the same with the root taken of the two energies, so that all three are linear in the motion's
  size. Squares have long tails; a Gaussian, which is what FID fits, suits the roots better. Used by
  `tempose evaluate`.
- ``"published"``: as the AIST++ API, Bailando, LODGE, POPDG and others compute it. A bracket is misplaced
  there,
  ``(p[k+1] - p[k]) / dt - (p[k] - p[k-1] / dt)``, so the third number is about 3,540 times the joint's
  distance from the origin; dt is 1/60 s whatever the frame rate is. In 2D: z = 0. Only for comparison with
  published figures; those used 3D metres, so even then not number for number.

FID: both sets are scaled by the reference's mean and standard deviation, then the usual Fréchet distance of
two Gaussians. Columns in which the reference does not vary are left out (dividing by their 1e-10 is where
astronomical figures come from). FID falls with the number of samples: compare only sets of one size, and against
the FID between two halves of the real motion (`fid_floor`).

Diversity: mean distance between pairs of a set, scaled alike. Not "higher is better": near the real set's
value is better.
"""

from __future__ import annotations

import numpy as np

from tempose.metrics import curves
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence, to_openpose18
from tempose_pose.skeletons import OPENPOSE_18

FORMS = ("corrected", "rms", "published")
_HIPS = [OPENPOSE_18.index("left_hip"), OPENPOSE_18.index("right_hip")]


def validate(poses: PoseSequence, form: str = "corrected") -> None:
    """Check the motion (`curves.validate`) and the form's name."""
    curves.validate(poses)
    if form not in FORMS:
        raise TemposeError("kinetics_form", f"Kinetic features come in the forms {', '.join(FORMS)}.")


def kinetic_features(poses: PoseSequence, form: str = "corrected") -> np.ndarray:
    """(18 × 3,) float: horizontal energy, vertical energy, energy expenditure of each openpose18 joint.

    Missing joints are interpolated through time; a joint never seen counts as still.
    """
    validate(poses, form)
    poses = to_openpose18(poses)
    points = curves.filled(curves.in_body_heights(poses))
    points = points - points[:1, _HIPS].mean(1, keepdims=True)
    dt = 1 / 60 if form == "published" else 1 / poses.fps
    velocity = np.diff(points, axis=0) / dt  # (T-1, K, 2); row i lies before frame i + 1
    window = _boxed(velocity)
    energy = (window**2).mean(0)  # (K, 2)
    if form == "rms":
        energy = np.sqrt(energy)
    if form == "published":
        inner = points[2:] / dt - points[1:-1] / dt - (points[1:-1] - points[:-2] / dt)
    else:
        inner = np.diff(velocity, axis=0)
    expenditure = np.linalg.norm(_boxed(inner / dt), axis=-1).mean(0)  # (K,)
    return np.concatenate([energy, expenditure[:, None]], 1).ravel()


def _boxed(rows: np.ndarray, reach: int = 2) -> np.ndarray:
    """Mean over i - reach … i + reach of the rows that exist."""
    total = np.concatenate([np.zeros_like(rows[:1]), rows.cumsum(0)])
    index = np.arange(len(rows))
    low, high = np.maximum(index - reach, 0), np.minimum(index + reach + 1, len(rows))
    return (total[high] - total[low]) / (high - low).reshape(-1, *[1] * (rows.ndim - 1))


def _sets(*sets: np.ndarray) -> list[np.ndarray]:
    sets_ = [np.asarray(s, float) for s in sets]
    for s in sets_:
        if s.ndim != 2 or len(s) < 2 or not np.isfinite(s).all():
            raise TemposeError("metrics_set", "Comparing sets needs two or more finite feature rows in each.")
    if len({s.shape[1] for s in sets_}) != 1:
        raise TemposeError("metrics_set", "The sets hold different features.")
    return sets_


def scaled(features: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Features in the reference's standard deviations from its mean, without columns constant there."""
    features, reference = _sets(features, reference)
    mean, std = reference.mean(0), reference.std(0)
    varies = std > 1e-6 * np.maximum(np.abs(mean), 1e-6)
    return (features[:, varies] - mean[varies]) / std[varies]


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of the Gaussians fitted to two sets (N, D), (M, D); 0 for equal sets."""
    a, b = _sets(a, b)
    ca, cb = np.atleast_2d(np.cov(a, rowvar=False)), np.atleast_2d(np.cov(b, rowvar=False))
    # tr sqrt(ca cb) through the symmetric sqrt(ca) cb sqrt(ca): real, also where the rank is short
    values, vectors = np.linalg.eigh(ca)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cb @ root), 0)).sum()
    return float(max(((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(ca) + np.trace(cb) - 2 * cross, 0.0))


def fid(
    generated: np.ndarray,
    reference: np.ndarray,
    *,
    scale: np.ndarray | None = None,
    size: int | None = None,
    seed: int = 0,
    repeats: int = 10,
) -> float:
    """Fréchet distance of two sets cut to one size (mean over `repeats` draws).

    Parameters
    ----------
    generated, reference : (N, D), (M, D)
    scale : (L, D), optional
        The set whose mean and deviation scale both; None: the reference, as published. Give all real motion
        where the reference is small: a column that hardly varies in it would outweigh all others.
    size : int, optional
        Cuts both sets further, so that several systems compare.

    Returns
    -------
    float
        NaN when the scaling set varies in no column.
    """
    by = reference if scale is None else scale
    a, b = scaled(generated, by), scaled(reference, by)
    if a.shape[1] == 0:
        return float("nan")
    size = min(len(a), len(b), size or len(a))
    if len(a) == len(b) == size:
        return frechet(a, b)
    random = np.random.default_rng(seed)

    def draw(x: np.ndarray) -> np.ndarray:
        return x[random.permutation(len(x))[:size]]

    return float(np.mean([frechet(draw(a), draw(b)) for _ in range(repeats)]))


def fid_floor(
    reference: np.ndarray,
    groups: np.ndarray | None = None,
    *,
    size: int | None = None,
    seed: int = 0,
    repeats: int = 20,
) -> float:
    """FID between two halves of real motion, of `size` rows each: what a perfect system would get.

    `groups` (one label per row: the clip it was cut from) keeps a clip on one side. Without it, overlapping
    windows of one clip lie on both, and the floor comes out too low. NaN where there is too little motion.
    """
    (reference,) = _sets(reference)
    rows = scaled(reference, reference)
    labels = np.arange(len(rows)) if groups is None else np.asarray(groups)
    names = np.unique(labels)
    random, found = np.random.default_rng(seed), []
    for _ in range(repeats if rows.shape[1] else 0):
        left = np.isin(labels, random.permutation(names)[: len(names) // 2])
        a, b = (random.permutation(rows[side]) for side in (left, ~left))
        count = min(len(a), len(b), size or len(a))
        if count >= 2 and (size is None or count == size):
            found.append(frechet(a[:count], b[:count]))
    return float(np.mean(found)) if found else float("nan")


def diversity(features: np.ndarray, reference: np.ndarray | None = None) -> float:
    """Mean distance over pairs of rows, scaled by `reference` (None: by the set itself, as published)."""
    rows = scaled(features, features if reference is None else reference)
    if rows.shape[1] == 0:
        return 0.0
    squares = (rows**2).sum(1)
    distances = np.sqrt(np.maximum(squares[:, None] + squares - 2 * rows @ rows.T, 0))
    return float(distances[np.triu_indices(len(rows), 1)].mean())


def windows(poses: PoseSequence, seconds: float = 5.0) -> list[PoseSequence]:
    """The sequence in pieces of one length (half overlapping): features depend on it. Empty if shorter."""
    size = round(seconds * poses.fps)
    return [poses[s : s + size] for s in range(0, len(poses) - size + 1, max(size // 2, 1))]


def feature_set(sequences: list[PoseSequence], form: str = "corrected", seconds: float = 5.0) -> np.ndarray:
    """(N, 54) features of all windows of all sequences."""
    return grouped_features(sequences, form, seconds)[0]


def grouped_features(
    sequences: list[PoseSequence], form: str = "corrected", seconds: float = 5.0
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 54) features of all windows, and (N,) which sequence each was cut from."""
    pairs = [(kinetic_features(w, form), i) for i, s in enumerate(sequences) for w in windows(s, seconds)]
    if not pairs:
        return np.zeros((0, 3 * len(OPENPOSE_18))), np.zeros(0, int)
    return np.stack([f for f, _ in pairs]), np.asarray([i for _, i in pairs])


def evaluate(dance: Dance) -> dict[str, float]:
    """Mean kinetic features of one dance, body heights and seconds (sets are compared elsewhere)."""
    rows = kinetic_features(dance.poses).reshape(-1, 3).mean(0)
    names = ("horizontal_energy", "vertical_energy", "energy_expenditure")
    return dict(zip(names, (float(v) for v in rows), strict=True))
