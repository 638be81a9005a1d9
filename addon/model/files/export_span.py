# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the timeline that goes out of Blender. No bpy in here."""

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
        How many of the scene's frames it lasts; of a loop, until the first pose comes again.
    rate : float
        The scene's frames per second.
    cyclic : bool
        Whether its end runs into its beginning.
    """

    first: float
    frames: float
    rate: float
    cyclic: bool

    def sampled(self, rate: float, most: int) -> tuple[np.ndarray, float]:
        """Frames (not whole) to be written at a rate, and the rate that they then have.

        Of a loop a whole number fits in, evenly, so that the rate may differ a little from the one that is asked for.
        """
        count = max(1, round(self.frames / self.rate * rate))
        if count > most:
            raise Problem(
                "too_long",
                f"That would be {count} frames; at most {most} are written. Set a shorter preview range.",
            )
        real = count / self.frames * self.rate if self.cyclic else rate
        return self.first + np.arange(count) * self.rate / real, real
