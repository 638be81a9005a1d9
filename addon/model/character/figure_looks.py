# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures in the box: colours and shapes of an adult, a child and a robot. No bpy in here."""

from dataclasses import dataclass, field

Colour = tuple[float, float, float]
"""Red, green and blue, linear."""


@dataclass(frozen=True)
class Look:
    """How a figure is drawn.

    Parameters
    ----------
    colours : dict of name → (r, g, b)
        Linear; names ending in "far" are for the far side, darker, as in cut-out animation.
    head, limbs : float
        Width of the head, and of arms and legs, relative to the adult's.
    boxes : bool
        Whether limbs and head have corners.
    sleeve, leg : float
        How far the shirt covers the upper arm, and the trousers the shin.
    tufts : of (x, y, radius), in radii of the head
        Hair, or anything else that sticks out from behind the head.
    """

    colours: dict[str, Colour]
    head: float = 1.0
    limbs: float = 1.0
    boxes: bool = False
    sleeve: float = 0.35
    leg: float = 0.96
    tufts: tuple[tuple[float, float, float], ...] = field(default=())


def _colours(
    skin: Colour,
    shirt: Colour,
    trousers: Colour,
    shoe: Colour,
    hair: Colour,
    mouth: Colour,
    eye: Colour = (0.01, 0.01, 0.015),
) -> dict:
    near = {"skin": skin, "shirt": shirt, "trousers": trousers, "shoe": shoe}
    far = {f"{name} far": tuple(0.65 * c for c in colour) for name, colour in near.items()}
    return near | far | {"hair": hair, "mouth": mouth, "eye": eye}


LOOKS = {
    "ADULT": Look(
        _colours(
            (0.86, 0.55, 0.38),
            (0.05, 0.33, 0.55),
            (0.09, 0.08, 0.2),
            (0.75, 0.72, 0.66),
            (0.09, 0.035, 0.015),
            (0.45, 0.08, 0.07),
        )
    ),
    "CHILD": Look(
        _colours(
            (0.42, 0.2, 0.1),
            (0.9, 0.5, 0.03),
            (0.55, 0.05, 0.08),
            (0.03, 0.3, 0.28),
            (0.015, 0.008, 0.006),
            (0.3, 0.03, 0.04),
        ),
        head=1.12,
        limbs=1.15,
        sleeve=0.55,
        leg=0.1,
        tufts=((-0.95, 0.75, 0.42), (0.95, 0.75, 0.42)),
    ),
    "ROBOT": Look(
        _colours(
            (0.5, 0.55, 0.6),
            (0.1, 0.42, 0.36),
            (0.32, 0.36, 0.4),
            (0.04, 0.05, 0.06),
            (0.2, 0.23, 0.26),
            (0.02, 0.03, 0.04),
            eye=(0.95, 0.6, 0.05),
        ),
        head=0.95,
        limbs=0.95,
        boxes=True,
        sleeve=0.2,
        leg=0.5,
        tufts=((0.0, 1.5, 0.16), (0.0, 1.2, 0.1)),
    ),
}
