"""`tempose train CONFIG.yaml`: the VAE or the transformer, from a data folder, resumable."""

from __future__ import annotations

import csv
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from tempose_pose.errors import TemposeError

if TYPE_CHECKING:
    from tempose.datasets.augment import Augmenter


def train(
    config: Annotated[Path, typer.Argument(help="a YAML file such as configs/dit-small.yaml")],
    data: Annotated[Path, typer.Option(help="data folder with dance/, gmd/, fluidr3/, oneshots/")] = Path(
        "data"
    ),
    minutes: Annotated[
        float, typer.Option(help="stop after this long; the next call goes on from there")
    ] = 1e9,
    threads: Annotated[int, typer.Option(help="CPU threads; 0 leaves it to torch")] = 0,
) -> None:
    """Train from scratch, or go on where the last run stopped."""
    settings = read_config(config)
    if not (data / "dance" / "index.json").is_file():
        raise TemposeError(
            "data_missing", f"There is no training data in {data} (dance/index.json is missing)."
        )
    import torch

    if threads:
        torch.set_num_threads(threads)
    train_set, held_out = load_sets(data, settings["bank"])
    fit(settings, train_set, held_out, minutes, config.name)


def load_sets(data: Path, bank: dict[str, Any]) -> tuple[Augmenter, Augmenter]:
    """Training and held-out examples of a data folder, with the songs of a bank (cache, count, seed)."""
    from tempose.datasets.augment import Augmenter
    from tempose.datasets.bank import song_bank
    from tempose.datasets.clips import load_clips

    clips = load_clips(data)
    songs = song_bank(data, bank["cache"], bank["count"], bank.get("seed", 0))
    sides = [[c for c in clips if c.held_out == side] for side in (False, True)]
    if not all(sides):
        raise TemposeError(
            "data_split",
            f"{data} has {len(sides[0])} clips to train on and {len(sides[1])} to validate with; a genre needs "
            "three choreographies before one is held out.",
        )
    return Augmenter(sides[0], songs), Augmenter(sides[1], songs)


def fit(
    settings: dict[str, Any],
    train_set: Augmenter,
    held_out: Augmenter,
    minutes: float = 1e9,
    name: str = "It",
) -> None:
    """Train what the settings describe."""
    settings = {k: v for k, v in settings.items() if k != "bank"}
    kind = settings.pop("kind")
    if kind == "vae":
        from tempose.training.vae import train_vae

        out = Path(settings.pop("out"))
        train_vae(train_set, out, **settings)
    elif kind == "dit":
        from tempose.codecs import load_vae
        from tempose.training.dit import DiTConfig, train_dit

        vae = load_vae(settings.pop("vae"))
        unknown = set(settings) - {f.name for f in fields(DiTConfig)}
        if unknown:
            raise TemposeError("config_unknown", f"{name} has unknown keys: {', '.join(sorted(unknown))}.")
        list_data(Path(settings["out"]) / "data.csv", train_set, held_out)
        train_dit(DiTConfig(**settings), vae, train_set, held_out, minutes)
    else:
        raise TemposeError("config_kind", f"{name}: kind must be vae or dit, not {kind!r}.")


def list_data(path: Path, train_set: Augmenter, held_out: Augmenter) -> None:
    """What a run learns from and what it is checked with, clip by clip, beside its log."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("clip", "genre", "beats per minute", "frames", "side"))
        for side, augmenter in (("training", train_set), ("held out", held_out)):
            for c in augmenter.clips:
                writer.writerow((c.name, c.style or "", f"{c.bpm:g}" if c.bpm else "", len(c.motion), side))


def read_config(path: Path, depth: int = 0) -> dict[str, Any]:
    """The settings of a YAML file over those of the file it `extends`."""
    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        raise TemposeError("config_missing", f"There is no file {path}.") from None
    except yaml.YAMLError as error:
        raise TemposeError("config_unreadable", f"{path.name} is not YAML.") from error
    if isinstance(settings, dict) and "extends" in settings:
        if depth == 8:
            raise TemposeError("config_extends", f"{path.name}: files that extend each other in a circle.")
        base = read_config(path.parent / str(settings.pop("extends")), depth + 1)
        own = settings.get("model") or {}
        settings = base | settings | ({"model": base.get("model", {}) | own} if own else {})
    if not isinstance(settings, dict) or not {"kind", "out", "bank"} <= set(settings):
        raise TemposeError("config_keys", f"{path.name} must name kind (vae or dit), out and bank.")
    return settings
