"""What is told while a dance is made."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

OnSegment = Callable[[int, np.ndarray, np.ndarray], None]
"""Called with (first frame, keypoints (n, K, 2), scores (n, K)) as soon as frames are final."""
OnStep = Callable[[int, int], None]
"""Called with (steps done, steps in all) after each sampler step."""
