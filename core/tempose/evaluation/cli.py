"""`tempose evaluate`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from tempose_pose.errors import TemposeError
from tempose_pose.request import GUIDANCE, STEPS


def evaluate(
    what: Annotated[
        str, typer.Argument(help="default, null, a folder of weights, or a folder of DANCE.npz")
    ] = "default",
    output: Annotated[
        Path, typer.Option("-o", "--output", help="folder for results.json, rows.csv, index.html")
    ] = Path("evaluation"),
    songs: Annotated[
        list[Path] | None,
        typer.Option(help="folder of songs (with optional SONG.json beats); may be given again"),
    ] = None,
    motion: Annotated[
        Path | None, typer.Option(help="data folder with real dances (dance/index.json)")
    ] = None,
    seeds: Annotated[int, typer.Option(help="dances per song")] = 3,
    seconds: Annotated[float, typer.Option(help="length of each dance")] = 30.0,
    baselines: Annotated[bool, typer.Option(help="also the baselines")] = True,
    suite: Annotated[
        str,
        typer.Option(
            help="trials beside the table, with commas, all or none: "
            "stretch, splice, poses, long, styles, matched, hearing, direction, vocabulary"
        ),
    ] = "stretch,splice",
    suite_songs: Annotated[int, typer.Option(min=1, help="songs for each trial")] = 5,
    cache: Annotated[
        Path | None, typer.Option(help="folder in which the baselines' dances are kept for further runs")
    ] = None,
    videos: Annotated[int, typer.Option(help="sample videos with sound in the page")] = 2,
    conventions: Annotated[str, typer.Option(help="peers' beat scores to add: bailando,fact,…")] = "",
    style: Annotated[str | None, typer.Option(help="style for all songs that do not say one")] = None,
    energy: Annotated[float, typer.Option(help="1 is normal")] = 1.0,
    steps: Annotated[int, typer.Option(help="sampler steps")] = STEPS,
    guidance: Annotated[float, typer.Option(help="guidance scale")] = GUIDANCE,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps")] = "auto",
    against: Annotated[
        Path | None, typer.Option(help="folder of an earlier evaluation to compare with")
    ] = None,
) -> None:
    """Compare a model, or finished dances, with real motion and baselines; a stopped run continues."""
    from dataclasses import replace

    from rich.progress import Progress

    with _extra_installed():
        from tempose.evaluation.cases import load_cases
        from tempose.evaluation.real_motion import from_clips
        from tempose.evaluation.run import evaluate
        from tempose.evaluation.study import Study

    if seeds < 1:
        raise TemposeError("seeds_range", "There must be at least one dance per song.")
    suites = _suites(suite)
    truths, tight = [], []
    if motion is not None:
        from tempose.datasets.clips import load_clips, quantised

        clips = load_clips(motion)
        truths = from_clips(clips)
        tight = from_clips(quantised(c) for c in clips if not c.held_out)
    finished = _dances(what)
    systems: dict[str, Any] = {}
    cases = []
    if finished is None:
        if not songs:
            raise TemposeError("songs_missing", "Give a folder of songs: --songs FOLDER.")
        cases = [c for folder in songs for c in load_cases(folder, seconds)]
        if len({c.name for c in cases}) < len(cases):
            raise TemposeError("songs_twice", "Two songs have one name: rename one of them.")
        cases = [c if c.style else replace(c, style=style) for c in cases]
        systems = _systems(what, device, truths if baselines else None, tight)
    study = Study(
        systems,
        cases,
        truths,
        range(seeds),
        settings={"steps": steps, "guidance": guidance, "energy": energy},
        conventions=[c for c in conventions.split(",") if c],
        suites=suites if finished is None else (),
        suite_songs=suite_songs,
        finished={"dances": finished} if finished is not None else {},
    )
    with Progress(transient=True) as progress:
        tasks: dict[str, Any] = {}

        def tell(done: int, total: int, name: str) -> None:
            system = name.partition(":")[0]
            if system not in tasks:
                tasks[system] = progress.add_task(system, total=total)
            progress.update(tasks[system], completed=done, total=total, description=name)

        results = evaluate(study, output, videos=videos, cache=cache, against=against, on_dance=tell)
    _show(results)
    typer.echo(f"{output / 'index.html'}")
    if against is not None:
        _compare(results["against"])


@contextmanager
def _extra_installed() -> Iterator[None]:
    """Say which extra to install if one of its packages is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise TemposeError(
            "extra_missing", f"Measuring needs {error.name}: pip install 'tempose[evaluate]'."
        ) from None


def evaluate_beats(
    data: Annotated[Path, typer.Argument(help="folder of samples and drum takes; recordings in music/")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="folder for beats.json, beats.csv, beats.html")
    ] = Path("evaluation-beats"),
    songs: Annotated[int, typer.Option(min=1, help="rendered songs of each kind and tempo")] = 2,
    seconds: Annotated[float, typer.Option(min=10, help="length of rendered songs")] = 30.0,
) -> None:
    """Compare the beat grid with plain librosa, on songs with known beats and recordings; a stopped run continues."""
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    with _extra_installed():
        from tempose.evaluation.beat_figures import FIGURES
        from tempose.evaluation.beats import evaluate_beats

    with Progress(transient=True) as progress:
        task = progress.add_task("Listening", total=None)
        results = evaluate_beats(
            data, output, songs=songs, seconds=seconds,
            on_song=lambda done, total, name: progress.update(
                task, completed=done, total=total, description=name
            ),
        )  # fmt: skip
    shown = Table("songs", "tracker", "number", *FIGURES, "confidence")
    for group, trackers in results["table"].items():
        for tracker, line in trackers.items():
            cells = [f"{line[k]:.2f}".replace("nan", "–") for k in (*FIGURES, "confidence")]
            shown.add_row(group, tracker, str(line["songs"]), *cells)
    Console().print(shown)
    found = results["calibration"]
    typer.echo(
        f"confidence is off by {found['error']:.2f} on average; tells good from bad at {found['auc']:.2f}"
    )
    typer.echo(f"{output / 'beats.html'}")


def _dances(what: str):
    from tempose_pose.dance import Dance

    folder = Path(what)
    if what in ("default", "null") or not folder.is_dir() or (folder / "model_index.json").is_file():
        return None
    paths = sorted(folder.glob("*.npz"))
    if not paths:
        raise TemposeError("dances_missing", f"There are neither weights nor dances (.npz) in {folder}.")
    return [(p.stem, Dance.load(p)) for p in paths]


def _suites(text: str) -> list[str]:
    from tempose.evaluation.suites import SUITES

    if text == "all":
        return list(SUITES)
    chosen = [name for name in text.replace(" ", "").split(",") if name and name != "none"]
    for name in chosen:
        if name not in SUITES:
            raise TemposeError("suite_unknown", f"Known trials: {', '.join(SUITES)}; or all, or none.")
    return chosen


def _systems(what: str, device: str, truths, tight) -> dict[str, Any]:
    """The system to evaluate and the baselines, which draw only from training clips that dance."""
    from tempose.evaluation.baselines import GenreMean, Metronome, Retrieval
    from tempose.evaluation.real_motion import moving
    from tempose.generator import load_generator
    from tempose.null_model import NullModel

    systems: dict[str, Any] = {"model": load_generator(what, device)}
    if truths is not None:
        train = moving([t for t in truths if not t.held_out])
        if train:
            systems |= {"retrieval": Retrieval(train), "retrieval, quantised": Retrieval(moving(tight))}
            systems["genre mean"] = GenreMean(train)
        systems["metronome"] = Metronome()
        if what != "null":
            systems["null"] = NullModel()
    return systems


def _show(results: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from tempose.evaluation.figures import FIGURES

    table = Table("figure", *results["table"])
    for figure in FIGURES:
        cells = [line.get(figure.name, {"mean": float("nan")})["mean"] for line in results["table"].values()]
        table.add_row(figure.name, *(f"{c:.{figure.digits}f}".replace("nan", "–") for c in cells))
    Console().print(table)
    _show_score(results)
    for name, found in results["suites"].items():
        for system, suite in found.items():
            numbers = [
                f"{k} {v:.2f}" if isinstance(v, float) else f"{k} {v}" for k, v in suite["summary"].items()
            ]
            Console().print(f"{name}, {system}: {', '.join(numbers)}", highlight=False)
    for system, comparison in results["listening"].items():
        parts = [
            f"{c['figure']} {c['difference']:+.3f}{'' if c['beyond_noise'] else ' (noise)'}"
            for c in comparison
        ]
        Console().print(f"{system}, own music over other music: {', '.join(parts)}", highlight=False)


def _show_score(results: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from tempose.evaluation.figures import ASPECTS

    systems = results["score"].get("systems", {})
    if not systems:
        return
    table = Table("the sum (less is better)", "sum", "95 %", *ASPECTS, "verdict")
    for name in sorted(systems, key=lambda s: systems[s]["sum"]):
        s = systems[name]
        aspects = [f"{s['aspects'].get(a, float('nan')):.2f}" for a in ASPECTS]
        span = f"{s['low']:.1f} … {s['high']:.1f}".replace("nan", "–")
        table.add_row(name, f"{s['sum']:.2f}", span, *aspects, results["verdicts"].get(name, ""))
    Console().print(table)


def _compare(found: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("figure", found["name"], "this run", "difference", "95 %", "verdict")
    for c in found["figures"]:
        span = f"{c['low']:.3f} … {c['high']:.3f}"
        verdict = (
            c["verdict"].replace("a better", "earlier run better").replace("b better", "this run better")
        )
        table.add_row(c["figure"], f"{c['a']:.3f}", f"{c['b']:.3f}", f"{c['difference']:+.3f}", span, verdict)
    Console().print(table)
