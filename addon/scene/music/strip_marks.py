# SPDX-License-Identifier: GPL-3.0-or-later
"""What Tempose writes on sound strips, to find originals and their versions again."""

ID = "tempose_id"  # on originals
ORIGINAL = "tempose_original"  # on versions: the original's id
MAP = "tempose_map"  # on versions: their tempo map, as JSON
LIVE = "tempose_live"  # the version that is heard instead of its original
