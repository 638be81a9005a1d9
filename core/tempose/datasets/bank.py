"""The song bank: rendered songs as features and beats, made once and kept in one file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from tempose.datasets.genres import GENRES
from tempose.feature_spec import FeatureSpec
from tempose.music.encoders import encoder_of, encoder_spec
from tempose.music.features import LISTENED, song_features
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.errors import TemposeError

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
    encoded : (F, E) float16
        Features of a music encoder, where there is one; see `encoded_songs`.
    """

    features: np.ndarray
    beats: np.ndarray
    genre: str
    encoded: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float16))


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
        samples, beats, genre = render(np.random.default_rng((seed, i)))
        songs.append(BankSong(song_features(samples).astype(np.float16), beats, genre))
        if progress:
            progress(i + 1, count)
    save_bank(cache, songs)
    return songs


def encoded_songs(
    songs: list[BankSong],
    encoder: dict[str, Any],
    root: str | os.PathLike,
    cache: str | os.PathLike,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[BankSong]:
    """The songs of a bank with what a music encoder hears in them, kept in a file beside the bank's.

    Songs are rendered again for it, which takes minutes, where that file is missing, of another edition or of other
    columns.

    Parameters
    ----------
    encoder : dict
        As `encoders.encoder_config` has it.
    root, cache, seed
        As `song_bank` was given.
    """
    kept = encoded_cache(Path(cache), encoder)
    found = _load_encoded(kept, encoder)
    if len(found) < len(songs):
        hearing, render = encoder_of(encoder), _renderer(root)
        for i in range(len(found), len(songs)):
            samples, _, _ = render(np.random.default_rng((seed, i)))
            found.append(hearing.features(samples, SAMPLE_RATE).astype(np.float16))
            if progress:
                progress(i + 1, len(songs))
        save_encoded(kept, found, encoder)
    return [replace(song, encoded=encoded) for song, encoded in zip(songs, found, strict=False)]


def encoded_cache(cache: Path, encoder: dict[str, Any]) -> Path:
    """The file, beside a bank's, with what an encoder hears in its songs."""
    return cache.with_name(f"{cache.stem}-{encoder['name']}.npz")


def save_encoded(kept: Path, found: list[np.ndarray], encoder: dict[str, Any]) -> None:
    """Write what an encoder hears in the songs of a bank, whole or not at all."""
    about = {"edition": np.int64(EDITION), "columns": np.str_(json.dumps(encoder_spec(encoder).to_config()))}
    _write(kept, about | {f"e{i}": encoded for i, encoded in enumerate(found)}, compress=True)


def _load_encoded(kept: Path, encoder: dict[str, Any]) -> list[np.ndarray]:
    """None where the file is missing or not of this edition and of these columns."""
    if not kept.is_file():
        return []
    with np.load(kept) as file:
        spec = FeatureSpec.from_config(json.loads(str(file["columns"])), LISTENED)
        if int(file["edition"]) != EDITION or spec != encoder_spec(encoder):
            return []
        return [
            file[f"e{i}"] for i in range(sum(name.startswith("e") and name[1:].isdecimal() for name in file))
        ]


def _renderer(
    root: str | os.PathLike,
) -> Callable[[np.random.Generator], tuple[np.ndarray, np.ndarray, str]]:
    """Renders samples, beats and genre of a random song; instruments are loaded once."""
    from tempose.datasets.instruments import SampleLibrary
    from tempose.datasets.synth import render_song

    library = SampleLibrary(root)
    names = [name for name, genre in GENRES.items() if genre.beats_per_bar == 4]

    def render(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, str]:
        bpm = float(65 * (175 / 65) ** rng.random())
        genre = names[int(rng.integers(len(names)))]
        samples, grid = render_song(rng, library, bpm, BARS, genre=genre, form=True)
        return samples, grid.beats, genre

    return render


def own_song(file: Path) -> BankSong:
    """The song of an imported film; of no genre. Raises `TemposeError` where its features are of another kind."""
    with np.load(file) as stored:
        if FeatureSpec.from_config(json.loads(str(stored["columns"])), LISTENED) != LISTENED:
            raise TemposeError(
                "features_old", f"{file} holds features of another version: import the videos again."
            )
        beats = stored["beats"]
        return BankSong(stored["features"], beats if len(beats) else np.zeros(1), "")


def save_bank(cache: Path, songs: list[BankSong], compress: bool = False) -> None:
    """Write a bank, whole or not at all."""
    about = {
        "genres": np.asarray([song.genre for song in songs]),
        "edition": np.int64(EDITION),
        "columns": np.str_(json.dumps(LISTENED.to_config())),
    }
    features = {f"f{i}": s.features for i, s in enumerate(songs)}
    _write(cache, about | features | {f"b{i}": s.beats for i, s in enumerate(songs)}, compress)


def _write(path: Path, arrays: dict[str, Any], compress: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        (np.savez_compressed if compress else np.savez)(file, **arrays)
    part.replace(path)


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
