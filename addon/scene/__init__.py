# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and writing Blender's data: song, character, takes and keys. Nothing here knows operators or panels."""
