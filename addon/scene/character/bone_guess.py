# SPDX-License-Identifier: GPL-3.0-or-later
"""Bone maps for armatures: guessed from names and shape, or read from a file."""

import bpy

from ...model.character import bone_names
from ...model.character.mapping import STUBS, BoneMap
from ...model.character.plane import best_fit
from ...model.character.shape import by_shape
from .armature import ruled


def guess(ob: bpy.types.Object, preset: str = "") -> tuple[BoneMap, str]:
    """A map by the names and the shape of bones, and in words how it was found.

    Parameters
    ----------
    preset : str
        Key of a ready-made map; empty: the best match.
    """
    found, how = _guess(ob, preset)
    follows = {part for part in STUBS if part in found.bones and ruled(ob.pose.bones[found.bones[part]])}
    found = BoneMap({part: bone for part, bone in found.bones.items() if part not in follows}, found.nose)
    return bone_names.with_ends(found, [bone.name for bone in ob.data.bones]), how


def _guess(ob: bpy.types.Object, preset: str) -> tuple[BoneMap, str]:
    names = [bone.name for bone in ob.data.bones]
    held = {bone.name for bone in ob.pose.bones if ruled(bone)}
    if preset == "shape":
        return _shaped(ob, held), "by shape"
    if preset == "words":
        return bone_names.by_words(names), "by plain names"
    known = bone_names.presets()
    if preset:
        return bone_names.apply(known[preset][1], names), known[preset][0]
    tries = [(bone_names.apply(one, names), name) for name, one in known.values()]
    best, how = max(tries, key=lambda t: _worth(t[0], held))
    whole = [(m, name) for m, name in tries if not m.missing and not held.intersection(m.bones.values())]
    if whole:  # a rig of a known kind: other names in it mean less
        return max(whole, key=lambda t: _worth(t[0], held))
    words = bone_names.by_words([n for n in names if n not in held] or names)
    if _worth(words, held) > _worth(best, held):
        best, how = words, "plain names"
    if best.missing:
        shaped = _shaped(ob, held)
        if len(shaped.missing) < len(best.missing):
            used = set(best.bones.values())
            more = {
                p: b
                for p, b in shaped.bones.items()
                if p not in best.bones and (b not in used or p in ("root", "spine"))
            }
            how = f"{how} and by shape" if best.bones and len(best.missing) < 8 else "by shape"
            best = shaped if how == "by shape" else BoneMap({**best.bones, **more}, best.nose)
    return best, how


def fitted(ob: bpy.types.Object, bone_map: BoneMap) -> BoneMap:
    """A map from a file, fitted to this armature, whatever its namespace."""
    return bone_names.apply(bone_map, [bone.name for bone in ob.data.bones])


def _worth(bone_map: BoneMap, held: set[str]) -> float:
    """How much of a body a map covers; locked bones count little."""
    value = sum(0.2 if bone in held else 1.0 for bone in bone_map.bones.values())
    return value - 2.0 * len(bone_map.missing)


def _shaped(ob: bpy.types.Object, held: set[str]) -> BoneMap:
    """A map from geometry alone; of deform bones only, if the rig marks them."""
    bones = ob.data.bones
    free = [b for b in bones if b.name not in held] or list(bones)
    deform = [b for b in free if b.use_deform]
    chosen = deform if len(deform) >= 8 else free
    kept = {b.name for b in chosen}

    def parent(bone: bpy.types.Bone | None):
        bone = bone.parent
        while bone is not None and bone.name not in kept:
            bone = bone.parent
        return bone.name if bone is not None else None

    plane = best_fit([p.to_tuple() for b in chosen for p in (b.head_local, b.tail_local)])
    ends = {
        b.name: (plane.flat(b.head_local.to_tuple()), plane.flat(b.tail_local.to_tuple())) for b in chosen
    }
    return by_shape(ends, {b.name: parent(b) for b in chosen})
