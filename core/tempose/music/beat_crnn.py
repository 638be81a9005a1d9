"""A second network that hears beats: BeatNet's, which was trained on recordings rather than rendered songs.

The architecture of M. Heydari, F. Cwitkowitz and Z. Duan, "BeatNet: CRNN and particle filtering for online joint
beat, downbeat and meter tracking" (ISMIR 2021) with the three trainings that its authors published, each with another
data set left out; their mean is taken. Licence: LICENSES/BeatNet.md; converted by `scripts/convert_beatnet.py`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from tempose.music.spectra import BEAT_RATE, SAMPLE_RATE
from tempose.weights_check import check_file

WEIGHTS = Path(__file__).with_name("beat_crnn.safetensors")
TRAININGS = 3
FRAME, HOP = 1411, SAMPLE_RATE // BEAT_RATE  # samples: 64 ms every 20 ms
PER_OCTAVE, LOWEST, HIGHEST, REFERENCE = 24, 30.0, 17_000.0, 440.0  # of the bands: Hz
BANDS = 136
CELLS = 150
LEVEL = 0.15  # root mean square that songs are brought to: recordings as they are sold lie about there
BLOCK = 2000  # frames whose spectra are held at once


@cache
def _filters() -> np.ndarray:
    """(705, 136) float32 triangles of area 1, 24 to an octave where the spectrum is fine enough."""
    bins = FRAME // 2
    frequencies = np.arange(bins) * SAMPLE_RATE / (2 * bins)
    first = np.floor(np.log2(LOWEST / REFERENCE) * PER_OCTAVE)
    last = np.ceil(np.log2(HIGHEST / REFERENCE) * PER_OCTAVE)
    wanted = REFERENCE * 2 ** (np.arange(first, last) / PER_OCTAVE)
    wanted = wanted[(wanted >= LOWEST) & (wanted <= HIGHEST)]
    above = np.clip(np.searchsorted(frequencies, wanted), 1, bins - 1)
    nearest = np.unique(above - (wanted - frequencies[above - 1] < frequencies[above] - wanted))
    columns = []
    for start, centre, stop in zip(nearest, nearest[1:], nearest[2:], strict=False):
        column = np.zeros(bins)
        if stop - start < 2:  # one bin alone
            column[start] = 1
        else:
            column[start:centre] = np.linspace(0, 1, centre - start, endpoint=False)
            column[centre:stop] = np.linspace(1, 0, stop - centre, endpoint=False)
        columns.append(column / column.sum())
    return np.array(columns).T.astype(np.float32)


def log_spectra(samples: np.ndarray) -> np.ndarray:
    """(F, 136) float32 log magnitudes of `BANDS` bands, frame i centred on second i / 50."""
    samples = np.asarray(samples, np.float32)
    samples = samples * np.float32(LEVEL / max(np.sqrt(np.mean(samples.astype(float) ** 2)), 1e-9))
    count = 1 + len(samples) // HOP
    padded = np.pad(samples, (FRAME // 2, FRAME))
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP][:count]  # (F, 1411)
    window = np.hanning(FRAME).astype(np.float32)
    blocks = [
        np.abs(np.fft.rfft(frames[k : k + BLOCK] * window, axis=1)[:, : FRAME // 2]).astype(np.float32)
        @ _filters()
        for k in range(0, count, BLOCK)
    ]
    return np.log10(1 + np.concatenate(blocks))


class BeatCrnn(nn.Module):
    """Log spectra and their rises in, logits of a beat within a bar, a downbeat and neither out, frame by frame."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(1, 2, 10)
        self.linear0 = nn.Linear(2 * ((2 * BANDS - 9) // 2), CELLS)
        self.lstm = nn.LSTM(CELLS, CELLS, 2, batch_first=True)
        self.linear = nn.Linear(CELLS, 3)

    def forward(self, spectra: Tensor) -> Tensor:
        """(F, 272) → (F, 3)."""
        x = nn.functional.max_pool1d(torch.relu(self.conv1(spectra[:, None])), 2).flatten(1)  # (F, 262)
        return self.linear(self.lstm(self.linear0(x)[None])[0][0])


@cache
def load() -> tuple[BeatCrnn, ...]:
    """The trained networks, read once. Raises `TemposeError` when their file is not the one that was shipped."""
    from safetensors.torch import load_file

    check_file(WEIGHTS)
    state, nets = load_file(WEIGHTS), []
    for k in range(TRAININGS):
        net = BeatCrnn()
        net.load_state_dict({name: value[k].float() for name, value in state.items()})
        nets.append(net.eval())
    return tuple(nets)


def log_odds(spectra: np.ndarray) -> np.ndarray:
    """(F, 136) `log_spectra` → (F, 2) float64 log odds of a beat, and of a downbeat, the mean of all trainings."""
    rises = np.maximum(np.diff(spectra, axis=0, prepend=spectra[:1]), 0)
    heard = torch.from_numpy(np.hstack([spectra, rises]))
    odds = []
    with torch.inference_mode():
        for net in load():
            p = torch.softmax(net(heard).double(), 1)  # (F, 3)
            p = torch.stack([p[:, 0] + p[:, 1], p[:, 1]], 1).clamp(1e-3, 1 - 1e-3)
            odds.append(torch.logit(p))
    return torch.stack(odds).mean(0).numpy()
