"""Basic Pitch as a music encoder: which notes sound and begin, folded to pitch classes and registers."""

from __future__ import annotations

import numpy as np
import torch

from tempose.feature_spec import FeatureSpec
from tempose.music.encoders.basic_pitch_net import FRAMES, HOP, NOTES, RATE, WINDOW, load
from tempose.music.spectra import FPS
from tempose_pose.errors import TemposeError

EDGE = 15  # frames at either end of a window that hear too little, and are thrown away
BATCH = 8  # windows
REGISTERS = 8  # of 11 semitones each, from A0 up
CHORD = 4  # notes at once that count as 1 ...
UNSURE = 0.3  # ... where this probability or less is none: silence has about 0.1 everywhere


class BasicPitch:
    """Bittner et al., "A Lightweight Instrument-Agnostic Model for Polyphonic Note Transcription and Multipitch
    Estimation" (ICASSP 2022, arXiv 2203.09893); the weights are Spotify's, see NOTICE."""

    name = "basic_pitch"
    spec = FeatureSpec((
        ("note_class", 12), ("note_register", REGISTERS), ("onset_register", REGISTERS),
        ("note_count", 1), ("onset_count", 1),
    ))  # fmt: skip

    def features(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """(F, 30) float32; `rate` must be 22,050."""
        if rate != RATE:
            raise TemposeError("encoder_rate", f"{self.name} hears {RATE} samples a second, not {rate}.")
        notes, onsets = note_activations(samples)  # (J, 88) each
        frames = 1 + len(samples) * FPS // RATE
        return fold(at_pose_rate(notes, np.add, frames), at_pose_rate(onsets, np.maximum, frames))


def fold(notes: np.ndarray, onsets: np.ndarray) -> np.ndarray:
    """Probabilities of 88 notes and of 88 onsets, (F, 88) each → (F, 30) as `BasicPitch.spec` names them."""
    classes = np.stack([notes[:, i::12].max(1) for i in range(12)], -1)  # A, A sharp, …
    registers = [p.reshape(len(p), REGISTERS, -1).max(2) for p in (notes, onsets)]
    counts = [np.maximum(p - UNSURE, 0).sum(1) / (1 - UNSURE) / CHORD for p in (notes, onsets)]
    return np.column_stack([classes, *registers, *counts]).astype(np.float32)


def at_pose_rate(values: np.ndarray, gather: np.ufunc, frames: int) -> np.ndarray:
    """Activations (J, N) at 86 per second → (frames, N): the mean (`np.add`) or the `np.maximum` of what lies about
    each pose frame."""
    edges = np.ceil((np.arange(frames + 1) - 0.5) * RATE / HOP / FPS).astype(int).clip(0, len(values))
    edges = np.minimum(edges, len(values) - 1)
    out = gather.reduceat(values, edges[:-1], axis=0)
    # reduceat takes the last span to the end, which is a frame or two
    last = max(len(values) - edges[-2], 1)
    return out / np.append(np.diff(edges[:-1]), last).clip(1)[:, None] if gather is np.add else out


@torch.inference_mode()
def note_activations(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(J, 88) probabilities that a note sounds, and that it begins, at second 256 · j / 22,050."""
    net, step = load(), (FRAMES - 2 * EDGE) * HOP
    count = 1 + len(samples) // step
    padded = np.zeros(count * step + WINDOW, np.float32)
    padded[EDGE * HOP :][: len(samples)] = samples
    windows = torch.from_numpy(padded).unfold(0, WINDOW, step)  # (windows, WINDOW)
    notes, onsets = [], []
    for batch in windows.split(BATCH):
        _, note, onset = net(batch)
        notes.append(note[:, EDGE:-EDGE].reshape(-1, NOTES))
        onsets.append(onset[:, EDGE:-EDGE].reshape(-1, NOTES))
    frames = 1 + len(samples) // HOP
    return torch.cat(notes)[:frames].numpy(), torch.cat(onsets)[:frames].numpy()
