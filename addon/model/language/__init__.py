# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages in the user's language."""
