# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons."""

from . import (
    beats,
    beats_by_hand,
    character,
    dance,
    diagnostics,
    drawing,
    edit,
    keys,
    music,
    output,
    server,
    setup,
    takes,
    tempo,
)

CLASSES = (
    *server.CLASSES,
    *setup.CLASSES,
    *beats.CLASSES,
    *beats_by_hand.CLASSES,
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
