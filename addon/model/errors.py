# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, in words for a person: a `Problem` is the shared package's error, whoever raises it."""

from tempose_pose.errors import Canceled
from tempose_pose.errors import TemposeError as Problem

__all__ = ["Canceled", "Problem"]
