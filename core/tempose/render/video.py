"""Dances as mp4 with their music: H.264 and AAC through PyAV."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np

from tempose.metrics.curves import resampled
from tempose.render.draw import draw_trail
from tempose.render.ground import VideoGround
from tempose_pose.dance import Dance
from tempose_pose.drawing import PLAIN, Manner
from tempose_pose.errors import TemposeError
from tempose_pose.tempo import TempoMap

AUDIO_RATE = 44_100


def render_dance(
    dance: Dance,
    out: str | os.PathLike,
    audio: str | os.PathLike | None = None,
    start: float = 0.0,
    *,
    tempo_map: TempoMap | None = None,
    size: tuple[int, int] | None = None,
    fps: float | None = None,
    trail: int = 0,
    beat_flash: bool = False,
    over: np.ndarray | VideoGround | None = None,
    alpha: bool = False,
    manner: Manner = PLAIN,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a video of the dance, drawn on black, on a picture, or on nothing.

    Parameters
    ----------
    dance : Dance
    out : path
        ``.mp4``, or with `alpha` ``.mov``; it appears when it is complete.
    audio : path, optional
        The song, or a video with sound.
    start : float
        Song second at timeline second 0; ignored with a `tempo_map`.
    tempo_map : TempoMap, optional
        Timeline seconds → song seconds: the song is stretched along it, at its own pitch.
    size : (int, int), optional
        Width and height (brought to even numbers, as H.264 wants); None: the canvas.
    fps : float, optional
        None: the dance's own.
    trail : int
        Ghosts of that many earlier moments, a tenth of a second apart.
    beat_flash : bool
        A small mark in the upper left corner lights up for a tenth of a second on every beat, gold on
        downbeats.
    over : (H, W, 3) uint8 or VideoGround, optional
        A picture to draw on, the reference's own for instance; or a video that runs along.
    alpha : bool
        On a transparent ground; without loss, and large (PNG frames in QuickTime).
    manner : Manner
        The model that it is drawn for: strokes, size and frame rate are as it wants them.
    on_progress : callable, optional
        Called with (frames done, frames in all).

    Raises
    ------
    TemposeError
        The audio cannot be read, or the file cannot be written.
    """
    import av
    from av.error import FFmpegError

    out = Path(out)
    poses = resampled(dance.poses, fps or manner.rate or dance.poses.fps)
    width, height = manner.fitted(size or poses.canvas)
    sound = (
        None if audio is None else _sound(audio, tempo_map or TempoMap.constant(start=start), poses.seconds)
    )
    part = out.with_name(out.name + ".part")
    gap = max(1, round(0.1 * poses.fps))
    try:
        kind, codec, pixels = ("mov", "png", "rgba") if alpha else ("mp4", "libx264", "yuv420p")
        quality = {} if alpha else {"crf": "18", "preset": "veryfast"}
        with av.open(str(part), "w", format=kind, options={"movflags": "+faststart"}) as container:
            rate = Fraction(poses.fps).limit_denominator(1001)
            video = container.add_stream(codec, rate=rate, options=quality)
            video.width, video.height, video.pix_fmt = width, height, pixels
            track = None if sound is None else container.add_stream("aac", rate=AUDIO_RATE, layout="stereo")
            for i in range(len(poses)):
                frames = [f for f in range(i - trail * gap, i, gap) if f >= 0]
                ground = over.at(i / poses.fps) if isinstance(over, VideoGround) else over
                picture = draw_trail(
                    poses, [*frames, i], (width, height), alpha=alpha, over=ground, manner=manner
                ).copy()
                if beat_flash:
                    _flash(picture, dance, i / poses.fps)
                frame = av.VideoFrame.from_ndarray(picture, format="rgba" if alpha else "rgb24")
                frame.pts, frame.time_base = i, 1 / rate
                container.mux(video.encode(frame))
                if on_progress:
                    on_progress(i + 1, len(poses))
            container.mux(video.encode(None))
            if track is not None and sound is not None:
                for block in _blocks(sound, av):
                    container.mux(track.encode(block))
                container.mux(track.encode(None))
        part.replace(out)
    except (OSError, FFmpegError) as error:
        raise TemposeError("video_unwritable", f"The video {out} cannot be written: {error}.") from error
    finally:
        part.unlink(missing_ok=True)


def _sound(path: str | os.PathLike, tempo_map: TempoMap, seconds: float) -> np.ndarray:
    """(N, 2) float32 at `AUDIO_RATE`: what is heard along the timeline."""
    import librosa

    from tempose.music.sound_file import READ, open_sound
    from tempose.music.stretch import stretch

    try:
        with closing(open_sound(path)) as file:
            samples, rate = np.concatenate(list(file.blocks())), file.samplerate
    except (TemposeError, ValueError) as error:
        if getattr(error, "code", "") == "audio_missing":
            raise
        raise TemposeError(
            "audio_unreadable",
            f"{Path(path).name} is not audio that can be read ({READ}, or a video with sound).",
        ) from error
    stereo = samples[:, [0, -1]]
    if rate != AUDIO_RATE:
        stereo = librosa.resample(stereo.T, orig_sr=rate, target_sr=AUDIO_RATE).T
    return np.clip(stretch(stereo, AUDIO_RATE, tempo_map, seconds), -1, 1)


def _blocks(sound: np.ndarray, av):
    for first in range(0, len(sound), 1024):
        block = np.ascontiguousarray(sound[first : first + 1024].T, np.float32)
        frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = AUDIO_RATE, first, Fraction(1, AUDIO_RATE)
        yield frame


def _flash(picture: np.ndarray, dance: Dance, second: float) -> None:
    def just_now(times: np.ndarray) -> bool:
        since = second - np.asarray(times, float)
        return bool(((since > -1e-3) & (since < 0.1)).any())

    side = max(min(picture.shape[:2]) // 24, 4)
    if just_now(dance.beat_times):
        colour = (199, 154, 58, 255) if just_now(dance.downbeat_times) else (200, 200, 200, 255)
        picture[side : 2 * side, side : 2 * side] = colour[: picture.shape[2]]
