# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts for a bug report, without secrets, people's names or paths. No bpy in here."""

import contextlib
import getpass
import os
import re
from pathlib import Path

from tempose_pose.local.scrub import paths

TOKEN = re.compile(r"\b[A-Za-z0-9_\-]{24,}\b")  # what may be a token or another secret


def report(facts: dict[str, dict[str, object]]) -> str:
    """Facts by heading, as text."""
    lines = []
    for heading, entries in facts.items():
        lines.append(f"## {heading}")
        lines += [f"{name}: {value}" for name, value in entries.items()]
        lines.append("")
    return "\n".join(lines).strip() + "\n"


def scrub(text: str, secrets: tuple[str, ...] = ()) -> str:
    """Remove what should not be made public: secrets, long random words, folders, the user's name.

    Of a path only the file's extension stays, so that "a .wav could not be read" still comes through.
    """
    for secret in secrets:
        if secret:
            text = text.replace(secret, "(secret)")
    text = paths(text)
    for name in _names():
        text = re.sub(re.escape(name), "(user)", text, flags=re.IGNORECASE)
    return TOKEN.sub("(long word)", text)


def _names() -> list[str]:
    found = {Path.home().name, os.environ.get("USERNAME", ""), os.environ.get("USER", "")}
    with contextlib.suppress(OSError, KeyError):
        found.add(getpass.getuser())
    # "root" and the like reveal nothing, and shorter names would tear words apart.
    return sorted(
        (n for n in found if len(n) > 2 and n.lower() not in ("root", "user", "admin")), key=len, reverse=True
    )
