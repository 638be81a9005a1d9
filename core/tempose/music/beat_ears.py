"""What speaks for beats in a song, frame by frame, as two networks hear it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tempose.music import beat_crnn, beat_net
from tempose.music.chords import pitch_classes

CLEAR = 5.0  # log odds beyond which a network's word counts no more


@dataclass(frozen=True)
class Heard:
    """Log odds of a beat and of a downbeat at `BEAT_RATE`: (F, 2) by our own network, and by the other.

    Ours was trained on rendered songs and knows their styles well; the other (`beat_crnn`) on recordings. Beside
    them (F, 12) the pitch classes that sound (`chords`), whose changes tell of bars.
    """

    own: np.ndarray
    other: np.ndarray
    pitches: np.ndarray

    @property
    def both(self) -> np.ndarray:
        """(F, 2) mean of the two."""
        return (self.own + self.other) / 2

    @property
    def probability(self) -> np.ndarray:
        """(F, 2) probabilities by our own network."""
        return 1 / (1 + np.exp(-self.own))


def hear(samples: np.ndarray) -> Heard:
    """Listen to (N,) samples at 22,050 Hz."""
    own = beat_net.log_odds(beat_net.log_mel(samples))
    spectra = beat_crnn.log_spectra(samples)
    other = beat_crnn.log_odds(spectra)
    frames = min(len(own), len(other))
    own, other = (np.clip(odds[:frames], -CLEAR, CLEAR) for odds in (own, other))
    return Heard(own, other, pitch_classes(spectra[:frames]))
