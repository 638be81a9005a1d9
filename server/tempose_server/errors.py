"""Errors as the server sends them: a status, a stable code, a message for people."""

from __future__ import annotations

import errno
import re
import sqlite3
from typing import Any

from tempose_pose.errors import TemposeError
from tempose_pose.local import scrub

_CUT_SHORT = re.compile(r"\d+ requested and \d+ written")


class ApiError(Exception):
    """An answer other than success.

    Attributes
    ----------
    status : int
    code : str
        Stable; the table in `docs/server.md` says which can be retried.
    message : str
        For people; never contains anything the client sent.
    details : list or dict or None
    headers : dict of str to str
    """

    def __init__(
        self, status: int, code: str, message: str, details: Any = None, headers: dict[str, str] | None = None
    ):
        super().__init__(message)
        self.status, self.code, self.message, self.details = status, code, message, details
        self.headers = headers or {}

    @property
    def body(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "details": self.details}


def retry_later(status: int, code: str, message: str, seconds: int) -> ApiError:
    """A temporary error, with the seconds after which to retry."""
    return ApiError(status, code, message, headers={"Retry-After": str(seconds)})


def disk_full() -> ApiError:
    return ApiError(507, "disk_full", "The server's disk is full. Free some space there, then try again.")


def is_disk_full(error: BaseException) -> bool:
    """Whether a write failed for want of space (or quota)."""
    if isinstance(error, OSError):  # NumPy, which writes arrays itself, does not give the reason
        said = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        return said or bool(_CUT_SHORT.fullmatch(str(error)))
    return isinstance(error, sqlite3.OperationalError) and "full" in str(error)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device or the machine ran out of memory; works without importing torch."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and "out of memory" in str(error).lower())
    )


def from_tempose(error: TemposeError) -> ApiError:
    """Errors that people can fix in a request become 422, without paths of this disk."""
    return ApiError(422, error.code, scrub.paths(error.message))
