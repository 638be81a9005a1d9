# SPDX-License-Identifier: GPL-3.0-or-later
"""The bone map of an armature, stored on the object, and how characters are made and moved."""

import bpy
from bpy.props import BoolProperty, EnumProperty, FloatProperty, PointerProperty, StringProperty

from ...model.character import bone_names
from ...model.character.mapping import PARTS, label
from ...model.character.posing import LONGEST, SHORTEST

ATTRIBUTES = {part: "bone_" + part.replace(".", "_") for part in PARTS}  # `upper_arm.L` → `bone_upper_arm_L`


class _Character:
    """On each object, as `tempose_character`; for library overrides in `scene.tempose.overrides`."""

    def bone(self, part: str) -> str:
        """The bone of a part, or nothing."""
        return getattr(self, ATTRIBUTES[part])

    def bones(self) -> dict[str, str]:
        """The bones of all parts; a panel reads them at every redraw."""
        return {part: getattr(self, name) for part, name in ATTRIBUTES.items()}

    def set_bone(self, part: str, name: str) -> None:
        """Map a part."""
        if self.bone(part) != name:
            setattr(self, ATTRIBUTES[part], name)


def _touched(self: _Character, _context: bpy.types.Context) -> None:
    self.mapped = True


_PROPERTIES = {
    "object": PointerProperty(type=bpy.types.Object, options=set()),  # only if it is stored for an override
    "identity": StringProperty(options=set()),
    "mapped": BoolProperty(options=set()),
    "nose": FloatProperty(
        name="Nose",
        description="Where the nose is along the head's bone: 0 at its head, 1 at its tail",
        default=0.5,
        min=0.0,
        max=2.0,
        options=set(),
    ),
    **{
        ATTRIBUTES[part]: StringProperty(
            name=label(part).capitalize(),
            description=f"The bone that is the {label(part)}. Empty: none",
            options=set(),
            update=_touched,  # pyright: ignore[reportArgumentType] -- of this very group
        )
        for part in PARTS
    },
}

# Made by hand, because the parts are a list; Python 3.14 evaluates annotations in a class body lazily.
TemposeCharacter = type(
    "TemposeCharacter",
    (_Character, bpy.types.PropertyGroup),
    {"__annotations__": _PROPERTIES, "__module__": __name__, "__doc__": _Character.__doc__},
)


_PRESETS = [
    ("AUTO", "What Fits Best", "By the names of bones, and by shape where names say nothing"),
    *((key, name, f"Names as in {name}") for key, (name, _) in bone_names.presets().items()),
    ("words", "Plain Names", "English names in any spelling: Upper Arm L, left_forearm, thigh.R"),
    ("shape", "By Shape", "By where bones are and how they are connected, whatever their names"),
]


class TemposeCharacterSettings(bpy.types.PropertyGroup):
    """On `scene.tempose.character`."""

    preset: EnumProperty(name="Names", description="How bones are recognised", items=_PRESETS, options=set())
    shortest: FloatProperty(
        name="Shortest",
        description="Bones that point at the viewer get no shorter than this share of their length",
        default=SHORTEST,
        min=0.001,
        precision=3,
        max=1.0,
        subtype="FACTOR",
        options=set(),
    )
    longest: FloatProperty(
        name="Longest",
        description="Bones get no longer than this many times their length",
        default=LONGEST,
        min=1.0,
        max=10.0,
        options=set(),
    )
    loose: BoolProperty(
        name="Loose Joints",
        description="Let bones that are not connected leave their parents, so that shoulders and hips are where the "
        "dance has them. Only with Stretch Bones",
        default=True,
        options=set(),
    )
    fingers: BoolProperty(
        name="Fingers",
        description="Give the new rig hands with finger bones; Hands, under Keys, says how they are held",
        default=False,
        options=set(),
    )
    ik_feet: BoolProperty(
        name="IK Feet",
        description="Give a new rig targets that its feet are pulled to. The dance keys targets and legs alike, so "
        "either can be worked on",
        default=False,
        options=set(),
    )
    show_all: BoolProperty(
        name="All Parts",
        description="Also list hands, feet, collar bones, eyes and ears",
        default=False,
        options=set(),
    )
