# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of the settings on `scene.tempose`, for all code that reads them.

Blender stores them in the property groups of `interface/properties`, whose annotations no type checker understands;
`tests/addon/blender/test_operators.py` holds the two together.
"""

from collections.abc import Iterator
from typing import Any, Protocol, TypeVar

import bpy

from ..model.tempo.area import Area
from ..model.tempo.tempo_sections import TempoSection

Item_co = TypeVar("Item_co", covariant=True)


class Listed(Protocol[Item_co]):
    """A list stored by Blender. Items returned by `add` move when the list grows."""

    def add(self) -> Item_co: ...
    def remove(self, index: int) -> None: ...
    def move(self, index: int, to: int) -> None: ...
    def clear(self) -> None: ...
    def find(self, name: str) -> int: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Item_co]: ...
    def __getitem__(self, index: int) -> Item_co: ...


class ListedTake(Protocol):
    """A take in the list; its numbers are in a text (see `model.dance.takes`)."""

    name: str
    identity: str
    state: str
    text: bpy.types.Text | None
    rig: bpy.types.Object | None
    action: bpy.types.Action | None
    hidden_action: bpy.types.Action | None
    previous_action: bpy.types.Action | None
    previous_slot: str
    previous_pose: str
    previous_fake_user: bool
    sound: str
    seed: str
    style: str
    bpm: float
    fingerprint: str
    star: bool
    note: str
    thumbnail: str

    def get(self, key: str, default: Any = None) -> Any: ...
    def __getitem__(self, key: str) -> Any: ...
    def __setitem__(self, key: str, value: Any) -> None: ...


class CharacterSettings(Protocol):
    """How characters are made and moved."""

    preset: str
    shortest: float
    longest: float
    loose: bool
    fingers: bool
    ik_feet: bool
    show_all: bool


class MusicSettings(Protocol):
    """The choice of song, and how its beats are shown and edited."""

    source: str
    show_grid: bool
    show_markers: bool
    nudge: float
    nudge_unit: str
    metre: int
    only_range: bool


class ListedSection(Protocol):
    """A section of the song in the panel (see `model.dance.form`)."""

    name: str
    start: float
    stop: float
    loudness: float
    style: str
    energy: float
    own_repeat: bool
    repeat: float
    mirrored: bool


class FormSettings(Protocol):
    """The form of a song; `sound` is the mark of its sound."""

    sound: str
    sections: Listed[ListedSection]
    active: int
    show: bool


class TempoFollowing(Protocol):
    """How the dance follows the tempo."""

    mode: str
    pause: float
    again: str
    exact: bool
    before: bpy.types.Action | None
    before_kept: bool
    shown: bpy.types.Action | None
    preview: str


class KeySettings(Protocol):
    """How a dance becomes keys."""

    hands: str
    facing: bool
    squash: float
    density: str
    tolerance: float
    pose_tolerance: float
    poses: str
    per_bar: int
    beats: bool
    interpolation: str
    feet: str
    ground: bool
    ground_height: float


class DrawingSettings(Protocol):
    """How characters are drawn."""

    image: bpy.types.Image | None
    tolerance: float
    layers: bool
    ink_step: int
    ink_beats: bool


class OutputSettings(Protocol):
    """What to export."""

    source: str
    view: str
    size: tuple[int, int]
    rate: float
    kind: str
    video: str
    sprites: str
    sprite_height: int
    manner: str
    face: str


class GenerateSettings(Area, Protocol):
    """What to dance, how many takes, and where accepted keys go."""

    count: int
    beats_apart: int
    travel: float
    phrase: str
    phrase_at: str
    keep_in: str


class KeptPose(Protocol):
    """A frame whose pose stays."""

    frame: int


class EditSettings(Area, Protocol):
    """How a take is changed."""

    style: str
    amount: float
    strength: float
    poses: Listed[KeptPose]
    active_pose: int
    left_arm: bool
    right_arm: bool
    left_leg: bool
    right_leg: bool
    trunk: bool
    head: bool

    @property
    def limbs(self) -> list[str]:
        """The limbs to keep."""
        ...


class Waypoint(Protocol):
    """Where a character should be at a second of the song; it sets out so many beats before, 0: at once."""

    marker: bpy.types.Object | None
    second: float
    beats: int


class ListedPin(Protocol):
    """A hand or a foot that is held at an object, from frame to frame."""

    part: str
    target: bpy.types.Object | None
    bone: str
    first: int
    last: int


class StageSettings(Protocol):
    """Where a character goes, and which hands and feet are held."""

    waypoints: Listed[Waypoint]
    active: int
    line: bpy.types.Object | None
    home: bpy.types.Object | None
    pins: Listed[ListedPin]
    active_pin: int


class ViewSettings(Protocol):
    """What is drawn over the 3D View."""

    poses: int
    takes: bool
    trail: str


class SceneSettings(Protocol):
    """All settings."""

    strip: str
    music: MusicSettings
    form: FormSettings
    rig: bpy.types.Object | None
    character: CharacterSettings
    overrides: Listed[Any]
    reference: str
    proportions: str
    reference_file: str
    seed: int
    lock_seed: bool
    style: str
    energy: float
    listen: float
    repeat: float
    quality: str
    stretch: bool
    stretch_others: bool
    tempo_factor: float
    sections: Listed[TempoSection]
    active_section: int
    tempo: TempoFollowing
    replace_sound: bool
    mute_original: bool
    takes: Listed[ListedTake]
    active_take: int
    drawing: DrawingSettings
    keys: KeySettings
    output: OutputSettings
    generate: GenerateSettings
    edit: EditSettings
    view: ViewSettings
