"""The song bank: rendered songs as features and beats, made once and kept in one file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tempose.datasets.genres import GENRES
from tempose.feature_spec import FeatureSpec
from tempose.music.features import LISTENED, song_features

BARS = 24
EDITION = 2  # of the songs: raise it when they are rendered otherwise; banks of other editions are made anew


@dataclass(frozen=True, eq=False)
class BankSong:
    """A rendered song.

    Attributes
    ----------
    features : (F, 35) float16
        Listened features at 30 frames per second, see `music.features.LISTENED`.
    beats : (B,) float
        Seconds of its beats, from the first of a bar on.
    genre : str
        One of `genres.GENRES`.
    """

    features: np.ndarray
    beats: np.ndarray
    genre: str


def song_bank(
    root: str | os.PathLike,
    cache: str | os.PathLike,
    count: int = 200,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[BankSong]:
    """`count` songs of `BARS` bars in 4/4 at 65 to 175 BPM, from `cache` where it holds as many.

    The tempo is spread evenly over the logarithm; reading a song at another tempo (as the augmentation does)
    leaves its timbre as it is. What the cache holds of other features or another edition is made anew. Song number i
    of a seed is the same in a small and in a large bank.
    """
    cache = Path(cache)
    songs = load_bank(cache)
    if len(songs) >= count:
        return songs[:count]
    render = _renderer(root)
    for i in range(len(songs), count):
        songs.append(render(np.random.default_rng((seed, i))))
        if progress:
            progress(i + 1, count)
    save_bank(cache, songs)
    return songs


def _renderer(root: str | os.PathLike) -> Callable[[np.random.Generator], BankSong]:
    """Renders a song by chance; instruments are loaded once."""
    from tempose.datasets.instruments import SampleLibrary
    from tempose.datasets.synth import render_song

    library = SampleLibrary(root)
    names = [name for name, genre in GENRES.items() if genre.beats_per_bar == 4]

    def render(rng: np.random.Generator) -> BankSong:
        bpm = float(65 * (175 / 65) ** rng.random())
        genre = names[int(rng.integers(len(names)))]
        samples, grid = render_song(rng, library, bpm, BARS, genre=genre, form=True)
        return BankSong(song_features(samples).astype(np.float16), grid.beats, genre)

    return render


def save_bank(cache: Path, songs: list[BankSong], compress: bool = False) -> None:
    """Write a bank, whole or not at all."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    arrays: dict = {f"f{i}": s.features for i, s in enumerate(songs)} | {
        f"b{i}": s.beats for i, s in enumerate(songs)
    }
    part = cache.with_suffix(".part")
    with part.open("wb") as file:
        (np.savez_compressed if compress else np.savez)(
            file,
            genres=np.asarray([song.genre for song in songs]),
            edition=np.int64(EDITION),
            columns=np.str_(json.dumps(LISTENED.to_config())),
            **arrays,
        )
    part.replace(cache)


def load_bank(cache: Path) -> list[BankSong]:
    """The songs of a bank of this edition whose columns are `LISTENED`'s; none where there is no such bank."""
    if not cache.is_file():
        return []
    with np.load(cache) as file:
        if "edition" not in file or int(file["edition"]) != EDITION:
            return []
        if FeatureSpec.from_config(json.loads(str(file["columns"])), LISTENED) != LISTENED:
            return []
        genres = [str(genre) for genre in file["genres"]]
        return [BankSong(file[f"f{i}"], file[f"b{i}"], genre) for i, genre in enumerate(genres)]
