# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons."""

from . import character, dance, diagnostics, drawing, music, server, setup, takes

CLASSES = (
    *server.CLASSES,
    *setup.CLASSES,
    *music.CLASSES,
    *character.CLASSES,
    *dance.CLASSES,
    *takes.CLASSES,
    *drawing.CLASSES,
    *diagnostics.CLASSES,
)
