"""`tempose render`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


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
    over_start: Annotated[
        float, typer.Option(help="second of that video, or of the face's, at which the dance begins")
    ] = 0.0,
    face: Annotated[
        Path | None,
        typer.Option(help="for wan-animate: a video of the dancer, or a picture, whose face it is to be"),
    ] = None,
    poses: Annotated[int, typer.Option(help="poses on a contact sheet, at most")] = 32,
    per_beat: Annotated[int, typer.Option(help="poses per beat on a contact sheet")] = 1,
    layout: Annotated[
        str, typer.Option("--format", help="of .json: own, openpose, controlnet or coco")
    ] = "openpose",
    manner: Annotated[
        str,
        typer.Option(
            "--for",
            help="draw as a model wants it: plain, controlnet, animate-anyone, mimic-motion or wan-animate",
        ),
    ] = "plain",
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
    from rich.progress import Progress

    from tempose.picture_size import parse_size
    from tempose.render.output import render as draw
    from tempose.tempo_file import load_tempo_map

    loaded = _load(dance, canvas=parse_size(canvas), fps=pose_fps, y_up=y_up or None, person=person)
    with Progress(transient=True) as progress:
        task = progress.add_task("Drawing", total=None)
        draw(
            loaded, output, audio=audio, start=start, size=parse_size(size), fps=fps, trail=trail, beats=beats,
            tempo_map=None if tempo_map is None else load_tempo_map(tempo_map, start),
            frame=frame, alpha=alpha, over=over, over_start=over_start, face=face,
            title=dance.stem, poses=poses, per_beat=per_beat, layout=layout, points=points, manner=manner,
            on_progress=lambda done, total: progress.update(task, completed=done, total=total),
        )  # fmt: skip
    typer.echo(str(output))


def _load(path: Path, **said):
    import numpy as np

    from tempose_pose.dance import Dance
    from tempose_pose.formats import load_poses

    if path.suffix == ".npz":
        return Dance.load(path)
    none = np.zeros(0)
    return Dance(load_poses(path, **said), none, none, none.astype(int), 0, "file")
