# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's language: our catalogues registered with Blender, and sentences translated where they are shown.

Blender itself looks up labels, tooltips and choices. Sentences composed at run time go through `translate` first.
"""

import inspect
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import bpy

from .. import package
from ..model.language import catalogue
from ..model.language.phrasebook import Phrasebook

FOLDER = package.FOLDER / "languages"
OURS = "Tempose"  # the context of our names: Blender has other meanings for *Direct*, *Range* and *Accept*
CONTEXTS = ("*", OURS)  # contexts of labels and tooltips, and of names

_book = Phrasebook(())
_locale = ""


@lru_cache(maxsize=4096)
def translate(text: str) -> str:
    """One of our labels or sentences in Blender's language; cached, because panels ask at every redraw."""
    return _book.translate(text, _said) if text and _locale not in ("", "en_US") else text


def _said(text: str) -> str:
    return bpy.app.translations.pgettext_iface(text, OURS)  # pyright: ignore[reportReturnType] -- the stubs say None


def follow() -> None:
    """Notice if another language has been chosen in the preferences."""
    global _locale  # noqa: PLW0603
    locale = bpy.app.translations.locale if bpy.context.preferences.view.use_translate_interface else ""
    if locale != _locale:
        _locale = locale
        translate.cache_clear()


def mark(classes: Iterable[type]) -> None:
    """Tell Blender, before it registers these classes, that their names are ours."""
    for cls in classes:
        if issubclass(cls, bpy.types.Operator | bpy.types.Panel | bpy.types.Menu):
            cls.bl_translation_context = OURS
        for base in cls.__mro__:
            for made in inspect.get_annotations(base).values():
                if isinstance(made, bpy.props._PropertyDeferred):
                    made.keywords.setdefault("translation_context", OURS)


def add(classes: Iterable[type]) -> None:
    """Register our words with Blender, including the labels of the settings of these registered classes."""
    global _book  # noqa: PLW0603
    found = catalogue.load(FOLDER)
    _book = Phrasebook(key for words in found.values() for key in words)
    kept = {text for cls in classes for p in cls.bl_rna.properties for text in (p.name, p.description)}
    made = [text for text in kept if text and text not in _book.plain]  # of templates: "Direct Energy"
    for words in found.values():
        whole = {text: _book.translate(text, lambda key, words=words: words.get(key, key)) for text in made}
        words.update({text: said for text, said in whole.items() if said != text})
    ours: Any = {  # by context and words; the stubs only know words
        locale: {(context, key): said for key, said in words.items() for context in CONTEXTS}
        for name, words in found.items()
        for locale in catalogue.LANGUAGES[name]
    }
    bpy.app.translations.register(package.NAME, ours)
    follow()


def remove() -> None:
    """Unregister them."""
    bpy.app.translations.unregister(package.NAME)
