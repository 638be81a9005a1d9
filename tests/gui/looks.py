"""Pictures of all panels, for a person to look at: themes, UI scale, another language.

Blender runs in a German locale here, where a number has a decimal comma.
"""

import json
from pathlib import Path

import bpy

LABELS = (
    "Music",
    "Beats",
    "Character",
    "Bone Limits",
    "Dance",
    "Takes",
    "Edit",
    "Keys",
    "Tempo",
    "Picture and Ink",
    "Import/Export",
)  # all but the bone map, which is as long as the rest


LANGUAGES = {
    "es": "Buscar pulsos",
    "fr_FR": "Repérer temps",
    "ja_JP": "拍を検出",
    "pt_BR": "Achar batidas",
    "zh_HANS": "检测节拍",
}


def _theme(name: str) -> None:
    folders = bpy.utils.preset_paths("interface_theme")
    path = next(p for f in folders for p in Path(f).glob(f"*{name}*.xml"))
    bpy.ops.script.execute_preset(filepath=str(path), menu_idname="USERPREF_MT_interface_theme_presets")


def _full(stage):
    """A scene in which every panel has something to show."""
    yield from stage.ready("null", last=300)
    yield from stage.done("find_beats")
    stage.settings.generate.count = 2
    yield from stage.done("generate")
    stage.settings.takes[0].star, stage.settings.takes[0].note = True, "less arms"
    settings = stage.settings
    settings.keys.density = "SPARSE"
    with stage.in_area():
        bpy.ops.tempose.add_section()
        bpy.ops.tempose.keep_pose()
    settings.sections[0].kind, settings.sections[0].ramp = "BPM", True
    stage.scene.frame_set(80)
    yield from stage.settled()


def first_run(stage):
    """What is to be seen before anything is there."""
    stage.open_panels(*LABELS)
    stage.part("server.connection").drop()
    stage.part("notes").say("")
    yield from stage.fresh()
    stage.scene.sequence_editor.strips.remove(stage.strip)
    yield from stage.settled()
    yield from stage.shot("first_run")


def dark(stage):
    yield from _full(stage)
    yield from stage.shot("dark")


def bone_map(stage):
    """All parts of the map, and a bone that is not there."""
    stage.open_panels("Bone Map")
    yield from stage.ready("null")
    stage.settings.character.show_all = True
    with stage.in_area():
        bpy.ops.tempose.map_bones()
    yield from stage.settled()
    yield from stage.shot("bone_map")
    stage.open_panels(*LABELS)


def light(stage):
    _theme("Light")
    yield from stage.shot("light")
    _theme("Dark")


def large(stage):
    """UI scale 2, in pieces: the wheel scrolls the side bar."""
    bpy.context.preferences.view.ui_scale = 2
    yield from stage.settled()
    yield from stage.shot("large_1")
    region = stage.region(stage.area(), "UI")
    for piece in (2, 3):
        yield from stage.mouse(region.x + region.width // 2, region.y + region.height // 2)
        yield from stage.ask(xdotool=["click", "--repeat", "45", "--delay", "15", "5"])
        yield from stage.shot(f"large_{piece}")
    bpy.context.preferences.view.ui_scale = 1
    yield 1.0


def german(stage):
    """Interface and numbers in German; what the add-on writes is read the same everywhere."""
    view = bpy.context.preferences.view
    view.language = "de_DE"
    view.use_translate_interface = view.use_translate_tooltips = True
    yield from _full(stage)
    yield from stage.shot("german")
    stage.settings.energy = 1.5
    asked = stage.part("dance.order").order(stage.part("reading").Reading(bpy.context), False).request
    assert json.loads(json.dumps(asked.energy)) == 1.5
    assert "," not in stage.said().partition("(")[0], stage.said()
    assert bpy.app.translations.pgettext_iface("Find Beats", "Tempose") == "Schläge finden"
    view.language = "en_US"


def languages(stage):
    """The other languages that the add-on speaks, with the names that Blender has for them."""
    view = bpy.context.preferences.view
    view.use_translate_interface = view.use_translate_tooltips = True
    yield from _full(stage)
    for name, beats in LANGUAGES.items():
        view.language = name
        yield from stage.settled()
        assert bpy.app.translations.pgettext_iface("Find Beats", "Tempose") == beats, name
        yield from stage.shot(f"language_{name}")
    view.language = "en_US"


def example(stage):
    """The example scene, one click away, and the pie menu over it."""
    yield from stage.fresh()
    with stage.in_area():
        assert bpy.ops.tempose.open_example() == {"FINISHED"}
    yield from stage.settled()
    yield from stage.shot("example")
    region = stage.region(stage.area(), "WINDOW")
    yield from stage.mouse(region.x + region.width // 3, region.y + region.height // 2)
    yield from stage.keys("shift+alt+d")
    yield 1.0
    yield from stage.shot("pie")
    yield from stage.keys("Escape")


def decimal_comma(stage):
    """Blender reads `0,9` as 0 + 9, in a German locale too: fields stay within their limits, and undo helps."""
    stage.open_panels("Dance", "Tempo")
    yield from stage.ready("null")
    yield from stage.settled()
    yield from stage.type_in("energy", "0.5")
    assert stage.settings.energy == 0.5, stage.settings.energy
    yield from stage.type_in("energy", "1,5")
    assert stage.settings.energy == 4.0, stage.settings.energy
    yield from stage.type_in("tempo_factor", "0,9")
    assert stage.settings.tempo_factor == 4.0, stage.settings.tempo_factor
    yield from stage.shot("decimal_comma")
    yield from stage.keys("ctrl+z")
    assert stage.settings.tempo_factor == 1.0, stage.settings.tempo_factor


SCENARIOS = (first_run, dark, light, large, bone_map, german, languages, example, decimal_comma)
