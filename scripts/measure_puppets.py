"""Accuracy of cutting out drawn figures (`drawn_figures.py`) and cutting them apart for puppets, by style.

    python scripts/measure_puppets.py [--sheet puppets.png]

*Cut out* is the overlap (intersection over union) of the picture without its backdrop with the drawn figure;
*akimbo* is the same for figures with hands on hips, without and with the results of *Find Pose in Picture*. *In
place* is the share of the figure's pixels assigned to the right part (arms, legs, trunk, head), with found joints
and with true joints.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from drawn_figures import EACH, PAPER, SIZE, STYLES, Joints, Pen, figure, person, staged
from PIL import Image

from tempose.blazepose.masks import figure_mask
from tempose.estimator import DOUBTFUL, BlazePose, poses_in
from tempose_pose.reference import Reference
from tempose_pose.skeletons import OPENPOSE_18

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for the add-on's own cutting

from addon.model.character.anatomy import PARTS
from addon.model.character.figure_picture import FigurePicture, cut_out
from addon.model.character.layers import Layer
from addon.model.character.unseen import behind

TOLERANCE = 0.1  # the panel's default
TINTS = [(40 + 35 * k, 255 - 35 * k, 97 * k % 256) for k in range(len(PARTS))]
TURNS = {"left_arm": ("left_shoulder", 35), "right_arm": ("right_shoulder", -35), "left_leg": ("left_hip", -20),
         "right_leg": ("right_hip", 20), "head": ("neck", -12), "trunk": ("neck", 0)}  # fmt: skip


class PartPen(Pen):
    """Draws each limb in the colour of its part."""

    def limb(
        self, a: str, b: str, widths: tuple[float, float], colour, ink=None, deeper: float = 0.0
    ) -> None:
        side, joint = a.split("_")
        tint = TINTS[PARTS.index(f"{side}_{'arm' if joint in ('shoulder', 'elbow', 'wrist') else 'leg'}")]
        super().limb(a, b, widths, tint, tint if ink else None, deeper)


def truth(style: str, number: int, akimbo: bool = False) -> np.ndarray:
    """(H, W) int: index into `PARTS`, -1 outside of the figure."""
    look, build, _ = STYLES[style]
    at, scale, degrees, _ = staged(style, number, akimbo)
    head, trunk = TINTS[PARTS.index("head")], TINTS[PARTS.index("trunk")]
    look = replace(look, skin=head, hair=head, shirt=trunk, ink=trunk if look.ink else None, face=False)
    pen = PartPen(at, scale, SIZE, PAPER)
    person(pen, look, build, degrees)
    pixels = np.asarray(pen.done(), int)
    found = np.abs(pixels[..., None, :] - np.array([*TINTS, PAPER])).sum(-1).argmin(-1)
    return np.where(found == len(PARTS), -1, found)


def seen(picture: Image.Image) -> tuple[Joints, list[str], np.ndarray | None]:
    """Joints in pixels as marked by *Find Pose in Picture*, the doubtful ones, and the mask."""
    pixels = np.asarray(picture)
    poses = next(iter(poses_in(pixels, BlazePose())), None)
    if poses is None:
        return {}, [], None
    there = poses.scores[0] > 0
    shares = {j: tuple(poses.keypoints[0, k]) for k, j in enumerate(poses.skeleton.joints) if there[k]}
    shares |= behind(shares, SIZE[0] / SIZE[1])
    doubtful = [j for k, j in enumerate(poses.skeleton.joints) if 0 < poses.scores[0, k] < DOUBTFUL]
    return (
        {j: np.multiply(p, SIZE) for j, p in shares.items()},
        doubtful,
        figure_mask(pixels, poses.pixels[0][there]),
    )


def layers_of(
    picture: Image.Image, joints: Joints, doubtful: Sequence[str] = (), mask: np.ndarray | None = None
) -> tuple[list[Layer], Reference]:  # fmt: skip
    """The layers of a puppet, and the joints it was made with."""
    pixels = np.concatenate(
        [np.asarray(picture, np.float32) / 255, np.ones((*SIZE[::-1], 1), np.float32)], -1
    )
    pose = Reference.from_joints({j: np.asarray(p, float) for j, p in joints.items()}, SIZE)
    return cut_out(FigurePicture(pixels, pose, TOLERANCE, True, mask, tuple(doubtful))).layers, pose


def labels_of(layers: list[Layer]) -> np.ndarray:
    """(H, W) int: index into `PARTS` of the visible layer, -1 without one."""
    out = np.full(SIZE[::-1], -1)
    for layer in reversed(layers):
        (x, y), (height, width) = layer.corner, layer.pixels.shape[:2]
        out[y : y + height, x : x + width][layer.pixels[..., 3] > 0.5] = PARTS.index(layer.part)
    return out


def overlap(found: np.ndarray, true: np.ndarray) -> float:
    """Intersection over union of two figures."""
    return float(((found >= 0) & (true >= 0)).sum() / ((found >= 0) | (true >= 0)).sum())


def bent(layers: list[Layer], pose: Reference) -> Image.Image:
    """The puppet with its limbs and its head turned."""
    out = Image.new("RGBA", SIZE, "white")
    for layer in reversed(layers):
        whole = Image.new("RGBA", SIZE)
        whole.paste(Image.fromarray((255 * layer.pixels.clip(0, 1)).astype(np.uint8)), layer.corner)
        joint, degrees = TURNS[layer.part]
        middle = pose.points[OPENPOSE_18.at[joint]]
        out.alpha_composite(whole.rotate(degrees, Image.Resampling.BICUBIC, center=tuple(middle)))
    return out.convert("RGB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure how puppets are cut.")
    parser.add_argument(
        "--sheet", type=Path, help="pictures beside the puppets that they become, limbs turned"
    )
    parser.add_argument("--styles", nargs="+", default=list(STYLES), help="some of the styles alone")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    shown: list[Image.Image] = []
    print(
        "| style | cut out | akimbo, not looked at | akimbo | in place, joints found | joints true |\n"
        + "|---" * 6
        + "|"
    )
    for style in asked.styles:
        rows = []
        for number in range(EACH):
            drawn, true = figure(style, number), truth(style, number)
            joints, doubtful, mask = seen(drawn.picture)
            layers, pose = layers_of(drawn.picture, joints, doubtful, mask)
            found = labels_of(layers)
            toes = {
                f"{side}_big_toe": staged(style, number).joints[f"{side}_toes"][:2]
                for side in ("left", "right")
            }
            exact = labels_of(layers_of(drawn.picture, drawn.joints | toes, mask=mask)[0])
            arms, hips = figure(style, number, akimbo=True), truth(style, number, akimbo=True)
            marked = seen(arms.picture)
            rows.append((
                overlap(found, true), overlap(labels_of(layers_of(arms.picture, marked[0])[0]), hips),
                overlap(labels_of(layers_of(arms.picture, *marked)[0]), hips),
                *((labels == true)[(labels >= 0) & (true >= 0)].mean() for labels in (found, exact)),
            ))  # fmt: skip
            shown += [drawn.picture, bent(layers, pose)]
        print(f"| {style} | " + " | ".join(f"{value:.2f}" for value in np.mean(rows, 0)) + " |", flush=True)
    if asked.sheet:
        from drawn_figures import sheet

        sheet(shown, EACH * 2).save(asked.sheet)


if __name__ == "__main__":
    main()
