"""`make bench`: the cost of a minute of dance on this machine, stage by stage, in seconds and relative to a matrix
product.

Machines differ and are noisy, so each figure is also given as a multiple of the time that this machine took, in the
same run, for a fixed amount of float32 matrix work. Nothing here is asserted.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent


def best(job: Callable[[], object], repeats: int) -> float:
    """Shortest wall time of a few runs, after a warm-up."""
    job()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        job()
        times.append(time.perf_counter() - started)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=0, help="torch threads; 0 leaves it to torch")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)

    from tempose.generator import load_generator
    from tempose.music.audio import Song
    from tempose.music.beats import track_beats
    from tempose.music.features import song_features
    from tempose.music.stretch import stretch
    from tempose_pose.request import DanceRequest
    from tempose_pose.standing import standing_pose
    from tempose_pose.tempo import TempoMap

    song = Song.load(ROOT / "examples" / "demo_song.ogg")
    seconds = 25.0
    generator, null = load_generator("default", "cpu"), load_generator("null")
    request = DanceRequest(standing_pose(), seconds, grid=song.grid)
    _ = song.features
    a = torch.randn(1024, 1024)
    unit = best(lambda: [a @ a for _ in range(50)], options.repeats)  # 107 GFLOP
    stages = {
        "load and decode": lambda: Song.load(ROOT / "examples" / "demo_song.ogg"),
        "track beats": lambda: track_beats(song.samples),
        "features": lambda: song_features(song.samples),
        "stretch by 1.2": lambda: stretch(song.samples, 22_050, TempoMap.constant(1.2), song.seconds / 1.2),
        "dance, null model": lambda: null(song, request),
        "dance, shipped model": lambda: generator(song, request),
    }
    table = Table(title=f"{seconds:.0f} s of dance, {torch.get_num_threads()} threads")
    for heading in ("stage", "seconds", "per second of music or dance", "of the matrix work"):
        table.add_column(heading, justify="left" if heading == "stage" else "right")
    for name, job in stages.items():
        taken = best(job, options.repeats)
        length = seconds if name.startswith("dance") else song.seconds
        table.add_row(name, f"{taken:.3f}", f"{taken / length:.4f}", f"{taken / unit:.2f}")
    console = Console()
    console.print(table)
    console.print(f"107 GFLOP of float32 matrix work: {unit:.2f} s. Peak memory: "
                  f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB.")  # fmt: skip


if __name__ == "__main__":
    main()
