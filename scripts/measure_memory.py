"""How much memory a long video takes: frames and finds are made up, all else is what *Take from Video* does.

    python scripts/measure_memory.py [--minutes 5 30] [--people 1 6]

Each line is a process of its own. *Looked* is its peak after the last frame, *posed* after the dance was made of what
was seen and saved; before the first frame it is that of torch.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

RATE = 30.0
NAMED = [*range(23), *range(91, 133)]  # of COCO's 133 points: body, feet and hands


class MadeUp:
    """Finds people who sway, in place of the networks."""

    seen = 0.5

    def __init__(self, people: int):
        self.random, self.frame = np.random.default_rng(0), 0
        self.at = self.random.uniform(20, 100, (people, 133, 2))

    def __call__(self, _picture: np.ndarray) -> np.ndarray:
        self.frame += 1
        out = np.zeros((len(self.at), 133, 3))
        out[..., :2] = self.at + 3 * np.sin(self.frame / 10 + np.arange(133))[:, None]
        out[:, NAMED, 2] = 0.9
        return out


def peak() -> float:
    """MB that this process has had at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def pictures(count: int) -> Iterator[np.ndarray]:
    """Frames of a wall that stands."""
    wall = np.kron(np.random.default_rng(1).integers(0, 255, (15, 20)), np.ones((8, 8))).astype(np.uint8)
    return (np.repeat(wall[..., None], 3, 2) for _ in range(count))


def measure(minutes: float, people: int) -> str:
    """One row of the table."""
    import torch  # noqa: F401 (what the networks would need)

    from tempose.videos.dance import poses_of
    from tempose.videos.people import watch
    from tempose_pose.dance import Dance

    figures = [peak()]
    footage = watch(pictures(round(minutes * 60 * RATE)), MadeUp(people))
    figures.append(peak())
    with tempfile.TemporaryDirectory() as folder:
        Dance.of(poses_of(footage, RATE)).save(Path(folder) / "dance.npz")
    return f"| {minutes:g} | {people} | " + " | ".join(f"{v:.0f}" for v in (*figures, peak())) + " |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the memory that long videos take.")
    parser.add_argument("--minutes", type=float, nargs="+", default=[5, 30])
    parser.add_argument("--people", type=int, nargs="+", default=[1])
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(measure(asked.minutes[0], asked.people[0]))
        return
    print("| minutes | people | before, MB | looked | posed and saved |\n" + "|---" * 5 + "|", flush=True)
    for people in asked.people:
        for minutes in asked.minutes:
            command = [sys.executable, __file__, "--one", "--minutes", str(minutes), "--people", str(people)]
            subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
