"""`tempose train CONFIG.yaml`: the VAE or the transformer, from a data folder, resumable."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from tempose.training.config import read_config


def train(
    config: Annotated[Path, typer.Argument(help="a YAML file such as configs/dit-small.yaml")],
    data: Annotated[Path, typer.Option(help="data folder with dance/, gmd/, fluidr3/, oneshots/")] = Path(
        "data"
    ),
    minutes: Annotated[
        float, typer.Option(help="stop after this long; the next call goes on from there")
    ] = math.inf,
    finish: Annotated[
        bool,
        typer.Option(
            "--finish", help="with --minutes: the last call; learn ever more slowly towards its end"
        ),
    ] = False,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 leaves it to torch")] = 0,
    stage: Annotated[
        Path | None,
        typer.Option(help="do not train: put all that the run needs into this folder, for another machine"),
    ] = None,
) -> None:
    """Train from scratch, or resume where the last run stopped."""
    settings = read_config(config)
    if stage is not None:
        from tempose.training.stage import stage_run

        print(stage_run(settings, data, stage, config.name))
        return
    import torch

    from tempose.training.run import fit, sources

    if threads:
        torch.set_num_threads(threads)
    fit(settings, *sources(data, settings, config.name), minutes, config.name, finish)
