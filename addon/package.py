# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on is called in this Blender, and where its files lie."""

from pathlib import Path

NAME = __package__ or "addon"
FOLDER = Path(__file__).parent
