"""A small network that hears beats and downbeats, and what it listens to.

A temporal convolutional network over log-mel bands, in the manner of Davies and Böck, "Temporal
convolutional networks for musical audio beat tracking" (EUSIPCO 2019), made smaller. It was trained on
rendered music (`tempose.datasets.synth`) whose beats are known exactly; see `scripts/train_beats.py`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tempose.music.compiled import compile_once
from tempose.music.spectra import BANDS, BEAT_RATE, mel_bands
from tempose.weights_check import check_file

WIDTH = 32
SILENCE = 2 * BEAT_RATE  # frames heard before a song and behind it: its first sample may be a beat
DILATIONS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
WEIGHTS = Path(__file__).with_name("beat_net.safetensors")


def log_mel(samples: np.ndarray) -> np.ndarray:
    """(F, 40) float32 loudness of mel bands, frame i centred on second i / 50, the song's level taken out."""
    compile_once()
    return mel_bands(samples)


class BeatNet(nn.Module):
    """Log-mel bands in, logits of beat and downbeat out, frame by frame."""

    def __init__(self):
        super().__init__()
        self.front = nn.Conv1d(BANDS, WIDTH, 5, padding=2)
        self.merge = nn.Conv1d(WIDTH, WIDTH, 3, padding=1)
        self.wide = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 5, padding=2 * d, dilation=d) for d in DILATIONS)
        self.narrow = nn.ModuleList(nn.Conv1d(WIDTH, WIDTH, 1) for _ in DILATIONS)
        self.drop = nn.Dropout1d(0.1)
        self.head = nn.Conv1d(WIDTH, 2, 1)

    def forward(self, mel: Tensor) -> Tensor:
        """(B, F, 40) → (B, F, 2)."""
        x = nn.functional.elu(self.front(mel.transpose(1, 2)))
        x = nn.functional.elu(self.merge(x))
        for wide, narrow in zip(self.wide, self.narrow, strict=True):
            x = x + narrow(self.drop(nn.functional.elu(wide(x))))
        return self.head(x).transpose(1, 2)


@cache
def load() -> BeatNet:
    """The trained network, read once. Raises `TemposeError` when its file is not the one that was shipped."""
    from safetensors.torch import load_file

    check_file(WEIGHTS)
    net = BeatNet()
    net.load_state_dict(load_file(WEIGHTS))
    return net.eval()


def log_odds(mel: np.ndarray) -> np.ndarray:
    """(F, 40) mel bands → (F, 2) float64 log odds that a beat, and a downbeat, lies at second i / 50."""
    heard = torch.from_numpy(np.pad(mel, ((SILENCE, SILENCE), (0, 0))))
    with torch.inference_mode():
        return load()(heard[None])[0, SILENCE:-SILENCE].double().numpy()
