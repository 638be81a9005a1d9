# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawn figure: flat shapes around the joints, as plain data. No bpy in here."""

import math
from dataclasses import dataclass, field

import numpy as np

from tempose_pose.skeletons import FINGERS

from . import head
from .figure_looks import LOOKS, Look

STEPS = 10  # corners of half a circle
SHOE = (
    (-0.026, 0.022),
    (0.022, 0.024),
    (0.042, 0.0),
    (0.068, -0.012),
    (0.084, -0.024),
    (0.086, -0.036),
    (0.08, -0.044),
    (-0.03, -0.044),
    (-0.036, -0.03),
    (-0.034, -0.005),
)  # from the ankle, outwards and up, in heights: a flat sole
TORSO = (("shoulder", "L", "left"), ("shoulder", "R", "right"), ("hip", "R", "right"), ("hip", "L", "left"))


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
    shapes : dict of name → dict of vertex → (x, y, z)
        Vertex positions in other shapes: the head in other views, a hand as a fist.
    """

    vertices: list = field(default_factory=list)
    faces: list = field(default_factory=list)
    materials: list = field(default_factory=list)
    groups: dict = field(default_factory=dict)
    colours: dict = field(default_factory=lambda: dict(LOOKS["ADULT"].colours))
    shapes: dict = field(default_factory=dict)

    def turned(self, shares: dict) -> list:
        """The vertices with other shapes mixed in, by their shares."""
        out = [np.array(vertex) for vertex in self.vertices]
        for shape, share in shares.items():
            for index, place in self.shapes.get(shape, {}).items():
                out[index] = out[index] + share * np.subtract(place, self.vertices[index])
        return out

    def add(
        self,
        points: np.ndarray | list[np.ndarray],
        bones: str | list[str],
        colour: str,
        depth: float,
        others: dict | None = None,
    ) -> None:
        """Add one outline; `bones` is one name or one per point; `others` has points and depth in other shapes."""
        first = len(self.vertices)
        for shape, (places, away) in (others or {}).items():
            moved = {first + i: (float(x), away, float(z)) for i, (x, z) in enumerate(places)}
            self.shapes.setdefault(shape, {}).update(moved)
        self.vertices += [(float(x), depth, float(z)) for x, z in points]
        self.faces.append(list(range(first, len(self.vertices))))
        self.materials.append(list(self.colours).index(colour))
        names = [bones] * len(points) if isinstance(bones, str) else bones
        for index, bone in enumerate(names, first):
            self.groups.setdefault(bone, []).append(index)


def capsule(start: np.ndarray, end: np.ndarray, near: float, far: float) -> np.ndarray:
    """Outline (N, 2) of a limb with round ends of radii `near` and `far`."""
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


def sole_below(height: float, look: str) -> float:
    """Distance of a figure's soles below its ankles."""
    return -min(y for _, y in SHOE) * height * LOOKS[look].limbs


def box(start: np.ndarray, end: np.ndarray, near: float, far: float) -> np.ndarray:
    """Outline (N, 2) of a limb with square ends, with as many points as a capsule."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    along = (end - start) / max(float(np.hypot(*(end - start))), 1e-9)
    across = np.array([-along[1], along[0]])
    share = np.linspace(-1, 1, STEPS)[:, None]
    tip, butt = end + 0.6 * far * along, start - 0.6 * near * along
    return np.concatenate([tip + far * share * across, butt - near * share * across])


def draw(at: dict, height: float, radius: float | None = None, look: str = "ADULT") -> Figure:
    """A cut-out figure around the joints.

    Parameters
    ----------
    at : dict of joint → (x, z)
    height : float
        From the ankles to the eyes; widths are shares of it.
    radius : float, optional
        Of the head, when it must not change with a nod.
    look : str
        A key of `figure_looks.LOOKS`.
    """
    drawing = _Drawing(at, height, LOOKS[look])
    for letter, side, far in (("R", "right", " far"), ("L", "left", "")):
        drawing.leg(letter, side, far)
        drawing.arm(letter, side, far)
    drawing.torso()
    drawing.head(head_radius(at, height) if radius is None else radius)
    return drawing.figure


class _Drawing:
    """A figure that is being drawn."""

    def __init__(self, at: dict, height: float, look: Look):
        self.at, self.h, self.look, self.layer = at, height, look, 0.004 * height
        self.figure = Figure(colours=dict(look.colours))
        self.outline = box if look.boxes else capsule

    def limb(
        self,
        bone: str,
        start: str | np.ndarray,
        end: str | np.ndarray,
        near: float,
        far: float,
        colour: str,
        depth: float,
        others: dict | None = None,
    ) -> None:
        start, end = (self.at[p] if isinstance(p, str) else p for p in (start, end))
        wide = self.look.limbs * self.h
        points = self.outline(start, end, near * wide, far * wide)
        self.figure.add(points, bone, colour, depth * self.layer, others)

    def between(self, start: str, end: str, share: float) -> np.ndarray:
        return self.at[start] + share * np.subtract(self.at[end], self.at[start])

    def leg(self, letter: str, side: str, far: str) -> None:
        back, hip, knee, ankle = (3 if far else 0), *(f"{side}_{j}" for j in ("hip", "knee", "ankle"))
        self.limb(f"thigh.{letter}", hip, knee, 0.058, 0.042, f"trousers{far}", 2 + back)
        self.limb(f"shin.{letter}", knee, ankle, 0.041, 0.029, f"skin{far}", 1.2 + back)
        hem = self.between(knee, ankle, self.look.leg)
        self.limb(
            f"shin.{letter}", knee, hem, 0.042, 0.042 - 0.012 * self.look.leg, f"trousers{far}", 1 + back
        )
        foot, toe = f"shin.{letter}", f"{side}_big_toe"
        if toe in self.at:
            foot = f"foot.{letter}"
            self.figure.add(
                self.outline(self.at[ankle], self.at[toe], 0.032 * self.h, 0.026 * self.h),
                foot, f"shoe{far}", back * self.layer,
            )  # fmt: skip
            return
        outwards = 1 if side == "left" else -1
        shoe = np.asarray(SHOE) * (outwards * self.h * self.look.limbs, self.h * self.look.limbs)
        self.figure.add(np.asarray(self.at[ankle]) + shoe, foot, f"shoe{far}", back * self.layer)

    def arm(self, letter: str, side: str, far: str) -> None:
        back, shoulder, elbow, wrist = (
            (9 if far else 0),
            *(f"{side}_{j}" for j in ("shoulder", "elbow", "wrist")),
        )
        self.limb(f"upper_arm.{letter}", shoulder, elbow, 0.042, 0.03, f"skin{far}", -3 + back)
        self.limb(f"forearm.{letter}", elbow, wrist, 0.03, 0.022, f"skin{far}", -4 + back)
        if f"{side}_middle_1" in self.at:
            self.limb(f"hand.{letter}", wrist, f"{side}_middle_1", 0.03, 0.026, f"skin{far}", -4.5 + back)
            for finger in FINGERS:
                for k in (1, 2, 3):
                    ends = f"{side}_{finger}_{k}", f"{side}_{finger}_{k + 1}"
                    if set(ends) <= set(self.at):
                        self.limb(f"{finger}.{k:02}.{letter}", *ends, 0.008, 0.007, f"skin{far}", -4.6 + back)
        else:
            self.hand(letter, side, far, back)
        sleeve = self.between(shoulder, elbow, self.look.sleeve)
        self.limb(f"upper_arm.{letter}", shoulder, sleeve, 0.05, 0.046, f"shirt{far}", -3.5 + back)

    def hand(self, letter: str, side: str, far: str, back: float) -> None:
        """Palm, thumb and fingers on the forearm; the shape *Fist* folds them."""
        wrist, elbow = (np.asarray(self.at[f"{side}_{j}"], float) for j in ("wrist", "elbow"))
        along = (wrist - elbow) / max(float(np.hypot(*(wrist - elbow))), 1e-9)
        across = np.array([-along[1], along[0]]) * (1 if side == "left" else -1)
        bone, colour, size = f"forearm.{letter}", f"skin{far}", self.h

        def place(forward: float, sideways: float):
            return wrist + size * (forward * along + sideways * across)

        self.limb(bone, wrist, place(0.032, 0), 0.021, 0.024, colour, -4.5 + back)
        wide = self.look.limbs * size
        for sideways in (-0.017, -0.006, 0.006, 0.017):
            root, tip = place(0.036, sideways), place(0.076 - abs(sideways), 1.5 * sideways)
            folded = self.outline(root, place(0.046, sideways), 0.0075 * wide, 0.0075 * wide)
            depth = -4.6 + back
            self.limb(
                bone,
                root,
                tip,
                0.0072,
                0.0062,
                colour,
                depth,
                {f"Fist.{letter}": (folded, depth * self.layer)},
            )
        folded = self.outline(place(0.02, 0.02), place(0.04, 0.004), 0.008 * wide, 0.008 * wide)
        depth = -4.7 + back
        self.limb(
            bone, place(0.01, 0.016), place(0.036, 0.042), 0.009, 0.007, colour, depth,
            {f"Fist.{letter}": (folded, depth * self.layer)},
        )  # fmt: skip

    def torso(self) -> None:
        """Wide between shoulders and hips, and never thinner than its spine."""
        at, h = self.at, self.h
        corners = [(f"{stub}.{letter}", f"{side}_{stub}") for stub, letter, side in TORSO]
        middle = np.mean([at[joint] for _, joint in corners], axis=0)
        points, bones = [], []
        for bone, joint in corners:
            outwards = np.asarray(at[joint]) - middle
            points.append(np.asarray(at[joint]) + 0.035 * h * outwards / max(np.hypot(*outwards), 1e-9))
            bones.append(bone)
        self.figure.add(points, bones, "shirt", -1 * self.layer)
        self.figure.add(
            self.outline(at["mid_hip"], at["neck"], 0.06 * h, 0.06 * h), "spine", "shirt", -1.2 * self.layer
        )

    def head(self, radius: float) -> None:
        """The neck is as long as it appears, the head keeps its size, and the eyes show where it looks."""
        nose, neck = np.asarray(self.at["nose"]), np.asarray(self.at["neck"])
        self.limb("head", neck, neck + 0.6 * (nose - neck), 0.03, 0.03, "skin far", -1.4)
        up = (nose - neck) / max(float(np.hypot(*(nose - neck))), 1e-9)
        crown = nose + 0.16 * radius * up
        turned = radius * self.look.head * np.array([[up[1], -up[0]], up])  # from its own up to the neck's
        for part in head.parts(self.look.boxes, self.look.tufts):
            others = {
                view: (crown + points @ turned, layer * self.layer)
                for view, (points, layer) in part.views.items()
            }
            self.figure.add(
                crown + part.front @ turned, part.bone, part.colour, part.layer * self.layer, others
            )
        for letter, side in (("L", "left"), ("R", "right")):
            eye = np.asarray(self.at[f"{side}_eye"])
            points = head.round_shape(0, 0, 0.013 * self.h, 0.018 * self.h, self.look.boxes) + eye
            self.figure.add(
                points, f"look.{letter}", "eye", -7 * self.layer, {"back": (points, head.BEHIND * self.layer)}
            )
