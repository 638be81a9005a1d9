# SPDX-License-Identifier: GPL-3.0-or-later
"""Body parts found by the names of bones: ready-made maps and plain words. No bpy in here."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from .mapping import BoneMap, from_json

_FOLDER = Path(__file__).parent / "bone_maps"
_FIRST = ("tempose", "mixamo", "rigify_fk", "rigify_meta", "mannequin", "rigify_def", "rigify_org")

# Words by part, the likelier first: English, German, Japanese (as written, and in Latin letters), Daz's short forms.
# A bone's name, without its side and numbers, must be one of them.
_WORDS = {
    "root": (
        "hips", "pelvis", "hip", "cog", "center", "centre", "root", "master",
        "huefte", "hueften", "becken", "koshi", "センター", "腰", "下半身", "sentaa", "senta", "kahanshin",
    ),
    "spine": (
        "spine", "torso", "body", "trunk", "abdomen", "belly", "waist", "chest", "back", "lowerspine", "abdomenlower",
        "wirbelsaeule", "ruecken", "rumpf", "torsounten", "bauch", "brust", "koerper",
        "上半身", "jouhanshin", "johanshin", "sebone", "背骨",
    ),
    "neck": ("neck", "necklower", "hals", "nacken", "首", "kubi"),
    "head": ("head", "skull", "face", "kopf", "schaedel", "頭", "atama"),
}  # fmt: skip
_SIDED = {
    "shoulder": ("shoulder", "clavicle", "collar", "collarbone", "schulter", "schluesselbein", "肩", "kata"),
    "upper_arm": (
        "upperarm", "armupper", "uparm", "armup", "bicep", "biceps", "humerus", "shldrbend", "shldr",
        "oberarm", "armoben", "腕", "ude", "jouwan", "arm",
    ),
    "forearm": (
        "forearm", "lowerarm", "armlower", "lowarm", "armlow", "forarm", "forearmbend", "underarm", "elbow",
        "unterarm", "armunten", "ellbogen", "ellenbogen", "ひじ", "肘", "hiji", "zenwan",
    ),
    "hand": ("hand", "wrist", "handgelenk", "手首", "手", "tekubi", "te", "palm"),
    "hip": ("hip", "pelvis", "huefte"),
    "thigh": (
        "thigh", "upperleg", "legupper", "upleg", "legup", "femur", "thighbend",
        "oberschenkel", "beinoben", "足", "太もも", "futomomo", "momo", "ashi", "bein", "leg",
    ),
    "shin": (
        "shin", "calf", "lowerleg", "leglower", "lowleg", "leglow", "foreleg", "tibia", "knee",
        "unterschenkel", "schienbein", "beinunten", "wade", "knie", "ひざ", "膝", "hiza", "sune", "leg",
    ),
    "foot": ("foot", "ankle", "feet", "fuss", "knoechel", "足首", "ashikubi"),
    "eye": ("eye", "auge", "目", "me"),
    "ear": ("ear", "ohr", "耳", "mimi"),
}  # fmt: skip
_TOE = ("toe", "toes", "toebase", "ball", "zeh", "zehe", "zehen", "つま先", "tsumasaki")
# The three bones of a finger share one word and are told apart by numbers or just by their order.
_FINGERS = {
    "thumb": ("thumb", "daumen", "親指", "oyayubi"),
    "index": ("index", "indexfinger", "zeigefinger", "人指", "人差指", "hitosashiyubi"),
    "middle": ("middle", "middlefinger", "mid", "mittelfinger", "中指", "nakayubi"),
    "ring": ("ring", "ringfinger", "薬指", "kusuriyubi"),
    "little": ("little", "littlefinger", "pinky", "pinkyfinger", "pinkie", "kleinerfinger", "小指", "koyubi"),
}  # fmt: skip
_BEFORE = ("", "f", "finger", "hand", "handfinger", "fingers")  # may stand before the word of a finger
_SIDES = {
    "l": "L", "left": "L", "lft": "L", "lt": "L", "links": "L", "li": "L", "hidari": "L",
    "r": "R", "right": "R", "rgt": "R", "rt": "R", "rechts": "R", "re": "R", "migi": "R",
}  # fmt: skip
_WITHIN = {
    "left": "L", "links": "L", "linke": "L", "linker": "L", "linkes": "L", "hidari": "L", "左": "L",
    "right": "R", "rechts": "R", "rechte": "R", "rechter": "R", "rechtes": "R", "migi": "R", "右": "R",
}  # fmt: skip
_SPELT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_LEAD = re.compile(r"[^\W_]+[\W_]+(?=[^\W_])")  # a first word and its separator
MANY, MOST = 8, 0.8  # share of bones with the same beginning from which it counts as a prefix
_AFFIXES = {"bone", "bip", "bip01", "biped", "def", "org", "deform", "jnt", "joint", "fk", "sk", "char", "b"}


def plain(name: str) -> str:
    """A bone's name without its namespace, for comparison: `rig:Upper_Arm.L` → `upper_arm.l`."""
    return re.split(r"[:|]", name)[-1].strip().lower()


def without_namespace(names: Iterable[str]) -> dict[str, str]:
    """Bones' names → the same without a prefix that most of them share: `mixamorig_Hips` → `Hips`."""
    short = {name: name for name in names}
    while len(short) >= MANY:
        leads = Counter(found[0] for name in short.values() if (found := _LEAD.match(name)))
        lead, count = leads.most_common(1)[0] if leads else ("", 0)
        if (
            count < MOST * len(short)
            or not tokens(lead)[0]  # an affix, which maps and words know
            or tokens(lead)[1]
            or not all(name.removeprefix(lead) for name in short.values())
        ):
            break
        short = {name: said.removeprefix(lead) for name, said in short.items()}
    return short


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
    """A ready-made map applied to these bones, whatever their namespace and case."""
    names = list(names)
    exact, loose = set(names), {}
    for name, short in without_namespace(names).items():
        loose.setdefault(plain(name), name)
        loose.setdefault(plain(short), name)
    bones = {}
    for part, wanted in preset.bones.items():
        found = wanted if wanted in exact else loose.get(plain(wanted))
        if found is not None:
            bones[part] = found
    return BoneMap(bones, preset.nose)


def tokens(name: str) -> tuple[str, str]:
    """What a name says: (word without side, number and affix; side L, R or nothing)."""
    text = unicodedata.normalize(
        "NFKC", re.split(r"[:|]", name)[-1]
    )  # full-width letters and digits as plain ones
    spaced = re.sub(r"(?<=[^\W\d_])(?=[A-Z][a-zäöüß])|(?<=[a-z0-9])(?=[A-Z])", " ", text)
    words = [w for w in re.split(r"[\W\d_]+", spaced.lower().translate(_SPELT)) if w]
    side = next((_SIDES[w] for w in words if w in _SIDES), "")
    words = [w for w in words if w not in _SIDES and w not in _AFFIXES]
    word = "".join(words)
    if not side:  # leftarm, linkerarm, 左腕: written as one
        for said in sorted(_WITHIN, key=len, reverse=True):
            if said != word and (word.startswith(said) or word.endswith(said)):
                return word.removeprefix(said).removesuffix(said), _WITHIN[said]
    return word, side


def by_words(names: Iterable[str]) -> BoneMap:
    """A map from names in plain words. `names` has parents before children."""
    said: dict[tuple[str, str], list[str]] = {}
    for name, short in without_namespace(names).items():
        said.setdefault(tokens(short), []).append(name)
    bones: dict[str, str] = {}
    for part, words in _WORDS.items():
        _take(bones, part, [(word, "") for word in words], said)
    for side in "LR":
        for part, words in _SIDED.items():
            _take(bones, f"{part}.{side}", [(word, side) for word in words], said)
    if "root" not in bones and "spine" in bones:
        bones["root"] = bones["spine"]
    return BoneMap(bones)


def with_ends(bone_map: BoneMap, names: Iterable[str]) -> BoneMap:
    """The same map with the fingers and toes that the names reveal. `names` has parents before children."""
    said: dict[tuple[str, str], list[str]] = {}
    for name, short in without_namespace(names).items():
        said.setdefault(tokens(short), []).append(name)
    bones = dict(bone_map.bones)
    for side in "LR":
        if f"foot.{side}" in bones and f"toe.{side}" not in bones:
            _take(bones, f"toe.{side}", [(word, side) for word in _TOE], said)
        for finger, words in _FINGERS.items() if f"hand.{side}" in bones else ():
            spelt = [(before + word, side) for word in words for before in _BEFORE]
            for k in (1, 2, 3):
                if f"{finger}.{k:02}.{side}" not in bones:
                    _take(bones, f"{finger}.{k:02}.{side}", spelt, said)
    return BoneMap(bones, bone_map.nose)


def _take(bones: dict, part: str, words: list, said: dict) -> None:
    used = set(bones.values())
    for word in words:
        for name in said.get(word, ()):
            if name not in used:
                bones[part] = name
                return
