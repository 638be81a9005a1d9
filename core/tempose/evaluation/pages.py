"""Jinja's environment for self-contained pages: numbers, pictures as data, one stylesheet."""

from __future__ import annotations

import base64
import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Plot
from PIL import Image

from tempose.evaluation.tables import number


def write(path: Path, template: str, **values: Any) -> None:
    """Fill a template of ``templates/`` and write it, completely or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(_environment().get_template(template).render(values), encoding="utf-8")
    part.replace(path)


def png(plot: Plot) -> str:
    """The plot as PNG, base64."""
    plot.tight_layout()
    buffer = io.BytesIO()
    FigureCanvasAgg(plot).print_png(buffer)
    return base64.b64encode(buffer.getvalue()).decode()


def picture(pixels: np.ndarray) -> str:
    """(H, W, 3) uint8 as a small PNG of 64 colours, base64."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).quantize(64).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tempose.evaluation"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"number": number, "png": png, "half_interval": _half_interval}
    environment.tests["finite"] = lambda value: value is not None and math.isfinite(value)
    return environment


def _half_interval(found: dict[str, Any]) -> float | None:
    low, high = found["low"], found["high"]
    if low is None or high is None or not math.isfinite(high - low):
        return None
    return (high - low) / 2
