"""Tempo maps in JSON files: ``[[timeline second, song second], …]``, or the same under ``"points"``."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tempose_pose.errors import TemposeError
from tempose_pose.tempo import TempoMap


def load_tempo_map(path: str | os.PathLike[str], start: float = 0.0) -> TempoMap:
    """Read a tempo map; its song seconds count from `start`. Raises `TemposeError` when it is none."""
    path = Path(path)
    try:
        points = json.loads(path.read_text(encoding="utf-8"))
        points = points["points"] if isinstance(points, dict) else points
        return TempoMap(tuple((float(t), float(s) + start) for t, s in points))
    except OSError:
        raise TemposeError("tempo_map_missing", f"There is no tempo map {path}.") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        if isinstance(error, TemposeError):
            raise
        raise TemposeError(
            "tempo_map", f"{path.name} is no tempo map: a JSON list of [timeline second, song second] pairs."
        ) from error
