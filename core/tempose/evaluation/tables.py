"""Tables for pages: pandas frames of short texts with titles down the side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Plot

Columns = Mapping[str, tuple[str, int]]
"""Key → (heading, digits)."""
DASH = "–"


@dataclass(frozen=True, eq=False)
class PageSection:
    """A part of a page.

    Parameters
    ----------
    title, note : str
    table : DataFrame, optional
        Texts, with the lines' titles as index.
    plot : matplotlib Figure, optional
    caption : str
        A description of the plot, for people who cannot see it.
    """

    title: str
    note: str = ""
    table: pd.DataFrame | None = None
    plot: Plot | None = None
    caption: str = ""


def number(value: float | None, digits: int) -> str:
    """The number, or a dash if it could not be measured."""
    return DASH if value is None or not np.isfinite(value) else f"{value:.{digits}f}"


def numbers(lines: Iterable[tuple[str, Mapping[str, Any]]], columns: Columns) -> pd.DataFrame:
    """Titles and their figures as a table of texts; a missing figure leaves its cell empty.

    Examples
    --------
    >>> numbers([("a", {"x": 1.25}), ("b", {"x": None})], {"x": ("size", 1)})["size"].tolist()
    ['1.2', '–']
    """

    def cell(line: Mapping[str, Any], key: str, digits: int) -> str:
        value = line.get(key, "")
        return value if isinstance(value, str) else number(value, digits)

    rows = {title: [cell(line, key, digits) for key, (_, digits) in columns.items()] for title, line in lines}
    return pd.DataFrame.from_dict(rows, orient="index", columns=[heading for heading, _ in columns.values()])


def of_systems(found: Mapping[str, dict[str, Any]], part: str) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """System, name and figures of each entry of a suite's part, such as its songs."""
    for system, suite in found.items():
        for name, line in suite[part].items():
            yield system, name, line
