# SPDX-License-Identifier: GPL-3.0-or-later
"""The floor that a character stands on, and places on it, in the unit of `model.dance.way`."""

from dataclasses import dataclass

import bpy
import numpy as np
from mathutils import Vector

from ...model.character.plane import Plane
from . import character

SOLE = 0.045  # of the figure's height: height of the ankles above the floor


@dataclass(frozen=True, eq=False)
class Floor:
    """The floor line in a character's plane.

    Parameters
    ----------
    plane : Plane
    world : (4, 4) float
        From the armature's space to the world.
    home : (2,) float
        Where the character stands without a way, in its plane.
    size : float
        A picture height in the plane.
    height : float
        The figure's, in the plane.
    scale : float
        Scale of the armature in the world.
    """

    plane: Plane
    world: np.ndarray
    home: np.ndarray
    size: float
    height: float
    scale: float

    def world_of(self, place: tuple[float, float]) -> Vector:
        """The world position of a place."""
        local = self.plane.lifted(self.home + np.asarray(place, float) * self.size)
        return Vector((self.world @ [*local, 1.0])[:3].tolist())

    def place_of(self, world: object) -> tuple[float, float]:
        """A point of the world as a place in the character's plane."""
        (place,) = self.places_of(np.asarray(world, float)[None])
        return float(place[0]), float(place[1])

    def places_of(self, world: np.ndarray) -> np.ndarray:
        """Points (N, 3) of the world → places (N, 2)."""
        spatial = np.concatenate([world, np.ones((len(world), 1))], 1)
        local = (np.linalg.inv(self.world) @ spatial.T).T[:, :3]
        return (self.plane.flat(local) - self.home) / self.size


def floor_of(ob: bpy.types.Object, build: character.Physique | None = None) -> Floor:
    """The floor that a character stands on; `build` is the character's, if it has been read already."""
    build = build or character.Physique.of(ob)
    place, plane = character.placement(ob, build), build.plane
    at = character.joints(ob, False, build)
    points = np.stack(list(at.values()))
    height = float(np.ptp(points[:, 1]))
    ankles = [at[joint][1] for joint in ("left_ankle", "right_ankle") if joint in at]
    level = (min(ankles) if ankles else float(points[:, 1].min())) - SOLE * height
    home = np.array([place.to_plane((place.canvas[0] / 2, 0.0))[0], level])
    size, scale = place.unit * place.canvas[1], max(ob.matrix_world.to_scale()[:])
    return Floor(plane, np.array(ob.matrix_world, float), home, size, height, scale)
