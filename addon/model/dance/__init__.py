# SPDX-License-Identifier: GPL-3.0-or-later
"""Dances: asked for, checked, kept as takes, and danced again in parts."""
