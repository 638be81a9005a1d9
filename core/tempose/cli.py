"""The `tempose` command. Heavy imports wait until a command needs them."""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from tempose import __version__
from tempose.datasets.cli import app as data_app
from tempose_pose.errors import TemposeError
from tempose_pose.request import GUIDANCE, REPEAT, STEPS

app = typer.Typer(
    name="tempose",
    help="2D characters that dance to music.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command; errors a person can fix end in one line and exit code 1."""
    try:
        app()
    except TemposeError as error:
        option = {"canvas_missing": " The option is --canvas WIDTHxHEIGHT."}.get(error.code, "")
        typer.secho(f"tempose: {error.message}{option}", fg="red", err=True)
        raise SystemExit(1) from None


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False):
    if version:
        typer.echo(f"tempose {__version__}")
        raise typer.Exit


@app.command()
def generate(
    song: Annotated[Path, typer.Argument(help="wav, flac, ogg, mp3, m4a, opus, webm or aiff")],
    output: Annotated[Path, typer.Option("-o", "--output", help="where the dance goes: DANCE.npz")],
    reference: Annotated[Path | None, typer.Option(help="pose JSON; a standing figure without one")] = None,
    canvas: Annotated[
        str | None,
        typer.Option(help="WIDTHxHEIGHT that the reference's numbers refer to, where it does not say"),
    ] = None,
    start: Annotated[float, typer.Option(help="song second at which the dance begins")] = 0.0,
    seconds: Annotated[
        float | None, typer.Option(help="length of the dance; without it, to the song's end")
    ] = None,
    seed: Annotated[int, typer.Option(help="same seed, same dance")] = 0,
    style: Annotated[str | None, typer.Option(help="such as house, krump, pop, lock")] = None,
    energy: Annotated[float, typer.Option(help="1 is normal, 0.5 calm, 1.5 lively")] = 1.0,
    tempo_map: Annotated[
        Path | None, typer.Option(help="JSON: [[timeline second, song second], …], rising")
    ] = None,
    steps: Annotated[int, typer.Option(help="sampler steps")] = STEPS,
    guidance: Annotated[float, typer.Option(help="how hard to follow the music; 1 is off")] = GUIDANCE,
    listen: Annotated[
        float, typer.Option(help="how strongly to follow the sound; 0 is the beat alone")
    ] = 1.0,
    repeat: Annotated[
        float, typer.Option(help="how alike to dance what returns in the song, 0 to 1")
    ] = REPEAT,
    energy_curve: Annotated[
        Path | None, typer.Option(help="CSV of second,value: -2.5 still, 0 normal, 1.5 wild")
    ] = None,
    hits_curve: Annotated[
        Path | None, typer.Option(help="CSV of second,value: -1 to 1: how far beats stop")
    ] = None,
    facing_curve: Annotated[
        Path | None, typer.Option(help="CSV of second,value: 1 front, 0 profile, -1 back")
    ] = None,
    path_curve: Annotated[
        Path | None, typer.Option(help="CSV of second,value: -0.36 left to 0.36 right, body heights")
    ] = None,
    level_curve: Annotated[
        Path | None, typer.Option(help="CSV of second,value: below 0 crouching, above in the air")
    ] = None,
    zoom_curve: Annotated[Path | None, typer.Option(help="CSV of second,value: -0.3 far to 0.3 near")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps")] = "auto",
    model: Annotated[str, typer.Option(help="default, null, or a folder of weights")] = "default",
) -> None:
    """Dance to a song."""
    from rich.progress import Progress

    from tempose.api import as_reference, load_song
    from tempose.api import generate as make_dance
    from tempose.picture_size import parse_size
    from tempose.tempo_file import load_tempo_map
    from tempose_pose.completion import complete
    from tempose_pose.curves import read_curve

    files = {
        "energy": energy_curve, "hits": hits_curve, "facing": facing_curve,
        "path": path_curve, "level": level_curve, "zoom": zoom_curve,
    }  # fmt: skip
    curves = {name: read_curve(path) for name, path in files.items() if path}
    heard, pose = load_song(song), as_reference(reference, parse_size(canvas))
    tempo = None if tempo_map is None else load_tempo_map(tempo_map, start)
    for notice in complete(pose)[1]:
        typer.secho(f"Reference: {notice}", fg="yellow", err=True)
    if not output.parent.is_dir():
        raise TemposeError("output_folder", f"There is no folder {output.parent} to write to.")
    with Progress(transient=True) as progress:
        task = progress.add_task("Dancing", total=None)
        dance = make_dance(
            heard, style=style, seed=seed, energy=energy, start=0.0 if tempo else start, seconds=seconds,
            tempo_map=tempo, reference=pose, model=model, device=device, steps=steps, guidance=guidance,
            listen=listen, repeat=repeat, curves=curves,
            on_step=lambda done, total: progress.update(task, completed=done, total=total),
        )  # fmt: skip
    dance.save(output)
    danced = f" as {dance.style.replace('_', ' ')}" if dance.style else ""
    typer.echo(
        f"{output}: {dance.poses.seconds:.1f} s{danced}, {len(dance.beat_times)} beats, seed {seed}, "
        f"model {dance.model_revision}"
    )


def _mount(module: str, names: dict[str, str]) -> None:
    """Add commands of another package; one whose extra is not installed says which to install."""
    try:
        loaded: Any = import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name

        def explain() -> None:
            raise TemposeError(
                "extra_missing",
                f"This command needs {missing}: pip install 'tempose[server,evaluate,train]'.",
            )

        for command in names:
            app.command(command, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})(
                explain
            )
        return
    for command, function in names.items():
        app.command(command)(getattr(loaded, function))


_mount("tempose_server.cli", {"serve": "serve"})
_mount("tempose_server.doctor", {"doctor": "doctor"})
_mount("tempose_server.open_docs", {"docs": "docs"})
_mount("tempose.pose_cli", {"pose": "pose", "take": "take"})
_mount("tempose.render.cli", {"render": "render"})
_mount("tempose.training.cli", {"train": "train"})
app.add_typer(data_app)
with suppress(ModuleNotFoundError):
    _mount("tempose.evaluation.cli", {"evaluate": "evaluate", "evaluate-beats": "evaluate_beats"})

if __name__ == "__main__":
    main()
