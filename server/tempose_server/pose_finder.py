"""Poses in pictures: whether this server can find them, and the two steps of finding one."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from tempose.estimator import missing
from tempose_server.errors import ApiError
from tempose_server.sandbox import Sandbox
from tempose_server.settings import ServerSettings

log = logging.getLogger("tempose.pose")


class PoseFinder:
    """Pictures in, poses out, both steps in children. Thread-safe.

    Attributes
    ----------
    why_not : str
        Why this server cannot find poses, in words; empty if it can.
    """

    def __init__(self, settings: ServerSettings, sandbox: Sandbox):
        self._settings, self._sandbox = settings, sandbox
        self.why_not = self._reason()

    def _reason(self) -> str:
        folder = self._settings.pose_model
        if folder is None:  # the built-in model
            return ""
        if problem := missing(folder):
            log.warning(problem.message)
            return "The pose model that this server was given cannot be used; its log says why."
        return ""

    def check(self) -> None:
        """Refuse with 409 if there is no estimator."""
        if self.why_not:
            raise ApiError(409, "pose_model_missing", self.why_not)

    def find(self, folder: Path) -> dict[str, Any]:
        """The poses in `folder/picture`."""
        size = self._sandbox.run("read", folder, what="picture", picture_pixels=self._settings.picture_pixels)
        try:
            model = self._settings.pose_model
            pose = self._sandbox.run("find", folder, trusted=True, what="picture", model=model and str(model))
        except ApiError as error:
            if error.code.startswith("pose_model"):
                raise ApiError(409, error.code, str(error)) from None
            raise
        return {**pose, "canvas": [size["width"], size["height"]]}
