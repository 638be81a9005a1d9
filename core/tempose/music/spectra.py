"""What librosa hears in samples. Called by way of `features` and `beat_net`, which have it compiled first."""

from __future__ import annotations

import numpy as np

SAMPLE_RATE = 22_050  # 735 samples per pose frame at 30 fps
FPS = 30
HOP = SAMPLE_RATE // FPS  # 735

BEAT_RATE = 50  # frames per second in which beats are sought
BANDS = 40

# Fixed scales that bring each group to about unit range: MFCC of dB spectra are large, the first one most.
_MFCC_SCALE = np.asarray([200.0] + [60.0] * 19, np.float32)


def listened(samples: np.ndarray) -> np.ndarray:
    """(F, 35) float32 at `FPS`: onset strength, 20 MFCC, 12 CENS chroma, onset peaks, loudness."""
    import librosa

    frames = 1 + len(samples) // HOP
    if len(samples) < 4096:
        samples = np.pad(samples, (0, 4096 - len(samples)))
    mel = librosa.feature.melspectrogram(y=samples, sr=SAMPLE_RATE, n_fft=2048, hop_length=HOP, n_mels=96)
    decibels = librosa.power_to_db(mel, ref=np.max, top_db=80)
    onset = librosa.onset.onset_strength(S=decibels, sr=SAMPLE_RATE, hop_length=HOP)
    onset = onset / max(float(np.percentile(onset, 98)), 1e-6)
    mfcc = librosa.feature.mfcc(S=decibels, n_mfcc=20) / _MFCC_SCALE[:, None]
    stft_chroma = librosa.feature.chroma_stft(
        y=samples, sr=SAMPLE_RATE, n_fft=4096, hop_length=HOP, tuning=0.0
    )
    chroma = librosa.feature.chroma_cens(C=stft_chroma, win_len_smooth=21)
    peaks = np.zeros(onset.shape, np.float32)
    peaks[librosa.onset.onset_detect(onset_envelope=onset, sr=SAMPLE_RATE, hop_length=HOP)] = 1
    loudness = decibels.max(0) / 40 + 1
    heard = np.vstack([onset, mfcc, chroma, peaks, loudness])[:, :frames]  # (35, F)
    return np.ascontiguousarray(heard.T, np.float32)


def mel_bands(samples: np.ndarray) -> np.ndarray:
    """(F, 40) float32 loudness of mel bands at `BEAT_RATE`, the song's own level taken out."""
    import librosa

    mel = librosa.feature.melspectrogram(
        y=samples,
        sr=SAMPLE_RATE,
        n_fft=1024,
        hop_length=SAMPLE_RATE // BEAT_RATE,
        n_mels=BANDS,
        fmin=27.5,
        power=1.0,
        pad_mode="constant",
    )
    loudest = mel.max(0)
    level = max(np.percentile(loudest, 95), 0.05 * loudest.max())  # the second where hardly anything sounds
    return np.log1p(100 * mel / max(level, 1e-6)).T.astype(np.float32)
