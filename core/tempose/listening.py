"""What the sound asks of the dancer: how lively and how sharp, from how loud it is and how strongly it strikes.

Everything is relative to the song itself, so that a quiet recording is danced as a loud one is, and its quiet verse
is danced calmly.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_opening, gaussian_filter1d, uniform_filter1d

from tempose.music.features import LISTENED
from tempose.music.spectra import FPS
from tempose_pose.curves import RANGES
from tempose_pose.grid import BeatGrid

USUAL = 70  # percentile of a song's loudness and onsets that counts as its usual level
LOUDNESS = 1.8  # energy per unit of loudness, which is 40 dB
ONSETS = 0.4  # energy per standard deviation of the onset strength
SPREAD = 0.3  # added to that deviation: songs of even strokes are not stretched
STRONGEST = 6.0  # onsets above this are clicks
SMOOTH = 15  # frames over which loudness and onsets are averaged
SILENT = -0.6  # loudness: 64 dB below the loudest frame
REST = 20  # frames: a silence shorter than this lies between strokes; in a longer one the dancer stands
STILL = -100.0  # energy below anything: stands at any strength and any base
RING_OUT = 4.0  # seconds that a last stroke may ring; where more follows, it was not the end
STRUCK = 0.35  # share of the strong onsets of the song (its 98th percentile) that a last stroke reaches
FULL = 0.3  # and so much under the song's usual loudness, 12 dB, it may lie
POSE = 0.25  # beats after the last stroke, from when on its pose is held
LAST_HIT = 0.8  # how sharply it is struck
HIT = 0.5  # how far the beats shall stop; training's clips do by 0.17, and the beat lock rises with more ...
HIT_SPREAD = 0.3  # ... and how far beats of one standard deviation stronger do so more


def sound_energy(listened: np.ndarray, grid: BeatGrid) -> np.ndarray:
    """(F,) energy relative to a song's usual one, at 30 per second of song; `STILL` where it is silent or over.

    Parameters
    ----------
    listened : (F, 35)
        See `tempose.music.features.song_features`.
    grid : BeatGrid
        In song seconds.
    """
    loud, onset = listened[:, LISTENED["loudness"]][:, 0], _onset(listened)
    silent = np.asarray(binary_opening(loud < SILENT, np.ones(REST)), bool)
    loud, onset = uniform_filter1d(loud, SMOOTH), uniform_filter1d(onset, SMOOTH)
    strokes = (onset - np.percentile(onset, USUAL)) / (onset.std() + SPREAD)
    energy = LOUDNESS * (loud - np.percentile(loud, USUAL)) + ONSETS * strokes
    last = last_stroke(listened, grid)
    if last is not None:
        beat = float(np.diff(grid.beats[-9:]).mean())
        silent = silent | (np.arange(len(loud)) / FPS > last + POSE * beat)
    return np.where(silent, STILL, energy)


def last_stroke(listened: np.ndarray, grid: BeatGrid) -> float | None:
    """Second of the beat that ends the song: the last that is struck, if the sound does not go on after it."""
    onset, loud = _onset(listened), listened[:, LISTENED["loudness"]][:, 0]
    sounding = np.flatnonzero(loud >= SILENT)
    strong = (onset >= STRUCK * np.percentile(onset, 98)) & (loud >= np.percentile(loud, USUAL) - FULL)
    struck = np.flatnonzero(strong)
    if len(grid.beats) < 3 or not len(sounding) or not len(struck):
        return None
    beat = float(grid.beats[np.abs(grid.beats - struck[-1] / FPS).argmin()])
    return beat if sounding[-1] / FPS - beat <= RING_OUT else None


def sound_hits(listened: np.ndarray, grid: BeatGrid) -> np.ndarray:
    """(F,) how far each beat stops, held around it: strong beats more than weak ones."""
    times = np.arange(len(listened)) / FPS
    if len(grid.beats) < 3:
        return np.full(len(listened), np.nan)
    strongest = np.interp(grid.beats, times, gaussian_filter1d(_onset(listened), 1.0))  # (B,)
    standing = (strongest - strongest.mean()) / (strongest.std() + SPREAD)
    nearest = np.clip(np.round(grid.beat_position(times)), 0, len(grid.beats) - 1).astype(int)
    hits = HIT + HIT_SPREAD * standing
    last = last_stroke(listened, grid)
    if last is not None:
        hits[grid.beats >= last] = LAST_HIT
    return np.clip(hits, *RANGES["hits"])[nearest]


def _onset(listened: np.ndarray) -> np.ndarray:
    """(F,) onset strength without clicks."""
    return np.minimum(listened[:, LISTENED["onset"]][:, 0], STRONGEST)
