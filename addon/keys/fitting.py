# SPDX-License-Identifier: GPL-3.0-or-later
"""Few keys that say the same as many: Bezier curves through chosen frames of the dense channels. No bpy in here.

Handles lie a third of the way to the next key, so a Bezier F-curve is a cubic Hermite curve over the frames. Its
values and slopes at the keys are chosen by least squares over all frames; at hits and holds the values are the
dance's own. All channels of a bone share their keys, so that a key is a pose.

How few keys are enough is judged where it is seen: on the joints. `forward` says where channels put the joints,
of whatever rig. First each bone gets keys until what it misses by itself moves no joint too far; then the whole is
checked, joint by joint and frame by frame, and the bone that misses most gets a key where it is off.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

SHARE = 1.0  # of the allowed error: what one bone may miss at first; the check of the whole does the rest
HOLD_SHARE = 0.15  # of the allowed error: what moves less is held
HOLD_SECONDS = 0.2
ROUNDS = 400  # a guard; each round sets a key in every stretch that is off
RIDGE = 1e-3
PROBES = 64  # frames at which it is tried out how far each channel moves the joints

Channels = dict[str, np.ndarray]
"""By bone: (T, C) values."""
Forward = Callable[[Channels], np.ndarray]
"""Channels of T frames → (J, T, 2) or (J, T, 3) joints; frames are independent of each other."""


@dataclass(frozen=True)
class BoneKeys:
    """A bone's keys.

    Parameters
    ----------
    at : (N,) int
        Positions among the dense frames, rising.
    values : (N, C) float
        One column per channel.
    slopes : (N, C) float
        Per frame.
    """

    at: np.ndarray
    values: np.ndarray
    slopes: np.ndarray


@dataclass(frozen=True)
class Fit:
    """What `sparse` found.

    Parameters
    ----------
    keys : by bone
    worst, mean : float
        Distance of the joints from where the dense channels put them, in units of the plane.
    """

    keys: dict[str, BoneKeys]
    worst: float
    mean: float

    @property
    def count(self) -> int:
        """Keys of all curves."""
        return sum(bone.values.size for bone in self.keys.values())


def every(count: int, step: int, more: Sequence[int] = ()) -> np.ndarray:
    """Positions on ones, twos, threes …; the last one is always there."""
    return np.unique(np.concatenate([np.arange(0, count, step), [count - 1], np.asarray(more, int)]))


def at_fixed(dense: Channels, at: np.ndarray) -> dict[str, BoneKeys]:
    """All bones keyed at the same positions, on the dance's own poses."""
    sure = np.ones(len(at), bool)
    return _fitted(dense, dict.fromkeys(dense, at), dict.fromkeys(dense, sure), {})


def evaluate(keys: BoneKeys, count: int) -> np.ndarray:
    """(T, C) values of the Bezier curves at all frames."""
    at, values, slopes = keys.at, keys.values, keys.slopes
    if len(at) == 1:
        return np.repeat(values, count, 0)
    frames = np.arange(count)
    left = np.clip(np.searchsorted(at, frames, "right") - 1, 0, len(at) - 2)
    span = (at[left + 1] - at[left]).astype(float)[:, None]
    t = (frames - at[left])[:, None] / span
    a, b = values[left], values[left + 1]
    u, v = slopes[left] * span, slopes[left + 1] * span
    return a + t * (u + t * (3 * (b - a) - 2 * u - v + t * (2 * (a - b) + u + v)))


def miss(keys: dict[str, BoneKeys], dense: Channels, forward: Forward) -> np.ndarray:
    """(J, T) distance of the joints from where the dense channels put them."""
    count = len(next(iter(dense.values())))
    reached = forward({name: evaluate(keys[name], count) for name in dense})
    return np.linalg.norm(reached - forward(dense), axis=-1)


def sparse(
    dense: Channels,
    forward: Forward,
    tolerance: float,
    rate: float = 30.0,
    hits: Sequence[int] = (),
    together: bool = False,
    tell: Callable[[int], None] | None = None,
) -> Fit:
    """As few keys as keep every joint within `tolerance` at every frame.

    Parameters
    ----------
    dense : by bone
        (T, C) values of its channels.
    forward : callable
        Where channels put the joints.
    tolerance : float
        In the unit of the joints.
    rate : float
        Frames per second, for what counts as a hold.
    hits : of int
        Positions of beats: bones that turn round or stop there get a key there, on the dance's own pose.
    together : bool
        All bones keyed on the same frames, so that each key is a pose of the whole figure.
    tell : callable, optional
        Gets the number of keys so far, now and then; what it raises ends the search.
    """
    names = list(dense)
    count = len(dense[names[0]])
    wanted = forward(dense)
    weights, moves = _weights(dense, forward)
    keyed, still = np.zeros((len(names), count), bool), {}
    keyed[:, [0, -1]] = True
    error = np.zeros(1)
    for i, name in enumerate(names):
        keyed[i, _turning(_pace(dense[name], weights[name]), hits)] = True
        still[name] = _holds(dense[name] * weights[name].max(0), HOLD_SHARE * tolerance, rate)
        for start, end in _runs(still[name]):
            keyed[i, [start, end - 1]] = True
    if together:
        keyed[:] = keyed.any(0)
    exact, stale, keys, fitted = keyed.copy(), names, {}, {}
    own = np.zeros((len(names), count))
    for _ in range(ROUNDS):
        if tell:
            tell(int(keyed.sum(1) @ [values.shape[1] for values in dense.values()]))
        at = {name: np.flatnonzero(keyed[names.index(name)]) for name in stale}
        sure = {name: exact[names.index(name), at[name]] for name in stale}
        keys |= _fitted({name: dense[name] for name in stale}, at, sure, still)
        for name in stale:
            fitted[name] = evaluate(keys[name], count)
            missed = (fitted[name] - dense[name]) * weights[name]
            own[names.index(name)] = np.sqrt((missed * missed).sum(1))
        judged = np.repeat(own.max(0, keepdims=True), len(own), 0) if together else own
        add = _worst_between(judged, keyed, judged > SHARE * tolerance)
        if not add.any():
            # Each by itself is near enough, the whole is not yet: the bone that misses most on the way there.
            error = np.linalg.norm(forward(fitted) - wanted, axis=-1)
            for joint, j in zip(*np.nonzero(_peaks(error > tolerance, error)), strict=True):
                free = np.flatnonzero(moves[:, joint] & ~exact[:, j])
                if len(free):
                    bone = free[own[free, j].argmax()]
                    here = _well_inside(keyed[bone], j)
                    here = j if keyed[bone, here] else here
                    add[bone, here] = True
                    exact[bone, here] |= keyed[bone, here]
        if not add.any():
            break
        if together:
            add[:], exact[:] = add.any(0), exact.any(0)
        keyed |= add
        stale = [name for i, name in enumerate(names) if add[i].any()]
    keys = {name: keys[name] for name in names}
    return Fit(keys, float(error.max()), float(error.mean()))


def _weights(dense: Channels, forward: Forward) -> tuple[Channels, np.ndarray]:
    """How far a joint moves per unit of each channel, at most: (T, C) by bone; and (B, J) which it moves at all."""
    count = len(next(iter(dense.values())))
    probes = np.unique(np.linspace(0, count - 1, min(PROBES, count)).round().astype(int))
    base = {name: values[probes] for name, values in dense.items()}
    columns = [(name, c) for name, values in base.items() for c in range(values.shape[1])]
    many, step = len(probes), 1e-4
    tried = {name: np.tile(values, (len(columns) + 1, 1)) for name, values in base.items()}
    for n, (name, c) in enumerate(columns, start=1):  # all trials one after the other, as if they were frames
        tried[name][n * many : (n + 1) * many, c] += step
    at = forward(tried)
    at = at.reshape(len(at), len(columns) + 1, many, -1)
    away = np.linalg.norm(at[:, 1:] - at[:, :1], axis=-1) / step  # (J, columns, probes)
    names, out, moves = list(dense), {}, np.zeros((len(dense), len(at)), bool)
    for n, (name, _) in enumerate(columns):
        moves[names.index(name)] |= away[:, n].max(1) > 1e-9
        out.setdefault(name, []).append(np.interp(np.arange(count), probes, away[:, n].max(0)))
    return {name: np.stack(rows, 1) for name, rows in out.items()}, moves


def _pace(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(T,) how fast a bone moves its joints, per frame."""
    return (
        (np.abs(np.gradient(values, axis=0)) * weights).sum(1) if len(values) > 1 else np.zeros(len(values))
    )


def _turning(pace: np.ndarray, hits: Sequence[int], near: int = 3) -> np.ndarray:
    """The beats at which a bone stops or turns round: much slower there than just before or after."""
    out = []
    for hit in hits:
        if 0 < hit < len(pace) - 1:
            around = pace[max(hit - near, 0) : hit + near + 1]
            if pace[hit - 1 : hit + 2].min() < 0.4 * around.max():
                out.append(hit)
    return np.asarray(out, int)


def _holds(values: np.ndarray, limit: float, rate: float) -> np.ndarray:
    """(T,) bool: within stretches of `HOLD_SECONDS` or more in which nothing moves by more than `limit`."""
    size = max(round(HOLD_SECONDS * rate), 3)
    held = np.zeros(len(values), bool)
    if len(values) < size:
        return held
    windows = np.lib.stride_tricks.sliding_window_view(values, size, axis=0)
    calm = (np.ptp(windows, axis=2) <= limit).all(1)
    for start in np.flatnonzero(calm):
        held[start : start + size] = True
    return held


def _runs(mask: np.ndarray) -> np.ndarray:
    """(R, 2) first frame and the frame after the last of each run."""
    return np.flatnonzero(np.diff(np.r_[False, mask, False].astype(int))).reshape(-1, 2)


def _inside(keyed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each frame the keys at or before it, and after it: (B, T) positions."""
    count = keyed.shape[1]
    frames = np.arange(count)
    before = np.maximum.accumulate(np.where(keyed, frames, 0), 1)
    after = np.minimum.accumulate(np.where(keyed, frames, count - 1)[:, ::-1], 1)[:, ::-1]
    return before, np.concatenate([after[:, 1:], after[:, -1:]], 1)


def _worst_between(error: np.ndarray, keyed: np.ndarray, off: np.ndarray) -> np.ndarray:
    """One new key in each stretch between keys that is off: where it is most off, well inside of the stretch.

    Keys side by side would not help: at a key the curve is off only because of what lies around it.
    """
    before, after = _inside(keyed)
    width, at = after - before, np.arange(keyed.shape[1]) - before
    inner = (4 * at >= width) & (4 * at <= 3 * width) & (at > 0) & (at < width)
    inner |= (width == 3) & (at > 0) & (at < width)
    stretch = np.cumsum(keyed, 1) + np.arange(len(keyed))[:, None] * (keyed.shape[1] + 1)
    flagged = np.zeros(int(stretch.max()) + 1, bool)
    flagged[stretch[off]] = True
    return _first_worst(stretch, error, inner & flagged[stretch])


def _well_inside(keyed: np.ndarray, at: int) -> int:
    """The frame nearest to `at` that is well inside of its stretch between keys (T,)."""
    before, after = (int(v[0, at]) for v in _inside(keyed[None]))
    quarter = (after - before + 3) // 4
    return min(max(at, before + quarter), after - quarter) if after - before > 1 else at


def _peaks(off: np.ndarray, error: np.ndarray) -> np.ndarray:
    """The worst frame of each run of frames that are off."""
    starts = off & ~np.pad(off, ((0, 0), (1, 0)))[:, :-1]
    run = np.cumsum(starts, 1) + np.arange(len(off))[:, None] * (off.shape[1] + 1)
    return _first_worst(run, error, off)


def _first_worst(group: np.ndarray, error: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Of each group the element with the greatest error, if it is among those that count."""
    out = np.zeros(group.shape, bool)
    where = np.flatnonzero(among)
    if not len(where):
        return out
    groups, errors = group.ravel()[where], error.ravel()[where]
    order = np.lexsort((-errors, groups))
    first = np.r_[True, np.diff(groups[order]) > 0]
    out.ravel()[where[order[first]]] = True
    return out


def _fitted(
    dense: dict[str, np.ndarray], at: dict[str, np.ndarray], exact: dict[str, np.ndarray], still: dict
) -> dict[str, BoneKeys]:
    """Values and slopes at the keys, by least squares over all frames: one block tridiagonal system per bone.

    `exact` (by bone, of its keys): the value there is the dense one. `still`: frames that are held.
    """
    names, longest = list(at), max(len(keys) for keys in at.values())
    widest = max(values.shape[1] for values in dense.values())
    shape = (len(names), longest, 2, 2)
    low, main, high = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    main[:] = np.eye(2)  # beyond a bone's last key: nothing
    right = np.zeros((len(names), longest, 2, widest))
    for i, name in enumerate(names):
        n, width = len(at[name]), dense[name].shape[1]
        flat = still[name][at[name]] if name in still else np.zeros(n, bool)
        rows = _normal(dense[name], at[name], exact[name], flat)
        low[i, :n], main[i, :n], high[i, :n], right[i, :n, :, :width] = rows
    solved = _block_tridiagonal(low, main, high, right)
    out = {}
    for i, name in enumerate(names):
        n, width = len(at[name]), dense[name].shape[1]
        out[name] = BoneKeys(at[name], solved[i, :n, 0, :width], solved[i, :n, 1, :width])
    return out


def _normal(dense: np.ndarray, at: np.ndarray, exact: np.ndarray, flat: np.ndarray):
    """Normal equations of a bone's keys: blocks (N, 2, 2) below, on and above the diagonal, right side."""
    n, width = len(at), dense.shape[1]
    low, main, high = np.zeros((n, 2, 2)), np.zeros((n, 2, 2)), np.zeros((n, 2, 2))
    right = np.zeros((n, 2, width))
    values = dense[at]
    if n > 1:
        guess = np.gradient(values, at.astype(float), axis=0)
        frames = np.arange(len(dense))
        left = np.clip(np.searchsorted(at, frames, "right") - 1, 0, n - 2)
        span = (at[left + 1] - at[left]).astype(float)
        t = (frames - at[left]) / span
        basis = (  # of the value and the slope at the left key, and at the right one
            1 - t**2 * (3 - 2 * t),
            span * t * (1 - t) ** 2,
            t**2 * (3 - 2 * t),
            -span * t**2 * (1 - t),
        )
        starts = at[:-1]
        stacked = np.stack(basis)
        for a in range(4):
            rows = right[:-1, a] if a < 2 else right[1:, a - 2]
            rows += np.add.reduceat(stacked[a][:, None] * dense, starts, axis=0)
        products = np.add.reduceat(stacked[:, None] * stacked[None], starts, axis=2)
        main[:-1] += np.moveaxis(products[:2, :2], 2, 0)
        main[1:] += np.moveaxis(products[2:, 2:], 2, 0)
        high[:-1] = np.moveaxis(products[:2, 2:], 2, 0)
        low[1:] = np.moveaxis(products[2:, :2], 2, 0)
        main[:, 0, 0] += RIDGE
        right[:, 0] += RIDGE * values
        main[:, 1, 1] += RIDGE
        right[:, 1] += RIDGE * guess
    else:
        main[:], exact, flat = np.eye(2), np.ones(1, bool), np.ones(1, bool)
    for row, fixed, value in ((0, exact, values), (1, flat, 0.0 * values)):
        low[fixed, row], main[fixed, row], high[fixed, row] = 0.0, 0.0, 0.0
        main[fixed, row, row] = 1.0
        right[fixed, row] = value[fixed]
    return low, main, high, right


def _block_tridiagonal(low, main, high, right) -> np.ndarray:
    """Solve (B, N, 2, 2) systems side by side, by cyclic reduction: every second row goes, all at once."""
    gone = main.shape[1] // 2
    if not gone:
        return _inverse(main) @ right
    between = main.shape[1] - gone - 1  # rows that go and lie between two that stay
    inverse = _inverse(main[:, 1::2])
    from_low, from_high, from_right = low[:, 1::2], high[:, 1::2], right[:, 1::2]
    down, up = high[:, : 2 * gone : 2] @ inverse, low[:, 2::2] @ inverse[:, :between]
    kept_main, kept_right = main[:, ::2].copy(), right[:, ::2].copy()
    kept_low, kept_high = np.zeros_like(kept_main), np.zeros_like(kept_main)
    kept_main[:, :gone] -= down @ from_low
    kept_main[:, 1:] -= up @ from_high[:, :between]
    kept_right[:, :gone] -= down @ from_right
    kept_right[:, 1:] -= up @ from_right[:, :between]
    kept_high[:, :between] = -down[:, :between] @ from_high[:, :between]
    kept_low[:, 1:] = -up @ from_low[:, :between]
    out = np.empty_like(right)
    out[:, ::2] = kept = _block_tridiagonal(kept_low, kept_main, kept_high, kept_right)
    rest = from_right - from_low @ kept[:, :gone]
    rest[:, :between] -= from_high[:, :between] @ kept[:, 1:]
    out[:, 1::2] = inverse @ rest
    return out


def _inverse(blocks: np.ndarray) -> np.ndarray:
    """Of (…, 2, 2) blocks."""
    a, b, c, d = (blocks[..., i, j] for i in range(2) for j in range(2))
    turned = np.stack([np.stack([d, -b], -1), np.stack([-c, a], -1)], -2)
    return turned / (a * d - b * c)[..., None, None]
