# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the add-on that needs no Blender: nothing in here may import bpy or the layers above."""
