"""From the settings of a run to the run."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

from tempose.datasets.source import Source, load_sources
from tempose.generator import WEIGHTS
from tempose.pose_codecs import load_vae
from tempose.training.config import DiTConfig, dit_config
from tempose_pose.errors import TemposeError
from tempose_pose.skeletons import skeleton


def sources(data: Path, settings: dict[str, Any], name: str = "It") -> tuple[Source, Source]:
    """The training and the held-out source for the settings of a run.

    Raises
    ------
    TemposeError
        There is no data, or no such skeleton.
    """
    if not (data / "dance" / "index.json").is_file():
        raise TemposeError(
            "data_missing", f"There is no training data in {data} (dance/index.json is missing)."
        )
    own = {k: v for k, v in settings.items() if k not in ("kind", "bank", "vae")}
    config = dit_config(own, name) if settings["kind"] == "dit" else DiTConfig(out="", larger=0.0)
    context = config.context()
    return load_sources(
        data, settings["bank"], config.larger, config.larger_share, skeleton(config.skeleton),
        context["memory"], context["encoder"],
    )  # fmt: skip


def fit(
    settings: dict[str, Any],
    train: Source,
    held_out: Source,
    minutes: float = math.inf,
    name: str = "It",
    finish: bool = False,
) -> None:
    """Train the VAE or the transformer that the settings describe.

    Raises
    ------
    TemposeError
        The settings are neither for a VAE nor for a transformer.
    """
    settings = {k: v for k, v in settings.items() if k != "bank"}
    kind = settings.pop("kind")
    if kind == "vae":
        from tempose.training.vae import train_vae

        out = Path(settings.pop("out"))
        train_vae(train, out, **settings)
    elif kind == "image_vae":
        from tempose.training.image_vae import train_joint_vae

        out = Path(settings.pop("out"))
        train_joint_vae(train, out, minutes=minutes, **settings)
    elif kind == "row_vae":
        from tempose.training.row_vae import train_row_vae

        out = Path(settings.pop("out"))
        train_row_vae(train, out, minutes=minutes, **settings)
    elif kind == "dit":
        from tempose.training.loop import train_dit

        folder = settings.pop("vae")
        vae = load_vae(WEIGHTS / "vae" if folder == "default" else folder)
        config = dit_config(settings, name)
        list_data(Path(config.out) / "data.csv", train, held_out)
        train_dit(config, vae, train, held_out, minutes, finish)
    else:
        raise TemposeError(
            "config_kind", f"{name}: kind must be vae, row_vae, image_vae or dit, not {kind!r}."
        )


def list_data(path: Path, train: Source, held_out: Source) -> None:
    """Write a list of the training and held-out clips beside the log."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("clip", "genre", "beats per minute", "frames", "side"))
        for side, source in (("training", train), ("held out", held_out)):
            for c in source.recombiner.clips:
                writer.writerow((c.name, c.style or "", f"{c.bpm:g}" if c.bpm else "", len(c.motion), side))
