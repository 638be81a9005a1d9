"""What helps people to learn it: the example, pages, presets and keys."""

import importlib.util
import itertools
import webbrowser
from pathlib import Path

import pytest


@pytest.fixture
def example(blender, scene):
    before = set(blender.data.scenes)
    assert blender.ops.tempose.open_example() == {"FINISHED"}
    (made,) = set(blender.data.scenes) - before
    yield made
    for window in blender.context.window_manager.windows:
        window.scene = scene
    blender.data.scenes.remove(made)


def test_the_example_has_a_song_its_beats_and_two_dancers(blender, example, tempose):
    strip = example.sequence_editor.active_strip
    assert strip.sound.packed_file is not None and example.frame_end > 900
    dancers = [ob for ob in example.objects if ob.type == "ARMATURE"]
    assert len(dancers) == 2 and all(ob.select_get(view_layer=example.view_layers[0]) for ob in dancers)
    assert example.camera is not None
    with blender.context.temp_override(scene=example, view_layer=example.view_layers[0]):
        grid = tempose("music.song_grid").current(blender.context).grid
    assert len(grid) > 50 and grid.metre == 4


def test_each_panel_opens_a_page_that_is_there(blender, tempose, monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    topics = {panel.topic for panel in tempose("panels").CLASSES if hasattr(panel, "topic")}
    assert len(topics) > 8
    for topic in sorted(topics):
        assert blender.ops.tempose.help(topic=topic) == {"FINISHED"}
    assert len(opened) == len(topics) and all(url.startswith("file:") for url in opened)
    with pytest.raises(RuntimeError, match="came without pages"):
        blender.ops.tempose.help(topic="../../secrets")


@pytest.mark.parametrize("kind, changed", [("dance", "energy"), ("keys", "tolerance")])
def test_settings_are_saved_as_a_preset_and_come_back(blender, scene, tempose, kind, changed):
    saving = {
        "dance": blender.ops.tempose.save_dance_preset,
        "keys": blender.ops.tempose.save_keys_preset,
    }
    save = saving[kind]
    group = scene.tempose if kind == "dance" else scene.tempose.keys
    kept = getattr(group, changed)
    setattr(group, changed, 1.5)
    assert save(name="Mine") == {"FINISHED"}
    setattr(group, changed, kept)
    paths = [
        Path(p) for folder in blender.utils.preset_paths(f"tempose/{kind}") for p in Path(folder).glob("*.py")
    ]
    assert len(paths) == 5  # four come with the add-on
    menu = f"TEMPOSE_PT_{kind}_presets"
    try:
        for path in sorted(paths, key=lambda path: path.stem == "Mine"):
            assert blender.ops.script.execute_preset(filepath=str(path), menu_idname=menu) == {"FINISHED"}
        assert getattr(group, changed) == pytest.approx(1.5)
    finally:
        next(path for path in paths if path.stem == "Mine").unlink()


def test_our_keys_are_free_in_blenders_own_keymap(blender, tempose):
    shortcuts = tempose("shortcuts")
    places = [
        Path(p) / "keyconfig" / "keymap_data" / "blender_default.py" for p in blender.utils.preset_paths("")
    ]
    spec = importlib.util.spec_from_file_location("blender_default", next(p for p in places if p.is_file()))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    taken = {
        (item[1]["type"], bool(item[1].get("ctrl")))
        for _, _, content in module.generate_keymaps(module.Params())
        for item in content.get("items", ())
        if item[1].get("shift") and item[1].get("alt")
    }
    assert not taken & {(key, False) for key in shortcuts.KEYS.values()}
    items = [item for _, item in shortcuts._added]
    assert len(items) == len(shortcuts.KEYS) * len(shortcuts.EDITORS)
    assert all(item.shift and item.alt and not item.ctrl for item in items)
    drawn = [op for op, _ in itertools.groupby(sorted(item.idname for item in items))]
    assert drawn == sorted(shortcuts.KEYS) and hasattr(blender.types, shortcuts.PIE)
