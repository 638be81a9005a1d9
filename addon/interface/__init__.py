# SPDX-License-Identifier: GPL-3.0-or-later
"""What people touch: settings, buttons and panels."""
