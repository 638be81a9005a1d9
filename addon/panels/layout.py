# SPDX-License-Identifier: GPL-3.0-or-later
"""What panels share."""

LINE = 44  # characters that fit into a narrow panel


def say(layout, text: str, icon: str = "NONE") -> None:
    """A text on as many lines as it needs."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    line = ""
    for word in [*text.split(), ""]:
        if word and len(line) + len(word) < LINE:
            line = f"{line} {word}".strip()
            continue
        if line:
            column.label(text=line, icon=icon)
            icon = "BLANK1" if icon != "NONE" else icon
        line = word
    if line:
        column.label(text=line, icon=icon)
