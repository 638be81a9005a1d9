"""A dance as a file: which kind, its name says."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from tempose.render.contact_sheet import contact_sheet
from tempose.render.draw import draw_trail
from tempose.render.ground import VIDEOS, VideoGround
from tempose.render.video import render_dance
from tempose.render.wan import render_for_wan
from tempose_pose import drawing
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.tempo import TempoMap
from tempose_pose.writers import save_poses

TRAIL_SECONDS = 0.1  # between two figures of a trail


def render(
    dance: Dance,
    output: str | os.PathLike[str],
    *,
    audio: str | os.PathLike[str] | None = None,
    start: float = 0.0,
    tempo_map: TempoMap | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    trail: int = 0,
    beats: bool = False,
    frame: int | None = None,
    alpha: bool = False,
    over: str | os.PathLike[str] | None = None,
    over_start: float = 0.0,
    title: str = "",
    poses: int = 32,
    per_beat: int = 1,
    layout: str = "openpose",
    points: int | None = None,
    manner: str = "plain",
    face: str | os.PathLike[str] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Draw a dance: a video with sound, a contact sheet, a still, or a pose file.

    Parameters
    ----------
    dance : Dance
    output : path
        ``.mp4`` (with `alpha` ``.mov``): a video. ``.png``: a contact sheet; a still where `frame`, `over` or
        `alpha` is given. ``.json``, or a folder for OpenPose's files: poses. A folder for Wan-Animate: its videos.
    audio : path, optional
        The song, or a video with sound, for the video's sound.
    start : float
        The song's second at which the dance begins; ignored with a `tempo_map`.
    tempo_map : TempoMap, optional
        The song is stretched along it, at its own pitch.
    size : (int, int), optional
        Width and height in pixels; the dance's canvas without.
    fps : float, optional
        The video's frame rate; the dance's without.
    trail : int
        Fainter figures of that many earlier moments.
    beats : bool
        Flash a mark on every beat of the video.
    frame : int, optional
        A still of this frame.
    alpha : bool
        On a transparent ground.
    over : path, optional
        Picture (PNG, JPG) or video to draw on.
    over_start : float
        The second of that video, or of the face's, at which the dance begins.
    title : str
        Of a contact sheet.
    poses, per_beat : int
        Poses on a contact sheet at most, and for each beat.
    layout : {"own", "openpose", "controlnet", "coco"}
    points : int, optional
        Keypoints in a pose file: OpenPose 18 or 25; COCO 17, 26 or 133.
    manner : str
        The pose-to-video model that it is drawn for; see `tempose_pose.drawing.MANNERS`.
    face : path, optional
        For Wan-Animate: a video of who dances, or a picture, whose face is to be the dancer's.
    on_progress : callable (done, total), optional
        Called for each frame of a video.

    Raises
    ------
    TemposeError
        The options do not go together, a file cannot be read or written, or the name's ending is unknown.
    """
    output, drawn_for = Path(output), drawing.manner(manner)
    suffix = output.suffix.lower()
    if alpha and over is not None:
        raise TemposeError("ground", "Choose either a transparent ground or a picture to draw on.")
    if face is not None and (manner != "wan-animate" or suffix):
        raise TemposeError(
            "face", "A face goes into the videos for Wan-Animate alone: write to a folder for it."
        )
    if trail < 0:
        raise TemposeError("trail", "The number of ghosts cannot be negative.")
    if suffix in (".mov", ".mp4"):
        if (suffix == ".mov") != alpha:
            raise TemposeError("output_format", "A transparent video ends in .mov, any other in .mp4.")
        with _Ground(over, over_start) as ground:
            render_dance(
                dance, output, audio, start, tempo_map=tempo_map, size=size, fps=fps, trail=trail,
                beat_flash=beats, over=ground.whole, alpha=alpha, manner=drawn_for, on_progress=on_progress,
            )  # fmt: skip
    elif suffix == ".png" and (frame is not None or over is not None or alpha):
        rate, shown = dance.poses.fps, frame or 0
        gap = max(1, round(TRAIL_SECONDS * rate))
        moments = [f for f in range(shown - trail * gap, shown, gap) if f >= 0]
        with _Ground(over, over_start) as ground:
            drawn = draw_trail(
                dance.poses,
                [*moments, shown],
                size,
                alpha=alpha,
                over=ground.at(shown / rate),
                manner=drawn_for,
            )
        Image.fromarray(drawn).save(output)
    elif suffix == ".png":
        contact_sheet(dance, output, title=title, count=poses, per_beat=per_beat)
    elif not suffix and manner == "wan-animate":
        render_for_wan(
            dance, output, size=size, fps=fps, face=None if face is None else Path(face), start=over_start,
            on_progress=on_progress,
        )  # fmt: skip
    elif suffix == ".json" or (not suffix and layout in ("openpose", "controlnet")):
        save_poses(dance.poses, output, layout, points)
    else:
        raise TemposeError("output_format", "The output must end in .mp4, .mov, .png or .json.")


class _Ground:
    """What is drawn on: nothing, a picture, or a video that runs along and is closed at the end."""

    def __init__(self, path: str | os.PathLike[str] | None, start: float):
        self.whole: np.ndarray | VideoGround | None = None
        if path is not None:
            path = Path(path)
            self.whole = VideoGround(path, start) if path.suffix.lower() in VIDEOS else _picture(path)

    def __enter__(self) -> _Ground:
        return self

    def __exit__(self, *_: object) -> None:
        if isinstance(self.whole, VideoGround):
            self.whole.close()

    def at(self, second: float) -> np.ndarray | None:
        """(H, W, 3) uint8 at a second of the dance."""
        return self.whole.at(second) if isinstance(self.whole, VideoGround) else self.whole


def _picture(path: Path) -> np.ndarray:
    """(H, W, 3) uint8, turned as the camera held it."""
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as picture:
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except FileNotFoundError:
        raise TemposeError("picture_missing", f"There is no picture {path}.") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise TemposeError("picture_unreadable", f"{path.name} is not a picture (PNG, JPG).") from error
