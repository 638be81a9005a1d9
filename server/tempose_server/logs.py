"""The log: lines for people or JSON for machines, with job ids; to stderr or a rotated file.

The token and this machine's paths are never written, whoever logs them.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from typing import IO, Any

from tempose_pose.errors import TemposeError
from tempose_pose.local import scrub
from tempose_server.settings import ServerSettings

JOB: ContextVar[str | None] = ContextVar("tempose_job", default=None)
"""The job that the current thread or task works for; goes into each of its log lines."""

CALM_SECONDS, KINDS = 60.0, 50
BY_STRANGERS = ("asyncio", "uvicorn.error")  # loggers that report failed connections of strangers
LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def set_up(settings: ServerSettings, token: str) -> None:
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
    handler.addFilter(_Calm())
    handler.setFormatter((_Json if settings.log_json else _Lines)((token,)))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.INFO)


def clean(text: str, secrets: tuple[str, ...] = ()) -> str:
    """The text without secrets, folders and file names."""
    for secret in secrets:
        if len(secret) > 1:
            text = text.replace(secret, "…")
    return scrub.paths(text)


class _Calm(logging.Filter):
    """One line a minute for each kind of event caused by strangers, so that they cannot fill the disk."""

    def __init__(self):
        super().__init__()
        self._last: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not getattr(record, "stranger", False) and record.name not in BY_STRANGERS:
            return True
        kind = (record.name, str(record.msg)[:80] if len(self._last) < KINDS else "")
        now = time.monotonic()
        said, left_out = self._last.get(kind, (-CALM_SECONDS, 0))
        if now - said < CALM_SECONDS:
            self._last[kind] = (said, left_out + 1)
            return False
        self._last[kind] = (now, 0)
        if left_out:
            record.msg, record.args = f"{record.getMessage()} (and {left_out} like it before)", ()
        return True


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
