# SPDX-License-Identifier: GPL-3.0-or-later
"""Foot contacts: which foot bears the weight on each frame. No bpy in here.

A foot *carries* while its ankle is low and slow: near the lowest point that the figure reached lately, and no
higher than the other ankle.
"""

import numpy as np

from tempose_pose.request import runs as runs_of

LOW = 0.04  # body heights above the ground, or above the other ankle
SLOW = 2.0  # body heights per second: a faster foot swings, a low and slower one stands
RISE = 0.30  # body heights per second, up or down
SHORTEST = 0.13  # seconds: a shorter stand is only a foot passing by
GAP = 0.07  # seconds: a shorter lift does not end a stand
HIGH = 0.1  # body heights above the lowest of two seconds: farther up it is in the air
ALOFT = 0.8  # seconds: longer aloft is not a jump; the figure is drawn higher up
STAYS = 0.012  # body heights that a foot may move and still count as standing
LINGER = 0.13  # seconds by which a stand may grow at either end, or which the weight takes to shift to the other foot
LEFT_BEHIND = 0.08  # body heights that a foot may be off the dance while the weight shifts


def contacts_of(
    ankles: np.ndarray, there: np.ndarray, rate: float, height: float, bottom: np.ndarray | None = None
) -> np.ndarray:
    """(T, 2) bool: which foot carries, from ankles (T, 2, 2); `bottom` (T,) is the figure's lowest point."""
    calm = smooth(ankles, max(round(0.1 * rate), 1))
    speed = np.abs(np.gradient(calm, axis=0)) * rate / height
    lowest = lowest_of(ankles, there)
    above = ankles[..., 1] - lowest[:, None]
    floor = floor_of(lowest if bottom is None else bottom, rate)
    low = (above <= LOW * height) & (ankles[..., 1] - floor[:, None] <= HIGH * height)
    out = there & low & (speed[..., 0] < SLOW) & (speed[..., 1] < RISE)
    linger = round(LINGER * rate)
    for side in range(2):
        out[:, side] = _runs_closed(out[:, side], round(GAP * rate), max(round(SHORTEST * rate), 2))
        out[:, side] = _lingering(out[:, side], ankles[:, side], linger, STAYS * height)
    out &= there
    aloft = lowest - floor > LOW * height
    return _passed(out, ankles, there, aloft, linger, LEFT_BEHIND * height)


def _lingering(carries: np.ndarray, ankle: np.ndarray, most: int, near: float) -> np.ndarray:
    """Stands extended, by at most so many frames, to when the foot arrives and when it leaves."""
    out = carries.copy()
    for start, end in runs_of(carries):
        for edge, step in ((start, -1), (end - 1, 1)):
            for at in range(edge + step, edge + step * (most + 1), step):
                if not 0 <= at < len(out) or np.hypot(*(ankle[at] - ankle[edge])) > near:
                    break
                out[at] = True
    return out


def _passed(
    contacts: np.ndarray, ankles: np.ndarray, there: np.ndarray, aloft: np.ndarray, most: int, far: float
) -> np.ndarray:
    """Contacts with gaps in which neither foot carries closed, unless they are jumps: weight shifts over."""
    out, nobody = contacts.copy(), ~contacts.any(1)
    for start, end in runs_of(nobody):
        if start == 0 or end == len(out) or end - start > most or aloft[start:end].any():
            continue
        before, after = int(contacts[start - 1].argmax()), int(contacts[end].argmax())
        if not (there[start:end, before] & there[start:end, after]).all():
            continue
        gap = slice(start, end)
        leaves = np.hypot(*(ankles[gap, before] - ankles[start - 1, before]).T)
        lands = np.hypot(*(ankles[gap, after] - ankles[end, after]).T)
        worst = [max(leaves[:k].max(initial=0), lands[k:].max(initial=0)) for k in range(end - start + 1)]
        k = start + int(np.argmin(worst))
        if min(worst) <= far:
            out[start:k, before] = out[k:end, after] = True
    return out


def lowest_of(ankles: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Height (T,) of the lower ankle, interpolated across frames without any."""
    level, seen = np.where(there, ankles[..., 1], np.inf).min(1), there.any(1)
    frames = np.arange(len(level))
    return np.interp(frames, frames[seen], level[seen]) if seen.any() else np.zeros(len(level))


def floor_of(lowest: np.ndarray, rate: float) -> np.ndarray:
    """The ground near each frame: the lowest height with jumps removed."""
    half = max(round(ALOFT * rate / 2), 1)
    windows = np.lib.stride_tricks.sliding_window_view
    least = windows(np.pad(lowest, 2 * half, mode="edge"), 2 * half + 1).min(1)
    return windows(least, 2 * half + 1).max(1)


def _runs_closed(carries: np.ndarray, gap: int, shortest: int) -> np.ndarray:
    """Contacts with short gaps closed, then short stands removed."""
    out = carries.copy()
    runs = runs_of(~out)
    for start, end in runs:
        if start > 0 and end < len(out) and end - start <= gap:
            out[start:end] = True
    for start, end in runs_of(out):
        if end - start < shortest:
            out[start:end] = False
    return out


def smooth(values: np.ndarray, half: int) -> np.ndarray:
    """Moving average with a Hann window of `half` frames to each side; end values are repeated."""
    window = np.hanning(2 * half + 3)[1:-1]
    window /= window.sum()
    flat = values.reshape(len(values), -1)
    padded = np.pad(flat, ((half, half), (0, 0)), mode="edge")
    return np.stack([np.convolve(c, window, "valid") for c in padded.T], 1).reshape(values.shape)
