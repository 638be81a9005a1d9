# SPDX-License-Identifier: GPL-3.0-or-later
"""Legs of bones that keep their length: knees bend so that ankles are where the dance puts them. No bpy in here."""

import numpy as np

SWITCH = 6.0  # frames that a knee stays on the wrong side, per length that it sticks out, to save a switch
CALM = 6  # frames, to either side, over which the body goes down where legs are too short


def lowered(hips: np.ndarray, goals: np.ndarray, reach: np.ndarray) -> np.ndarray:
    """How far (T,) the figure has to go down for its legs to reach.

    Parameters
    ----------
    hips, goals : (L, T, 2) float
        Where the legs begin, and where they should end.
    reach : (L,) float
        Their lengths.
    """
    aside = np.abs(goals[..., 0] - hips[..., 0])
    limit = reach[:, None]
    rise = np.sqrt(np.maximum(limit**2 - aside**2, 0))
    down = np.maximum(hips[..., 1] - goals[..., 1] - rise, 0).max(0)
    if down.max(initial=0) <= 0:
        return down
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(down, CALM, mode="edge"), 2 * CALM + 1)
    window = np.hanning(2 * CALM + 3)[1:-1]
    return np.convolve(np.pad(windows.max(1), CALM, mode="edge"), window / window.sum(), "valid")


def bent(
    hip: np.ndarray, goal: np.ndarray, thigh: float, shin: float, knee: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Knee and ankle (T, 2) of a leg from a hip towards a goal.

    Parameters
    ----------
    hip, goal : (T, 2) float
    thigh, shin : float
        Their lengths.
    knee : (T, 2) float
        Where the dance puts it, for the side to which it bends.
    """
    way = goal - hip
    far = np.maximum(np.hypot(*way.T), 1e-9 * (thigh + shin))
    along = way / far[:, None]
    reach = np.clip(far, abs(thigh - shin) * 1.001 + 1e-9, thigh + shin)
    first = (thigh**2 - shin**2 + reach**2) / (2 * reach)
    out = np.sqrt(np.maximum(thigh**2 - first**2, 0))
    across = np.stack([-along[:, 1], along[:, 0]], 1)
    side = _sides(((knee - hip) * across).sum(1) / thigh, out / thigh)
    return hip + first[:, None] * along + (side * out)[:, None] * across, hip + reach[:, None] * along


def _sides(meant: np.ndarray, out: np.ndarray) -> np.ndarray:
    """±1 (T,): the knee's side in the dance, but a knee changes sides only while the leg is straight."""
    sides = np.array([-1.0, 1.0])
    wrong = np.maximum(-sides[:, None] * meant, 0)
    best, origins = wrong[:, 0], []
    for t in range(1, len(meant)):
        change = best[::-1] + SWITCH * min(out[t], out[t - 1])
        changed = change < best
        origins.append(changed)
        best = np.where(changed, change, best) + wrong[:, t]
    at = int(best.argmin())
    found = [at]
    for changed in reversed(origins):
        at = 1 - at if changed[at] else at
        found.append(at)
    return sides[np.array(found[::-1])]
