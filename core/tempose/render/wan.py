"""What Wan-Animate works from: a folder with the pose video and the video of the face."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import repeat
from pathlib import Path

import numpy as np

from tempose.metrics.curves import resampled
from tempose.render.face import faces
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
    face: Path | None = None,
    start: float = 0.0,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write `POSE` and `FACE` into a folder; the character's picture belongs beside them as `PICTURE`.

    A dance has no face. Without one its video is black, which is what the model's own guidance takes for none (-1
    everywhere, in wan/animate.py of Wan-Video/Wan2.2).

    Parameters
    ----------
    face : path, optional
        A video or picture whose face it is to be.
    start : float
        That video's second at which the dance begins.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TemposeError("video_unwritable", f"The folder {folder} cannot be made: {error}.") from error
    rate = fps or WAN.rate
    count = len(resampled(dance.poses, rate))
    render_dance(dance, folder / POSE, size=size, fps=rate, manner=WAN, on_progress=on_progress)
    write_face(folder / FACE, count, rate, face, start)


def write_face(path: Path, count: int, rate: float, face: Path | None = None, start: float = 0.0) -> None:
    """Write the video of the face, of so many frames at that rate; it appears when it is complete.

    Raises
    ------
    TemposeError
        The video or picture of the face cannot be read, or shows none.
    """
    import av

    black = np.zeros((WAN.face, WAN.face, 3), np.uint8)
    shown = repeat(black, count) if face is None else faces(face, np.arange(count) / rate, start, WAN.face)
    part = path.with_name(path.name + ".part")
    try:
        with av.open(str(part), "w", format="mp4") as container:
            stream = container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
            stream.width, stream.height, stream.pix_fmt = WAN.face, WAN.face, "yuv420p"
            for picture in shown:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
