# SPDX-License-Identifier: GPL-3.0-or-later
"""The server: its environment and process, the client, and the background task that waits for its answers."""
