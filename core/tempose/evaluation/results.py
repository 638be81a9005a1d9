"""Results on disk: ``results.json`` and ``rows.csv``, and those of an earlier run."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tempose_pose.errors import TemposeError


def write_results(out: Path, results: dict[str, Any]) -> None:
    """Write both files into an existing folder."""
    part = out / "results.json.part"
    part.write_text(json.dumps(clean(results), indent=1))
    part.replace(out / "results.json")
    pd.DataFrame(results["rows"]).to_csv(out / "rows.csv", index=False)


def load_results(folder: str | os.PathLike) -> dict[str, Any]:
    """The results of an earlier run.

    Raises
    ------
    TemposeError
        There are none, or they are unreadable.
    """
    path = Path(folder) / "results.json"
    try:
        results = json.loads(path.read_text())
        if not isinstance(results["rows"], list):
            raise TypeError
    except FileNotFoundError:
        raise TemposeError("results_missing", f"There is no evaluation in {folder}.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise TemposeError("results_unreadable", f"{path} is no evaluation.") from error
    return results


def earlier_suites(out: Path, results: dict[str, Any]) -> dict[str, Any]:
    """Trials of an earlier run with the same settings in the same folder: `--suite long` adds to them."""
    if not results["songs"] or not (out / "results.json").is_file():
        return {}
    try:
        earlier = load_results(out)
    except TemposeError:
        return {}
    return earlier.get("suites", {}) if _facts(earlier) == _facts(clean(results)) else {}


def clean(value: Any) -> Any:
    """A value with NaN and infinity, which JSON lacks, replaced by null."""
    if isinstance(value, dict):
        return {k: clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(v) for v in value]
    if isinstance(value, (float, np.floating)):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def _facts(results: dict[str, Any]) -> str:
    """The facts in which an earlier run must agree with this one for its trials to be kept."""
    facts = [results.get(k) for k in ("systems", "seeds", "settings", "songs")]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
