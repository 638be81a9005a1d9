"""How long Blender's main thread is in our code: each of the add-on's callbacks is timed, from the outside."""

import functools
import time

import numpy as np

NAMES = ("draw", "draw_item", "invoke", "modal", "execute", "cancel")
HANDLERS = {
    "dance.ghost": ("_draw_figure", "_draw_words"),
    "dance.tempo_follow": ("tick",),
    "music.beat_draw": ("_draw",),
}


def _two(function):
    return lambda a, b: function(a, b)  # noqa: PLW0108


def _three(function):
    return lambda a, b, c: function(a, b, c)  # noqa: PLW0108


def _eight(function):
    return lambda a, b, c, d, e, f, g, h: function(a, b, c, d, e, f, g, h)  # noqa: PLW0108


class Callbacks:
    """Times of calls, by name; those that a callback makes itself count as part of it."""

    def __init__(self, stage):
        self.times: dict[str, list[float]] = {}
        self._depth = 0
        # Operators by what they share: those are functions of plain classes.
        base = stage.part("operators.buttons")
        panels = stage.part("panels").CLASSES
        for cls in (base.TaskButton, base.ActionButton, *panels):
            for name in NAMES:
                if name in vars(cls) or cls in panels:
                    self._wrap(cls, cls.__name__, name)
        stage.part("music.beat_draw").remove()
        for module, names in HANDLERS.items():
            for name in names:
                self._wrap(stage.part(module), module, name)
        stage.part("music.beat_draw").add()

    def _wrap(self, owner, label: str, name: str) -> None:
        found = getattr(owner, name, None)
        if found is None or (isinstance(owner, type) and getattr(found, "__module__", "").startswith("bpy")):
            return
        method = isinstance(owner, type) and getattr(found, "__self__", None) is owner
        inner = found.__func__ if method else found
        if not callable(inner) or not hasattr(inner, "__code__"):
            return

        @functools.wraps(inner)
        def timed(*args, **options):
            self._depth += 1
            began = time.perf_counter()
            try:
                return inner(*args, **options)
            finally:
                self._depth -= 1
                if not self._depth:
                    took = 1e3 * (time.perf_counter() - began)
                    self.times.setdefault(f"{label}.{name}", []).append(took)

        count = inner.__code__.co_argcount  # Blender passes as many as the function says that it takes
        made = {2: _two, 3: _three, 8: _eight}.get(count, lambda function: function)(timed)
        setattr(owner, name, classmethod(made) if method else made)

    def rows(self) -> list[dict]:
        """Milliseconds, the longest first."""
        rows = [
            {
                "callback": name,
                "calls": len(times),
                "p95_ms": round(float(np.percentile(times, 95)), 2),
                "max_ms": round(max(times), 2),
            }
            for name, times in self.times.items()
        ]
        return sorted(rows, key=lambda row: -row["max_ms"])


class Gaps:
    """A timer every 5 ms: how long Blender lets it wait, drawing included."""

    def __init__(self, bpy):
        self.gaps, self._last, self._bpy = [], None, bpy
        self._timer = self._tick  # one object: a bound method is made anew each time
        bpy.app.timers.register(self._timer)

    def _tick(self):
        now = time.perf_counter()
        if self._last is not None:
            self.gaps.append(1e3 * (now - self._last))
        self._last = now
        return 0.005

    def end(self) -> dict:
        """Milliseconds."""
        self._bpy.app.timers.unregister(self._timer)
        gaps = np.asarray(self.gaps)
        return {
            "median_ms": round(float(np.median(gaps)), 1),
            "p95_ms": round(float(np.percentile(gaps, 95)), 1),
            "max_ms": round(float(gaps.max()), 1),
            "over_30_ms": int((gaps > 30).sum()),
            "ticks": len(gaps),
        }
