"""`tempose render`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tempose_pose.errors import TemposeError


def render(
    dance: Annotated[
        Path, typer.Argument(help="DANCE.npz, a pose file (.json), or a folder of OpenPose files")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help=".mp4 (with --alpha .mov) for a video, .png for a contact sheet, .json for poses",
        ),
    ],
    audio: Annotated[
        Path | None, typer.Option(help="the song, or a video with sound, for the video's sound")
    ] = None,
    start: Annotated[float, typer.Option(help="song second at which the dance begins")] = 0.0,
    tempo_map: Annotated[
        Path | None, typer.Option(help="JSON: [[timeline second, song second], …], to stretch the song along")
    ] = None,
    size: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT in pixels; the canvas without")] = None,
    fps: Annotated[float | None, typer.Option(help="the video's frame rate; the dance's without")] = None,
    trail: Annotated[int, typer.Option(help="ghosts of so many earlier moments")] = 0,
    beats: Annotated[bool, typer.Option("--beats", help="flash a mark on every beat")] = False,
    frame: Annotated[int | None, typer.Option(help="one still of this frame in place of a sheet")] = None,
    alpha: Annotated[bool, typer.Option("--alpha", help="a still or video on a transparent ground")] = False,
    over: Annotated[
        Path | None,
        typer.Option(help="picture (PNG, JPG) or video to draw on, such as the dancer's own"),
    ] = None,
    over_start: Annotated[float, typer.Option(help="the video's second at which the dance begins")] = 0.0,
    poses: Annotated[int, typer.Option(help="poses on a contact sheet, at most")] = 32,
    per_beat: Annotated[int, typer.Option(help="poses per beat on a contact sheet")] = 1,
    layout: Annotated[str, typer.Option("--format", help="of .json: own, openpose or coco")] = "openpose",
    points: Annotated[
        int | None,
        typer.Option(help="keypoints in .json: openpose 18 or 25; coco 17, 26 (Halpe) or 133 (WholeBody)"),
    ] = None,
    canvas: Annotated[
        str | None,
        typer.Option(help="WIDTHxHEIGHT that a pose file's numbers refer to, where it does not say"),
    ] = None,
    pose_fps: Annotated[
        float | None, typer.Option(help="frame rate of a pose file that does not say its own")
    ] = None,
    y_up: Annotated[
        bool, typer.Option("--y-up", help="the pose file measures y upwards from the lower edge")
    ] = False,
    person: Annotated[int | None, typer.Option(help="which figure of a pose file, from 0")] = None,
) -> None:
    """Draw a dance: video with sound, contact sheet, still, or pose file."""
    from tempose.render.ground import VIDEOS, VideoGround

    loaded = _load(dance, canvas=_size(canvas), fps=pose_fps, y_up=y_up or None, person=person)
    sides = _size(size)
    suffix = output.suffix.lower()
    if alpha and over is not None:
        raise TemposeError(
            "ground", "Choose one of --alpha and --over: a picture lets nothing shine through."
        )
    if trail < 0:
        raise TemposeError("trail", "The number of ghosts cannot be negative.")
    if over is not None and over.suffix.lower() in VIDEOS:
        moving, still = VideoGround(over, over_start), None
    else:
        moving, still = None, None if over is None else _picture(over)
    if suffix == (".mov" if alpha else ".mp4"):
        _video(
            loaded, output, audio, start, tempo_map,
            size=sides, fps=fps, trail=trail, beat_flash=beats, over=moving or still, alpha=alpha,
        )  # fmt: skip
    elif suffix in (".mov", ".mp4"):
        raise TemposeError("output_format", "A transparent video ends in .mov, any other in .mp4.")
    elif suffix == ".png" and (frame is not None or over is not None or alpha):
        from PIL import Image

        from tempose.render.draw import draw_trail

        shown, gap = frame or 0, max(1, round(0.1 * loaded.poses.fps))
        moments = [f for f in range(shown - trail * gap, shown, gap) if f >= 0]
        if moving is not None:
            still = moving.at(shown / loaded.poses.fps)
        drawn = draw_trail(loaded.poses, [*moments, shown], sides, alpha=alpha, over=still)
        Image.fromarray(drawn).save(output)
    elif suffix == ".png":
        from tempose.render.contact_sheet import contact_sheet

        contact_sheet(loaded, output, title=dance.stem, count=poses, per_beat=per_beat)
    elif suffix == ".json" or (not suffix and layout == "openpose"):
        from tempose_pose.writers import save_poses

        save_poses(loaded.poses, output, layout, points)
    else:
        raise TemposeError("output_format", "The output must end in .mp4, .mov, .png or .json.")
    if moving is not None:
        moving.close()
    typer.echo(str(output))


def _load(path: Path, **said):
    import numpy as np

    from tempose_pose.dance import Dance
    from tempose_pose.formats import load_poses

    if path.suffix == ".npz":
        return Dance.load(path)
    none = np.zeros(0)
    return Dance(load_poses(path, **said), none, none, none.astype(int), 0, "file")


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise TemposeError("picture_size", "Give the size as WIDTHxHEIGHT, such as 768x1024.")
    return int(width), int(height)


def _picture(path: Path):
    """(H, W, 3) uint8, turned as the camera held it."""
    import numpy as np
    from PIL import Image, ImageOps

    try:
        with Image.open(path, formats=("PNG", "JPEG")) as picture:
            return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
    except FileNotFoundError:
        raise TemposeError("picture_missing", f"There is no picture {path}.") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise TemposeError("picture_unreadable", f"{path.name} is not a picture (PNG, JPG).") from error


def _video(dance, output, audio, start, tempo_map, **settings) -> None:
    import json

    from rich.progress import Progress

    from tempose.render.video import render_dance
    from tempose_pose.tempo import TempoMap

    stretched = None
    if tempo_map is not None:
        try:
            points = json.loads(tempo_map.read_text())
            points = points["points"] if isinstance(points, dict) else points
            stretched = TempoMap(tuple((float(t), float(s) + start) for t, s in points))
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise TemposeError("tempo_map", f"{tempo_map.name} is no tempo map.") from error
    with Progress(transient=True) as progress:
        task = progress.add_task("Drawing", total=None)
        render_dance(
            dance, output, audio, start,
            tempo_map=stretched, **settings,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )  # fmt: skip
