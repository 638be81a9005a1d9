"""Drawn figures in eight styles with known joints: test pictures for the pose finder.

python scripts/drawn_figures.py --sheet figures.png
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tempose_pose import hands
from tempose_pose.skeletons import HANDS, OPENPOSE_18

SIZE = (480, 640)
OVER = 2  # drawn this much larger, then scaled down
SIDES = ("left", "right")
Joints = dict[str, np.ndarray]


@dataclass(frozen=True)
class Build:
    """Proportions, in shares of an adult's."""

    head: float = 1.0
    limbs: float = 1.0
    width: float = 1.0


@dataclass(frozen=True)
class DrawnFigure:
    """A picture and its joints.

    Parameters
    ----------
    style : str
    picture : Image.Image
    joints : dict of str → (2,)
        In pixels: COCO's joints that are in the picture, on sides that are drawn distinctly.
    """

    style: str
    picture: Image.Image
    joints: Joints


def posed(random: np.random.Generator, build: Build) -> Joints:
    """Joints (x to the viewer's right, y up, z towards the viewer) of a figure of height 1 that faces the viewer."""
    at: Joints = {"mid_hip": np.array([0, 0.52 * build.limbs, 0])}
    lean = np.array([random.uniform(-0.12, 0.12), 1, random.uniform(-0.1, 0.15)])
    at["neck"] = at["mid_hip"] + 0.3 * lean / np.linalg.norm(lean)
    at["nose"] = at["neck"] + np.array([0.3 * lean[0] * 0.1, 0.03 + 0.055 * build.head, 0.06 * build.head])
    at["head"] = at["neck"] + np.array([0.03 * lean[0], 0.035 + 0.065 * build.head, 0])
    for side, sign in (("left", 1), ("right", -1)):
        at[f"{side}_eye"] = at["nose"] + np.array([0.025 * sign, 0.025, -0.008]) * build.head
        at[f"{side}_ear"] = at["head"] + np.array([0.062 * sign, 0, 0]) * build.head
        at[f"{side}_shoulder"] = at["neck"] + np.array([0.105 * sign * build.width**0.5, -0.015, 0])
        at[f"{side}_hip"] = at["mid_hip"] + np.array([0.058 * sign * build.width**0.5, 0, 0])
        raised, forward = random.uniform(0.15, 2.6), random.uniform(-0.3, 0.5)
        upper = _direction(raised, forward, sign)
        bend = random.uniform(-0.3, 1.5)
        fore = _direction(raised + bend * random.choice([-0.6, 1.0]), forward + 0.3, sign)
        at[f"{side}_elbow"] = at[f"{side}_shoulder"] + 0.165 * build.limbs * upper
        at[f"{side}_wrist"] = at[f"{side}_elbow"] + 0.145 * build.limbs * fore
        at[f"{side}_fingers"] = at[f"{side}_wrist"] + 0.075 * fore
        spread, lift = random.uniform(0.02, 0.4), random.uniform(-0.15, 0.5)
        thigh = _direction(spread, lift, sign)
        shin = _direction(spread * 0.6, lift - random.uniform(0, 0.8), sign)
        at[f"{side}_knee"] = at[f"{side}_hip"] + 0.245 * build.limbs * thigh
        at[f"{side}_ankle"] = at[f"{side}_knee"] + 0.24 * build.limbs * shin
        at[f"{side}_toes"] = at[f"{side}_ankle"] + np.array([0.03 * sign, -0.035, 0.1])
    return at


def _direction(out: float, forward: float, sign: int) -> np.ndarray:
    """Direction of a limb that hangs straight down at 0 and is level at π/2, turned forwards by another angle."""
    return np.array([np.sin(out) * sign, -np.cos(out) * np.cos(forward), np.cos(out) * np.sin(forward)])


def turned(joints: Joints, degrees: float) -> Joints:
    """The figure turned about the vertical; at 90 it looks to the viewer's right."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    turn = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return {name: turn @ p for name, p in joints.items()}


def on_canvas(joints: Joints, size: tuple[int, int], lowest: str = "") -> tuple[Joints, float]:
    """Joints as pixels (x, y, z) of a picture that they fill, and pixels per body height.

    With a `lowest` joint, the picture ends a little below it.
    """
    all_of = np.stack(list(joints.values()))
    top = max(joints["head"][1] + 0.12, all_of[:, 1].max() + 0.03)
    bottom = all_of[:, 1].min() - 0.05 if not lowest else joints[f"left_{lowest}"][1] - 0.03
    left, right = all_of[:, 0].min() - 0.06, all_of[:, 0].max() + 0.06
    scale = min(size[0] / (right - left), size[1] / (top - bottom)) * 0.94
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    if lowest:  # the figure is cut off at the picture's edge
        middle[1] = bottom + size[1] / 2 / scale
    out = {}
    for name, p in joints.items():
        x, y = (p[:2] - middle) * scale
        out[name] = np.array([size[0] / 2 + x, size[1] / 2 - y, p[2] * scale])
    return out, scale


Part = tuple[float, Callable[[], None]]


class Pen:
    """Draws parts back to front, at `OVER` times the size."""

    def __init__(self, joints: Joints, scale: float, size: tuple[int, int], paper: tuple[int, int, int]):
        self.at = {name: p * OVER for name, p in joints.items()}
        self.unit = scale * OVER
        self.image = Image.new("RGB", (size[0] * OVER, size[1] * OVER), paper)
        self.draw = ImageDraw.Draw(self.image)
        self.parts: list[Part] = []

    def limb(
        self, a: str, b: str, widths: tuple[float, float], colour, ink=None, deeper: float = 0.0
    ) -> None:
        """Draw a tapered limb with round ends; with `ink`, only its outline over the paper's colour."""
        p, q = self.at[a], self.at[b]
        depth = (p[2] + q[2]) / 2 - deeper * self.unit
        self.parts.append((depth, lambda: self._limb(p[:2], q[:2], widths, colour, ink)))

    def _limb(self, p, q, widths, colour, ink) -> None:
        for grow, paint in ((0.008 * self.unit, ink), (0, colour)):
            if paint is None:
                continue
            r, s = (w / 2 * self.unit + grow for w in widths)
            way = q - p
            off = np.array([-way[1], way[0]]) / max(np.hypot(*way), 1e-6)
            corners = [p + off * r, q + off * s, q - off * s, p - off * r]
            self.draw.polygon([tuple(c) for c in corners], fill=paint)
            self.spot(p, r, paint)
            self.spot(q, s, paint)

    def spot(self, p, radius, colour) -> None:
        x, y = p[:2]
        self.draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour)

    def add(self, depth: float, act: Callable[[], None]) -> None:
        self.parts.append((depth, act))

    def done(self) -> Image.Image:
        for _, act in sorted(self.parts, key=lambda part: part[0]):
            act()
        return self.image.resize(
            (self.image.width // OVER, self.image.height // OVER), Image.Resampling.LANCZOS
        )


@dataclass(frozen=True)
class Colouring:
    """Colours of a figure's parts; None: not drawn."""

    skin: tuple[int, int, int] = (236, 188, 150)
    shirt: tuple[int, int, int] = (52, 120, 190)
    trousers: tuple[int, int, int] = (70, 66, 90)
    shoes: tuple[int, int, int] = (40, 36, 40)
    hair: tuple[int, int, int] = (90, 56, 30)
    ink: tuple[int, int, int] | None = None
    face: bool = True
    thin: float = 1.0


def person(pen: Pen, look: Colouring, build: Build, degrees: float) -> None:
    """Draw all parts of a figure."""
    w, ink = build.width * look.thin, look.ink
    for side in SIDES:
        pen.limb(f"{side}_shoulder", f"{side}_elbow", (0.062 * w, 0.05 * w), look.shirt, ink)
        pen.limb(f"{side}_elbow", f"{side}_wrist", (0.048 * w, 0.036 * w), look.skin, ink, -0.003)
        pen.limb(f"{side}_wrist", f"{side}_fingers", (0.044 * w, 0.034 * w), look.skin, ink, -0.004)
        pen.limb(f"{side}_hip", f"{side}_knee", (0.092 * w, 0.064 * w), look.trousers, ink, 0.012)
        pen.limb(f"{side}_knee", f"{side}_ankle", (0.062 * w, 0.042 * w), look.trousers, ink, 0.01)
        pen.limb(f"{side}_ankle", f"{side}_toes", (0.05 * w, 0.034 * w), look.shoes, ink, 0.009)
    middle = pen.at["neck"][2]
    pen.add(middle, lambda: _trunk(pen, look, w))
    pen.add(pen.at["head"][2] + 0.02 * pen.unit, lambda: _head(pen, look, build, degrees))


def _trunk(pen: Pen, look: Colouring, w: float) -> None:
    corners = [pen.at[j][:2] for j in ("left_shoulder", "right_shoulder", "right_hip", "left_hip")]
    middle = np.mean(corners, 0)
    for grow, paint in ((0.008 * pen.unit, look.ink), (0, look.shirt)):
        if paint is None:
            continue
        radius = 0.036 * w * pen.unit + grow
        for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
            pen.draw.line([tuple(a), tuple(b)], fill=paint, width=max(int(2 * radius), 1))
            pen.spot(a, radius, paint)
        pen.draw.polygon([tuple(c + (c - middle) * 0.02) for c in corners], fill=paint)
    pen._limb(pen.at["neck"][:2], pen.at["head"][:2], (0.05 * w, 0.05 * w), look.skin, None)


def _head(pen: Pen, look: Colouring, build: Build, degrees: float) -> None:
    x, y = pen.at["head"][:2]
    r = 0.068 * build.head * pen.unit
    line = 0.008 * pen.unit
    for grow, paint in ((line, look.ink), (0, look.skin)):
        if paint is not None:
            box = [x - 0.82 * r - grow, y - 1.12 * r - grow, x + 0.82 * r + grow, y + 1.05 * r + grow]
            pen.draw.ellipse(box, fill=paint)
    if not look.face:
        return
    pen.draw.chord([x - 0.86 * r, y - 1.18 * r, x + 0.86 * r, y + 0.7 * r], 185, 355, fill=look.hair)
    dark = look.ink or (40, 30, 30)
    for joint in ("left_eye", "right_eye"):
        if pen.at[joint][2] > pen.at["head"][2] + 0.01 * pen.unit:
            pen.spot(pen.at[joint], 0.1 * r, dark)
    nose = pen.at["nose"][:2]
    pen.spot(nose, 0.08 * r, tuple(int(c * 0.8) for c in look.skin))
    toward = np.sin(np.radians(degrees)) * 0.62 * r
    mouth = [x + toward - 0.3 * r, y + 0.3 * r, x + toward + 0.3 * r, y + 0.7 * r]
    pen.draw.arc(mouth, 20, 160, fill=(150, 50, 50), width=max(int(0.07 * r), 2))


def shaded(image: Image.Image, paper: tuple[int, int, int], random: np.random.Generator) -> Image.Image:
    """Add light from one side, grain and a blurred background with a floor, to look more like a photograph."""
    pixels = np.asarray(image, float)
    figure = np.abs(pixels - paper).sum(-1) > 12
    soft = np.asarray(
        Image.fromarray((figure * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(9)), float
    )
    light = 1 + 0.45 * np.clip((np.roll(soft, 12, 1) - np.roll(soft, -12, 1)) / 255, -1, 1)
    height, width = figure.shape
    wall = np.linspace(150, 205, height)[:, None, None] * np.ones((1, width, 3))
    wall[int(height * 0.86) :] = (122, 98, 80)
    wall += 18 * np.sin(np.arange(width) / 37.0)[None, :, None]
    out = np.where(figure[..., None], pixels * light[..., None], wall) + random.normal(0, 6, pixels.shape)
    return Image.fromarray(out.clip(0, 255).astype(np.uint8))


BLACK, PAPER = (20, 20, 20), (255, 255, 255)
DOUGH = (176, 116, 62)
STYLES: dict[str, tuple[Colouring, Build, tuple[int, int, int]]] = {
    "flat": (Colouring(), Build(), (246, 240, 226)),
    "shaded": (Colouring(shirt=(150, 60, 60)), Build(), PAPER),
    "lines": (
        Colouring(*[PAPER] * 5, ink=BLACK),
        Build(),
        PAPER,
    ),
    "silhouette": (Colouring(*[BLACK] * 5, face=False), Build(), PAPER),
    "small": (
        Colouring(shirt=(240, 170, 60), trousers=(90, 150, 90)),
        Build(head=2.1, limbs=0.62, width=1.25),
        (214, 236, 248),
    ),
    "gingerbread": (
        Colouring(*[DOUGH] * 5, ink=(110, 66, 30)),
        Build(head=1.35, limbs=0.7, width=1.9),
        (250, 244, 236),
    ),
    "side": (Colouring(shirt=(80, 150, 110)), Build(), (238, 238, 246)),
    "half": (Colouring(shirt=(120, 70, 150)), Build(), (240, 244, 240)),
}  # fmt: skip
EACH = 5


class Staged(NamedTuple):
    """A figure before drawing: joints in pixels, pixels per body height, and its turn in degrees."""

    joints: Joints
    scale: float
    degrees: float
    random: np.random.Generator


def staged(style: str, number: int, akimbo: bool = False) -> Staged:
    """A figure's reproducible pose; with `akimbo`, with hands on hips."""
    _, build, _ = STYLES[style]
    random = np.random.default_rng([list(STYLES).index(style), number])
    degrees = (
        (90.0 if number % 2 else -90.0) + random.uniform(-15, 15)
        if style == "side"
        else random.uniform(-30, 30)
    )
    joints = posed(random, build)
    if akimbo:
        on_hips(joints, build)
    lowest = ("hip", "knee")[number % 2] if style == "half" else ""
    return Staged(*on_canvas(turned(joints, degrees), SIZE, lowest), degrees, random)


def on_hips(joints: Joints, build: Build) -> None:
    """Put both hands on the hips, elbows out."""
    for side, sign in (("left", 1), ("right", -1)):
        shoulder, hip = joints[f"{side}_shoulder"], joints[f"{side}_hip"]
        out, down = 0.16 * sign * build.width**0.5, -0.13 * build.limbs
        joints[f"{side}_elbow"] = shoulder + np.array([out, down, 0.0])
        wrist = joints[f"{side}_wrist"] = hip + np.array([0.05 * sign * build.width, 0.04, 0.02])
        joints[f"{side}_fingers"] = wrist + np.array([-0.04 * sign, -0.02, 0.03])


def figure(style: str, number: int, akimbo: bool = False) -> DrawnFigure:
    """One reproducible figure."""
    look, build, paper = STYLES[style]
    at, scale, degrees, random = staged(style, number, akimbo)
    pen = Pen(at, scale, SIZE, paper)
    person(pen, look, build, degrees)
    picture = pen.done()
    if style == "shaded":
        picture = shaded(picture, paper, random)
    inside = {j: p[:2] for j, p in at.items() if 0 <= p[0] < SIZE[0] and 0 <= p[1] < SIZE[1]}
    return DrawnFigure(style, picture, inside)


def handed(shape: str, number: int, size: tuple[int, int] = (720, 960)) -> DrawnFigure:
    """A flat figure with fingers, with its hands in one of `tempose_pose.hands.SHAPES`."""
    look, build, paper = STYLES["flat"]
    at, scale = on_canvas(turned(posed(np.random.default_rng([0, number]), build), 5.0), size)
    for side in SIDES:
        at[f"{side}_fingers"] = at[f"{side}_wrist"]
    pen = Pen(at, scale, size, paper)
    person(pen, look, build, 5.0)
    picture = pen.done()
    body = np.zeros((1, len(OPENPOSE_18), 2))
    for joint, i in OPENPOSE_18.at.items():
        body[0, i] = at[joint][:2] if joint in at else 0.0
    held = np.broadcast_to(hands.SHAPES[shape].numbers, (1, 2, 6))
    points = hands.placed(body, np.ones((1, len(OPENPOSE_18))), held)[0, :, :2]  # (42, 2)
    draw, width = ImageDraw.Draw(picture), int(0.016 * scale)
    joints = {joint: p[:2] for joint, p in at.items()}
    for k, side in enumerate(SIDES):
        own = points[k * hands.POINTS : (k + 1) * hands.POINTS]
        joints |= dict(zip(HANDS[side], own, strict=True))
        for colour, wide in (((120, 80, 60), width + 4), (look.skin, width)):
            for finger in range(5):
                chain = [own[0], *own[1 + 4 * finger : 5 + 4 * finger]]
                for bone, (a, b) in enumerate(pairwise(chain)):
                    draw.line([tuple(a), tuple(b)], fill=colour, width=wide if bone else int(1.6 * wide))
                    draw.ellipse([*(b - wide / 2), *(b + wide / 2)], fill=colour)
            draw.polygon([tuple(own[i]) for i in (0, 1, 5, 9, 13, 17)], fill=colour)
    return DrawnFigure("flat", picture, joints)


def figures() -> list[DrawnFigure]:
    """All figures, style by style."""
    return [figure(style, k) for style in STYLES for k in range(EACH)]


def sheet(made: list[Image.Image], across: int, width: int = 160) -> Image.Image:
    """Pictures side by side."""
    small = [p.resize((width, p.height * width // p.width)) for p in made]
    rows = -(-len(small) // across)
    out = Image.new("RGB", (across * width, rows * small[0].height), PAPER)
    for k, picture in enumerate(small):
        out.paste(picture, (k % across * width, k // across * small[0].height))
    return out


def main() -> None:
    """Draw them all on one sheet."""
    parser = argparse.ArgumentParser(description="Draw figures whose joints are known.")
    parser.add_argument("--sheet", type=Path, required=True)
    asked = parser.parse_args()
    sheet([f.picture for f in figures()], EACH * 2).save(asked.sheet)


if __name__ == "__main__":
    main()
