"""Songs: an audio file as mono samples at one rate, with its analysis made once."""

from __future__ import annotations

import hashlib
import os
from functools import cached_property
from pathlib import Path

import numpy as np

from tempose.errors import TemposeError
from tempose.music.grid import BeatGrid

SAMPLE_RATE = 22_050  # 735 samples per pose frame at 30 fps


class Song:
    """Mono samples at `SAMPLE_RATE`, second 0 at the file's first sample.

    Attributes
    ----------
    samples : (N,) float32
    """

    def __init__(self, samples: np.ndarray):
        self.samples = np.ascontiguousarray(samples, np.float32)

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
        from tempose.music.features import song_features

        return song_features(self.samples)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Song:
        """Read wav, flac, ogg or mp3.

        Raises
        ------
        TemposeError
            The file is missing, is not audio, is empty, silent, or shorter than half a second.
        """
        import librosa
        import soundfile

        name = Path(path).name
        if not Path(path).is_file():
            raise TemposeError("audio_missing", f"There is no audio file {path}.")
        try:
            samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise TemposeError("audio_unreadable", f"{name} is not audio that can be read (wav, flac, ogg, mp3).") from error
        mono = samples.mean(1)
        if not np.isfinite(mono).all():
            raise TemposeError("audio_not_finite", f"{name} holds samples that are not numbers.")
        if len(mono) < rate // 2:
            raise TemposeError("audio_short", f"{name} is shorter than half a second.")
        if np.abs(mono - mono.mean()).max() < 1e-4:
            raise TemposeError("audio_silent", f"{name} is silent.")
        return cls(librosa.resample(mono, orig_sr=rate, target_sr=SAMPLE_RATE))
