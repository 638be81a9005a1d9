# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong, in words for a person."""


class Problem(Exception):
    """Something a person can put right. The scene has not been changed.

    Attributes
    ----------
    code : str
        A short stable name, such as ``"server_gone"``.
    message : str
        What happened and what to do; shown as it is.
    """

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code
        self.message = message


class Canceled(Exception):
    """The person asked to stop."""
