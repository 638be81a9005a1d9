"""The `tempose` command. Heavy imports wait until a command needs them."""

from __future__ import annotations

import json
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from tempose import __version__
from tempose.datasets.cli import app as data_app
from tempose.request import GUIDANCE
from tempose_pose.errors import TemposeError

app = typer.Typer(
    name="tempose",
    help="2D characters that dance to music.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command; errors a person can put right end in one line and exit code 1."""
    try:
        app()
    except TemposeError as error:
        typer.secho(f"tempose: {error.message}", fg="red", err=True)
        raise SystemExit(1) from None


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False):
    if version:
        typer.echo(f"tempose {__version__}")
        raise typer.Exit


@app.command()
def generate(
    song: Annotated[Path, typer.Argument(help="wav, flac, ogg or mp3")],
    output: Annotated[Path, typer.Option("-o", "--output", help="where the dance goes: DANCE.npz")],
    reference: Annotated[Path | None, typer.Option(help="pose JSON; a standing figure without one")] = None,
    start: Annotated[float, typer.Option(help="song second at which the dance begins")] = 0.0,
    seconds: Annotated[
        float | None, typer.Option(help="length of the dance; to the song's end without")
    ] = None,
    seed: Annotated[int, typer.Option(help="same seed, same dance")] = 0,
    style: Annotated[str | None, typer.Option(help="such as house, krump, pop, lock")] = None,
    energy: Annotated[float, typer.Option(help="1 is normal, 0.5 calm, 1.5 lively")] = 1.0,
    tempo_map: Annotated[
        Path | None, typer.Option(help="JSON: [[timeline second, song second], …], rising")
    ] = None,
    steps: Annotated[int, typer.Option(help="sampler steps")] = 20,
    guidance: Annotated[float, typer.Option(help="how hard to follow the music; 1 is off")] = GUIDANCE,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps")] = "auto",
    model: Annotated[str, typer.Option(help="default, null, or a folder of weights")] = "default",
) -> None:
    """Dance to a song."""
    from rich.progress import Progress

    from tempose.generator import load_generator
    from tempose.music.audio import Song
    from tempose.request import DanceRequest
    from tempose_pose.formats import load_reference
    from tempose_pose.reference import complete, standing_pose
    from tempose_pose.tempo import TempoMap

    heard = Song.load(song)
    tempo = TempoMap.constant(start=start) if tempo_map is None else _read_tempo_map(tempo_map, start)
    if seconds is None:
        seconds = float(tempo.to_timeline(heard.seconds))
    if start < 0 or start >= heard.seconds:
        raise TemposeError(
            "start_range", f"{song.name} is {heard.seconds:.1f} s long; start must lie inside it."
        )
    pose = standing_pose() if reference is None else load_reference(reference)
    _, notices = complete(pose)
    for notice in notices:
        typer.secho(f"Reference: {notice}", fg="yellow", err=True)
    request = DanceRequest(
        pose, seconds, tempo, None, style, energy, seed=seed, steps=steps, guidance=guidance
    )
    if not output.parent.is_dir():
        raise TemposeError("output_folder", f"There is no folder {output.parent} to write to.")
    generator = load_generator(model, device)
    with Progress(transient=True) as progress:
        task = progress.add_task("Dancing", total=None)
        dance = generator(
            heard, request, on_step=lambda done, total: progress.update(task, completed=done, total=total)
        )
    dance.save(output)
    typer.echo(
        f"{output}: {dance.poses.seconds:.1f} s, {len(dance.beat_times)} beats, seed {seed}, "
        f"model {dance.model_revision}"
    )


def _read_tempo_map(path: Path, start: float):
    from tempose_pose.tempo import TempoMap

    try:
        points = json.loads(path.read_text(encoding="utf-8"))
        points = points["points"] if isinstance(points, dict) else points
        return TempoMap(tuple((float(t), float(s) + start) for t, s in points))
    except OSError:
        raise TemposeError("tempo_map_missing", f"There is no tempo map {path}.") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        if isinstance(error, TemposeError):
            raise
        raise TemposeError(
            "tempo_map", f"{path.name} is no tempo map: a JSON list of [timeline second, song second] pairs."
        ) from error


def _mount(module: str, names: dict[str, str]) -> None:
    """Add commands of another package; one whose extra is not installed says which to install."""
    try:
        loaded: Any = import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name

        def explain() -> None:
            raise TemposeError(
                "extra_missing", f"This command needs {missing}: pip install 'tempose[server,train]'."
            )

        for command in names:
            app.command(command, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})(
                explain
            )
        return
    for command, function in names.items():
        app.command(command)(getattr(loaded, function))


_mount("tempose_server.cli", {"serve": "serve"})
_mount("tempose.doctor", {"doctor": "doctor"})
_mount("tempose.render.cli", {"render": "render"})
_mount("tempose.training.cli", {"train": "train"})
app.add_typer(data_app)
with suppress(ModuleNotFoundError):
    _mount("tempose.evaluation.cli", {"evaluate": "evaluate", "evaluate-beats": "evaluate_beats"})

if __name__ == "__main__":
    main()
