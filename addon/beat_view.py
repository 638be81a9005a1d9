# SPDX-License-Identifier: GPL-3.0-or-later
"""What is drawn of a beat grid in a timeline: rectangles and labels in pixels. No bpy, no gpu in here.

`lay` maps a grid to scene frames, once per change of grid or tempo; `picture` makes what is seen of it, once per change
of view. The cost of a picture depends on what is visible, and lines that would crowd are left out.
"""

from dataclasses import dataclass

import numpy as np

from . import beats
from .beats import Grid
from .timing import Span, TempoMap

LINE_GAP = 5.0  # pixels between lines, at UI scale 1
LABEL_GAP = 30.0
WIDE_BEAT = 46.0  # from here on each beat has its number
RULER = 20.0
GRAB = 7.0


@dataclass(frozen=True)
class Laid:
    """A grid on the timeline.

    Parameters
    ----------
    frames : (N,) float
        Scene frames, not rounded, of the beats that are heard.
    index : (N,) int
        Their places in the grid.
    down, own, pin : (N,) bool
        Begins a bar; set by the artist; pinned by the artist.
    bars, places : (N,) int
    sure : (N,) float
    locks : tuple of (float, float)
        In frames.
    left, right : float
        Where the sound is heard, in frames.
    """

    frames: np.ndarray
    index: np.ndarray
    down: np.ndarray
    own: np.ndarray
    pin: np.ndarray
    bars: np.ndarray
    places: np.ndarray
    sure: np.ndarray
    locks: tuple
    left: float
    right: float


@dataclass(frozen=True)
class View:
    """A timeline region.

    Parameters
    ----------
    first, last : float
        Scene frames at its left and right edge.
    width, height : int
        Pixels.
    top : float
        Pixels from the bottom up to where the ruler of frame numbers begins; the beats are drawn below.
    scale : float
        UI scale: 1 is 72 dots per inch.
    light : bool
        Whether the background is light.
    lines : bool
        Whether lines go all the way down.
    """

    first: float
    last: float
    width: int
    height: int
    top: float
    scale: float = 1.0
    light: bool = False
    lines: bool = True

    def x(self, frames):
        """Pixels at frames."""
        return (np.asarray(frames, float) - self.first) * self.width / (self.last - self.first)

    def frame(self, x: float) -> float:
        """Frame at a pixel."""
        return self.first + x * (self.last - self.first) / self.width


@dataclass(frozen=True)
class Picture:
    """What to draw: rectangles (left, bottom, right, top) with colours, back to front, and labels on top."""

    rects: np.ndarray
    colors: np.ndarray
    labels: tuple  # of (x, y, text, (r, g, b, a))
    shown: np.ndarray  # indices into the grid of the beats that have a line
    at: np.ndarray  # their x


NOTHING = Picture(np.zeros((0, 4)), np.zeros((0, 4)), (), np.zeros(0, int), np.zeros(0))


def lay(grid: Grid, span: Span, tempo: TempoMap) -> Laid:
    """Where the beats of a grid are heard."""
    right = span.left + span.seconds * span.rate
    frames = np.asarray(span.frame_at(tempo.to_timeline(grid.times)), float)
    heard = (frames >= span.left - 1e-3) & (frames < right + 1e-3)
    bars, places = beats.bar_numbers(grid)
    own, pin, down = (
        (grid.flags & flag)[heard] > 0 for flag in (beats.EDITED, beats.PIN | beats.BAR, beats.DOWN)
    )
    locks = [
        tuple(float(f) for f in span.frame_at(tempo.to_timeline(np.asarray(lock)))) for lock in grid.locks
    ]
    locks = tuple((max(a, span.left), min(b, right)) for a, b in locks if b > span.left and a < right)
    return Laid(
        frames[heard], np.flatnonzero(heard), down, own, pin, bars[heard], places[heard],
        beats.sureness(grid)[heard], locks, float(span.left), float(right),
    )  # fmt: skip


def _power(gap: float, wanted: float) -> int:
    """The smallest power of two times `gap` that is at least `wanted`."""
    step = 1
    while gap * step < wanted and step < 4096:
        step *= 2
    return step


def _mix(share, low, high) -> np.ndarray:
    share = np.asarray(share, float)[:, None]
    return np.asarray(low) * (1 - share) + np.asarray(high) * share


# Sure, unsure, bar lines, locks, text. They keep a contrast of at least 3 to 1 with Blender's own backgrounds.
_DARK = {
    "sure": (0.30, 0.85, 0.62), "unsure": (1.0, 0.58, 0.20), "line": (1.0, 1.0, 1.0), "lock": (0.42, 0.66, 1.0),
    "text": (0.95, 0.95, 0.95, 1.0), "back": (0.0, 0.0, 0.0, 0.45),
}  # fmt: skip
_LIGHT = {
    "sure": (0.00, 0.42, 0.26), "unsure": (0.74, 0.28, 0.0), "line": (0.0, 0.0, 0.0), "lock": (0.05, 0.27, 0.70),
    "text": (0.05, 0.05, 0.05, 1.0), "back": (1.0, 1.0, 1.0, 0.55),
}  # fmt: skip


def picture(laid: Laid, view: View, held: int | None = None) -> Picture:
    """What is seen of a grid.

    Parameters
    ----------
    held : int, optional
        Index in the grid of the beat that is being dragged.
    """
    if not len(laid.frames) or view.width < 1 or view.height < 1 or view.last <= view.first:
        return NOTHING
    color, u = (_LIGHT if view.light else _DARK), view.scale
    x = view.x(laid.frames)
    beat = float(np.median(np.diff(x))) if len(x) > 1 else view.width
    low, high = np.searchsorted(laid.frames, [view.first - 1e-6, view.last + 1e-6])
    downs = np.flatnonzero(laid.down)
    bar = float(np.median(np.diff(x[downs]))) if len(downs) > 1 else 4 * beat
    # Every beat; where they would crowd the bars alone; then every second, fourth … bar.
    if beat >= LINE_GAP * u:
        wanted = np.ones(len(x), bool)
    else:
        step = _power(bar, LINE_GAP * u)
        wanted = laid.down & ((laid.bars - 1) % step == 0)
        if not wanted.any():
            wanted = np.arange(len(x)) % _power(beat, LINE_GAP * u) == 0
    shown = np.flatnonzero(wanted[low:high]) + low

    top = view.top
    ruler = max(top - RULER * u, 0.0)
    rects, colors = [], []

    def put(boxes, shades):
        rects.append(np.asarray(boxes, float).reshape(-1, 4))
        colors.append(np.broadcast_to(np.asarray(shades, float), (len(rects[-1]), 4)))

    left, right = (float(v) for v in np.clip(view.x([laid.left, laid.right]), 0, view.width))
    if right > left:
        put([[left, ruler, right, top]], color["back"])
    for a, b in laid.locks:
        a, b = (float(v) for v in np.clip(view.x([a, b]), 0, view.width))
        if b > a:
            put([[a, 0, b, ruler]], (*color["lock"], 0.08))
            put([[a, ruler, b, top]], (*color["lock"], 0.40))
            put([[a, top - 2 * u, b, top]], (*color["lock"], 1.0))
    # How sure it is, under the numbers, from each beat to the next.
    if high > low:
        edge, some = max(low - 1, 0), slice(max(low - 1, 0), high)
        ends = np.append(x[edge + 1 : high], x[high] if high < len(x) else min(x[-1] + beat, right))
        edges = np.clip(np.c_[x[some], ends], 0, view.width)
        tone = np.c_[_mix(laid.sure[some], color["unsure"], color["sure"]), np.full(len(edges), 0.9)]
        if beat < 2:  # as many as there are pixels are enough
            keep = np.arange(0, len(edges), max(1, int(2 / max(beat, 1e-3))))
            edges = np.c_[edges[keep, 0], np.append(edges[keep[1:], 0], edges[-1, 1])]
            tone = tone[keep]
        put(
            np.c_[edges[:, 0], np.full(len(edges), ruler), edges[:, 1], np.full(len(edges), ruler + 3 * u)],
            tone,
        )

    at = np.floor(x[shown])
    down = laid.down[shown]
    thick = np.maximum(np.where(down, np.floor(2 * u), np.floor(u)), 1.0)
    tick = np.where(down, RULER, 9.0) * u
    line = np.asarray(color["line"])
    if view.lines:
        shade = np.c_[np.broadcast_to(line, (len(at), 3)), np.where(down, 0.34, 0.13)]
        if view.light:
            shade[:, 3] *= 1.15
        put(np.c_[at, np.zeros(len(at)), at + thick, np.full(len(at), ruler)], shade)
    tone = _mix(laid.sure[shown], color["unsure"], color["sure"])
    put(np.c_[at, np.full(len(at), ruler), at + thick, ruler + tick], np.c_[tone, np.ones(len(at))])
    pins = at[laid.pin[shown]]
    if len(pins) and beat >= LINE_GAP * u:
        put(np.c_[pins - 2 * u, np.full(len(pins), ruler), pins + 3 * u, np.full(len(pins), ruler + 5 * u)],
            (*color["lock"], 1.0))  # fmt: skip
    if held is not None and (laid.index == held).any():
        h = float(np.floor(x[np.flatnonzero(laid.index == held)[0]]))
        put([[h - u, 0, h + 2 * u, top]], (*color["unsure"], 1.0))

    return Picture(
        np.concatenate(rects), np.concatenate(colors), tuple(_labels(laid, view, x, beat, bar, low, high, ruler, color)),
        laid.index[shown], x[shown],
    )  # fmt: skip


def _labels(laid, view, x, beat, bar, low, high, ruler, color):
    u = view.scale
    step = _power(bar, LABEL_GAP * u)
    each = beat >= WIDE_BEAT * u
    for i in range(low, high):
        is_bar = laid.down[i]
        if not (is_bar and (laid.bars[i] - 1) % step == 0) and not each:
            continue
        text = str(laid.bars[i]) if is_bar else f"{laid.bars[i]}.{laid.places[i]}"
        r, g, b, a = color["text"]
        yield (float(np.floor(x[i]) + 4 * u), ruler + 7 * u, text, (r, g, b, a if is_bar else 0.6))


def grab(seen: Picture, x: float, scale: float = 1.0) -> int | None:
    """Index in the grid of the drawn beat under the mouse, or None."""
    if not len(seen.at):
        return None
    near = int(np.abs(seen.at - x).argmin())
    return int(seen.shown[near]) if abs(seen.at[near] - x) <= GRAB * scale else None
