# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment variables that the server's Python gets: none that another program set for its own Python."""

import os

FOREIGN = ("PYTHON", "CONDA", "VIRTUAL_ENV", "PYENV", "__PYVENV", "UV_", "POETRY")
PIPS = (
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_USER",
    "PIP_ROOT",
    "PIP_REQUIRE_VIRTUALENV",
)  # would install elsewhere


def own_environment() -> dict[str, str]:
    """What is set here, without what leads a Python to other packages, homes or start-up files."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(FOREIGN) and name.upper() not in PIPS
    }
