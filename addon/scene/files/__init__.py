# SPDX-License-Identifier: GPL-3.0-or-later
"""Files: poses in and out, and exports of characters."""
