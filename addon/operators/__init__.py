# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons."""

from . import beats, beats_by_hand, character, dance, diagnostics, drawing, keys, music, server, setup, takes

CLASSES = (
    *server.CLASSES,
    *setup.CLASSES,
    *beats.CLASSES,
    *beats_by_hand.CLASSES,
    *music.CLASSES,
    *character.CLASSES,
    *dance.CLASSES,
    *takes.CLASSES,
    *keys.CLASSES,
    *drawing.CLASSES,
    *diagnostics.CLASSES,
)
