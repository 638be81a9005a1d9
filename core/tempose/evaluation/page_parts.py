"""Pieces that the pages are made of: cells, rows, pictures, all of it inside the page."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Plot
from PIL import Image

STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:1200px;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}
td,th{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:right;vertical-align:top}
td:first-child,th:first-child{text-align:left}
.best{font-weight:700}.noise{color:#777;font-size:.85em}img,video{max-width:100%}h2{margin-top:2.5rem}
.wide{overflow-x:auto}.some{background:#fdf1dc}.much{background:#f8d9cf}
"""


def number(value: float | None, digits: int) -> str:
    """The number, or a dash for what could not be measured."""
    return "–" if value is None or not np.isfinite(value) else f"{value:.{digits}f}"


def line(title: str, cells: Sequence[str], cell: str = "td") -> str:
    """A table row; the title is escaped, the cells are HTML."""
    return f"<tr><{cell}>{html.escape(title)}</{cell}>{''.join(f'<{cell}>{c}</{cell}>' for c in cells)}</tr>"


def table(head: str, lines: Sequence[str]) -> str:
    """A table that scrolls sideways where it is too wide."""
    return f"<div class='wide'><table>{head}{''.join(lines)}</table></div>"


def saved(plot: Plot) -> bytes:
    """The plot as PNG."""
    plot.tight_layout()
    buffer = io.BytesIO()
    FigureCanvasAgg(plot).print_png(buffer)
    return buffer.getvalue()


def png(picture: np.ndarray) -> bytes:
    """(H, W, 3) uint8 as a small PNG of 64 colours."""
    buffer = io.BytesIO()
    Image.fromarray(picture).quantize(64).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def image(data: bytes, title: str) -> str:
    """The PNG inside an `img`."""
    text = base64.b64encode(data).decode()
    return f"<img alt='{html.escape(title, quote=True)}' src='data:image/png;base64,{text}'>"
