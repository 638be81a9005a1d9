# SPDX-License-Identifier: GPL-3.0-or-later
"""The user interface: settings, buttons and panels."""
