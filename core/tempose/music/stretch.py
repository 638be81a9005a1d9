"""The song at another tempo and its own pitch: at timeline second t sounds the song at `tempo_map(t)`.

A phase vocoder with locked phases (Laroche and Dolson, "Improved phase vocoder time-scale modification of
audio", 1999) whose frames lie at evenly spaced timeline seconds and read the song wherever the map says.
Attacks are read at their own speed, with the time made up for in between, so that drums stay sharp and land
where they belong.
"""

from __future__ import annotations

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.tempo import TempoMap

BEFORE, AFTER = 0.020, 0.028  # seconds around an attack that are read at their own speed
STEEPEST = 4.0  # how much faster or slower than asked for the reading may go in between
BLOCK = 256  # frames worked on at once
MAX_SECONDS = 3600.0


def stretch(samples: np.ndarray, rate: int, tempo_map: TempoMap, seconds: float) -> np.ndarray:
    """The sound of a song on the timeline.

    Parameters
    ----------
    samples : (N,) or (N, C) float
        The song, at `rate` samples per second.
    rate : int
    tempo_map : TempoMap
        Where it has slope 1 the song is copied as it is (to the nearest sample).
    seconds : float
        Length on the timeline; before the song's beginning and after its end there is silence.

    Returns
    -------
    samples : (round(seconds * rate),) or (…, C) float32

    Raises
    ------
    TemposeError
        When `seconds` is negative, not finite, or beyond an hour.

    Examples
    --------
    >>> import numpy as np
    >>> from tempose_pose.tempo import TempoMap
    >>> stretch(np.zeros(44_100), 44_100, TempoMap.constant(0.5), 2.0).shape
    (88200,)
    """
    if not (np.isfinite(seconds) and 0 <= seconds <= MAX_SECONDS):
        raise TemposeError("seconds_range", "The stretched song must last between 0 and 3600 seconds.")
    song = np.asarray(samples, np.float32)
    flat = song.ndim == 1
    song = song[:, None] if flat else song
    total = round(seconds * rate)
    if not len(song) or not total:
        out = np.zeros((total, song.shape[1]), np.float32)
        return out[:, 0] if flat else out

    size = 1 << round(np.log2(rate * 0.046))  # 2048 at 44.1 kHz
    hop = size // 4
    centres = np.arange(total // hop + 2) * hop
    if _plain(tempo_map, total / rate):
        out = _read(song, round(float(tempo_map.to_song(0.0)) * rate), total)
        return out[:, 0] if flat else out
    mono = song.mean(1)
    attacks = _attacks(mono, rate)
    guided, attacks_heard = _around_attacks(tempo_map, attacks, total / rate)
    places = np.round(np.interp(centres / rate, guided[:, 0], guided[:, 1]) * rate).astype(int)
    resets = _resets(tempo_map, centres / rate, attacks_heard)
    out = _vocode(song, mono, places, resets, size, hop)[:total]
    return out[:, 0] if flat else out


def _plain(tempo_map: TempoMap, seconds: float) -> bool:
    """Whether the map has slope 1 all along the timeline."""
    times = np.linspace(0, seconds, 8)
    knots = np.array([t for t, _ in tempo_map.points if 0 < t < seconds])
    times = np.unique(np.concatenate([times, knots]))
    return bool(np.allclose(tempo_map.to_song(times) - times, float(tempo_map.to_song(0.0)), atol=1e-9))


def _read(song: np.ndarray, start: int, count: int) -> np.ndarray:
    """`count` samples from `start` on, silence outside of the song."""
    out = np.zeros((count, song.shape[1]), np.float32)
    low, high = max(start, 0), min(start + count, len(song))
    if high > low:
        out[low - start : high - start] = song[low:high]
    return out


def _attacks(mono: np.ndarray, rate: int) -> np.ndarray:
    """Song seconds at which something is struck: peaks of the spectral flux of short frames."""
    size = 1 << round(np.log2(rate * 0.0116))
    hop = size // 4
    padded = np.pad(mono, (size // 2, size))
    count = max(1, len(mono) // hop)
    window = np.hanning(size).astype(np.float32)
    flux, last = np.zeros(count), None
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:count]
    loudest = 1e-9
    spectra = []
    for start in range(0, count, 4096):
        spectrum = np.abs(np.fft.rfft(frames[start : start + 4096] * window, axis=1))[:, : size // 4]
        loudest = max(loudest, float(spectrum.max()))
        spectra.append(spectrum.astype(np.float32))
    for i, spectrum in enumerate(spectra):
        level = np.log1p(300 * spectrum / loudest)
        rise = np.maximum(np.diff(level, axis=0, prepend=level[:1] if last is None else last), 0).mean(1)
        flux[i * 4096 : i * 4096 + len(rise)] = rise
        last = level[-1:]
    # A frame rises as soon as the attack enters it, a quarter of a window before it is centred.
    return _peaks(flux, hop / rate) + size / 4 / rate


def _peaks(flux: np.ndarray, step: float) -> np.ndarray:
    """Seconds of the clear peaks of a flux curve."""
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    near = max(1, round(0.04 / step))
    mean = uniform_filter1d(flux, max(1, round(0.4 / step)), mode="nearest")
    best = maximum_filter1d(flux, 2 * near + 1, mode="nearest")
    good = (flux >= best) & (flux > 2.5 * mean + 0.02)
    return np.flatnonzero(good) * step


def _around_attacks(
    tempo_map: TempoMap, attacks: np.ndarray, seconds: float
) -> tuple[np.ndarray, np.ndarray]:
    """The map with short stretches of slope 1 around attacks, and the timeline seconds of those.

    Returns
    -------
    points : (P, 2) timeline seconds, song seconds, rising in both
    heard : (A,) timeline seconds
    """
    ends = (-1.0, seconds + 1.0)
    points = [(t, s) for t, s in tempo_map.points if ends[0] < t < ends[1]]
    points = [
        (ends[0], float(tempo_map.to_song(ends[0]))),
        *points,
        (ends[1], float(tempo_map.to_song(ends[1]))),
    ]
    knots = np.array(points)
    times = tempo_map.to_timeline(attacks)
    out, heard = [points[0]], []
    for song, time in zip(attacks, times, strict=True):
        if not 0 <= time <= seconds or np.allclose(tempo_map.speed([time - 1e-6, time + 1e-6]), 1, atol=1e-9):
            continue
        begin, end = (time - BEFORE, song - BEFORE), (time + AFTER, song + AFTER)
        between = knots[(knots[:, 0] > out[-1][0]) & (knots[:, 0] < begin[0])]
        path = np.array([out[-1], *between, begin])
        steps = np.diff(path, axis=0)
        if (steps < 1e-4).any():
            continue  # too near the attack before
        ratio = steps[:, 1] / np.diff(tempo_map.to_song(path[:, 0]))
        if ratio.min() < 1 / STEEPEST or ratio.max() > STEEPEST:
            continue
        out += [tuple(p) for p in path[1:]]
        out.append(end)
        heard.append(time)
    out += [tuple(p) for p in knots[knots[:, 0] > out[-1][0]]]
    return np.array(out), np.array(heard)


def _resets(tempo_map: TempoMap, times: np.ndarray, heard: np.ndarray) -> np.ndarray:
    """(frames,) 2 where all phases are the song's own (slope 1), 1 where those of rising bins are."""
    resets = np.zeros(len(times), int)
    resets[np.abs(tempo_map.speed(times) - 1) < 1e-9] = 2
    index = np.searchsorted(times, heard - 0.012)
    rising = np.zeros(len(times), bool)
    rising[index[index < len(times)]] = True
    resets[rising & (resets == 0)] = 1
    resets[0] = 2
    return resets


def _vocode(
    song: np.ndarray, mono: np.ndarray, places: np.ndarray, resets: np.ndarray, size: int, hop: int
) -> np.ndarray:
    """Frames read around `places` and laid down every `hop` samples, their phases carried on.

    One rotation per bin, found on the mono mix, turns all channels: the stereo image stays.
    """
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    pad = size + hop
    low = int(min(places.min(), 0)) - pad
    high = int(max(places.max(), len(song))) + pad
    margin = ((-low, high - len(song)), (0, 0))
    song = np.pad(song, margin)
    mono = np.pad(mono, margin[0])
    starts = places - low - size // 2
    views = np.lib.stride_tricks.sliding_window_view(mono, size)
    out = np.zeros((len(places) * hop + size, song.shape[1]), np.float32)
    weight = np.zeros(len(out), np.float32)
    bins = size // 2 + 1
    turn = np.zeros(bins, np.float32)
    before_phase, before_level = np.zeros(bins, np.float32), np.zeros(bins, np.float32)
    for first in range(0, len(places), BLOCK):
        at = starts[first : first + BLOCK]
        now = np.fft.rfft(views[at] * window, axis=1)
        past = np.fft.rfft(views[at - hop] * window, axis=1)
        level = np.abs(now).astype(np.float32)
        phase = np.angle(now).astype(np.float32)
        advance = np.angle(now * np.conj(past)).astype(np.float32)
        peak = _nearest_peak(level)
        turns = np.empty_like(phase)
        for i in range(len(at)):
            kind = resets[first + i]
            if kind == 2:
                turn = np.zeros(bins, np.float32)
            else:
                p = peak[i]
                fresh = (before_phase + turn + advance[i] - phase[i])[p]
                turn = np.where(level[i] > 1.5 * before_level, 0, fresh) if kind == 1 else fresh
            turns[i] = turn
            before_phase, before_level = phase[i], level[i]
        rotation = np.exp(1j * turns)
        for c in range(song.shape[1]):
            if song.shape[1] == 1:
                spectrum = now
            else:
                channel = np.lib.stride_tricks.sliding_window_view(song[:, c], size)
                spectrum = np.fft.rfft(channel[at] * window, axis=1)
            frames = np.fft.irfft(spectrum * rotation, n=size, axis=1).astype(np.float32) * window
            for i, frame in enumerate(frames):
                k = (first + i) * hop
                out[k : k + size, c] += frame
        for i in range(len(at)):
            k = (first + i) * hop
            weight[k : k + size] += window**2
    out /= np.maximum(weight, 1e-3)[:, None]
    return out[size // 2 :]


def _nearest_peak(level: np.ndarray) -> np.ndarray:
    """(frames, bins) index of the spectral peak that each bin belongs to (the nearest one)."""
    bins = level.shape[1]
    padded = np.pad(level, ((0, 0), (2, 2)), mode="constant", constant_values=-1)
    peak = np.ones_like(level, bool)
    for shift in (0, 1, 3, 4):
        peak &= level >= padded[:, shift : shift + bins]
    index = np.arange(bins)
    left = np.maximum.accumulate(np.where(peak, index, -(10**6)), axis=1)
    right = np.minimum.accumulate(np.where(peak, index, 10**6)[:, ::-1], axis=1)[:, ::-1]
    return np.where(index - left <= right - index, left, right)
