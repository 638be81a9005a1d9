# SPDX-License-Identifier: GPL-3.0-or-later
"""Time: frames and song seconds, ranges, and edits of the tempo with what follows from them."""
