# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's language: our words registered with Blender, and sentences translated where they are shown.

Blender itself looks up labels, tooltips and choices. Sentences composed at run time go through `translate` first.
Only one catalogue is read: that of the language that Blender is set to.
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
CHOICES = ("language", "use_translate_interface", "use_translate_tooltips")  # preferences that choose it

_book = Phrasebook({})
_locale = ""  # the language that our words were last registered in
_is_shown = False  # whether sentences are shown in it
_classes: tuple[type, ...] = ()  # of settings, whose labels are registered too
_owner = object()  # identifies our subscriptions


@lru_cache(maxsize=4096)
def translate(text: str) -> str:
    """One of our labels or sentences in Blender's language; cached, because panels ask at every redraw."""
    return _book.translate(text) if _is_shown and text else text


def follow() -> None:
    """Notice if another language has been chosen in the preferences."""
    global _locale, _is_shown
    chosen = bpy.app.translations.locale, bpy.context.preferences.view.use_translate_interface
    if chosen == (_locale, _is_shown):
        return
    if chosen[0] != _locale:
        _put_in(chosen[0])
    _locale, _is_shown = chosen
    translate.cache_clear()


def _put_in(locale: str) -> None:
    """Register our words in a language in place of the one before, including the labels of settings."""
    global _book  # noqa: PLW0603
    bpy.app.translations.unregister(package.NAME)
    name = catalogue.name_of(locale)
    words = catalogue.load(FOLDER, name) if name is not None else {}
    _book = Phrasebook(words)
    if not words:
        return
    labels = {text for cls in _classes for p in cls.bl_rna.properties for text in (p.name, p.description)}
    made = {
        text: _book.translate(text) for text in labels if text not in words
    }  # of templates: "Direct Energy"
    said = words | {text: new for text, new in made.items() if new != text}
    ours: Any = {
        (context, text): new for text, new in said.items() for context in CONTEXTS
    }  # the stubs know words
    bpy.app.translations.register(package.NAME, {locale: ours})


@bpy.app.handlers.persistent
def _watch(*_args: object) -> None:
    """Subscribe to the choice of language; opening a file clears all subscriptions, and may change the choice."""
    bpy.msgbus.clear_by_owner(_owner)
    for choice in CHOICES:
        key: Any = (bpy.types.PreferencesView, choice)
        bpy.msgbus.subscribe_rna(key=key, owner=_owner, args=(), notify=follow)
    follow()


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
    """Follow the user's language from now on, also in the labels of the settings of these registered classes."""
    global _classes  # noqa: PLW0603
    _classes = tuple(classes)
    bpy.app.handlers.load_post.append(_watch)
    _watch()


def remove() -> None:
    """Unregister our words."""
    global _book, _locale, _is_shown, _classes
    if _watch in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(_watch)
    bpy.msgbus.clear_by_owner(_owner)
    bpy.app.translations.unregister(package.NAME)
    _book, _locale, _is_shown, _classes = Phrasebook({}), "", False, ()
    translate.cache_clear()
