"""Does the dance follow the tempo? Its own tempo, the slope over songs, the answer to a change.

Convention
----------
The *dance tempo* is the strongest period of the speed curve, 33 to 220 per minute, by autocorrelation with
its multiples (a comb, so that a period must repeat). Dancers move at half, equal or double tempo, so a period
of half or double the beat is as true as the beat itself.

Folding every estimate to the octave nearest to the song would give a slope of 1 to noise. So for a *series*
(the same song at several tempi) one factor out of ½, 1, 2 holds for the whole series, and the slope
(Theil–Sen, robust to one wrong octave) is taken with the factor that fits best; beside it stands the share of
clean hits (within 4 %) and the share that shuffled tempi would hit. ``slope_folded`` folds a tempo to the
song's octave only where it is *clean* there: a dancer may change from half to double time within a series, and a
dance that hits no tempo gains nothing. It, too, comes with its value for shuffled songs.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tempose.metrics import curves
from tempose.metrics.beats import alignment, motion_beats
from tempose.metrics.curves import filled, in_body_heights, mean_speed
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.grid import BeatGrid
from tempose_pose.sequence import PoseSequence

RANGE = (33.0, 220.0)  # half of 70 lies inside
FACTORS = (0.5, 1.0, 2.0)
CLEAN = 0.04


def validate(poses: PoseSequence) -> None:
    """Check the motion (`curves.validate`)."""
    curves.validate(poses)


def _pulse(poses: PoseSequence) -> np.ndarray:
    """The speed curve, lightly smoothed, detrended, with unit variance (or all zero)."""
    speed = mean_speed(in_body_heights(poses), poses.fps)
    speed = gaussian_filter1d(speed, 0.04 * poses.fps) - gaussian_filter1d(speed, 1.0 * poses.fps)
    std = speed.std()
    return speed / std if std > 1e-6 else np.zeros_like(speed)


def dance_tempo(poses: PoseSequence, bpm_range: tuple[float, float] = RANGE) -> tuple[float, float]:
    """Strongest tempo of the motion and how clear it is.

    Returns
    -------
    bpm : float
        0 when the motion has no period (still, or shorter than three periods).
    clarity : float
        Mean autocorrelation at the period and its next two multiples: 1 for a strictly periodic motion,
        0.1 to 0.3 for real dance, around 0 for noise.
    """
    validate(poses)
    pulse = _pulse(poses)
    size = len(pulse)
    power = np.abs(np.fft.rfft(pulse, 2 * size)) ** 2
    correlation = np.fft.irfft(power)[:size] / np.maximum(np.arange(size, 0, -1), 1)  # unbiased
    bpm = np.geomspace(*bpm_range, 1200)
    lags = 60 / bpm * poses.fps
    usable = 3 * lags < 0.9 * size
    if not pulse.any() or not usable.any():
        return 0.0, 0.0
    bpm, lags = bpm[usable], lags[usable]
    comb = np.mean([np.interp(k * lags, np.arange(size), correlation) for k in (1, 2, 3)], axis=0)
    # every multiple of a true period scores as well: take the fastest that is as good as the best
    peaks = np.flatnonzero((comb[1:-1] >= comb[:-2]) & (comb[1:-1] > comb[2:])) + 1
    if len(peaks) == 0:
        return 0.0, 0.0
    best = comb[peaks].max()
    good = peaks[comb[peaks] >= best - 0.1 * abs(best)]
    chosen = good[-1]
    return float(bpm[chosen]), float(comb[chosen])


def is_clean(dance_bpm: float, song_bpm: float, tolerance: float = CLEAN) -> bool:
    """Whether the dance's tempo is half, equal or double the song's."""
    if dance_bpm <= 0 or song_bpm <= 0:
        return False
    return min(abs(dance_bpm / (song_bpm * f) - 1) for f in FACTORS) <= tolerance


def tempo_following(song_bpm: np.ndarray, dance_bpm: np.ndarray, shuffles: int = 200) -> dict[str, float]:
    """How the dance's tempo follows the song's over a series of tempi.

    Parameters
    ----------
    song_bpm, dance_bpm : (N,) float
        With N at least 3. Dances without a tempo (0) count as misses.

    Returns
    -------
    dict
        ``slope`` (1 is perfect), ``factor`` (the octave: ½, 1 or 2 steps per beat), ``slope_folded`` (each
        clean half or double counts as the song's tempo), ``slope_folded_chance`` (the same with shuffled
        songs), ``hits`` (share of clean tempi), ``hits_chance``, ``hits_excess``.
    """
    song, dance = np.asarray(song_bpm, float), np.asarray(dance_bpm, float)
    if song.shape != dance.shape or song.ndim != 1 or len(song) < 3 or not np.isfinite([song, dance]).all():
        raise TemposeError("metrics_series", "Tempo following needs three or more pairs of tempi.")
    random = np.random.default_rng(0)
    mixed = [random.permutation(song) for _ in range(shuffles)]
    hits = float((_clean_factors(song, dance) > 0).mean())
    chance = float(np.mean([(_clean_factors(m, dance) > 0).mean() for m in mixed]))
    known = dance > 0
    slope, factor, folded, folded_chance = 0.0, 1.0, 0.0, 0.0
    if known.sum() >= 3 and np.ptp(song[known]) > 1:
        fits = []
        for f in FACTORS:
            error = np.median(np.abs(np.log(dance[known] / f / song[known])))
            fits.append((error, f, _slope(song[known], dance[known] / f)))
        _, factor, slope = min(fits)
        folded = _folded_slope(song[known], dance[known], factor)
        folded_chance = float(np.mean([_folded_slope(m[known], dance[known], factor) for m in mixed]))
    return {
        "slope": slope,
        "factor": factor,
        "slope_folded": folded,
        "slope_folded_chance": folded_chance,
        "hits": hits,
        "hits_chance": chance,
        "hits_excess": hits - chance,
    }


def _clean_factors(song: np.ndarray, dance: np.ndarray) -> np.ndarray:
    """The factor (N,) at which the dance's tempo is clean; 0 if there is none."""
    off = np.abs(dance[:, None] / (song[:, None] * np.asarray(FACTORS)) - 1)
    best = off.argmin(1)
    return np.where(off.min(1) <= CLEAN, np.asarray(FACTORS)[best], 0.0)


def _slope(song: np.ndarray, dance: np.ndarray) -> float:
    """Theil–Sen: the median slope over all pairs; 0 if all songs have the same tempo."""
    rise, run = dance[:, None] - dance, song[:, None] - song
    return float(np.median(rise[run > 1e-6] / run[run > 1e-6])) if np.ptp(song) > 1 else 0.0


def _folded_slope(song: np.ndarray, dance: np.ndarray, factor: float) -> float:
    by = _clean_factors(song, dance)
    return _slope(song, dance / np.where(by > 0, by, factor))


def spectral_following(song_bpm: np.ndarray, dances: list[PoseSequence]) -> float:
    """Slope of the dances' log tempo against the songs', without choosing a period: 1 follows, 0 ignores it.

    For each pair of dances less than 0.8 octaves apart in song tempo, how far the spectrum of the speed curve
    moved, against how far it should have. More robust than `tempo_following` if dances have no single period.

    Parameters
    ----------
    song_bpm : (N,) float
    dances : list of N PoseSequence
        To the same music at these tempi.
    """
    song = np.log2(np.asarray(song_bpm, float))
    if len(song) != len(dances) or len(song) < 3 or not np.isfinite(song).all():
        raise TemposeError("metrics_series", "Tempo following needs three or more pairs of tempi.")
    pulses = [_pulse(d) for d in dances]
    moved, due = [], []
    for i in range(len(song)):
        for j in range(i + 1, len(song)):
            if 0.05 < abs(song[j] - song[i]) < 0.8:
                factor = _spectrum_shift(pulses[i], pulses[j], dances[i].fps)
                moved.append(np.log2(factor) if factor > 0 else 0.0)
                due.append(song[j] - song[i])
    x, y = np.asarray(due), np.asarray(moved)
    return float((x * y).sum() / (x * x).sum()) if len(x) else 0.0


def beat_power(poses: PoseSequence, beats: np.ndarray) -> dict[str, float]:
    """How much of the speed curve repeats with the beat: power at ½, 1 and 2 cycles per beat, in beat time.

    Holds through tempo changes. ``beat_power_chance`` is the same at frequencies beside those.
    """
    grid = BeatGrid(np.asarray(beats, float))
    if len(grid.beats) < 8:
        return {"beat_power": 0.0, "beat_power_chance": 0.0}
    times = (np.arange(len(poses) - 1) + 0.5) / poses.fps
    inside = (times >= grid.beats[0]) & (times <= grid.beats[-1])
    pulse, at = _pulse(poses)[inside], grid.beat_position(times[inside])
    if len(pulse) < 8 or not pulse.any():
        return {"beat_power": 0.0, "beat_power_chance": 0.0}

    def share(cycles: float) -> float:
        return float(2 * np.abs(np.mean(pulse * np.exp(-2j * np.pi * cycles * at))) ** 2 / np.mean(pulse**2))

    beside = [c * off for c in FACTORS for off in (0.77, 0.83, 0.88, 1.13, 1.19, 1.26)]
    chance = 3 * float(np.mean([share(c) for c in beside]))
    return {"beat_power": sum(share(c) for c in FACTORS), "beat_power_chance": chance}


def tempo_change(
    poses: PoseSequence, beats: np.ndarray, change: float, window_beats: float = 4.0
) -> dict[str, float]:
    """The answer to one sudden tempo change.

    Parameters
    ----------
    poses : PoseSequence
    beats : (B,) float
        The music's beats, seconds.
    change : float
        Second at which the tempo changes.
    window_beats : float
        Length of the sliding window, in beats of the slower tempo.

    Returns
    -------
    dict
        ``song_ratio`` (new tempo over old); ``dance_ratio`` (the dance's own: how far the spectrum of its
        speed curve moved); ``speed_ratio`` (mean joint speed after over before); ``amplitude_ratio`` (the
        same for the joints' spread about their mean place); ``delay_beats``: how many
        new beats after the change the new tempo's power overtakes the old one's (NaN: never, or it was ahead
        before the change already, or the tempi lie within 8 % of an octave and cannot be told apart in a
        window of this length).
    """
    validate(poses)
    beats = np.asarray(beats, float)
    old, new = np.diff(beats[beats <= change + 1e-3]), np.diff(beats[beats >= change - 1e-3])
    if len(old) < 2 or len(new) < 2:
        raise TemposeError("metrics_change", "A tempo change needs three beats or more on either side.")
    before, after = float(np.median(old)), float(np.median(new))
    times = (np.arange(len(poses) - 1) + 0.5) / poses.fps
    pulse = _pulse(poses)
    pulse = pulse / np.sqrt(gaussian_filter1d(pulse**2, 0.5 * poses.fps) + 1e-3)  # faster is livelier, too
    speed = mean_speed(in_body_heights(poses), poses.fps)
    width = window_beats * max(before, after)

    def power(center: float, interval: float) -> float:
        weight = np.exp(-0.5 * ((times - center) / (width / 4)) ** 2)
        return sum(
            abs((weight * pulse * np.exp(-2j * np.pi * f * times / interval)).sum()) ** 2 for f in (0.5, 1, 2)
        )

    first = max(change - 1.5 * width, width / 4)
    centers = np.arange(first, min(change + 16 * after, times[-1] - width / 4), 1 / poses.fps)
    ahead = np.asarray([power(c, after) > power(c, before) for c in centers])
    earlier = centers <= change - width / 2
    was_there = bool(earlier.any() and ahead[earlier].mean() > 0.5)  # at the new tempo before it began
    held = np.flatnonzero(~earlier & ahead & (np.convolve(ahead, np.ones(8), "full")[7:] > 7.5))
    octaves = np.log2(before / after)
    alike = abs(octaves - round(octaves)) < np.log2(1.08)
    answered = len(held) > 0 and not alike and not was_there
    delay = float((centers[held[0]] - change) / after) if answered else float("nan")
    ratio = _spectrum_shift(pulse[times < change], pulse[times >= change], poses.fps)
    calm = speed[times < change].mean()
    return {
        "song_ratio": before / after,
        "dance_ratio": ratio,
        "speed_ratio": float(speed[times >= change].mean() / calm) if calm > 1e-9 else 0.0,
        "amplitude_ratio": _amplitude(poses, change),
        "delay_beats": delay,
    }


def _amplitude(poses: PoseSequence, change: float) -> float:
    """Spread of the joints about their mean place, after over before."""
    points, cut = filled(in_body_heights(poses)), round(change * poses.fps)
    before, after = (float(part.std(0).mean()) for part in (points[:cut], points[cut:]))
    return after / before if before > 1e-9 else 0.0


def alignment_around(
    poses: PoseSequence, beats: np.ndarray, change: float, reach: int = 8
) -> tuple[np.ndarray, np.ndarray]:
    """How well each beat around a change is danced: the kernel of `beats.alignment`, beat by beat.

    It says nothing about one dance; averaged over many, it shows whether the first new beats are missed.

    Returns
    -------
    offsets : (2 reach + 1,) int
        Beats since the change.
    kernel : (2 reach + 1,) float
        NaN where there is no such beat.
    """
    beats = np.asarray(beats, float)
    middle = int(np.abs(beats - change).argmin())
    stops, offsets = motion_beats(poses), np.arange(-reach, reach + 1)
    there = (middle + offsets >= 0) & (middle + offsets < len(beats))
    kernel = np.full(len(offsets), np.nan)
    kernel[there] = [alignment(beats[[i]], stops) for i in middle + offsets[there]]
    return offsets, kernel


def _spectrum_shift(before: np.ndarray, after: np.ndarray, fps: float) -> float:
    """Factor by which all frequencies rose, up to an octave either way: the best fit of two spectra over log
    frequency.

    No octave needs to be chosen, because all multiples of a tempo move together.
    """
    steps = 96  # per octave
    octaves = np.arange(np.log2(0.25), np.log2(7.0), 1 / steps)

    def spectrum(pulse: np.ndarray) -> np.ndarray:
        window = pulse * np.hanning(len(pulse))
        size = 1 << 14
        power = np.abs(np.fft.rfft(window, size))
        curve = np.interp(2**octaves, np.fft.rfftfreq(size, 1 / fps), power)
        curve = gaussian_filter1d(curve, 3)
        return curve - curve.mean()

    a, b = spectrum(before), spectrum(after)
    shifts = np.arange(-steps + 1, steps)
    scores = []
    for shift in shifts:
        x, y = (a[: len(a) - shift], b[shift:]) if shift >= 0 else (a[-shift:], b[:shift])
        scale = float(np.linalg.norm(x) * np.linalg.norm(y))
        scores.append(float(x @ y) / scale if scale > 1e-9 else 0.0)
    return float(2 ** (shifts[int(np.argmax(scores))] / steps)) if max(scores) > 0 else 0.0


def evaluate(dance: Dance) -> dict[str, float]:
    """The dance's own tempo and the music's."""
    bpm, clarity = dance_tempo(dance.poses)
    song = BeatGrid(dance.beat_times).bpm
    return {
        "song_bpm": song,
        "dance_bpm": bpm,
        "tempo_clarity": clarity,
        "tempo_clean": float(is_clean(bpm, song)),
        **beat_power(dance.poses, dance.beat_times),
    }
