# SPDX-License-Identifier: GPL-3.0-or-later
"""From a take to keys: feet, bones, fitted curves, and the Actions they go into."""
