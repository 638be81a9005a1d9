"""`tempose pose` and `tempose take`: people in a picture as a pose file, in a video as a dance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tempose_pose.errors import TemposeError

PoseModel = Annotated[
    Path | None, typer.Option(help="folder with ONNX models for rtmlib, in place of the one that ships")
]


def pose(
    picture: Annotated[Path, typer.Argument(help="PNG, JPEG, WebP, …")],
    output: Annotated[Path, typer.Option("-o", "--output", help="where the pose goes: POSE.json")],
    person: Annotated[int, typer.Option(help="which one: 1 is the largest, 2 the next")] = 1,
    pose_model: PoseModel = None,
) -> None:
    """Find the pose of a person or a drawn figure in a picture: a reference pose to dance with."""
    from tempose.estimator import DOUBTFUL, estimator, poses_in
    from tempose.picture_file import read_picture
    from tempose_pose.writers import save_poses

    people = poses_in(read_picture(picture), estimator(pose_model))
    if not 1 <= person <= len(people):
        raise TemposeError("nobody_seen", _nobody(picture, person, len(people)))
    if len(people) > 1:
        typer.secho(
            f"There are {len(people)} people in it; this is number {person} by size (--person).", fg="yellow"
        )
    found = people[person - 1]
    doubtful = [
        joint.replace("_", " ")
        for joint, score in zip(found.skeleton.joints, found.scores[0], strict=True)
        if 0 < score < DOUBTFUL
    ]
    if not output.parent.is_dir():
        raise TemposeError("output_folder", f"There is no folder {output.parent} to write to.")
    save_poses(found, output)
    doubt = f"; look at: {', '.join(doubtful)}" if doubtful else ""
    typer.echo(f"{output}: {(found.scores[0] > 0).sum()} joints{doubt}")


def take(
    video: Annotated[Path, typer.Argument(help="mp4, mov, mkv, webm …")],
    output: Annotated[Path, typer.Option("-o", "--output", help="where the dance goes: DANCE.npz")],
    person: Annotated[int, typer.Option(help="which one: 1 is seen longest and largest, 2 the next")] = 1,
    pose_model: PoseModel = None,
) -> None:
    """Read the dance out of a video, with the beats of its sound."""
    from rich.progress import Progress

    from tempose.estimator import RtmEstimator
    from tempose.videos.dance import dance_from_video
    from tempose.videos.frames import open_video

    if not output.parent.is_dir():
        raise TemposeError("output_folder", f"There is no folder {output.parent} to write to.")
    with open_video(video) as opened:
        frames = opened.facts.frames
    with Progress(transient=True) as progress:
        task = progress.add_task("Looking", total=frames or None)
        dance = dance_from_video(
            video,
            person,
            None if pose_model is None else RtmEstimator(pose_model),
            lambda done: progress.update(task, completed=done),
        )
    dance.save(output)
    typer.echo(
        f"{output}: {dance.poses.seconds:.1f} s, {dance.poses.skeleton.name}, {len(dance.beat_times)} beats, "
        f"{len(dance.seams)} cuts"
    )


def _nobody(picture: Path, person: int, count: int) -> str:
    if count == 0:
        return f"Nobody was found in {picture.name}."
    return f"--person {person}: there {'is one person' if count == 1 else f'are {count} people'} in {picture.name}."
