# SPDX-License-Identifier: GPL-3.0-or-later
"""The last word to the person, for the panel. Kept out of the scene, which errors must not change."""

text = ""
is_error = False


def say(message: str, error: bool = False) -> None:
    """Show this in the panel."""
    global text, is_error
    text, is_error = message, error
