"""Basic Pitch's network in torch: samples → probabilities of pitches, notes and onsets.

The architecture of arXiv 2203.09893 with the weights that Spotify published as ``nmp.onnx``, converted once by
`scripts/convert_basic_pitch.py`. Letters in shape comments: B windows, T frames of 256 samples, F frequency bins,
three to a semitone.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tempose.weights_check import check_file

RATE, HOP = 22_050, 256
WINDOW = 43_844  # samples
FRAMES, NOTES, BINS = 172, 88, 264  # of a window; notes from A0 up, and bins of the contours
OCTAVES, PER_OCTAVE, HEARD = 9, 36, 309  # bins of the constant-Q transform; the lowest are left out
TAPS = 256  # of its kernels and of the low-pass filter between octaves
HARMONICS = (-36, 0, 36, 57, 72, 84, 93, 101)  # bins up from ½, 1, 2, … 7 times a frequency
SILENT = 1e-3  # decibels between the softest and the loudest of a window: less is rounding
WEIGHTS = Path(__file__).with_name("basic_pitch.safetensors")


class ConstantQ(nn.Module):
    """Samples (B, N) → loudness (B, T, F), 0 to 1 over each window: nnAudio's CQT by downsampling, then decibels."""

    kernels: Tensor
    lowpass: Tensor
    lengths: Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("kernels", torch.zeros(2 * PER_OCTAVE, 1, TAPS))  # real parts, then imaginary
        self.register_buffer("lowpass", torch.zeros(1, 1, TAPS))
        self.register_buffer("lengths", torch.zeros(HEARD))

    def forward(self, samples: Tensor) -> Tensor:
        x, octaves = samples[:, None], []  # (B, 1, N)
        for octave in range(OCTAVES):  # from the highest down
            if octave:
                x = F.conv1d(F.pad(x, (TAPS // 2 - 1, TAPS // 2 - 1)), self.lowpass, stride=2)
            padded = F.pad(x, (TAPS // 2, TAPS // 2), mode="reflect")
            parts = F.conv1d(padded, self.kernels, stride=HOP >> octave)  # (B, 2 · 36, T)
            octaves.append(parts.unflatten(1, (2, PER_OCTAVE)))
        parts = torch.cat(octaves[::-1], 2)[:, :, -HEARD:] * self.lengths[:, None]  # (B, 2, F, T)
        decibels = 10 * torch.log10(parts.square().sum(1) + 1e-10).transpose(1, 2)  # (B, T, F)
        decibels = decibels - decibels.amin((1, 2), keepdim=True)
        loudest = decibels.amax((1, 2), keepdim=True)
        return torch.where(loudest > SILENT, decibels / loudest.clamp_min(SILENT), 0)


class BasicPitchNet(nn.Module):
    """Windows of samples → contours, notes and onsets."""

    def __init__(self):
        super().__init__()
        self.heard = ConstantQ()
        self.scale, self.offset = nn.Parameter(torch.ones(1)), nn.Parameter(torch.zeros(1))
        self.contour_1 = nn.Conv2d(8, 8, (3, 39), padding=(1, 19))
        self.contour_2 = nn.Conv2d(8, 1, 5, padding=2)
        self.note_1 = nn.Conv2d(1, 32, 7, stride=(1, 3), padding=(3, 2))
        self.note_2 = nn.Conv2d(32, 1, (7, 3), padding=(3, 1))
        self.onset_1 = nn.Conv2d(8, 32, 5, stride=(1, 3), padding=(2, 1))
        self.onset_2 = nn.Conv2d(33, 1, 3, padding=1)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Samples (B, WINDOW) → contours (B, 172, 264), notes (B, 172, 88) and onsets (B, 172, 88)."""
        x = _harmonics(self.heard(samples) * self.scale + self.offset)  # (B, 8, T, 264)
        contour = self.contour_2(self.contour_1(x).relu()).sigmoid()  # (B, 1, T, 264)
        note = self.note_2(self.note_1(contour).relu()).sigmoid()  # (B, 1, T, 88)
        onset = self.onset_2(torch.cat([note, self.onset_1(x).relu()], 1)).sigmoid()
        return contour[:, 0], note[:, 0], onset[:, 0]


def _harmonics(x: Tensor) -> Tensor:
    """(B, T, F) → (B, 8, T, 264): at each bin what sounds at its harmonics; 0 beyond the ends."""
    reach = F.pad(x, (max(0, -min(HARMONICS)), max(HARMONICS)))
    first = max(0, -min(HARMONICS))
    return torch.stack([reach[..., first + up : first + up + BINS] for up in HARMONICS], 1)


@cache
def load() -> BasicPitchNet:
    """The trained network, read once. Raises `TemposeError` when its file is not the one that was shipped."""
    from safetensors.torch import load_file

    check_file(WEIGHTS)
    net = BasicPitchNet()
    net.load_state_dict(load_file(WEIGHTS))
    return net.eval()
