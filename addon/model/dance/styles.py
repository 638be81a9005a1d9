# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of styles: for people, and for the server. No bpy in here."""

from collections.abc import Iterable

from ..errors import Problem

NAMES = {
    "break": "Breaking",
    "house": "House",
    "ballet_jazz": "Ballet Jazz",
    "street_jazz": "Street Jazz",
    "krump": "Krump",
    "la_hip_hop": "LA Style Hip-Hop",
    "lock": "Locking",
    "middle_hip_hop": "Middle Hip-Hop",
    "pop": "Popping",
    "waack": "Waacking",
}


def name_of(style: str) -> str:
    """The name of a server's style for people; a style without a name here is made readable."""
    return NAMES.get(style, style.replace("_", " ").title() if "_" in style else style)


def style_of(name: str) -> str:
    """The server's word for a name; files of older versions hold the word itself."""
    return next(
        (style for style, known in NAMES.items() if known.lower() == name.strip().lower()), name.strip()
    )


def matching(styles: Iterable[str], text: str) -> list[str]:
    """Names of the server's styles that contain a text."""
    return [name_of(style) for style in styles if text.lower() in name_of(style).lower()]


def check(name: str, styles: Iterable[str]) -> None:
    """Raise `Problem` for a style that the server does not dance, unless it lists no styles."""
    known = list(styles)
    if name and known and style_of(name) not in known:
        raise Problem(
            "style_unknown",
            f"There is no style '{name}'. Choose one of these, or none: {', '.join(map(name_of, known))}.",
        )
