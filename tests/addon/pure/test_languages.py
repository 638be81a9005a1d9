"""The add-on in people's languages: catalogues that fit the sources, and sentences found again when shown."""

import importlib.util
import json
from pathlib import Path

import pytest
from addon.model.language import catalogue
from addon.model.language.phrasebook import Phrasebook

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("languages", ROOT / "scripts" / "languages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def said(tool):
    return tool.gather()


def words(name):
    return catalogue.read((ROOT / "addon" / "languages" / f"{name}.po").read_text("utf-8"))


def test_labels_tooltips_choices_and_sentences_are_gathered(said):
    assert len(said) > 1200
    assert {"Find Beats", "Accept", "{1} beats are locked.", "Which way the beats move", "Whole Take"} <= set(
        said
    )
    assert not [text for text in said if "tempose_" in text or "ShaderNode" in text]


@pytest.mark.parametrize("name", catalogue.LANGUAGES)
def test_translations_have_the_holes_of_what_they_translate(tool, said, name):
    known = words(name)
    assert tool.problems(said, known)["holes"] == []
    assert not [text for text, new in known.items() if new != new.strip() and text == text.strip()]


@pytest.mark.parametrize("name", catalogue.LANGUAGES)
def test_no_text_is_missing_in_any_language(tool, said, name):
    wrong = tool.problems(said, words(name))
    assert (wrong["missing"], wrong["stale"]) == ([], []), (
        "python scripts/languages.py --update, then translate"
    )


@pytest.mark.parametrize("name", catalogue.LANGUAGES)
def test_sentences_are_shown_whole_in_another_language(name):
    known = words(name)
    book, lost = Phrasebook(known), []
    for text, new in known.items():
        filled, shown = (catalogue.HOLE.sub(lambda hole: f"Q{hole[0][1]}q", one) for one in (text, new))
        if text != "{1}." and book.translate(filled) != shown:
            lost.append(text)
    assert lost == []


def test_a_catalogue_is_read_as_it_was_written(tool, tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "FOLDER", tmp_path)
    kept = {'A "name"\nof two lines': 'Ein "Name"\nin zwei Zeilen', "Beats": "Schläge"}
    tool.write("de", dict.fromkeys([*kept, "new"], "here.py"), kept)
    assert catalogue.load(tmp_path, "de") == kept


BOOK = {
    "{1} beats are locked.": "{1} Schläge sind gesperrt.",
    "{1} is shown on '{2}'.": "{1} wird auf „{2}“ gezeigt.",
    "Canceled.": "Abgebrochen.",
    "Take {1}": "Take {1}",
    "There is no take": "Es gibt keinen Take",
    "bar {1}": "Takt {1}",
    "Beats": "Schläge",
    "as {1}": "als {1}",
    " and ": " und ",
    "left arm": "linker Arm",
    "{1} s of {2}": "{1} s von {2}",
}


@pytest.mark.parametrize(
    "text, shown",
    [
        ("12 beats are locked.", "12 Schläge sind gesperrt."),
        ("Canceled. 3 beats are locked.", "Abgebrochen. 3 Schläge sind gesperrt."),
        (
            "Take 2 is shown on 'Beats'.",
            "Take 2 wird auf „Beats“ gezeigt.",
        ),  # what people name stays as it is
        ("There is no take.", "Es gibt keinen Take."),
        ("Canceled", "Abgebrochen"),
        ("Left arm", "Linker Arm"),
        ("bar 3 and left arm", "Takt 3 und linker Arm"),
        ("as Beats", "als Schläge"),
        ("3 s of ", "3 s von "),  # nothing more to say
        ("Nothing of ours", "Nothing of ours"),
        ("", ""),
    ],
)
def test_composed_sentences_are_translated(text, shown):
    assert Phrasebook(BOOK).translate(text) == shown


def test_english_stays_as_it_is(said):
    book = Phrasebook({text: text for text in said})
    for text in said:
        filled = text.replace("{1}", "7").replace("{2}", "Rig")
        assert book.translate(filled) == filled, json.dumps(text)
