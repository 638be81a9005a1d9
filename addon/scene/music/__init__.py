# SPDX-License-Identifier: GPL-3.0-or-later
"""Music: the sound that is sent, and the beat grid that the artist edits."""
