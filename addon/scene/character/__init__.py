# SPDX-License-Identifier: GPL-3.0-or-later
"""Who dances: skeletons, reference poses, armatures and their bones, drawn figures and puppets."""
