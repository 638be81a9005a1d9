# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons."""

from . import (
    beats,
    character,
    dance,
    diagnostics,
    drag_beat,
    edit,
    films,
    keys,
    music,
    output,
    pictures,
    server,
    setup,
    song,
    takes,
    tap_tempo,
    tempo,
)

CLASSES = (
    *server.CLASSES,
    *setup.CLASSES,
    *beats.CLASSES,
    *tap_tempo.CLASSES,
    *drag_beat.CLASSES,
    *song.CLASSES,
    *music.CLASSES,
    *character.CLASSES,
    *dance.CLASSES,
    *tempo.CLASSES,
    *takes.CLASSES,
    *edit.CLASSES,
    *keys.CLASSES,
    *pictures.CLASSES,
    *output.CLASSES,
    *films.CLASSES,
    *diagnostics.CLASSES,
)
