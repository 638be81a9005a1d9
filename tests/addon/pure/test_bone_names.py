"""Armatures of other people: which of their bones are found by name, in several languages."""

import pytest
from addon.model.character import bone_names
from addon.model.character.mapping import WANTED, BoneMap

PARTS = ("shoulder", "upper_arm", "forearm", "hand", "thigh", "shin", "foot")


def zoo():
    """name → (root, spine, neck, head, sided parts with {} for the side, names of both sides, further bones)."""
    return {
        "plain": (("Hips", "Spine", "Neck", "Head"), ("Shoulder.{}", "UpperArm.{}", "LowerArm.{}", "Hand.{}",
                  "UpperLeg.{}", "LowerLeg.{}", "Foot.{}"), "LR", ("Prop", "Camera", "Tail.001")),
        "namespace": (("rig:hips", "rig:spine", "rig:neck", "rig:head"), ("rig:clavicle_{}", "rig:upper arm_{}",
                      "rig:fore arm_{}", "rig:hand_{}", "rig:thigh_{}", "rig:calf_{}", "rig:foot_{}"), "lr", ()),
        "cut-out": (("Pelvis", "Torso", "Neck", "Head"), ("Collar_{}", "Arm_Upper_{}", "Arm_Lower_{}", "Hand_{}",
                    "Leg_Upper_{}", "Leg_Lower_{}", "Foot_{}"), "LR", ("Eye_L", "Mouth", "Hair_01")),
        "biped": (("Bip01 Pelvis", "Bip01 Spine", "Bip01 Neck", "Bip01 Head"), ("Bip01 {} Clavicle",
                  "Bip01 {} UpperArm", "Bip01 {} Forearm", "Bip01 {} Hand", "Bip01 {} Thigh", "Bip01 {} Calf",
                  "Bip01 {} Foot"), "LR", ("Bip01 Footsteps",)),
        "daz": (("pelvis", "abdomenLower", "neckLower", "head"), ("{}Collar", "{}ShldrBend", "{}ForearmBend",
                "{}Hand", "{}ThighBend", "{}Shin", "{}Foot"), "lr", ("lShldrTwist", "rThighTwist", "lEye")),
        "german": (("Hüfte", "Wirbelsäule", "Hals", "Kopf"), ("Schulter.{}", "Oberarm.{}", "Unterarm.{}",
                   "Handgelenk.{}", "Oberschenkel.{}", "Unterschenkel.{}", "Fuß.{}"), "LR", ("Haare", "Auge.L")),
        "german words": (("Becken", "Rumpf", "Nacken", "Kopf"), ("Schlüsselbein_{}", "Oberarm_{}", "Ellenbogen_{}",
                         "Hand_{}", "Oberschenkel_{}", "Schienbein_{}", "Fuss_{}"), ("links", "rechts"), ()),
        "romaji": (("koshi", "jouhanshin", "kubi", "atama"), ("{}_kata", "{}_ude", "{}_hiji", "{}_tekubi", "{}_ashi",
                   "{}_hiza", "{}_ashikubi"), ("hidari", "migi"), ("kami",)),
        "japanese": (("センター", "上半身", "首", "頭"), ("{}肩", "{}腕", "{}ひじ", "{}手首", "{}足", "{}ひざ",
                     "{}足首"), "左右", ("全ての親", "グルーブ", "下半身", "上半身2", "左足ＩＫ", "左腕捩")),
        "one word": (("hips", "spine", "neck", "head"), ("{}shoulder", "{}upperarm", "{}forearm", "{}hand", "{}thigh",
                     "{}shin", "{}foot"), ("left", "right"), ("weapon",)),
        "numbers": (("pelvis_01", "spine_01", "neck_01", "head_01"), ("clavicle_{}_01", "upperarm_{}_01",
                    "forearm_{}_01", "hand_{}_01", "thigh_{}_01", "calf_{}_01", "foot_{}_01"), "lr", ("spine_02",)),
    }  # fmt: skip


def bones(kind):
    """(names, the map that they mean)."""
    middle, sided, sides, more = zoo()[kind]
    wanted = dict(zip(("root", "spine", "neck", "head"), middle, strict=True))
    for letter, said in zip("LR", sides, strict=True):
        wanted |= {f"{part}.{letter}": name.format(said) for part, name in zip(PARTS, sided, strict=True)}
    return [*wanted.values(), *more], wanted


@pytest.mark.parametrize("kind", zoo())
def test_all_parts_are_found(kind):
    names, wanted = bones(kind)
    found = bone_names.by_words(names).bones
    assert {part: found.get(part) for part in wanted} == wanted
    assert BoneMap(found).missing == []


MIXAMO = [name.rpartition(":")[2] for name in bone_names.presets()["mixamo"][1].bones.values()]


@pytest.mark.parametrize("prefix", ["mixamorig:", "mixamorig_", "Armature_mixamorig12_", "hero.", "CC_Base_"])
def test_what_all_names_begin_with_is_no_part_of_them(prefix):
    names = [prefix + name for name in MIXAMO]
    ends = [
        f"{prefix}{side}{end}"
        for side in ("Left", "Right")
        for end in ("HandThumb1", "HandPinky1", "ToeBase")
    ]
    found = bone_names.apply(bone_names.presets()["mixamo"][1], [*names, "Prop"])
    assert sorted(found.bones.values()) == sorted(names)
    words = bone_names.by_words([*names, *ends])
    assert words.missing == []
    assert set(ends) <= set(bone_names.with_ends(words, [*names, *ends]).bones.values())


def test_what_is_not_found_is_listed():
    names, _ = bones("german")
    found = bone_names.by_words([name for name in names if not name.startswith("Oberarm")])
    assert found.missing == ["upper_arm.L", "upper_arm.R"]
    assert set(bone_names.by_words(["Ding", "Sache.L", "箱"]).missing) >= set(WANTED) - {"head"}


@pytest.mark.parametrize(
    ("spelling", "toe"),
    [
        ("f_{}.0{}.{}", "toe.{}"),
        ("{}Hand{}{}", "{}ToeBase"),
        ("{}_0{}_{}", "ball_{}"),
        ("finger {} {} {}", "Toes {}"),
        ("{}Finger{}{}", "Zehen_{}"),
    ],
)
def test_fingers_and_toes_are_found(spelling, toe):
    fingers = ("Thumb", "Index", "Middle", "Ring", "Pinky")
    turned = spelling.startswith("{}Hand") or spelling.startswith("{}Finger")
    names, wanted = [], {}
    for letter, said in zip("LR", ("Left", "Right") if turned else "lr", strict=True):
        wanted |= {f"hand.{letter}": f"hand.{letter}", f"foot.{letter}": f"foot.{letter}"}
        wanted[f"toe.{letter}"] = toe.format(said)
        names += [f"hand.{letter}", f"foot.{letter}", wanted[f"toe.{letter}"]]
        for part, finger in zip(("thumb", "index", "middle", "ring", "little"), fingers, strict=True):
            for k in (1, 2, 3, 4):
                name = spelling.format(said, finger, k) if turned else spelling.format(finger, k, said)
                names.append(name)
                if k < 4:
                    wanted[f"{part}.{k:02}.{letter}"] = name
    given = {part: bone for part, bone in wanted.items() if part.startswith(("hand", "foot"))}
    assert bone_names.with_ends(BoneMap(given), names).bones == wanted
    assert bone_names.with_ends(BoneMap({}), names).bones == {}
