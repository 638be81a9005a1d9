"""What Wan-Animate works from: a folder with the pose video and the video of the face."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from tempose.metrics.curves import resampled
from tempose.render.video import render_dance
from tempose_pose import drawing
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError

POSE, FACE, PICTURE = drawing.POSE_VIDEO, drawing.FACE_VIDEO, "src_ref.png"
WAN = drawing.MANNERS["wan-animate"]


def render_for_wan(
    dance: Dance,
    folder: Path,
    *,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write `POSE` and `FACE` into a folder; the character's picture belongs beside them as `PICTURE`.

    A dance has no face: its video is black, which is what the model's own guidance takes for none (-1 everywhere, in
    wan/animate.py of Wan-Video/Wan2.2).
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TemposeError("video_unwritable", f"The folder {folder} cannot be made: {error}.") from error
    rate = fps or WAN.rate
    render_dance(dance, folder / POSE, size=size, fps=rate, manner=WAN, on_progress=on_progress)
    _black(folder / FACE, len(resampled(dance.poses, rate)), rate)


def _black(path: Path, count: int, rate: float) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
        stream.width, stream.height, stream.pix_fmt = WAN.face, WAN.face, "yuv420p"
        black = np.zeros((WAN.face, WAN.face, 3), np.uint8)
        for _ in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(black, format="rgb24")))
        container.mux(stream.encode(None))
