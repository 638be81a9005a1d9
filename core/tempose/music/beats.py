"""Beats: where they are, which begin a bar, and how sure that is."""

from __future__ import annotations

import numpy as np

from tempose.music.spectra import BEAT_RATE, SAMPLE_RATE
from tempose_pose.grid import BeatGrid

RATE = 100  # beats are first sought on a grid of 10 ms, then placed between its points
SLOWEST, FASTEST = 48.0, 215.0  # beats per minute
CENTRE, SPREAD = 112.0, 0.75  # what tempi are likely before anything is heard: median and octaves
EACH = 0.6  # weight of that likelihood for every beat anew (4 for the first one)
STIFF = 45.0  # cost of a change of tempo, per unit of log ratio …
SUPPLE = 0.07  # … from about here on; smaller ones, as in a ritardando, cost by their square …
CHANGE = 14.0  # … and none more than this: an abrupt change must pay for itself within a few beats
OCTAVE = 8.0  # more for changes that are rather mistakes of octave (beyond a factor of 1.6)
QUIET = 1e-4
DOUBLED = 95.0  # tempo from which on every second beat may be one too many …
RATHER = 150.0  # … and from which on that is the rule: few people tap as fast
HALVE = 0.8  # how probable that must be
FAST, SLOW = 165.0, 66.0  # at tempi beyond these …
UNUSUAL = 0.35  # … the tracker counts a song of a usual tempo by another octave so often
EIGHTHS = (
    120.0  # tempo from which on beats may be the eighths of 6/8, or three in the time of two dotted beats …
)
DOTTED = 1.0  # … where one in three is rated higher than both others by so many log odds
COMPOUND = 132.0  # threes this fast may be the eighths of 6/8
METERS, COMPOUND_METERS = (4, 3), (2,)
SHIFTED = (
    16.0  # log odds against bars that begin elsewhere all at once; half as much again, against another length
)
EDGE = 0.03  # seconds before the end of the file: where a loop ends, the next one would begin
RING = 0.1  # of a beat that the last one rings where no stroke of it is heard
AT_ONCE = 4.0  # log odds that a sound which begins on a beat begins with a bar: loops do


def track_beats(samples: np.ndarray) -> BeatGrid:
    """The beat grid of a song.

    A network rates every moment (`beat_net`); the best sequence of beats through these ratings is found by
    dynamic programming over beat time and interval, which follows steady tempi, drift and abrupt changes.

    Parameters
    ----------
    samples : (N,) float
        Mono at 22,050 Hz.

    Returns
    -------
    BeatGrid
        In seconds. What holds no beat (silence, a moment of sound, noise) gets an evenly spaced or empty
        grid and a confidence at or near 0.
    """
    samples = np.nan_to_num(np.asarray(samples, np.float32))
    seconds = len(samples) / SAMPLE_RATE
    if seconds < 0.5 or np.abs(samples).max() < QUIET:
        return _even(seconds)
    from tempose.music.beat_net import activations

    heard = activations(samples)
    times = np.arange(int(seconds * RATE) + 1) / RATE
    rating = _logit(np.interp(times, np.arange(len(heard)) / BEAT_RATE, heard[:, 0]))
    path = best_path(rating)
    if len(path) < 2:
        return _even(seconds)
    beats = _between_frames(path / RATE, heard[:, 0], BEAT_RATE)
    beats = _evened(_bridged(beats, heard[:, 0], BEAT_RATE))
    plain, beats = beats, _dotted(beats, heard[:, 0], BEAT_RATE)
    meters = METERS if beats is plain else COMPOUND_METERS
    beats, doubt = _at_its_octave(beats, heard, BEAT_RATE)
    begin, end = _audible(samples)
    confidence = _confidence(beats, heard[:, 0], BEAT_RATE, end - begin, doubt)
    beats = _extended(beats, begin, min(end, seconds - EDGE), heard[:, 0], BEAT_RATE)
    bar = _logit(_near(heard[:, 1], beats, BEAT_RATE))
    bar[0] += AT_ONCE * (max(begin, beats[0]) < 0.05)
    return BeatGrid(beats, beats[_downbeats(bar, meters)], confidence, _near(heard[:, 0], beats, BEAT_RATE))


def tempo_curve(grid: BeatGrid) -> np.ndarray:
    """(B - 1, 2) seconds and beats per minute from there on, smoothed over three beats."""
    intervals = np.diff(grid.beats)
    if not len(intervals):
        return np.zeros((0, 2))
    padded = np.pad(intervals, 1, mode="edge")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, 3), axis=1)
    return np.column_stack([grid.beats[:-1], 60 / smooth])


def loudness(samples: np.ndarray, per_second: int = 10) -> np.ndarray:
    """(N,) float root mean square of each tenth of a second, the loudest being 1; zeros for silence."""
    step = SAMPLE_RATE // per_second
    samples = np.asarray(samples, np.float32)
    count = -(-len(samples) // step)
    blocks = np.pad(samples, (0, count * step - len(samples))).reshape(count, step)
    level = np.sqrt(np.mean(blocks.astype(float) ** 2, axis=1))
    return level / max(level.max(initial=0.0), QUIET)


def best_path(rating: np.ndarray) -> np.ndarray:
    """Frames of the best-rated sequence of beats.

    D[t, i], the best sum of ratings of beats up to one at frame t that follows the last by interval i, is
    rating[t] + max over j of (D[t - i, j] - cost of going from interval j to i).

    Parameters
    ----------
    rating : (T,) float
        Log odds of a beat at each frame, at `RATE` frames per second.

    Returns
    -------
    (B,) int, rising
    """
    intervals = np.arange(round(60 * RATE / FASTEST), round(60 * RATE / SLOWEST) + 1)
    log = np.log(intervals)
    change = np.abs(log[:, None] - log[None, :])
    cost = np.minimum(STIFF * change**2 / (change + SUPPLE), CHANGE) + OCTAVE * (change > np.log(1.6))
    prior = -0.5 * (np.log2(60 * RATE / intervals / CENTRE) / SPREAD) ** 2
    count, longest = len(rating), intervals[-1]
    reached = np.full(
        (count + longest, len(intervals)), -np.inf, np.float32
    )  # best before a step of i from t
    back = np.zeros((count, len(intervals)), np.int16)
    reached[longest:] = 0.0
    best, best_end = -np.inf, (0, 0)
    columns = np.arange(len(intervals))
    for t in range(count):
        start = np.where(t - intervals < 0, prior * 4, -np.inf)  # a first beat, its interval still unheard
        before = np.maximum(reached[t - intervals + longest, columns], start)
        fresh = 4 * prior  # a first beat in the midst of the song: what was before is not rated
        total = rating[t] + np.maximum(before + EACH * prior, fresh)
        i = int(np.argmax(total))
        if total[i] > best:
            best, best_end = total[i], (t, i)
        came = total[:, None] - cost
        back[t] = np.argmax(came, axis=0)
        reached[t + longest] = came[back[t], columns]
    t, i = best_end
    frames = [t]
    while True:
        earlier = t - int(intervals[i])
        if earlier < 0 or reached[earlier + longest, i] + EACH * prior[i] < 4 * prior[i]:  # as at `fresh`
            return np.array(frames[::-1])
        t, i = earlier, int(back[earlier, i])
        frames.append(t)


def _probability(odds):
    return 1 / (1 + np.exp(-odds))


def _logit(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 0.01, 0.99)
    return np.log(p / (1 - p))


def _even(seconds: float) -> BeatGrid:
    """120 beats a minute, for want of any."""
    beats = np.arange(0, seconds, 0.5) if seconds >= 0.5 else np.zeros(0)
    return BeatGrid(beats, beats[::4], 0.0)


def _near(curve: np.ndarray, times: np.ndarray, rate: int) -> np.ndarray:
    """The curve's highest value within 40 ms of each time."""
    index = np.round(times * rate).astype(int)[:, None] + np.arange(-2, 3)
    return curve[np.clip(index, 0, len(curve) - 1)].max(1)


def _between_frames(times: np.ndarray, curve: np.ndarray, rate: int) -> np.ndarray:
    """Times moved to the top of the parabola through the log of the curve's highest three points nearby."""
    log = np.log(np.clip(curve, 1e-4, 1))
    out = times.copy()
    for k, time in enumerate(times):
        around = round(time * rate) + np.arange(-2, 3)
        around = around[(around >= 1) & (around < len(log) - 1)]
        if not len(around):
            continue
        m = int(around[np.argmax(log[around])])
        a, b, c = log[m - 1], log[m], log[m + 1]
        bend = a - 2 * b + c
        if b >= max(a, c) and bend < -1e-6 and curve[m] > 0.1:
            top = (m + 0.5 * (a - c) / bend) / rate
            out[k] = top if abs(top - time) < 0.045 else time
    good = np.concatenate([[True], np.diff(out) > 0.1])
    return np.maximum(out[good], 0) + 0.0  # no minus zero


def _bridged(beats: np.ndarray, curve: np.ndarray, rate: int) -> np.ndarray:
    """Beats that hardly anything speaks for (in a break) spread evenly between those that are heard."""
    index = np.arange(len(beats))
    heard = _near(curve, beats, rate) > 0.2
    inside = ~heard & (np.cumsum(heard) > 0) & (np.cumsum(heard[::-1])[::-1] > 0)
    return np.where(inside, np.interp(index, index[heard], beats[heard]), beats) if inside.any() else beats


def _evened(beats: np.ndarray) -> np.ndarray:
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


def _audible(samples: np.ndarray) -> tuple[float, float]:
    """Seconds between which the song sounds, with a little to spare."""
    loud = np.flatnonzero(loudness(samples, 50) > 0.003) / 50
    return (loud[0] - 0.03, loud[-1] + 0.02) if len(loud) else (0.0, len(samples) / SAMPLE_RATE)


def _extended(beats: np.ndarray, begin: float, end: float, curve: np.ndarray, rate: int) -> np.ndarray:
    """Beats carried on to where the sound begins and ends, and none beyond: evenly, or to where one is heard."""
    heard = beats[(beats >= begin) & (beats <= end)]
    beats = heard if len(heard) > 1 else beats
    step = np.median(np.diff(beats[:4])), np.median(np.diff(beats[-2:]))
    before = np.arange(beats[0] - step[0], max(begin, -0.02), -step[0])[::-1]
    after, last, gap = [], beats[-1], step[1]
    while (at := last + gap) < end:
        near = np.arange(round((at - 0.12 * gap) * rate), round((at + 0.2 * gap) * rate) + 1)
        near = near[(near >= 0) & (near < len(curve))]
        if len(near) and curve[near].max() > 0.3:
            at = _between_frames(np.array([near[curve[near].argmax()] / rate]), curve, rate)[0]
        elif at >= end - RING * gap:
            break
        after.append(at)
        last, gap = at, (at - last if len(near) and curve[near].max() > 0.3 else gap)
    return np.concatenate([np.maximum(before, 0), beats, after]) + 0.0


def _downbeats(rating: np.ndarray, meters: tuple[int, ...] = METERS) -> np.ndarray:
    """(D,) indices of beats that begin a bar: the best path through bars of so many beats, the first ones rather.

    Parameters
    ----------
    rating : (B,) float
        Log odds of a downbeat at each beat.
    """
    states = [(m, p) for m in meters for p in range(m)]
    cost = np.full((len(states), len(states)), 1.5 * SHIFTED)
    for a, (m, p) in enumerate(states):
        for b, (n, q) in enumerate(states):
            if n == m:
                cost[a, b] = 0.0 if q == (p + 1) % m else SHIFTED
    first = np.array([p == 0 for _, p in states])
    # Threes count one beat in three as a downbeat, fours one in four: without evidence four wins. Of a metronome
    # each click is rated as a downbeat; what they all have is no evidence.
    rating = rating - max(0.0, float(rating.mean()))
    gain = np.where(first, 1.0, -0.33)
    score = np.array([0.0 if m == meters[0] else -4.0 for m, _ in states]) + gain * rating[0]
    back = np.zeros((len(rating), len(states)), int)
    for k in range(1, len(rating)):
        came = score[:, None] - cost
        back[k] = came.argmax(0)
        score = came.max(0) + gain * rating[k]
    state = int(score.argmax())
    chosen = []
    for k in range(len(rating) - 1, -1, -1):
        if first[state]:
            chosen.append(k)
        state = int(back[k, state])
    return np.array(chosen[::-1], int)


def _dotted(beats: np.ndarray, curve: np.ndarray, rate: int) -> np.ndarray:
    """The beats, or the dotted ones where eighths of 6/8 were followed, or three in the time of two.

    Then one in three stands out. Where what lies in the middle between two of these is rated higher than the beats
    that were followed there, two dotted beats had been heard as three.
    """
    if len(beats) < 16 or 60 / np.median(np.diff(beats)) < EIGHTHS:
        return beats
    rating = _logit(_near(curve, beats, rate))
    thirds = [float(rating[k::3].mean()) for k in range(3)]
    first = int(np.argmax(thirds))
    low, middle, high = sorted(thirds)
    if high - middle < DOTTED:
        return beats
    third = beats[first::3]
    between = (third[:-1] + third[1:]) / 2
    if _logit(_near(curve, between, rate)).mean() > (low + middle) / 2:
        return np.sort(np.concatenate([third, between]))
    return third if 60 / np.median(np.diff(third)) >= SLOWEST / 1.2 else beats


def _at_its_octave(beats: np.ndarray, heard: np.ndarray, rate: int) -> tuple[np.ndarray, float]:
    """The beats, or every second one where the tempo is rather a doubled one; and the doubt that remains.

    In a slow song the off-beats are heard as beats, too, but less clearly, and bars come every eighth "beat".
    The numbers are a logistic regression on 131 rendered songs with a steady beat (32 of them doubled) that
    the network (an earlier training of it) had not heard; in cross-validation it halved 15 of the 32, and none
    of the other 99. Beyond `RATHER` the tempo itself speaks for halving.

    Parameters
    ----------
    beats : (B,) float
    heard : (F, 2) float
        Probabilities of a beat and of a downbeat.

    Returns
    -------
    beats : (B,) or about (B / 2,) float
    doubt : float
        Probability that another octave, or the bars of a compound metre, is the right one.
    """
    if len(beats) < 16:
        return beats, 0.0
    low, middle, high = np.percentile(np.diff(beats), (10, 50, 90))
    doubt, bpm = 0.0, 60 / middle
    if bpm > DOUBLED:
        beat, bar = _logit(_near(heard[:, 0], beats, rate)), _near(heard[:, 1], beats, rate)
        halves = [beat[k::2].mean() for k in (0, 1)]
        eight, four = (max(bar[k::n].mean() for k in range(n)) for n in (8, 4))
        odds = 2.9 * abs(halves[0] - halves[1]) + 20.5 * (eight - four) - 1.94 * beat.mean() - 0.6
        doubt = float(_probability(odds + 6 * max(0.0, np.log2(bpm / RATHER))))
        if doubt >= HALVE and high - low <= 0.15 * middle:  # where the tempo changes, bars tell less
            return beats[int(np.argmax(halves)) :: 2], 1 - doubt
    between = _logit(_near(heard[:, 0], (beats[:-1] + beats[1:]) / 2, rate)).mean()  # might be beats, too
    certain = (1 - doubt) * (1 - 0.6 * _probability(1.2 * (between + 1)))
    return beats, float(1 - certain * (1 - _doubt_of_level(beats, heard, rate)))


def _doubt_of_level(beats: np.ndarray, heard: np.ndarray, rate: int) -> float:
    """Probability that people would count twice or three times as fast or slow as these beats, by the tempo alone.

    Few people tap so fast or so slowly; or three beats make a bar so fast that the bars are the beats.
    """
    bpm = 60 / np.median(np.diff(beats))
    unusual = UNUSUAL if bpm > FAST or bpm < SLOW else 0.0
    bar = _near(heard[:, 1], beats, rate)
    three, four = (max(bar[k::n].mean() for k in range(n)) for n in (3, 4))
    compound = UNUSUAL if three > four and bpm > COMPOUND else 0.0
    return max(unusual, compound)


def _confidence(beats: np.ndarray, curve: np.ndarray, rate: int, audible: float, doubt: float = 0.0) -> float:
    """How probable it is that the grid is right (F-measure above 0.8): how high the beats stand, how evenly
    they lie, how much of the song they cover, and how sure their octave is.

    The numbers are a logistic regression on 240 rendered songs that the network (an earlier training of it) had not
    heard; on newer ones it is rather too low (docs/metrics.md).

    Parameters
    ----------
    beats : (B,) float, as heard, before they are carried on to the song's ends
    curve : (F,) float
        Probability of a beat.
    audible : float
        Seconds that sound.
    doubt : float
        Of the octave; see `_at_its_octave`.
    """
    height = _logit(_near(curve, beats, rate).mean())
    steps = np.abs(np.diff(np.log(np.diff(beats))))
    unevenness = float(steps.mean()) if len(steps) else 1.0
    odds = 2.0 * height - 15.8 * unevenness - 1.67
    covered = (beats[-1] - beats[0] + np.median(np.diff(beats))) / max(audible, 1e-6)
    few = min(1.0, len(beats) / 12)  # three beats in a row may be chance
    return float((1 - doubt) * min(1.0, covered) * few * _probability(odds))
