# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom properties on sound strips, by which originals and their versions are found again."""

ID = "tempose_id"  # on originals
ORIGINAL = "tempose_original"  # on versions: the original's id
MAP = "tempose_map"  # on versions: their tempo map, as JSON
LIVE = "tempose_live"  # on the version that is heard instead of its original
