# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's data, read and written: song, character, takes and keys. No operator and no panel is known here."""
