# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the timeline to export. No bpy in here."""

from dataclasses import dataclass

import numpy as np

from ..errors import Problem


@dataclass(frozen=True)
class ExportSpan:
    """Frames of a character.

    Attributes
    ----------
    first : float
    frames : float
        Its length in frames of the scene; for a loop, until the first pose comes again.
    rate : float
        The scene's frames per second.
    cyclic : bool
        Whether the end leads back into the beginning.
    """

    first: float
    frames: float
    rate: float
    cyclic: bool

    def sampled(self, rate: float, most: int) -> tuple[np.ndarray, float]:
        """Frames (not whole) to write at a rate, and their actual rate.

        A loop is divided evenly into a whole number of frames, so that its rate may differ a little from the one
        given.
        """
        count = max(1, round(self.frames / self.rate * rate))
        if count > most:
            raise Problem(
                "too_long",
                f"That would be {count} frames; at most {most} are written. Set a shorter preview range.",
            )
        real = count / self.frames * self.rate if self.cyclic else rate
        return self.first + np.arange(count) * self.rate / real, real
