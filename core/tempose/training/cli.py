"""`tempose train CONFIG.yaml`: the VAE or the transformer, from a data folder, resumable."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from tempose.errors import TemposeError


def train(
    config: Annotated[Path, typer.Argument(help="a YAML file such as configs/dit-small.yaml")],
    data: Annotated[Path, typer.Option(help="data folder with dance/, gmd/, fluidr3/, oneshots/")] = Path(
        "../shared/data"
    ),
    minutes: Annotated[
        float, typer.Option(help="stop after this long; the next call goes on from there")
    ] = 1e9,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 leaves it to torch")] = 0,
) -> None:
    """Train from scratch, or go on where the last run stopped."""
    settings = _read(config)
    if not (data / "dance" / "index.json").is_file():
        raise TemposeError(
            "data_missing", f"There is no training data in {data} (dance/index.json is missing)."
        )
    import torch

    if threads:
        torch.set_num_threads(threads)
    from tempose.datasets.augment import Augmenter
    from tempose.datasets.bank import song_bank
    from tempose.datasets.clips import load_clips

    clips = load_clips(data)
    bank = settings.pop("bank")
    songs = song_bank(data, bank["cache"], bank["count"], bank.get("seed", 0))
    train_set = Augmenter([c for c in clips if not c.held_out], songs)
    held_out = Augmenter([c for c in clips if c.held_out], songs)
    kind = settings.pop("kind")
    if kind == "vae":
        from tempose.training.vae import train_vae

        out = Path(settings.pop("out"))
        train_vae(train_set, out, **settings)
    elif kind == "dit":
        from tempose.training.dit import DiTConfig, train_dit
        from tempose.vae import PoseVAE

        vae = PoseVAE.from_pretrained(settings.pop("vae"))
        unknown = set(settings) - {f.name for f in fields(DiTConfig)}
        if unknown:
            raise TemposeError(
                "config_unknown", f"{config.name} has unknown keys: {', '.join(sorted(unknown))}."
            )
        train_dit(DiTConfig(**settings), vae, train_set, held_out, minutes)
    else:
        raise TemposeError("config_kind", f"{config.name}: kind must be vae or dit, not {kind!r}.")


def _read(path: Path) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        raise TemposeError("config_missing", f"There is no file {path}.") from None
    except yaml.YAMLError as error:
        raise TemposeError("config_unreadable", f"{path.name} is not YAML.") from error
    if not isinstance(settings, dict) or not {"kind", "out", "bank"} <= set(settings):
        raise TemposeError("config_keys", f"{path.name} must name kind (vae or dit), out and bank.")
    return settings
