"""Train and measure the ablations, one after another, and write their tables into docs/ablations.md.

    python scripts/ablate.py train DATA [--only base no-beats] [--minutes 30]
    python scripts/ablate.py measure --songs SONGS [--only base no-beats]
    python scripts/ablate.py sampling --songs SONGS [--guidance 1 1.75 2.5 4] [--steps 5 10 20 40]

`train` runs every configs/ablations/*.yaml from scratch, or resumes it. `measure` dances a few songs with each
trained one. `sampling` needs only the shipped weights. SONGS is a folder of songs, with known beats in SONG.json.
All settings get the same songs and seeds.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tempose import metrics
from tempose.datasets.source import Source
from tempose.dit import DanceDiT
from tempose.evaluation.cases import Case, load_cases
from tempose.evaluation.study import spread
from tempose.evaluation.suites.poses import poses
from tempose.evaluation.trial import Trial
from tempose.generator import load_generator
from tempose.pipeline import DancePipeline
from tempose.pose_codecs import load_vae
from tempose.solver import FlowSolver
from tempose.training.config import read_config
from tempose.training.run import fit, sources
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.request import GUIDANCE, Known
from tempose_pose.standing import standing_pose

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
            except TemposeError:  # nobody visible, as after a few steps of training
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


def chosen(only: list[str] | None) -> list[tuple[str, dict[str, Any]]]:
    """Names and settings of the ablations, beginning with the base."""
    paths = sorted(CONFIGS.glob("*.yaml"), key=lambda p: (p.stem != "base", p.stem))
    return [(p.stem, read_config(p)) for p in paths if not only or p.stem in only]


def train(given: argparse.Namespace) -> None:
    """Train each for its steps, or for the given minutes."""
    drawn: dict[str, tuple[Source, Source]] = {}
    for name, settings in chosen(given.only):
        wanted = {key: settings.get("model", {}).get(key) for key in ("encoder", "memory")}
        if str(wanted) not in drawn:
            drawn = {str(wanted): sources(given.data, settings, name)}  # earlier ones are no longer needed
        fit(settings, *drawn[str(wanted)], given.minutes, name)


def measure(given: argparse.Namespace) -> list[Row]:
    """Measure each trained config; a row for each."""
    rows = []
    cases = spread(load_cases(given.songs, given.seconds), given.count)
    for name, settings in chosen(given.only):
        out = Path(settings["out"])
        log = last_row(out / "log.csv")
        if not log or not (out / "dit").is_dir():
            print(f"{name}: not trained")
            continue
        dit = DanceDiT.from_pretrained(out / "dit", use_safetensors=True, low_cpu_mem_usage=False)
        pipeline = DancePipeline(load_vae(settings["vae"]), dit.eval(), FlowSolver())
        pipeline.set_progress_bar_config(disable=True)
        cells, _ = dance(pipeline, cases, given.seeds)
        rows.append({
            "config": name, "M": f"{sum(p.numel() for p in dit.parameters()) / 1e6:.1f}", "steps": log["step"],
            "minutes": f"{float(log['seconds']) / 60:.0f}", "held-out loss": f"{float(log['held_out_loss']):.4f}",
            **cells, "step into a key pose": key_pose_step(pipeline, cases),
            "odd references": odd_references(pipeline, cases),
        })  # fmt: skip
        print(rows[-1], flush=True)
        if given.docs:
            publish(given.docs, "trained", rows)
    return rows


def key_pose_step(pipeline: DancePipeline, cases: list[Case]) -> str:
    """Step into key poses of another dance, kept every three seconds, over the 95th percentile of all steps."""
    found = []
    for case in cases:
        other = pipeline(case.song, case.request(standing_pose(), 100))
        mask = np.zeros(other.poses.scores.shape, bool)
        frames = np.arange(90, len(mask) - 1, 90)
        mask[frames] = True
        made = pipeline(case.song, case.request(standing_pose(), 0, known=Known(other.poses, mask)))
        found.append(metrics.motion.seam_ratio(made.poses, frames))
    return f"{np.mean(found):.2f}"


def odd_references(pipeline: DancePipeline, cases: list[Case]) -> str:
    """How many of the odd references are danced without fault (`evaluation.suites.poses`), in words."""
    with tempfile.TemporaryDirectory() as folder:
        found = poses(Trial(pipeline, cases, (0,), Path(folder), standing_pose()), songs=1)
    good = [not line["faults"] for line in found["references"].values()]
    return f"{sum(good)} of {len(good)}"


def sampling(given: argparse.Namespace) -> list[Row]:
    """Measure each guidance at the usual steps, and each number of steps at the usual guidance."""
    generator = load_generator(given.model)
    cases = spread(load_cases(given.songs, given.seconds), given.count)
    settings = [(g, 20) for g in given.guidance] + [(GUIDANCE, s) for s in given.steps if s != 20]
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
    """Write a table between its marks in the page."""
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
    only = argparse.ArgumentParser(add_help=False)
    only.add_argument("--only", nargs="*", help="names of configs")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--songs", type=Path, required=True)
    shared.add_argument("--count", type=int, default=3, help="songs danced")
    shared.add_argument("--seeds", type=int, default=2)
    shared.add_argument("--seconds", type=float, default=20)
    shared.add_argument("--docs", type=Path, default=DOCS, help="where the table goes")
    zero = parsers.add_parser("train", parents=[only])
    zero.add_argument("data", type=Path)
    zero.add_argument("--minutes", type=float, default=1e9, help="each")
    zero.set_defaults(run=train)
    one = parsers.add_parser("measure", parents=[shared, only])
    one.set_defaults(run=measure)
    two = parsers.add_parser("sampling", parents=[shared])
    two.add_argument("--model", default="default")
    two.add_argument("--guidance", type=float, nargs="*", default=[1.0, 1.75, 2.5, 3.5, 5.0])
    two.add_argument("--steps", type=int, nargs="*", default=[5, 10, 20, 40])
    two.set_defaults(run=sampling)
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("TEMPOSE_THREADS", "1")))
    given.run(given)


if __name__ == "__main__":
    main()
