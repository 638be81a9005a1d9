"""Accuracy of poses found in drawn figures (`drawn_figures.py`), by style and by confidence.

    python scripts/measure_pictures.py [--sheet found.png] [--heavy pose_landmark_heavy.tflite]

PCK@0.2: the share of joints (shoulders, elbows, wrists, hips, knees, ankles, nose) found within 0.2 of the trunk's
length (neck to the middle of the hips) of where they were drawn.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from drawn_figures import EACH, DrawnFigure, figures, sheet
from PIL import Image, ImageDraw
from safetensors import safe_open
from safetensors.torch import save_file

from tempose.blazepose import people
from tempose.blazepose.body import BodyNet
from tempose.estimator import BlazePose, poses_in
from tempose_pose.sequence import PoseSequence

LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
JOINTS = ("nose", *(f"{side}_{joint}" for side in ("left", "right") for joint in LIMBS))
NEAR = 0.2
BANDS = (0.0, 0.1, 0.3, 0.6, 0.85, 0.95, 1.01)


def judged(figure: DrawnFigure, found: PoseSequence | None) -> tuple[np.ndarray, np.ndarray]:
    """Which of the joints in the picture were found in place, and the confidence of each."""
    known = [joint for joint in JOINTS if joint in figure.joints]
    if found is None:
        return np.zeros(len(known), bool), np.zeros(len(known))
    columns = found.skeleton.indices(*known)
    hips = figure.joints.get("mid_hip", figure.joints["neck"] + np.array([0, 100]))
    off = found.pixels[0, columns] - np.stack([figure.joints[joint] for joint in known])
    return np.hypot(*off.T) < NEAR * np.hypot(*(figure.joints["neck"] - hips)), found.scores[0, columns]


def marked(figure: DrawnFigure, found: PoseSequence | None) -> Image.Image:
    """The picture with the found joints: green if certain, red if not, the left wrist and ankle blue."""
    picture = figure.picture.copy()
    draw = ImageDraw.Draw(picture)
    if found is not None:
        points, scores = found.pixels[0], found.scores[0]
        for a, b in found.skeleton.limbs:
            sure = min(scores[a], scores[b])
            if sure > 0:
                colour = (int(255 * (1 - sure)), int(200 * sure), 40)
                draw.line([tuple(points[a]), tuple(points[b])], fill=colour, width=4)
        for x, y in points[found.skeleton.indices("left_wrist", "left_ankle")]:
            draw.ellipse([x - 7, y - 7, x + 7, y + 7], fill=(0, 0, 255))
    return picture


@dataclass
class Finds:
    """Results of one body network: by style, which joints of each figure are in place, and the seconds of each."""

    megabytes: float
    hits: dict[str, list[np.ndarray]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    pictures: list[Image.Image] = field(default_factory=list)
    sure: list[tuple[float, bool]] = field(default_factory=list)


def measured(body: Path) -> Finds:
    """Run a body network on all figures."""
    shipped = people.nets()
    out, people.nets = Finds(body.stat().st_size / 1e6), lambda: shipped._replace(body=BodyNet(body))
    try:
        for figure in figures():
            start = time.perf_counter()
            found = next(iter(poses_in(np.asarray(figure.picture), BlazePose())), None)
            out.seconds.append(time.perf_counter() - start)
            hit, scores = judged(figure, found)
            out.hits.setdefault(figure.style, []).append(hit)
            out.sure += zip(scores.tolist(), hit.tolist(), strict=True)
            out.pictures.append(marked(figure, found))
    finally:
        people.nets = lambda: shipped  # pyright: ignore[reportAttributeAccessIssue]
    return out


def in_eight_bits(body: Path, target: Path) -> None:
    """A network with weights rounded to 256 values per output, as in files of half the size."""
    with safe_open(str(body), "pt") as file:
        weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        facts = file.metadata()
    for name, weight in weights.items():
        if weight.ndim > 1:
            step = weight.abs().flatten(1).amax(1).clamp_min(1e-9).reshape(-1, *[1] * (weight.ndim - 1)) / 127
            weights[name] = (weight / step).round() * step
    save_file({name: weight.half() for name, weight in weights.items()}, target, facts)


def table(results: dict[str, Finds]) -> str:
    """PCK@0.2 by style, on average and of the worst figure, for each network."""
    names = [f"{name} ({result.megabytes:.1f} MB) | worst" for name, result in results.items()]
    rows = [f"| style | {' | '.join(names)} |", "|---" * (2 * len(results) + 1) + "|"]
    for style in next(iter(results.values())).hits:
        shares = [[hit.mean() for hit in result.hits[style]] for result in results.values()]
        rows.append(f"| {style} | " + " | ".join(f"{np.mean(s):.2f} | {min(s):.2f}" for s in shares) + " |")
    every = [np.mean([h.mean() for hits in r.hits.values() for h in hits]) for r in results.values()]
    rows.append("| all | " + " | ".join(f"{share:.3f} |" for share in every) + " |")
    seconds = [np.mean(result.seconds) for result in results.values()]
    return "\n".join([*rows, "| seconds a picture | " + " | ".join(f"{s:.2f} |" for s in seconds) + " |"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the pose finder on drawn figures.")
    parser.add_argument("--sheet", type=Path, help="a picture of what was found")
    parser.add_argument(
        "--heavy", type=Path, help="pose_landmark_heavy.tflite, to be measured too; needs ai-edge-litert"
    )
    asked = parser.parse_args()
    torch.set_num_threads(1)
    results = {"full": measured(people.HERE / "body.safetensors")}
    if asked.heavy:
        from convert_blazepose import NETS, convert

        with tempfile.TemporaryDirectory() as folder:
            heavy, small = Path(folder) / "heavy.safetensors", Path(folder) / "small.safetensors"
            convert(asked.heavy, heavy, NETS["body"][1])
            in_eight_bits(heavy, small)
            results |= {"heavy": measured(heavy), "heavy in 8 bits": measured(small)}
            results["heavy in 8 bits"].megabytes /= 2
    print(table(results))
    print("\n| confidence | joints | in place |\n|---|---|---|")
    for low, high in pairwise(BANDS):
        those = [hit for score, hit in results["full"].sure if low <= score < high]
        if those:
            print(f"| {low:.2f} to {min(high, 1):.2f} | {len(those)} | {np.mean(those):.2f} |")
    if asked.sheet:
        sheet(results["full"].pictures, EACH * 2).save(asked.sheet)


if __name__ == "__main__":
    main()
