# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogues: one gettext file (.po) per language, from English to that language."""

import json
import re
from pathlib import Path

LANGUAGES = {
    "de": ("de",),
    "es": ("es",),
    "fr": ("fr",),
    "ja": ("ja",),
    "pt": ("pt",),  # Brazilian, also used for Portugal
    "zh": ("zh_HANS", "zh_CN"),  # simplified; a plain "zh" would include traditional Chinese
}
"""Name of a catalogue → the names that Blender has for the language: `de` also stands for `de_DE`."""

HOLE = re.compile(r"\{\d\}")
_ENTRY = re.compile(r'^msgid (".*"(?:\n".*")*)\nmsgstr (".*"(?:\n".*")*)', re.MULTILINE)


def holes(text: str) -> list[str]:
    """The holes of a template, sorted."""
    return sorted(HOLE.findall(text))


def read(text: str) -> dict[str, str]:
    """The translated entries of a catalogue."""
    joined = ((_joined(key), _joined(value)) for key, value in _ENTRY.findall(text))
    return {key: value for key, value in joined if key and value}


def _joined(lines: str) -> str:
    if "\\" in lines or "\n" in lines:
        return "".join(json.loads(line) for line in lines.splitlines())
    return lines[1:-1]  # nearly all of them: every catalogue is read when the add-on starts


def load(folder: Path) -> dict[str, dict[str, str]]:
    """All catalogues in a folder, by name."""
    found = ((name, folder / f"{name}.po") for name in LANGUAGES)
    return {name: read(path.read_text("utf-8")) for name, path in found if path.is_file()}
