# SPDX-License-Identifier: GPL-3.0-or-later
"""Catalogues: one gettext file (.po) per language, English words and what they are there."""

import json
import re
from pathlib import Path

LANGUAGES = {
    "de": ("de",),
    "es": ("es",),
    "fr": ("fr",),
    "ja": ("ja",),
    "pt": ("pt",),  # as Brazil writes it, also for Portugal
    "zh": ("zh_HANS", "zh_CN"),  # simplified; not a plain "zh", which would take in the traditional one
}
"""Name of a catalogue → the names that Blender has for the language: `de` also stands for `de_DE`."""

HOLE = re.compile(r"\{\d\}")
_ENTRY = re.compile(r'^msgid (".*"(?:\n".*")*)\nmsgstr (".*"(?:\n".*")*)', re.MULTILINE)


def holes(text: str) -> list[str]:
    """The holes of a template, sorted."""
    return sorted(HOLE.findall(text))


def read(text: str) -> dict[str, str]:
    """The words of a catalogue that are translated."""
    joined = ((_joined(key), _joined(value)) for key, value in _ENTRY.findall(text))
    return {key: value for key, value in joined if key and value}


def _joined(lines: str) -> str:
    if "\\" in lines or "\n" in lines:
        return "".join(json.loads(line) for line in lines.splitlines())
    return lines[1:-1]  # nearly all of them: someone who has just chosen the language waits


def name_of(locale: str) -> str | None:
    """The catalogue for a language as Blender names it, such as `pt_BR`; None: there is none, as for English."""
    names = {locale, locale.partition("_")[0]}
    return next((name for name, locales in LANGUAGES.items() if names & set(locales)), None)


def load(folder: Path, name: str) -> dict[str, str]:
    """The words of one catalogue of a folder; none where it has no such catalogue."""
    path = folder / f"{name}.po"
    return read(path.read_text("utf-8")) if path.is_file() else {}
