"""`tempose data`: import motion, and look at what there is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tempose.picture_size import parse_size
from tempose_pose.errors import TemposeError

app = typer.Typer(name="data", help="Import motion, and check it.", no_args_is_help=True)


@app.command("import")
def import_(
    source: Annotated[Path, typer.Argument(help="AIST++ folder, BVH files, pose JSON, or videos")],
    out: Annotated[Path, typer.Argument(help="data folder; clips go to OUT/dance")],
    kind: Annotated[str, typer.Option(help="auto, aist, bvh, poses or video")] = "auto",
    genre: Annotated[str | None, typer.Option(help="one of the styles, such as krump, or any name")] = None,
    bpm: Annotated[
        float | None, typer.Option(help="beats per minute of all clips; beat 0 at their start")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="frame rate, where the files say none or a wrong one")
    ] = None,
    canvas: Annotated[str | None, typer.Option(help="WIDTHxHEIGHT of pose files that do not say it")] = None,
    labels: Annotated[
        Path | None,
        typer.Option(help="CSV: name, then any of genre, choreo, situation, dancer, bpm, beat0, fps"),
    ] = None,
    licence: Annotated[str, typer.Option(help="kept with each clip")] = "",
    min_frames: Annotated[int | None, typer.Option(help="shortest run kept; 256, for mocap 64")] = None,
    views: Annotated[str, typer.Option(help="of AIST++: both, 3d or 2d")] = "both",
    project: Annotated[
        str, typer.Option(help="BVH: also 2D clips seen from these degrees, such as 0,45")
    ] = "",
    pose_model: Annotated[
        Path | None,
        typer.Option(help="videos: folder with ONNX models for rtmlib"),
    ] = None,
) -> None:
    """Import motion; a stopped import goes on where it was when called again."""
    from rich.console import Console
    from rich.progress import Progress

    from tempose.datasets.importers import ImportOptions, import_data
    from tempose.datasets.importers.options import VIEWS, read_labels

    if views not in VIEWS:
        raise TemposeError("views_unknown", f"--views is both, 3d or 2d, not {views!r}.")
    options = ImportOptions(
        fps, parse_size(canvas), genre, bpm, licence, min_frames, views, _degrees(project), pose_model,
        read_labels(labels) if labels else {},
    )  # fmt: skip
    with Progress(transient=True) as progress:
        task = progress.add_task("Reading", total=None)
        film = progress.add_task("", total=None, visible=False)
        report = import_data(
            source, out, options, kind=kind,
            on_job=lambda done, total, name: progress.update(task, completed=done, total=total, description=name),
            on_frame=lambda frame: progress.update(film, completed=frame, visible=True, description=f"frame {frame}"),
        )  # fmt: skip
    console = Console(highlight=False)
    for title, items in (("Left out", report.dropped), ("Not readable", report.failed)):
        for item in items:
            console.print(f"[yellow]{title}[/]: {item.name}: {item.reason}", markup=True)
    typer.echo(
        f"{out / 'dance'}: {len(report.clips)} new clips, {report.known} sources known from before, "
        f"{len(report.dropped)} left out, {len(report.failed)} not readable."
    )
    if report.failed and not report.clips and not report.known:
        raise TemposeError("import_failed", f"Nothing in {source} could be read; see the reasons above.")


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="data folder with dance/index.json")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="page to write")] = None,
    full: Annotated[
        bool, typer.Option("--all", help="a line for every clip, not for odd ones alone")
    ] = False,
) -> None:
    """Show what training takes of a data folder, what it leaves, and why."""
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from tempose.datasets.check import check_data, summary, write_page

    with Progress(transient=True) as progress:
        task = progress.add_task("Measuring", total=None)
        findings = check_data(folder, lambda done, total: progress.update(task, completed=done, total=total))
    console = Console(highlight=False)
    table = Table("clip", "use", "style", "BPM", "seconds", "speed", "lock", "notes")
    for f in findings:
        if full or f.verdict in ("dropped", "not imported"):
            table.add_row(
                f.name, f.verdict, f.style, "" if f.bpm is None else f"{f.bpm:g}", f"{f.seconds:.1f}",
                f"{f.speed:.2f}", f"{f.lock:+.2f}" if f.bpm else "", "; ".join(f.notes),
            )  # fmt: skip
    console.print(table)
    for what, figure in summary(findings):
        console.print(f"{what}: {figure}")
    page = output or folder / "dance" / "check.html"
    if not page.parent.is_dir():
        raise TemposeError("output_folder", f"There is no folder {page.parent} to write to.")
    write_page(findings, page)
    typer.echo(f"{page}")


def _degrees(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(v) for v in text.split(",") if v.strip())
    except ValueError:
        raise TemposeError("project_text", f"--project is degrees such as 0,45, not {text!r}.") from None
