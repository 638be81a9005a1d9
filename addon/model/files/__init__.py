# SPDX-License-Identifier: GPL-3.0-or-later
"""Poses out of the scene and into it, as files."""
