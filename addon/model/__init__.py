# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on knows without Blender: nothing in here may import bpy, or what stands above."""
