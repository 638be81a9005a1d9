"""The panels' words fit into a narrow side bar, and the first look at them says how to begin."""

import importlib
from types import SimpleNamespace

import pytest
from blender_helpers import MODULE, with_estimator

WIDTH = 300  # of the side bar in pixels, at UI scale 1
MARGINS, ICON = 36, 20  # of a panel inside of the tab, and of an icon beside a text
NAME, VALUE = 0.4, 0.6  # how a line is divided where settings have their names before them


class Words:
    """A layout that keeps what is written, and how much room it has there."""

    def __init__(self, written, room=1.0):
        self.__dict__.update(written=written, room=room, parts=0)

    def _inside(self, **_):
        return Words(self.written, self.room)

    def row(self, **_):
        return Words(self.written, None)  # how rows are divided is not followed

    column = box = split = _inside

    def __setattr__(self, name, value):  # use_property_split and the like
        self.__dict__[name] = value

    def label(self, text="", icon="NONE", **_):
        self.written.append((text, self.room, icon != "NONE"))

    def operator(self, name, text=None, icon="NONE"):
        import bpy

        kind = getattr(bpy.ops.tempose, name.split(".")[1]).get_rna_type()
        self.written.append((kind.name if text is None else text, self.room, icon != "NONE"))
        return SimpleNamespace()

    def prop(self, data, name, text=None, toggle=False, **_):
        prop = data.bl_rna.properties[name]
        if self.room and self.__dict__.get("use_property_split") and not toggle:
            room = VALUE if prop.type == "BOOLEAN" else NAME
            self.written.append((prop.name if text is None else text, room, prop.type == "BOOLEAN"))

    def progress(self, text, **_):
        self.written.append((text, self.room, False))

    def __getattr__(self, _name):
        return lambda *_, **__: None


def written(bpy, tempose) -> list:
    """All words of the panels, as (text, share of the width or None, whether an icon is beside it)."""
    found = []
    for panel in tempose("panels").CLASSES:
        if issubclass(panel, bpy.types.Panel):
            panel.draw(SimpleNamespace(layout=Words(found)), bpy.context)
    return [entry for entry in found if entry[0]]


def too_wide(entries) -> list[str]:
    import blf

    blf.size(0, 11)
    found = []
    for text, room, icon in entries:
        if room is not None and blf.dimensions(0, text)[0] > (WIDTH - MARGINS) * room - ICON * icon:
            found.append(text)
    return sorted(set(found))


def test_the_first_look_says_how_to_begin(blender, scene, tempose, monkeypatch):
    monkeypatch.setattr(tempose("server.connection"), "current", None)
    tempose("notes").say("")
    said = " ".join(text for text, _, _ in written(blender, tempose))
    assert "Start the server, or connect to one. Then Add Song…, Generate, and go through" in said
    assert "Start Server" in said and "Connect" in said
    assert "Add a sound strip in the Video Sequencer first" in said


@pytest.mark.parametrize("reason", ["", "This server has no pose model"])
def test_markers_are_said_to_be_placed_by_hand_only_where_they_are(
    blender, connected, scene, tempose, monkeypatch, reason
):
    connection = tempose("server.connection")
    monkeypatch.setattr(connection, "current", with_estimator(connection.current, reason))
    said = " ".join(text for text, _, _ in written(blender, tempose))
    assert ("placed by hand" in said) == bool(reason)


@pytest.mark.parametrize("stage", ["empty", "full"])
def test_words_fit_into_a_narrow_side_bar(blender, connected, scene, tempose, request, stage):
    if stage == "full":
        request.getfixturevalue("ready")
        settings = scene.tempose
        settings.reference, settings.character.show_all, settings.keys.density = "FILE", True, "SPARSE"
        settings.keys.ground, settings.generate.area = True, "BARS"
        blender.ops.tempose.find_beats()
        blender.ops.tempose.generate()
        blender.ops.tempose.add_section()
        settings.sections[0].factor = 1.5
    entries = written(blender, tempose)
    assert len(entries) > 60
    assert too_wide([("a much too long sentence " * 3, 1.0, False)])
    assert too_wide(entries) == []


def test_only_the_chosen_language_is_read_and_another_when_it_is_chosen(blender, tempose, monkeypatch):
    language = importlib.import_module(f"{MODULE}.scene.language")
    view, given = SimpleNamespace(use_translate_interface=True), {}
    translations = SimpleNamespace(
        locale="en_US", register=given.__setitem__, unregister=lambda name: given.pop(name, None)
    )
    monkeypatch.setattr(
        language,
        "bpy",  # the wheel speaks English alone
        SimpleNamespace(
            app=SimpleNamespace(translations=translations),
            context=SimpleNamespace(preferences=SimpleNamespace(view=view)),
        ),
    )
    read, load = [], language.catalogue.load
    monkeypatch.setattr(
        language.catalogue, "load", lambda folder, name: read.append(name) or load(folder, name)
    )

    def said(locale):
        translations.locale = locale
        language.follow()
        return language.translate("12 beats are locked.")

    try:
        assert said("en_US") == "12 beats are locked." and given == {}
        assert said("de_DE") == said("de_DE") == "12 Schläge sind gesperrt."
        words = given[language.package.NAME]
        assert list(words) == ["de_DE"] and words["de_DE"]["Tempose", "Find Beats"] == "Schläge finden"
        assert said("zh_HANS") != said("de_DE") != said("zh_HANT") == "12 beats are locked."
        view.use_translate_interface = False
        assert said("pt_BR") == "12 beats are locked." and list(given[language.package.NAME]) == ["pt_BR"]
        assert read == ["de", "zh", "de", "pt"]
    finally:
        monkeypatch.undo()
        language.follow()
    assert language.translate("12 beats are locked.") == "12 beats are locked."
