"""Limits on the size of everything, shared by clients and server."""

from __future__ import annotations

FPS = 30.0
"""The model's own frame rate, and that of poses in a request; other rates are resampled at the edges."""
OVERLAP_FRAMES = 16
"""Frames that the model leans on to go on from: a shorter stretch of known poses says too little."""
MAX_SECONDS = 1200.0
"""Of a dance."""
MAX_FRAMES = 40_000
"""Of a dance: `MAX_SECONDS` at `FPS`, and some."""
MAX_FILE_FRAMES = 100_000
MAX_FILE_BYTES = 256 * 2**20
"""Of a pose file."""
MAX_JOINTS = 512
"""Of a skeleton."""
MAX_BEATS = 20_000
MAX_TEMPO_POINTS = 10_000
MAX_CANVAS = 65_536
"""Pixels, in width and in height."""
FARTHEST = 100.0
"""Canvas widths that a keypoint may lie off the canvas; what is farther is a mistake."""
MAX_HEADER_BYTES = 4_000_000
"""Of what a compact dance says beside its poses."""
