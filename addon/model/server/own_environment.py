# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment variables for the server's Python, without those that other programs set for their own."""

import os

FOREIGN = ("PYTHON", "CONDA", "VIRTUAL_ENV", "PYENV", "__PYVENV", "UV_", "POETRY")
PIPS = ("PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_ROOT", "PIP_REQUIRE_VIRTUALENV")  # install elsewhere


def own_environment() -> dict[str, str]:
    """The current variables without those that lead Python to other packages, homes or start-up files."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(FOREIGN) and name.upper() not in PIPS
    }
