"""Songs: an audio file as mono samples at one rate, with its analysis made once."""

from __future__ import annotations

import hashlib
import os
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tempose.music.compiled import compile_once
from tempose.music.feature_cache import kept_features
from tempose.music.sound_file import READ, open_sound
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.errors import TemposeError
from tempose_pose.grid import BeatGrid

if TYPE_CHECKING:
    from tempose.music.encoders import MusicEncoder

MAX_SECONDS = 3600
SILENCE = 1e-4  # of full scale


class Song:
    """Mono samples at `SAMPLE_RATE`, second 0 at the file's first sample.

    Attributes
    ----------
    samples : (N,) float32
    cache : Path or None
        A folder of this song's own, where what is heard in it is kept for the next time.
    """

    def __init__(self, samples: np.ndarray, cache: Path | None = None):
        self.samples = np.ascontiguousarray(samples, np.float32)
        self.cache = cache
        self._encoded: dict[str, np.ndarray] = {}

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE

    @cached_property
    def sha256(self) -> str:
        """Hash of the decoded samples."""
        return hashlib.sha256(self.samples.tobytes()).hexdigest()

    @cached_property
    def grid(self) -> BeatGrid:
        """The detected beat grid, in song seconds."""
        from tempose.music.beats import track_beats

        return track_beats(self.samples)

    @cached_property
    def features(self) -> np.ndarray:
        """(F, 35) float32 listened features at 30 frames per song second; see `music.features`."""
        from tempose.music.features import LISTENED, song_features

        return kept_features(self.cache, "listened", LISTENED, lambda: song_features(self.samples))

    def encoded(self, encoder: MusicEncoder) -> np.ndarray:
        """(F, E) float32 features of a music encoder at 30 frames per song second, made once."""
        if encoder.name not in self._encoded:
            self._encoded[encoder.name] = kept_features(
                self.cache, encoder.name, encoder.spec, lambda: encoder.features(self.samples, SAMPLE_RATE)
            )
        return self._encoded[encoder.name]

    @classmethod
    def load(cls, path: str | os.PathLike) -> Song:
        """Read a sound file, or the sound of a film, told by what it holds and not by its name.

        Raises
        ------
        TemposeError
            The file is missing, is not audio, is silent, shorter than half a second or longer than an hour,
            or holds samples that are not numbers.
        """
        compile_once()
        import librosa

        mono, rate = _read_mono(Path(path))
        name = Path(path).name
        if len(mono) < rate / 2:
            raise TemposeError("audio_short", f"{name} is shorter than half a second: choose a longer sound.")
        if np.abs(mono - mono.mean()).max() < SILENCE:
            raise TemposeError("audio_silent", f"{name} is silent: choose a sound with music in it.")
        return cls(librosa.resample(mono, orig_sr=rate, target_sr=SAMPLE_RATE))


def _read_mono(path: Path) -> tuple[np.ndarray, int]:
    """The mean of all channels, float32, no louder than 1, and the file's rate.

    Read in blocks, for long songs of many channels are large. Where the channels cancel each other out, the
    loudest one stands for all.
    """
    sums, loudest, frames = [], [], 0
    try:
        with closing(open_sound(path)) as file:
            rate = file.samplerate
            energy = np.zeros(file.channels)
            for block in file.blocks():
                frames += len(block)
                if frames > MAX_SECONDS * rate:
                    raise TemposeError(
                        "audio_long", f"{path.name} is longer than {MAX_SECONDS // 60} minutes."
                    )
                if not np.isfinite(block).all():
                    raise TemposeError(
                        "audio_not_finite",
                        f"{path.name} holds samples that are not numbers. Export it again.",
                    )
                sums.append(block.mean(1, dtype=np.float64))
                energy += np.square(block, dtype=np.float64).sum(0)
                loudest.append(block[:, int(energy.argmax())])
    except TemposeError as error:
        if error.code != "audio_unreadable":
            raise
        raise TemposeError(
            "audio_unreadable", f"{path.name} is not audio that can be read: use a {READ} file."
        ) from error
    if not sums:
        return np.zeros(0, np.float32), rate
    mono = np.concatenate(sums)
    if np.square(mono).sum() < 1e-4 * energy.max():
        mono = np.concatenate(loudest).astype(np.float64)
    return (mono / max(1.0, np.abs(mono).max())).astype(np.float32), rate
