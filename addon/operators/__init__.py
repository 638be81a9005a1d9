# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons."""

from . import (
    beats,
    character,
    dance,
    diagnostics,
    dragging,
    drawing,
    edit,
    keys,
    music,
    output,
    server,
    setup,
    takes,
    tapping,
    tempo,
)

CLASSES = (
    *server.CLASSES,
    *setup.CLASSES,
    *beats.CLASSES,
    *tapping.CLASSES,
    *dragging.CLASSES,
    *music.CLASSES,
    *character.CLASSES,
    *dance.CLASSES,
    *tempo.CLASSES,
    *takes.CLASSES,
    *edit.CLASSES,
    *keys.CLASSES,
    *drawing.CLASSES,
    *output.CLASSES,
    *diagnostics.CLASSES,
)
