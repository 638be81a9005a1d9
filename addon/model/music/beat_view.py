# SPDX-License-Identifier: GPL-3.0-or-later
"""The drawing of a beat grid in a timeline: rectangles and labels in pixels. No bpy, no gpu in here.

`lay` maps a grid to scene frames, once per change of grid or tempo; `picture` draws the visible part, once per
change of view. Its cost depends only on what is visible, and lines that would be crowded are left out.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tempose_pose.tempo import TempoMap

from ..tempo.timing import Span
from . import beats
from .beats import EditedGrid

LINE_GAP = 5.0  # pixels between lines, at UI scale 1
LABEL_GAP = 30.0
WIDE_BEAT = 46.0  # from this distance on, each beat has its number
RULER = 20.0
GRAB = 7.0


@dataclass(frozen=True)
class Laid:
    """A grid on the timeline.

    Parameters
    ----------
    frames : (N,) float
        Scene frames, not rounded, of the audible beats.
    index : (N,) int
        Their indices in the grid.
    down, own, pin : (N,) bool
        Whether it begins a bar, was set by the artist, and was pinned by the artist.
    bars, places : (N,) int
    sure : (N,) float
    locks : tuple of (float, float)
        In frames.
    left, right : float
        Frames between which the sound is heard.
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
        Pixels from the bottom to the ruler of frame numbers; the beats are drawn below it.
    low : float, optional
        Pixels from the bottom to the ruler of beats; by default right below `top`.
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
    low: float | None = None

    def x(self, frames: npt.ArrayLike):
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


def lay(grid: EditedGrid, span: Span, tempo: TempoMap) -> Laid:
    """The frames on which the beats of a grid are heard."""
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
        frames=frames[heard],
        index=np.flatnonzero(heard),
        down=down,
        own=own,
        pin=pin,
        bars=bars[heard],
        places=places[heard],
        sure=beats.sureness(grid)[heard],
        locks=locks,
        left=float(span.left),
        right=float(right),
    )


def _power(gap: float, wanted: float) -> int:
    """The smallest power of two times `gap` that is at least `wanted`."""
    step = 1
    while gap * step < wanted and step < 4096:
        step *= 2
    return step


def _mix(share: npt.ArrayLike, low: npt.ArrayLike, high: npt.ArrayLike) -> np.ndarray:
    share = np.asarray(share, float)[:, None]
    return np.asarray(low) * (1 - share) + np.asarray(high) * share


# Sure, unsure, bar lines, locks, text. All have a contrast of at least 3 to 1 with Blender's own backgrounds.
_DARK = {
    "sure": (0.30, 0.85, 0.62), "unsure": (1.0, 0.58, 0.20), "line": (1.0, 1.0, 1.0), "lock": (0.42, 0.66, 1.0),
    "text": (0.95, 0.95, 0.95, 1.0), "back": (0.0, 0.0, 0.0, 0.45),
}  # fmt: skip
_LIGHT = {
    "sure": (0.00, 0.42, 0.26), "unsure": (0.74, 0.28, 0.0), "line": (0.0, 0.0, 0.0), "lock": (0.05, 0.27, 0.70),
    "text": (0.05, 0.05, 0.05, 1.0), "back": (1.0, 1.0, 1.0, 0.55),
}  # fmt: skip


def picture(laid: Laid, view: View, held: int | None = None) -> Picture:
    """The visible part of a grid.

    Parameters
    ----------
    held : int, optional
        Index in the grid of the beat that is being dragged.
    """
    if not len(laid.frames) or view.width < 1 or view.height < 1 or view.last <= view.first:
        return NOTHING
    return _Painter(laid, view).picture(held)


class _Painter:
    """Makes one picture; collects rectangles back to front."""

    def __init__(self, laid: Laid, view: View):
        self.laid, self.view = laid, view
        self.color, self.u = (_LIGHT if view.light else _DARK), view.scale
        self.x = x = view.x(laid.frames)
        self.beat = float(np.median(np.diff(x))) if len(x) > 1 else float(view.width)
        downs = np.flatnonzero(laid.down)
        self.bar = float(np.median(np.diff(x[downs]))) if len(downs) > 1 else 4 * self.beat
        self.low, self.high = np.searchsorted(laid.frames, [view.first - 1e-6, view.last + 1e-6])
        below = view.top - RULER * self.u
        self.ruler = max(below if view.low is None else min(view.low, below), 0.0)
        self.top = max(min(self.ruler + RULER * self.u, view.top), self.ruler)
        self.rects: list = []
        self.colors: list = []

    def put(self, boxes: npt.ArrayLike, shades: npt.ArrayLike) -> None:
        """Add rectangles in one colour, or each in its own."""
        self.rects.append(np.asarray(boxes, float).reshape(-1, 4))
        self.colors.append(np.broadcast_to(np.asarray(shades, float), (len(self.rects[-1]), 4)))

    def picture(self, held: int | None) -> Picture:
        """Everything, in order."""
        shown = np.flatnonzero(self.wanted()[self.low : self.high]) + self.low
        self.ground()
        self.confidence()
        self.lines(shown)
        places = np.flatnonzero(self.laid.index == held) if held is not None else np.zeros(0, int)
        if len(places):
            x, u = float(np.floor(self.x[places[0]])), self.u
            self.put([[x - u, 0, x + 2 * u, self.view.top]], (*self.color["unsure"], 1.0))
        return Picture(
            np.concatenate(self.rects), np.concatenate(self.colors), tuple(self.labels()),
            self.laid.index[shown], self.x[shown],
        )  # fmt: skip

    def wanted(self) -> np.ndarray:
        """(N,) bool: every beat or, where these would be crowded, every bar, every second bar, fourth …"""
        if self.beat >= LINE_GAP * self.u:
            return np.ones(len(self.x), bool)
        wanted = self.laid.down & ((self.laid.bars - 1) % _power(self.bar, LINE_GAP * self.u) == 0)
        return wanted if wanted.any() else np.arange(len(self.x)) % _power(self.beat, LINE_GAP * self.u) == 0

    def _across(self, left: float, right: float) -> tuple[float, float]:
        a, b = np.clip(self.view.x([left, right]), 0, self.view.width)
        return float(a), float(b)

    def ground(self) -> None:
        """The background of the numbers, and the locked spans."""
        left, right = self._across(self.laid.left, self.laid.right)
        if right > left:
            self.put([[left, self.ruler, right, self.top]], self.color["back"])
        for lock in self.laid.locks:
            a, b = self._across(*lock)
            if b > a:
                self.put([[a, 0, b, self.view.top]], (*self.color["lock"], 0.04))
                self.put([[a, self.ruler, b, self.top]], (*self.color["lock"], 0.25))
                self.put([[a, self.top - 2 * self.u, b, self.top]], (*self.color["lock"], 1.0))

    def confidence(self) -> None:
        """Bars of confidence under the numbers, from each beat to the next."""
        if self.high <= self.low:
            return
        x, high, edge = self.x, self.high, max(self.low - 1, 0)
        end = x[high] if high < len(x) else min(x[-1] + self.beat, self._across(0, self.laid.right)[1])
        edges = np.clip(np.c_[x[edge:high], np.append(x[edge + 1 : high], end)], 0, self.view.width)
        tone = np.c_[self.tone(slice(edge, high)), np.full(len(edges), 0.9)]
        if self.beat < 2:  # no more are needed than there are pixels
            keep = np.arange(0, len(edges), max(1, int(2 / max(self.beat, 1e-3))))
            edges = np.c_[edges[keep, 0], np.append(edges[keep[1:], 0], edges[-1, 1])]
            tone = tone[keep]
        edges[:, 1] = np.maximum(edges[:, 1], edges[:, 0])
        low, up = np.full(len(edges), self.ruler), np.full(len(edges), self.ruler + 3 * self.u)
        self.put(np.c_[edges[:, 0], low, edges[:, 1], up], tone)

    def tone(self, which: np.ndarray | slice) -> np.ndarray:
        """(N, 3) colours of confidence."""
        return _mix(self.laid.sure[which], self.color["unsure"], self.color["sure"])

    def lines(self, shown: np.ndarray) -> None:
        """A tick in the ruler and a line below it for each beat that is shown; a square on pins."""
        u, ruler = self.u, np.full(len(shown), self.ruler)
        at, down = np.floor(self.x[shown]), self.laid.down[shown]
        thick = np.maximum(np.where(down, np.floor(2 * u), np.floor(u)), 1.0)
        if self.view.lines:
            room = min(1.0, max(0.35, self.beat / (24 * u)))  # many lines together must not hide the strips
            alpha = np.where(down, 0.14, 0.05 * room) * (1.6 if self.view.light else 1.0)
            shade = np.c_[np.broadcast_to(self.color["line"], (len(at), 3)), alpha]
            self.put(np.c_[at, np.zeros(len(at)), at + thick, np.full(len(at), self.view.top)], shade)
        tick = np.where(down, RULER, 9.0) * u
        self.put(np.c_[at, ruler, at + thick, ruler + tick], np.c_[self.tone(shown), np.ones(len(at))])
        if self.beat >= LINE_GAP * u:
            pins = at[self.laid.pin[shown]]
            low = np.full(len(pins), self.ruler)
            self.put(np.c_[pins - 2 * u, low, pins + 3 * u, low + 5 * u], (*self.color["lock"], 1.0))

    def labels(self):
        """Numbers of bars that have room; of beats where there is plenty."""
        laid, u = self.laid, self.u
        step, each = _power(self.bar, LABEL_GAP * u), self.beat >= WIDE_BEAT * u
        red, green, blue, _ = self.color["text"]
        for i in range(self.low, self.high):
            bar, down = int(laid.bars[i]), bool(laid.down[i])
            if each or (down and (bar - 1) % step == 0):
                text = str(bar) if down else f"{bar}.{laid.places[i]}"
                shade = (red, green, blue, 1.0 if down else 0.6)
                yield (float(np.floor(self.x[i]) + 4 * u), self.ruler + 7 * u, text, shade)


def grab(seen: Picture, x: float, scale: float = 1.0) -> int | None:
    """Index in the grid of the drawn beat under the mouse, or None."""
    if not len(seen.at):
        return None
    near = int(np.abs(seen.at - x).argmin())
    return int(seen.shown[near]) if abs(seen.at[near] - x) <= GRAB * scale else None
