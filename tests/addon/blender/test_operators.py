"""Every operator: called by some test, explained, one undo step, and grey for a reason that is said."""

import ast
import re
import typing
from pathlib import Path
from types import SimpleNamespace

import pytest
from blender_helpers import ROOT
from census import census, differences
from operator_steps import Steps

NAMES = sorted(
    name
    for path in (ROOT / "addon" / "interface" / "operators").glob("*.py")
    for name in re.findall(r'bl_idname = "tempose\.(\w+)"', path.read_text("utf-8"))
)
TESTS = [*Path(__file__).parent.glob("test_*.py"), *(ROOT / "tests" / "e2e").glob("test_*.py")]

# What each operator needs before it can be pressed, step by step, and what it is called with.
UNDONE = {
    "accept_take": ["take"],
    "add_camera": ["rig"],
    "add_song": ["song_file"],
    "add_to_library": ["take"],
    "add_pose_to_library": ["rig"],
    "add_beat": ["grid"],
    "add_section": ["song"],
    "apply_keys": ["take", "twos"],
    "back_to_mark": ["rig", "mark"],
    "build_up": ["rig"],
    "blend_take": ["take", "accepted", "take"],
    "clear_beats": ["grid"],
    "clear_form": ["sections"],
    "clear_map": ["mapped"],
    "clear_picture": ["joint_markers"],
    "contrast": ["rig", "sections"],
    "copy_seed": ["take"],
    "dance_loop": ["rig"],
    "dance_phrase": ["take", "in_library"],
    "dance_with": ["rig", "pose_in_library"],
    "dance_together": ["rig", "two_rigs"],
    "dance_between": ["take", "kept"],
    "discard_take": ["take"],
    "double_beats": ["grid"],
    "drop_waypoint": ["rig"],
    "drag_trail": ["take", "trail"],
    "enter": ["rig"],
    "exaggerate_limb": ["take"],
    "three_to_two_beats": ["grid"],
    "drop_pose": ["take", "kept"],
    "face_front": ["rig"],
    "find_beats": ["song"],
    "find_form": ["returning_song"],
    "fit_frame_rate": ["take", "accepted", "rerated"],
    "find_pose": ["picture", "estimator"],
    "next_person": ["people_found"],
    "follow_stage": ["take", "waypoint"],
    "form_up": ["rig", "two_rigs"],
    "freeze": ["rig"],
    "generate": ["rig"],
    "half_beats": ["grid"],
    "hold_pose": ["take"],
    "import_poses": ["rig", "pose_file"],
    "take_from_video": ["rig", "video_file"],
    "ink_dance": ["take"],
    "ink_figure": ["rig"],
    "join_section": ["sections"],
    "keep_marked_poses": ["take", "marked"],
    "keep_pose": ["take"],
    "lay_out_picture": ["picture"],
    "leave": ["rig"],
    "limbs_to_fk": ["armature", "switches"],
    "link_hand_drawings": ["rig", "hand_drawings"],
    "link_facing_drawings": ["rig", "facing_drawings"],
    "load_map": ["armature", "map_file"],
    "loop_section": ["rig"],
    "lock_beats": ["grid", "preview_range"],
    "lock_limbs": ["take", "limb"],
    "make_puppet": ["joint_markers"],
    "map_bones": ["armature"],
    "mirror_take": ["take"],
    "move_beat": ["grid"],
    "move_section": ["sections", "second_section"],
    "new_rig": [],
    "next_take": ["take", "take"],
    "nudge_beats": ["grid"],
    "open_example": [],
    "preview_tempo": ["whole", "take", "faster"],
    "offset_limb": ["take"],
    "pin_part": ["rig"],
    "previous_take": ["take", "take"],
    "propose_curves": ["rig"],
    "regenerate": ["take", "accepted", "faster"],
    "remove_beat": ["grid"],
    "remove_waypoint": ["rig", "waypoint"],
    "remove_section": ["song", "section"],
    "redirect": ["take", "directed"],
    "reroll": ["take"],
    "restyle": ["take", "style"],
    "same_section": ["sections", "second_section", "again"],
    "scale_take": ["take"],
    "set_downbeat": ["grid"],
    "set_mark": ["rig"],
    "setup_log": ["log"],
    "show_take": ["take", "take", "first"],
    "slide_beats": ["grid"],
    "snap_key": ["take", "grid"],
    "split_section": ["grid"],
    "take_back_tempo": ["whole", "take", "faster", "previewed"],
    "tap_tempo": ["song", "taps"],
    "time_waypoint": ["rig", "waypoint", "later"],
    "unpin_part": ["rig", "pin"],
    "undo_accept": ["take", "accepted"],
}
# What changes nothing in the file, and so needs no undo.
OUTSIDE = {
    "cancel": ["job"],
    "connect": ["runtime_file"],
    "copy_diagnostics": [],
    "export_poses": ["take", "to_file"],
    "export_video": ["take", "to_folder"],
    "save_map": ["mapped", "to_file"],
}
ELSEWHERE = {
    "export_rig": "test_export.py, where another Blender writes",
    "export_sprites": "test_export.py, where another Blender draws",
    "help": "opens a browser: test_learning.py",
    "save_dance_preset": "writes into the preferences: test_learning.py",
    "save_keys_preset": "as the other: test_learning.py",
    "drag_beat": "needs a mouse: test_beats_by_hand.py",
    "allow_online_access": "test_setup.py",
    "check_server": "test_setup.py",
    "keep_danced": "a dance that is going on: test_modal.py",
    "remove_server": "test_setup.py",
    "set_up_server": "test_setup.py",
    "start_server": "the fixture `server`",
    "stop_server": "below",
    "show_message": "test_clicks.py",
}


@pytest.fixture
def steps(blender, scene, clicks, tempose, tmp_path, request, monkeypatch):
    """Go through the steps before an operator; returns what to call it with."""
    connection = tempose("server.connection")
    kept = connection.current
    steps = Steps(blender, scene, clicks, tempose, tmp_path, monkeypatch)
    steps.connect = lambda: request.getfixturevalue("connected")
    yield steps.go
    if connection.current is not None and kept is not None:
        connection.current.own = kept.own  # the step `runtime_file` connects to our own server
    tempose("server.background_task").abandon()
    (tempose("operators.setup").folder() / tempose("server.environment").LOG).unlink(missing_ok=True)


# Called, explained


def test_every_operator_is_called_by_a_test(blender, tempose):
    registered = {cls.bl_idname.partition(".")[2] for cls in tempose("operators").CLASSES}
    assert registered == set(NAMES)
    assert sorted(registered - UNDONE.keys() - OUTSIDE.keys() - ELSEWHERE.keys()) == []
    called = {*UNDONE, *OUTSIDE}  # by the tests of this file
    for path in TESTS:
        tree = ast.parse(path.read_text("utf-8"))
        asked = {
            id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Attribute)
        }  # `ops.x.poll` is no call
        called |= {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and id(node) not in asked
            and ast.unparse(node.value).endswith(("ops.tempose", "ops"))
        }
    assert sorted(registered - called) == []


@pytest.mark.parametrize("name", NAMES)
def test_it_explains_itself(blender, name):
    kind = getattr(blender.ops.tempose, name).get_rna_type()
    assert len(kind.description) > 15
    assert not kind.description.endswith(".") and "  " not in kind.description
    assert kind.name and kind.name[0].isupper()
    for prop in kind.properties:
        if prop.identifier != "rna_type" and not prop.is_hidden:
            assert prop.description, prop.identifier
            for item in getattr(prop, "enum_items", ()):
                assert item.description, (prop.identifier, item.identifier)


def test_every_setting_explains_itself(blender, tempose):
    silent = []
    for cls in (*tempose("properties").CLASSES, tempose("preferences").TemposePreferences):
        for prop in cls.bl_rna.properties:
            inherited = prop.identifier in cls.__base__.bl_rna.properties
            named = not inherited and prop.name != prop.identifier  # Blender names what we do not
            if named and not prop.description:
                silent.append(f"{cls.__name__}.{prop.identifier}")
            for item in getattr(prop, "enum_items", ()) if named else ():
                if not item.description:
                    silent.append(f"{cls.__name__}.{prop.identifier}.{item.identifier}")
    assert silent == []


def test_panels_show_no_setting_without_a_name(blender, tempose):
    named = {}  # what one group shows may bear the name of what another only keeps
    for cls in (*tempose("properties").CLASSES, tempose("preferences").TemposePreferences):
        for prop in cls.bl_rna.properties:
            named[prop.identifier] = named.get(prop.identifier, False) or prop.name != prop.identifier
    sources = [
        *(ROOT / "addon" / "interface" / "panels").glob("*.py"),
        ROOT / "addon" / "interface" / "preferences.py",
    ]
    shown = [
        name for path in sources for name in re.findall(r'\.prop\(\w[\w.]*, "(\w+)"', path.read_text("utf-8"))
    ]
    assert len(shown) > 60
    assert sorted({name for name in shown if not named[name]}) == []


SCALARS = {"STRING": str, "ENUM": str, "FLOAT": float, "INT": int, "BOOLEAN": bool}
TYPES = {
    "SceneSettings": "TemposeSettings", "ListedTake": "TemposeTake", "CharacterSettings": "TemposeCharacterSettings",
    "MusicSettings": "TemposeMusic", "TempoFollowing": "TemposeTempo", "KeySettings": "TemposeKeys",
    "DrawingSettings": "TemposeDrawing", "OutputSettings": "TemposeOutput", "GenerateSettings": "TemposeGenerate",
    "EditSettings": "TemposeEdit", "KeptPose": "TemposeKeptPose", "TempoSection": "TemposeSection",
    "ListedSection": "TemposeFormSection", "FormSettings": "TemposeForm", "ViewSettings": "TemposeView",
}  # fmt: skip


def test_the_types_of_settings_are_those_of_what_blender_keeps(blender, tempose):
    groups = {cls.__name__: cls for cls in tempose("properties").CLASSES}
    on_objects = {"TemposeCharacter", "TemposeDirection", "TemposeStage", "TemposeWaypoint", "TemposePin"}
    assert set(groups) - set(TYPES.values()) == on_objects
    for types, group in TYPES.items():
        said = typing.get_type_hints(getattr(tempose("settings"), types))
        own = set(groups[group].bl_rna.properties.keys()) - {"rna_type", "name"}
        shown_alone = {"start_frame"} if types == "TempoSection" else set()  # in frames, for the panel
        assert set(said) - {"name"} == own - shown_alone, types
        for name in own - shown_alone:
            prop = groups[group].bl_rna.properties[name]
            if prop.type in SCALARS and not getattr(prop, "is_array", False):
                assert said[name] is SCALARS[prop.type], f"{types}.{name}"


# One undo step


@pytest.mark.parametrize("name", UNDONE)
def test_it_is_one_undo_step(blender, tempose, steps, name):
    options = steps(UNDONE[name])
    cls = next(c for c in tempose("operators").CLASSES if c.bl_idname == f"tempose.{name}")
    assert "UNDO" in cls.bl_options
    blender.ops.ed.undo_push(message="before")
    before = census(blender)
    assert getattr(blender.ops.tempose, name)("EXEC_DEFAULT", True, **options) == {"FINISHED"}
    after = census(blender)
    assert differences(before, after) != []
    blender.ops.ed.undo()
    assert differences(before, census(blender)) == []
    blender.ops.ed.redo()
    assert differences(after, census(blender)) == []


@pytest.mark.parametrize("name", OUTSIDE)
def test_it_leaves_the_file_alone(blender, tempose, steps, name):
    options = steps(OUTSIDE[name])
    cls = next(c for c in tempose("operators").CLASSES if c.bl_idname == f"tempose.{name}")
    assert "UNDO" not in cls.bl_options
    before = census(blender)
    assert getattr(blender.ops.tempose, name)(**options) == {"FINISHED"}
    assert differences(before, census(blender)) == []


def test_a_beat_cannot_be_dragged_without_a_window(blender, grid):
    before = census(blender)
    with pytest.raises(RuntimeError, match=r"dragged in a window\. Scripts use tempose\.move_beat"):
        blender.ops.tempose.drag_beat()
    assert differences(before, census(blender)) == []


def test_the_server_is_stopped_and_started(blender, connected, scene, tempose):
    process = tempose("server.server_process").running().process
    before = census(blender)
    assert blender.ops.tempose.stop_server() == {"FINISHED"}
    assert process.poll() is not None
    assert tempose("notes").text == "The server has been stopped."
    assert not blender.ops.tempose.stop_server.poll()
    assert blender.ops.tempose.start_server() == {"FINISHED"}
    assert differences(before, census(blender)) == []


# Grey for a reason


def test_a_grey_button_says_why_at_every_stage(blender, connected, scene, tempose, steps, read, monkeypatch):
    grey = {}

    def look():
        for cls in tempose("operators").CLASSES:
            operator = getattr(blender.ops.tempose, cls.bl_idname.partition(".")[2])
            if operator.poll():
                continue
            reason = cls.disabled_reason(read())
            assert reason and reason[0].isupper() and not reason.endswith("."), (cls.bl_idname, reason)
            with pytest.raises(RuntimeError) as caught:  # what Blender shows beside the button
                operator("EXEC_DEFAULT")
            assert reason in str(caught.value)
            grey.setdefault(cls.bl_idname.partition(".")[2], set()).add(reason)

    with monkeypatch.context() as without:
        without.setattr(tempose("server.connection"), "current", None)
        without.setattr(tempose("server.server_process"), "running", lambda: None)
        without.setattr(blender.context.preferences.system, "use_online_access", True)
        look()
    for stage in (
        "song",
        "grid",
        "armature",
        "mapped",
        "take",
        "take",
        "first",
        "shown",
        "accepted",
        "joint_markers",
        "job",
    ):
        steps([stage])
        look()
    base = tempose("operators.buttons").Button.disabled_reason
    own = {
        cls.bl_idname.partition(".")[2]
        for cls in tempose("operators").CLASSES
        if getattr(cls, "disabled_reason", base).__func__ is not base.__func__
    }
    never = own - grey.keys()
    assert sorted(never) == []


def test_without_our_scene_settings_nothing_but_help_can_be_pressed(tempose):
    context = SimpleNamespace(scene=None)
    pressed = [cls for cls in tempose("operators").CLASSES if cls.bl_idname != "tempose.help"]
    assert not any(cls.poll(context) for cls in pressed)
