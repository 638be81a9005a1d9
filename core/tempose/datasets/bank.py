"""The song bank: rendered songs as features and beats, made once and kept in one file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tempose.datasets.augment import SongBankEntry
from tempose.datasets.genres import GENRES
from tempose.datasets.instruments import SampleLibrary
from tempose.datasets.synth import render_song
from tempose.feature_spec import FeatureSpec
from tempose.music.features import LISTENED, song_features

BARS = 18


def song_bank(
    root: str | os.PathLike,
    cache: str | os.PathLike,
    count: int = 200,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[SongBankEntry]:
    """`count` songs of `BARS` bars in 4/4 at 65 to 175 BPM, from `cache` where it holds as many.

    The tempo is spread evenly over the logarithm; reading a song at another tempo (as the augmentation does)
    leaves its timbre as it is. What the cache holds of other features than `LISTENED` is made anew.
    """
    cache = Path(cache)
    songs = _cached(cache)
    if len(songs) >= count:
        return songs[:count]
    library = SampleLibrary(root)
    names = [name for name in GENRES if name != "waltz"]
    for i in range(len(songs), count):
        rng = np.random.default_rng((seed, i))
        bpm = float(65 * (175 / 65) ** rng.random())
        samples, grid = render_song(rng, library, bpm, BARS, genre=names[int(rng.integers(len(names)))])
        songs.append(SongBankEntry(song_features(samples).astype(np.float16), grid.beats))
        if progress:
            progress(i + 1, count)
    cache.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict = {f"f{i}": s.features for i, s in enumerate(songs)} | {
        f"b{i}": s.beats for i, s in enumerate(songs)
    }
    part = cache.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(
            file, count=np.int64(len(songs)), columns=np.str_(json.dumps(LISTENED.to_config())), **arrays
        )
    part.replace(cache)
    return songs


def _cached(cache: Path) -> list[SongBankEntry]:
    """The songs of a cache whose columns are `LISTENED`'s; older caches do not name them."""
    if not cache.is_file():
        return []
    with np.load(cache) as file:
        songs = [SongBankEntry(file[f"f{i}"], file[f"b{i}"]) for i in range(int(file["count"]))]
        if "columns" in file:
            return songs if _spec(json.loads(str(file["columns"]))) == LISTENED else []
    return songs if all(song.features.shape[1] == LISTENED.width for song in songs) else []


def _spec(config: dict) -> FeatureSpec:
    return FeatureSpec.from_config(config, LISTENED)
