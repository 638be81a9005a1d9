# SPDX-License-Identifier: GPL-3.0-or-later
"""What an edit of the tempo changes for the character that is meant. Main thread only."""

from ..dance import again
from ..properties import picking
from . import tempo_edit


def found(context) -> again.Changes | None:
    """What would be heard anew; None without a dance to this sound. Raises `Problem` where it cannot be told."""
    settings = context.scene.tempose
    ob = picking.pick_rig(context)
    scene, strip, reason = picking.pick_strip(context)
    if ob is None or reason:
        return None
    original = tempo_edit.original_of(scene, strip)
    plan = tempo_edit.edited(scene, original, settings)
    return again.changes(settings, ob, plan, tempo_edit.beats_for(scene, original, settings, plan))
