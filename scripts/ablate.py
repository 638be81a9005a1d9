"""Train and measure the ablations, one after the other, and write their table into docs/ablations.md.

    python scripts/ablate.py train ../shared/data --songs SONGS [--steps 1200] [--minutes 30] [--only base no-beats]
    python scripts/ablate.py sampling --songs SONGS [--guidance 1 1.75 2.5 4] [--steps 5 10 20 40]

`train` runs every configs/ablations/*.yaml from scratch (or on from where it stopped), dances a few songs with each
and measures held-out loss and dances. `sampling` needs the shipped weights alone. SONGS is a folder of songs, with
beats in SONG.json where they are known. All settings see the same songs and seeds.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

from tempose import metrics
from tempose.codecs import load_vae
from tempose.dance import Dance
from tempose.dit import DanceDiT
from tempose.errors import TemposeError
from tempose.evaluation.cases import Case, load_cases
from tempose.generator import load_generator
from tempose.pipeline import DancePipeline
from tempose.pose.reference import standing_pose
from tempose.training.cli import fit, load_sets, read_config

FIGURES = {
    "beat_lock": "beat lock",
    "joint_speed": "speed, heights/s",
    "jitter": "jitter",
    "limb_ratio": "limb ratio",
    "seam_ratio": "seam ratio",
}
CONFIGS = Path(__file__).resolve().parent.parent / "configs" / "ablations"
DOCS = Path(__file__).resolve().parent.parent / "docs" / "ablations.md"
Row = dict[str, str]


def dance(
    generator: Callable[..., Dance], cases: list[Case], seeds: int, **settings: Any
) -> tuple[Row, float]:
    """Mean and deviation of each figure over songs and seeds, and seconds of work per second of dance."""
    found: list[dict[str, float]] = []
    started = time.monotonic()
    reference = standing_pose()
    for case in cases:
        for seed in range(seeds):
            made = generator(case.song, case.request(reference, seed, **settings))
            try:
                found.append(metrics.evaluate(made))
            except TemposeError:  # nobody to be seen, as after a few steps of training
                found.append({})
    spent = (time.monotonic() - started) / (seeds * sum(case.seconds for case in cases))
    cells = {}
    for name, label in FIGURES.items():
        values = np.asarray([f.get(name, np.nan) for f in found], float)
        values = values[np.isfinite(values)]
        cells[label] = f"{values.mean():.3f} ± {values.std():.3f}" if len(values) else "–"
    return cells, spent


def last_row(path: Path) -> dict[str, str]:
    """The last line of a training log."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return rows[-1] if rows else {}


def train(given: argparse.Namespace) -> list[Row]:
    """A row for each config."""
    paths = sorted(CONFIGS.glob("*.yaml"), key=lambda p: (p.stem != "base", p.stem))
    if given.only:
        paths = [p for p in paths if p.stem in given.only]
    rows, sets = [], None
    cases = load_cases(given.songs, given.seconds)[: given.count]
    for path in paths:
        settings = read_config(path)
        if given.steps:
            settings |= {"steps": given.steps, "cooldown": max(given.steps // 4, 1)}
        settings |= {"validate_every": min(settings.get("validate_every", 100), settings["steps"])}
        settings |= {"batch": given.batch} if given.batch else {}
        if given.out:
            settings["out"] = str(given.out / path.stem)
        out, vae = Path(settings["out"]), settings["vae"]
        sets = sets or load_sets(given.data, settings["bank"])
        started = time.monotonic()
        fit(settings, *sets, given.minutes, path.name)
        minutes = (time.monotonic() - started) / 60
        dit = DanceDiT.from_pretrained(out / "dit", use_safetensors=True, low_cpu_mem_usage=False)
        pipeline = DancePipeline(load_vae(vae), dit.eval(), FlowMatchEulerDiscreteScheduler())
        pipeline.set_progress_bar_config(disable=True)
        cells, _ = dance(pipeline, cases, given.seeds, steps=20, guidance=2.5)
        log = last_row(out / "log.csv")
        rows.append({
            "config": path.stem, "M": f"{sum(p.numel() for p in dit.parameters()) / 1e6:.1f}",
            "steps": log.get("step", "?"), "minutes here": f"{minutes:.1f}",
            "held-out loss": log.get("held_out_loss", "–"), "held-out flow": log.get("held_out_flow", "–"), **cells,
        })  # fmt: skip
        print(rows[-1], flush=True)
        if given.docs:
            publish(given.docs, "trained", rows)
    return rows


def sampling(given: argparse.Namespace) -> list[Row]:
    """A row for each guidance at the usual steps, and for each number of steps at the usual guidance."""
    generator = load_generator(given.model)
    cases = load_cases(given.songs, given.seconds)[: given.count]
    settings = [(g, 20) for g in given.guidance] + [(2.5, s) for s in given.steps if s != 20]
    rows = []
    for guidance, steps in settings:
        cells, spent = dance(generator, cases, given.seeds, steps=steps, guidance=guidance)
        rows.append(
            {"guidance": f"{guidance:g}", "steps": str(steps), **cells, "seconds a second": f"{spent:.2f}"}
        )
        print(rows[-1], flush=True)
        if given.docs:
            publish(given.docs, "sampling", rows)
    return rows


def publish(path: Path, mark: str, rows: list[Row]) -> None:
    """Put a table between its marks."""
    start, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    lines += ["| " + " | ".join(row.values()) + " |" for row in rows]
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if start not in text:
        text = f"{text}\n{start}\n{end}\n"
    before, _, rest = text.partition(start)
    path.write_text(before + "\n".join([start, *lines, end]) + rest.partition(end)[2], encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parsers = parser.add_subparsers(required=True)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--songs", type=Path, required=True)
    shared.add_argument("--count", type=int, default=3, help="songs danced")
    shared.add_argument("--seeds", type=int, default=2)
    shared.add_argument("--seconds", type=float, default=20)
    shared.add_argument("--docs", type=Path, default=DOCS, help="where the table goes")
    one = parsers.add_parser("train", parents=[shared])
    one.add_argument("data", type=Path)
    one.add_argument("--steps", type=int, help="in place of the configs' own")
    one.add_argument("--minutes", type=float, default=1e9, help="each")
    one.add_argument("--batch", type=int)
    one.add_argument("--only", nargs="*")
    one.add_argument("--out", type=Path, help="in place of runs/ablations")
    one.set_defaults(run=train)
    two = parsers.add_parser("sampling", parents=[shared])
    two.add_argument("--model", default="default")
    two.add_argument("--guidance", type=float, nargs="*", default=[1.0, 1.75, 2.5, 4.0])
    two.add_argument("--steps", type=int, nargs="*", default=[5, 10, 20, 40])
    two.set_defaults(run=sampling)
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("TEMPOSE_THREADS", "1")))
    given.run(given)


if __name__ == "__main__":
    main()
