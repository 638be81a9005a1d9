"""Contact sheets: a dance at a glance, pose by pose on the beat, with the curve of its speed below."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter1d

from tempose.metrics.beats import CONVENTIONS, motion_beats
from tempose.metrics.curves import in_body_heights, mean_speed
from tempose.render.draw import draw_pose
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.sequence import PoseSequence

COLUMNS = 8
CURVE_SECONDS = 16.0  # per row
CELL = 220  # pixels
INK, PAPER, BEAT, DOWNBEAT, SEAM = "#d8d8d8", "#141414", "#5a5a5a", "#c79a3a", "#c94f4f"


def sheet_frames(dance: Dance, count: int, per_beat: int = 1) -> np.ndarray:
    """(up to count,) seconds to show: beats (and their subdivisions), thinned evenly; the clip's even parts
    where there are too few beats."""
    end = (len(dance.poses) - 1) / dance.poses.fps
    beats = np.asarray(dance.beat_times, float)
    if len(beats) >= 2:
        index = np.arange((len(beats) - 1) * per_beat + 1) / per_beat
        beats = np.interp(index, np.arange(len(beats)), beats)
    beats = beats[(beats >= 0) & (beats <= end + 1e-6)]
    if len(beats) < 2:
        return np.linspace(0, end, min(count, len(dance.poses)))
    return beats[:: max(1, -(-len(beats) // count))]


def contact_sheet(
    dance: Dance,
    path: str | os.PathLike | None = None,
    *,
    title: str = "",
    count: int = 32,
    per_beat: int = 1,
) -> np.ndarray:
    """Draw the poses at the beats with their times and bar positions, and the speed curve with beat lines.

    Parameters
    ----------
    dance : Dance
    path : path, optional
        A ``.png`` to write.
    title : str
    count : int
        At most that many poses, 1 to 200.
    per_beat : int
        Poses per beat; 2 shows what happens in between.

    Returns
    -------
    (H, W, 3) uint8
        The curve's dots are motion beats, grey lines beats, gold lines downbeats, red dashes seams.
    """
    if not 1 <= count <= 200 or per_beat < 1:
        raise TemposeError("sheet_count", "A contact sheet shows 1 to 200 poses.")
    times = sheet_frames(dance, count, per_beat)
    rows = -(-len(times) // COLUMNS)
    curves = max(1, int(np.ceil(dance.poses.seconds / CURVE_SECONDS - 1e-6)))
    width, height = COLUMNS * CELL, 40 + rows * CELL + curves * 130
    figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor=PAPER)
    canvas = FigureCanvasAgg(figure)
    bpm = 60 / np.median(np.diff(dance.beat_times)) if len(dance.beat_times) > 1 else 0
    facts = f"{dance.poses.seconds:.1f} s   {bpm:.0f} BPM   seed {dance.seed}   {dance.model_revision}"
    figure.text(
        0.01, 1 - 24 / height, f"{title}   {facts}".strip(), color=INK, fontsize=11, family="monospace"
    )
    shown = _close_up(dance.poses)
    for i, second in enumerate(times):
        left, top = i % COLUMNS * CELL, 40 + i // COLUMNS * CELL
        box = (left / width, 1 - (top + CELL) / height, (CELL - 4) / width, (CELL - 4) / height)
        _thumbnail(figure.add_axes(box), dance, shown, float(second))
    for row in range(curves):
        bottom = (curves - 1 - row) * 130 + 34
        axes = figure.add_axes((0.03, bottom / height, 0.96, 90 / height))
        _curve(axes, dance, row * CURVE_SECONDS)
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    if path is not None:
        from PIL import Image

        Image.fromarray(picture).save(Path(path))
    return picture


def _position(dance: Dance, second: float) -> str:
    """Bar and beat, counted from 1, where downbeats are known."""
    beats, downs = np.asarray(dance.beat_times), np.asarray(dance.downbeat_times)
    bar = int(np.searchsorted(downs, second + 1e-3))
    if bar == 0 or len(beats) == 0:
        return ""
    beat = int(((beats >= downs[bar - 1] - 1e-3) & (beats <= second + 1e-3)).sum())
    return f"bar {bar}.{beat}"


def _close_up(poses: PoseSequence) -> PoseSequence:
    """The poses on a square canvas just large enough for nearly all of the dance."""
    seen = poses.pixels[poses.scores > 0]
    if not len(seen):
        return poses
    low, high = np.percentile(seen, (0.5, 99.5), axis=0)
    side = max(float((high - low).max()) * 1.2, 1.0)
    corner = (low + high) / 2 - side / 2
    return replace(poses, keypoints=(poses.pixels - corner) / side, canvas=(1000, 1000))


def _thumbnail(axes, dance: Dance, shown: PoseSequence, second: float) -> None:
    frame = min(round(second * dance.poses.fps), len(dance.poses) - 1)
    axes.imshow(draw_pose(shown, frame, (CELL, CELL)), interpolation="nearest")
    down = len(dance.downbeat_times) and np.abs(np.asarray(dance.downbeat_times) - second).min() < 1e-3
    axes.text(4, 14, f"{second:6.2f} s", color=DOWNBEAT if down else INK, fontsize=8, family="monospace")
    axes.text(CELL - 4, 14, _position(dance, second), color=INK, fontsize=8, family="monospace", ha="right")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(DOWNBEAT if down else "#303030")


def _curve(axes, dance: Dance, start: float) -> None:
    poses = dance.poses
    axes.set_facecolor(PAPER)

    if len(poses) > 1 and (poses.scores > 0).any():
        speed = mean_speed(in_body_heights(poses), poses.fps)
        speed = gaussian_filter1d(speed, CONVENTIONS["time"].smoothing * poses.fps)
        at = (np.arange(len(speed)) + 0.5) / poses.fps
        axes.plot(at, speed, color="#7fb8e6", linewidth=1.2)
        marks = motion_beats(poses)
        axes.plot(marks, np.interp(marks, at, speed), "o", color="#ffffff", markersize=3)
        axes.set_ylim(0, max(float(np.percentile(speed, 99.5)) * 1.15, 0.1))
    for beats, colour, line in (
        (dance.beat_times, BEAT, "-"),
        (dance.downbeat_times, DOWNBEAT, "-"),
        (np.asarray(dance.seams) / poses.fps, SEAM, "--"),
    ):
        for second in np.asarray(beats, float):
            axes.axvline(second, color=colour, linewidth=0.8, linestyle=line, zorder=0)
    axes.set_xlim(start, start + CURVE_SECONDS)
    axes.tick_params(colors=INK, labelsize=7)
    axes.set_xlabel("seconds", color=INK, fontsize=7, labelpad=1)
    axes.set_ylabel("heights / s", color=INK, fontsize=7)
    for spine in axes.spines.values():
        spine.set_color("#303030")
