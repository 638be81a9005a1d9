# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding body parts by the names of bones: ready-made maps, and plain words. No bpy in here."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from .mapping import BoneMap, from_json

_FOLDER = Path(__file__).parent / "bone_maps"
_FIRST = ("tempose", "mixamo", "rigify_fk", "rigify_meta", "mannequin", "rigify_def", "rigify_org")

# Words by part, the likelier first. A bone's name without its side and numbers must be one of them.
_WORDS = {
    "root": ("hips", "pelvis", "hip", "cog", "center", "centre", "root", "master"),
    "spine": ("spine", "torso", "body", "trunk", "abdomen", "belly", "waist", "chest", "back", "lowerspine"),
    "neck": ("neck", "necklower"),
    "head": ("head", "skull", "face"),
}  # fmt: skip
_SIDED = {
    "shoulder": ("shoulder", "clavicle", "collar", "collarbone"),
    "upper_arm": ("upperarm", "armupper", "uparm", "armup", "bicep", "biceps", "humerus", "arm"),
    "forearm": ("forearm", "lowerarm", "armlower", "lowarm", "armlow", "forarm", "underarm", "elbow"),
    "hand": ("hand", "palm", "wrist"),
    "hip": ("hip", "pelvis"),
    "thigh": ("thigh", "upperleg", "legupper", "upleg", "legup", "femur", "leg"),
    "shin": ("shin", "calf", "lowerleg", "leglower", "lowleg", "leglow", "foreleg", "tibia", "knee", "leg"),
    "foot": ("foot", "ankle", "feet"),
    "eye": ("eye",),
    "ear": ("ear",),
}  # fmt: skip
_SIDES = {"l": "L", "left": "L", "lft": "L", "lt": "L", "r": "R", "right": "R", "rgt": "R", "rt": "R"}
_AFFIXES = {"bone", "bip", "bip01", "biped", "def", "org", "deform", "jnt", "joint", "fk", "sk", "char", "b"}


def plain(name: str) -> str:
    """A bone's name without namespace, for comparing: `rig:Upper_Arm.L` → `upper_arm.l`."""
    return re.split(r"[:|]", name)[-1].strip().lower()


@cache
def presets() -> dict[str, tuple[str, BoneMap]]:
    """The maps that come with Tempose: key → (name to show, map)."""
    found = {}
    for path in sorted(
        _FOLDER.glob("*.json"), key=lambda p: _FIRST.index(p.stem) if p.stem in _FIRST else 99
    ):
        bone_map, name = from_json(path.read_text("utf-8"))
        found[path.stem] = (name, bone_map)
    return found


def apply(preset: BoneMap, names: Iterable[str]) -> BoneMap:
    """A ready-made map on these bones, whatever their namespace and case."""
    names = list(names)
    exact, loose = set(names), {}
    for name in names:
        loose.setdefault(plain(name), name)
    bones = {}
    for part, wanted in preset.bones.items():
        found = wanted if wanted in exact else loose.get(plain(wanted))
        if found is not None:
            bones[part] = found
    return BoneMap(bones, preset.nose)


def tokens(name: str) -> tuple[str, str]:
    """What a name says: (word without side, number and affix; side L, R or nothing)."""
    spaced = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", re.split(r"[:|]", name)[-1])
    words = [w for w in re.split(r"[^a-z]+", spaced.lower()) if w]
    side = next((_SIDES[w] for w in words if w in _SIDES), "")
    words = [w for w in words if w not in _SIDES and w not in _AFFIXES]
    word = "".join(words)
    if not side:  # leftarm, written as one
        for text in ("left", "right"):
            if word.startswith(text) or word.endswith(text):
                side, word = _SIDES[text], word.removeprefix(text).removesuffix(text)
    return word, side


def by_words(names: Iterable[str]) -> BoneMap:
    """A map from names in plain English. `names` with parents before children."""
    said: dict[tuple[str, str], list[str]] = {}
    for name in names:
        said.setdefault(tokens(name), []).append(name)
    bones: dict[str, str] = {}
    for part, words in _WORDS.items():
        _take(bones, part, [(word, "") for word in words], said)
    for side in "LR":
        for part, words in _SIDED.items():
            _take(bones, f"{part}.{side}", [(word, side) for word in words], said)
    if "root" not in bones and "spine" in bones:
        bones["root"] = bones["spine"]
    return BoneMap(bones)


def _take(bones: dict, part: str, words: list, said: dict) -> None:
    used = set(bones.values())
    for word in words:
        for name in said.get(word, ()):
            if name not in used:
                bones[part] = name
                return
