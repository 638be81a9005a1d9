"""Beats put where they are heard: between frames, evenly, through breaks, and on to the ends of the sound."""

from __future__ import annotations

import numpy as np

from tempose.music.spectra import BEAT_RATE

RING = 0.1  # of a beat that the last one rings where no stroke of it is heard


def highest_near(curve: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The curve's highest value within 40 ms of each time."""
    index = np.round(times * BEAT_RATE).astype(int)[:, None] + np.arange(-2, 3)
    return curve[np.clip(index, 0, len(curve) - 1)].max(1)


def between_frames(times: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """Times moved to the top of the parabola through the log of the curve's highest three points nearby."""
    out = _tops(times, curve)
    good = np.concatenate([[True], np.diff(out) > 0.1])
    return np.maximum(out[good], 0) + 0.0  # no minus zero


def _tops(times: np.ndarray, curve: np.ndarray) -> np.ndarray:
    log = np.log(np.clip(curve, 1e-4, 1))
    out = times.copy()
    for k, time in enumerate(times):
        around = round(time * BEAT_RATE) + np.arange(-2, 3)
        around = around[(around >= 1) & (around < len(log) - 1)]
        if not len(around):
            continue
        m = int(around[np.argmax(log[around])])
        a, b, c = log[m - 1], log[m], log[m + 1]
        bend = a - 2 * b + c
        if b >= max(a, c) and bend < -1e-6 and curve[m] > 0.1:
            top = (m + 0.5 * (a - c) / bend) / BEAT_RATE
            out[k] = top if abs(top - time) < 0.045 else time
    return out


def drawn_along(beats: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """Beats moved by what nine of them, with the middles between them, are off their tops."""
    if len(beats) < 5:
        return beats
    both = np.sort(np.concatenate([beats, (beats[1:] + beats[:-1]) / 2]))
    heard = highest_near(curve, both) > 0.2
    off = np.where(heard, _tops(both, curve) - both, 0.0)
    around = np.ones(9)
    count = np.convolve(heard.astype(float), around, "same")
    moved = (both + np.convolve(off, around, "same") / np.maximum(count, 1))[::2]
    return moved if (np.diff(moved) > 0.1).all() else beats


def bridged(beats: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """Beats that hardly anything speaks for (in a break) spread evenly between those that are heard."""
    index = np.arange(len(beats))
    heard = highest_near(curve, beats) > 0.2
    inside = ~heard & (np.cumsum(heard) > 0) & (np.cumsum(heard[::-1])[::-1] > 0)
    return np.where(inside, np.interp(index, index[heard], beats[heard]), beats) if inside.any() else beats


def evened(beats: np.ndarray) -> np.ndarray:
    """Beats moved onto the straight line through five of them where these lie evenly (within 25 ms)."""
    out = beats.copy()
    if len(beats) < 5:
        return out
    k = np.arange(-2, 3)
    for i in range(len(beats)):
        first = min(max(i - 2, 0), len(beats) - 5)
        window = beats[first : first + 5]
        slope = (k * window).sum() / 10
        line = window.mean() + slope * k
        if np.abs(window - line).max() < 0.025:
            out[i] = line[i - first]
    return out if (np.diff(out) > 0.05).all() else beats


def extended(beats: np.ndarray, begin: float, end: float, curve: np.ndarray) -> np.ndarray:
    """Beats carried on to where the sound begins and ends, and none beyond: evenly, or to where one is heard."""
    heard = beats[(beats >= begin) & (beats <= end)]
    beats = heard if len(heard) > 1 else beats
    step = np.median(np.diff(beats[:4])), np.median(np.diff(beats[-2:]))
    before = np.arange(beats[0] - step[0], max(begin, -0.02), -step[0])[::-1]
    after, last, gap = [], beats[-1], step[1]
    while (at := last + gap) < end:
        around = np.arange(round((at - 0.12 * gap) * BEAT_RATE), round((at + 0.2 * gap) * BEAT_RATE) + 1)
        around = around[(around >= 0) & (around < len(curve))]
        stroke = len(around) > 0 and curve[around].max() > 0.3
        if stroke:
            at = between_frames(np.array([around[curve[around].argmax()] / BEAT_RATE]), curve)[0]
        elif at >= end - RING * gap:
            break
        after.append(at)
        last, gap = at, (at - last if stroke else gap)
    return np.maximum(np.concatenate([before, beats, after]), 0) + 0.0  # no minus zero
