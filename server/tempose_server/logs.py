"""The log: lines for people or JSON for machines, with job ids; to stderr or a file that is rotated.

Neither the token nor where things lie on this machine's disk is ever written, whoever logs it.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from typing import IO, Any

from tempose_pose.errors import TemposeError
from tempose_server.settings import Settings

JOB: ContextVar[str | None] = ContextVar("tempose_job", default=None)
"""The job that the current thread or task works for; goes into each of its log lines."""

LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# Absolute paths, POSIX (but not the server's own addresses) and Windows; the last name stays.
_PATH = re.compile(r"""(?<![\w/.:~-])(?:/(?!v1/)(?:[^/\s"':,;()]+/)+|[A-Za-z]:\\(?:[^\\\s"':,;()]+\\)+)""")


def set_up(settings: Settings, token: str) -> None:
    """Send all logging where the settings say.

    Raises
    ------
    TemposeError
        The log file cannot be written.
    """
    handler: logging.Handler = logging.StreamHandler(sys.stderr)
    if settings.log_file is not None:
        try:
            handler = _PrivateFile(
                settings.log_file,
                maxBytes=settings.log_bytes,
                backupCount=settings.log_keep,
                encoding="utf-8",
            )
        except OSError as error:
            raise TemposeError(
                "log_file", f"The log file {settings.log_file} cannot be written: {error.strerror}."
            ) from None
    secrets = (token, str(settings.data_dir), str(settings.runtime_file.parent))
    handler.setFormatter((_Json if settings.log_json else _Lines)(secrets))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def clean(text: str, secrets: tuple[str, ...] = ()) -> str:
    """The text without secrets and without folders."""
    for secret in secrets:
        if len(secret) > 1:
            text = text.replace(secret, "…")
    return _PATH.sub("…/", text)


class _Lines(logging.Formatter):
    def __init__(self, secrets: tuple[str, ...]):
        super().__init__(LINE)
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return clean(super().format(record), self._secrets)


class _Json(logging.Formatter):
    """One JSON object a line."""

    def __init__(self, secrets: tuple[str, ...]):
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": clean(record.getMessage(), self._secrets),
        }
        if job := JOB.get():
            entry["job"] = job
        entry.update(getattr(record, "fields", {}))  # given with `extra`, already safe
        if record.exc_info:
            entry["traceback"] = clean(self.formatException(record.exc_info), self._secrets)
        return json.dumps(entry, ensure_ascii=False)


class _PrivateFile(RotatingFileHandler):
    """A rotated log file that only its owner can read."""

    def _open(self) -> IO[Any]:
        return open(
            self.baseFilename,
            self.mode,
            encoding=self.encoding,
            opener=lambda path, flags: os.open(path, flags, 0o600),
        )
