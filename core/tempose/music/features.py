"""Music features at pose rate: what is heard, and where the beat is.

The listened part is the usual librosa vector of the field (onset strength, 20 MFCC, 12 CENS chroma, onset
peaks; FACT, EDGE and LODGE share it) with loudness in place of the tracker's beats. Everything about beats
comes from the beat grid, so that an artist's correction steers the dance directly.
"""

from __future__ import annotations

import numpy as np

from tempose.feature_spec import FeatureSpec
from tempose.music.compiled import compile_once
from tempose.music.spectra import FPS, listened
from tempose_pose.grid import BeatGrid
from tempose_pose.tempo import TempoMap

LISTENED = FeatureSpec((("onset", 1), ("mfcc", 20), ("chroma", 12), ("onset_peak", 1), ("loudness", 1)))
# Sine and cosine of one turn per beat, of two turns per beat and of one turn per bar; see `beat_features`.
BEAT_GRID = FeatureSpec((
    ("beat_sine", 1), ("half_beat_sine", 1), ("bar_sine", 1),
    ("beat_cosine", 1), ("half_beat_cosine", 1), ("bar_cosine", 1),
    ("on_beat", 1), ("tempo", 1),
))  # fmt: skip
MUSIC = LISTENED + BEAT_GRID
"""All that the dancer hears, (T, 43); raise the version of both parts when any column changes its meaning."""
WHOLE_SONG = FeatureSpec((("mean", LISTENED.width), ("deviation", LISTENED.width)))
"""What is said of a song as a whole, (70,): see `describe_song`."""


def song_features(samples: np.ndarray) -> np.ndarray:
    """(F, 35) float32 features as `LISTENED` names them, at 30 frames per second of song.

    Frame i is centred on i/30 s. Chroma is CENS; loudness is about −1 (80 dB below the loudest frame) to 1.
    """
    compile_once()
    return listened(samples)


def describe_song(listened: np.ndarray) -> np.ndarray:
    """(70,) mean and standard deviation of the features of a song (F, 35), as `WHOLE_SONG` names them."""
    return np.concatenate([listened.mean(0), listened.std(0)])


def beat_features(beats: np.ndarray, bars: np.ndarray, bpm: np.ndarray) -> np.ndarray:
    """(T, 8) features as `BEAT_GRID` names them, of the position in beats (T,), in bars (T,) and the tempo (T,).

    Phases are given as sine and cosine of one turn per beat, of two turns per beat, and of one turn per bar;
    exact at every frame, they keep beat times far below a frame or a token. Then a triangle that is 1 on the
    beat and 0 a sixteenth away, and log₂(bpm/120).
    """
    turns = np.stack([beats, 2 * beats, bars], -1) * (2 * np.pi)  # (T, 3)
    triangle = np.maximum(0, 1 - 4 * np.abs(beats - np.round(beats)))
    tempo = np.log2(np.clip(bpm, 20, 480) / 120)
    return np.column_stack([np.sin(turns), np.cos(turns), triangle, tempo]).astype(np.float32)


def music_features(song: np.ndarray, grid: BeatGrid, tempo_map: TempoMap, timeline: np.ndarray) -> np.ndarray:
    """(T, 43) features as `MUSIC` names them, at timeline seconds: the song's, read through the tempo map.

    Parameters
    ----------
    song : (F, 35)
        From `song_features`.
    grid : BeatGrid
        In song seconds.
    timeline : (T,)
    """
    seconds = tempo_map.to_song(timeline)
    heard = read_at(song, seconds)
    beats = grid.beat_position(seconds)
    bars = grid.bar_position(seconds)
    step = 1 / FPS
    bpm = 60 * (grid.beat_position(tempo_map.to_song(timeline + step)) - beats) / step
    return np.hstack([heard, beat_features(beats, bars, bpm)]).astype(np.float32)


def read_at(song: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """(T, F) features of a song (frames, F) at 30 per second, at song seconds (T,); 0 outside it."""
    heard = np.stack([np.interp(seconds * FPS, np.arange(len(song)), column) for column in song.T], -1)
    heard[(seconds < 0) | (seconds > len(song) / FPS)] = 0
    return heard


def mean_tempo(music: np.ndarray) -> float:
    """Beats per minute, as (T, 43) features have it."""
    return float(120 * 2 ** music[:, MUSIC["tempo"]].mean())
