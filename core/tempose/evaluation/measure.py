"""The second stage: a line of figures for each dance."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from tempose.evaluation.figures import Row, frame, row
from tempose.evaluation.generate import Sample


def measure(samples: Sequence[Sample], conventions: Sequence[str] = ()) -> pd.DataFrame:
    """A line for each dance, in order: system, song, seed, style, genre and the figures.

    Raises
    ------
    TemposeError
        A dance cannot be measured.
    """
    rows: list[Row] = []
    for sample in samples:
        line = row(sample.dance, sample.system, sample.song, sample.style, conventions)
        rows.append({**line, "genre": sample.genre})
    if not rows:
        return pd.DataFrame(columns=["system", "song", "seed", "style", "genre"])
    return frame(rows)
