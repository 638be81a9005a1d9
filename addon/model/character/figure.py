# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawn figure: flat shapes around the joints, as plain data. No bpy in here."""

import math
from dataclasses import dataclass, field

import numpy as np

from tempose_pose.skeletons import FINGERS

STEPS = 10  # corners of half a circle

# Linear colours; the far side is darker, as in cut-out animation.
COLOURS = {
    "skin": (0.86, 0.55, 0.38),
    "skin far": (0.62, 0.36, 0.24),
    "shirt": (0.05, 0.33, 0.55),
    "trousers": (0.09, 0.08, 0.2),
    "trousers far": (0.05, 0.045, 0.12),
    "hair": (0.09, 0.035, 0.015),
    "eye": (0.01, 0.01, 0.015),
}


@dataclass
class Figure:
    """A mesh in the XZ plane; Y only orders the shapes, nearer to the viewer is smaller.

    Attributes
    ----------
    vertices : list of (x, y, z)
    faces : list of list of int
    materials : list of int
        Index into `colours`, one for each face.
    groups : dict
        Vertices by the bone that moves them.
    colours : dict of name → (r, g, b), linear
    """

    vertices: list = field(default_factory=list)
    faces: list = field(default_factory=list)
    materials: list = field(default_factory=list)
    groups: dict = field(default_factory=dict)
    colours: dict = field(default_factory=lambda: dict(COLOURS))

    def add(self, points, bones, colour: str, depth: float) -> None:
        """One shape; `bones` is one name, or one for each point."""
        first = len(self.vertices)
        self.vertices += [(float(x), depth, float(z)) for x, z in points]
        self.faces.append(list(range(first, len(self.vertices))))
        self.materials.append(list(self.colours).index(colour))
        names = [bones] * len(points) if isinstance(bones, str) else bones
        for index, bone in enumerate(names, first):
            self.groups.setdefault(bone, []).append(index)


def disc(centre, radius: float, squash: float = 1.0) -> np.ndarray:
    """(N, 2) corners of an ellipse; `squash` is height over width."""
    turn = np.linspace(0, 2 * math.pi, 4 * STEPS, endpoint=False)
    return np.asarray(centre) + radius * np.stack([np.cos(turn), squash * np.sin(turn)], 1)


def capsule(start, end, near: float, far: float) -> np.ndarray:
    """(N, 2) outline of a limb with round ends of the radii `near` and `far`."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    along = end - start
    heading = math.atan2(along[1], along[0])
    half = np.linspace(-math.pi / 2, math.pi / 2, STEPS)
    tip = end + far * np.stack([np.cos(heading + half), np.sin(heading + half)], 1)
    butt = start + near * np.stack([np.cos(heading + math.pi + half), np.sin(heading + math.pi + half)], 1)
    return np.concatenate([tip, butt])


def head_radius(at: dict, height: float) -> float:
    """Half the width of the head of a figure in this pose."""
    return 0.62 * float(np.hypot(*np.subtract(at["nose"], at["neck"]))) + 0.03 * height


def draw(at: dict, height: float, radius: float | None = None) -> Figure:
    """A cut-out figure around the joints.

    Parameters
    ----------
    at : dict of joint → (x, z)
    height : float
        From the ankles to the eyes; widths are shares of it.
    radius : float, optional
        Of the head, where it must not change with a nod.
    """
    figure, h, layer = Figure(), height, 0.004 * height

    def limb(bone, start, end, near, far, colour, depth):
        figure.add(capsule(at[start], at[end], near * h, far * h), bone, colour, depth * layer)

    for letter, side, far in (("R", "right", " far"), ("L", "left", "")):
        back = 3 if far else 0
        limb(f"thigh.{letter}", f"{side}_hip", f"{side}_knee", 0.058, 0.042, f"trousers{far}", 2 + back)
        limb(f"shin.{letter}", f"{side}_knee", f"{side}_ankle", 0.042, 0.03, f"trousers{far}", 1 + back)
        ankle = np.asarray(at[f"{side}_ankle"])
        footed = f"{side}_big_toe" in at
        toe = (
            at[f"{side}_big_toe"]
            if footed
            else np.add(ankle, (0.055 * h * (1 if side == "left" else -1), -0.022 * h))
        )
        foot = f"foot.{letter}" if footed else f"shin.{letter}"
        figure.add(capsule(ankle, toe, 0.03 * h, 0.022 * h), foot, f"skin{far}", back * layer)
        limb(
            f"upper_arm.{letter}",
            f"{side}_shoulder",
            f"{side}_elbow",
            0.042,
            0.03,
            f"skin{far}",
            -3 + 3 * back,
        )
        limb(f"forearm.{letter}", f"{side}_elbow", f"{side}_wrist", 0.03, 0.024, f"skin{far}", -4 + 3 * back)
        figure.add(
            disc(at[f"{side}_wrist"], 0.032 * h), f"forearm.{letter}", f"skin{far}", (-5 + 3 * back) * layer
        )
        if f"{side}_middle_1" in at:
            limb(
                f"hand.{letter}",
                f"{side}_wrist",
                f"{side}_middle_1",
                0.03,
                0.026,
                f"skin{far}",
                -4.5 + 3 * back,
            )
            for finger in FINGERS:
                for k in (1, 2, 3):
                    if f"{side}_{finger}_{k}" in at and f"{side}_{finger}_{k + 1}" in at:
                        limb(
                            f"{finger}.{k:02}.{letter}", f"{side}_{finger}_{k}", f"{side}_{finger}_{k + 1}",
                            0.008, 0.007, f"skin{far}", -4.6 + 3 * back,
                        )  # fmt: skip
        sleeve = at[f"{side}_shoulder"] + 0.35 * np.subtract(at[f"{side}_elbow"], at[f"{side}_shoulder"])
        figure.add(
            capsule(at[f"{side}_shoulder"], sleeve, 0.05 * h, 0.046 * h),
            f"upper_arm.{letter}", "shirt", (-3.5 + 3 * back) * layer,
        )  # fmt: skip
    # The torso is wide between shoulders and hips, and never thinner than its spine.
    corners = [
        ("shoulder.L", "left_shoulder"),
        ("shoulder.R", "right_shoulder"),
        ("hip.R", "right_hip"),
        ("hip.L", "left_hip"),
    ]
    points, bones = [], []
    middle = np.mean([at[joint] for _, joint in corners], axis=0)
    for bone, joint in corners:
        outwards = np.asarray(at[joint]) - middle
        points.append(np.asarray(at[joint]) + 0.035 * h * outwards / max(np.hypot(*outwards), 1e-9))
        bones.append(bone)
    figure.add(points, bones, "shirt", -1 * layer)
    limb("spine", "mid_hip", "neck", 0.06, 0.06, "shirt", -1.2)
    # The head: its disc goes with the neck's bone, so a nod foreshortens it; the eyes show where it looks.
    nose, neck = np.asarray(at["nose"]), np.asarray(at["neck"])
    radius = head_radius(at, h) if radius is None else radius
    figure.add(
        capsule(neck, neck + 0.6 * (nose - neck), 0.03 * h, 0.03 * h), "head", "skin far", -1.4 * layer
    )
    crown = nose + 0.16 * radius * (nose - neck) / max(float(np.hypot(*(nose - neck))), 1e-9)
    figure.add(disc(np.add(crown, (0, 0.18 * radius)), radius * 1.06, 1.08), "head", "hair", -1.5 * layer)
    figure.add(disc(np.subtract(crown, (0, 0.1 * radius)), radius * 0.92, 1.0), "head", "skin", -6 * layer)
    for letter, side in (("L", "left"), ("R", "right")):
        figure.add(disc(at[f"{side}_eye"], 0.012 * h, 1.4), f"look.{letter}", "eye", -7 * layer)
    figure.add(disc(nose, 0.007 * h), "head", "skin far", -7 * layer)
    return figure
