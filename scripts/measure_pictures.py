"""How well poses are found in drawn figures (`drawn_figures.py`), by style and by confidence.

    python scripts/measure_pictures.py [--sheet found.png] [--body OTHER.safetensors]

PCK@0.2: the share of joints (shoulders, elbows, wrists, hips, knees, ankles, nose) found within 0.2 of the trunk's
length (neck to the middle of the hips) of where they were drawn.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from drawn_figures import EACH, DrawnFigure, figures, sheet
from PIL import Image, ImageDraw

from tempose.blazepose import people
from tempose.blazepose.body import BodyNet
from tempose.estimator import BlazePose, poses_in
from tempose_pose.sequence import PoseSequence

LIMBS = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
JOINTS = ("nose", *(f"{side}_{joint}" for side in ("left", "right") for joint in LIMBS))
NEAR = 0.2
BANDS = (0.0, 0.1, 0.3, 0.6, 0.85, 0.95, 1.01)


def judged(figure: DrawnFigure, found: PoseSequence | None) -> tuple[np.ndarray, np.ndarray]:
    """Which of the joints in the picture were found in place, and how sure the finder was of each."""
    known = [joint for joint in JOINTS if joint in figure.joints]
    if found is None:
        return np.zeros(len(known), bool), np.zeros(len(known))
    columns = found.skeleton.indices(*known)
    hips = figure.joints.get("mid_hip", figure.joints["neck"] + np.array([0, 100]))
    off = found.pixels[0, columns] - np.stack([figure.joints[joint] for joint in known])
    return np.hypot(*off.T) < NEAR * np.hypot(*(figure.joints["neck"] - hips)), found.scores[0, columns]


def marked(figure: DrawnFigure, found: PoseSequence | None) -> Image.Image:
    """The picture with what was found: green where it is sure, red where it is not, the left wrist and ankle blue."""
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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the pose finder on drawn figures.")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--body", type=Path, help="another body network, as convert_blazepose.py writes them")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.body:
        shipped, other = people.nets(), BodyNet(asked.body)
        people.nets = lambda: shipped._replace(body=other)  # pyright: ignore[reportAttributeAccessIssue]
    right: dict[str, list[np.ndarray]] = {}
    seconds: dict[str, list[float]] = {}
    pictures, hits, sure = [], [], []
    for figure in figures():
        start = time.perf_counter()
        found = next(iter(poses_in(np.asarray(figure.picture), BlazePose())), None)
        seconds.setdefault(figure.style, []).append(time.perf_counter() - start)
        hit, scores = judged(figure, found)
        right.setdefault(figure.style, []).append(hit)
        hits, sure = [*hits, *hit], [*sure, *scores]
        pictures.append(marked(figure, found))
    print("| style | PCK@0.2 | worst figure | seconds a picture |\n|---|---|---|---|")
    for style, each in right.items():
        shares = [hit.mean() for hit in each]
        print(f"| {style} | {np.mean(shares):.2f} | {min(shares):.2f} | {np.mean(seconds[style]):.2f} |")
    every = np.mean([hit.mean() for each in right.values() for hit in each])
    print(f"| all | {every:.3f} | | {np.mean(np.concatenate(list(seconds.values()))):.2f} |\n")
    print("| confidence | joints | in place |\n|---|---|---|")
    for low, high in pairwise(BANDS):
        those = [hit for hit, score in zip(hits, sure, strict=True) if low <= score < high]
        if those:
            print(f"| {low:.2f} to {min(high, 1):.2f} | {len(those)} | {np.mean(those):.2f} |")
    if asked.sheet:
        sheet(pictures, EACH * 2).save(asked.sheet)


if __name__ == "__main__":
    main()
