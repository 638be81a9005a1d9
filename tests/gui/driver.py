"""Runs inside a Blender program: plays scenarios in its window, step by step, from a timer.

    blender --python tests/gui/driver.py -- EXTENSION.zip OUT GROUP [SCENARIO]

A scenario is a generator that takes a `Stage`. What it yields is waited for: a number of seconds, or a condition to
hold. Between two steps Blender handles its events as for a person. Pictures, keys and the mouse are asked of `run.py`
by a line on standard output.
"""

import importlib
import importlib.util
import json
import sys
import time
import traceback
from pathlib import Path

import bpy

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
ADDON = "bl_ext.user_default.tempose"
SONG = ROOT / "examples" / "demo_song.ogg"  # 31 s
TICK = 0.02
PATIENCE = 240.0  # seconds that a condition may take: software rendering, and other things may run
KINDS = ("actions", "texts", "objects", "armatures", "meshes", "sounds", "collections", "images", "materials")


class Stage:
    """Hands and eyes of a scenario."""

    def __init__(self, out: Path):
        self.out, self._asked = out, 0

    @staticmethod
    def part(name: str = ""):
        """A module of the installed add-on by room and name, in whichever layer; the add-on itself without one."""
        if not name:
            return importlib.import_module(ADDON)
        for layer in ("model", "scene", "interface"):
            room = f"{ADDON}.{layer}.{name}".rpartition(".")[0]
            if importlib.util.find_spec(room) and importlib.util.find_spec(f"{ADDON}.{layer}.{name}"):
                return importlib.import_module(f"{ADDON}.{layer}.{name}")
        raise ModuleNotFoundError(name)

    # the window

    @property
    def window(self):
        return bpy.context.window_manager.windows[0]

    @property
    def scene(self):
        return self.window.scene

    @property
    def settings(self):
        return self.scene.tempose

    def area(self, kind: str = "VIEW_3D", window=None):
        areas = (window or self.window).screen.areas
        return max((a for a in areas if a.type == kind), key=lambda a: a.width * a.height)

    @staticmethod
    def region(area, kind: str = "WINDOW"):
        return next(r for r in area.regions if r.type == kind)

    def in_area(self, kind: str = "VIEW_3D", window=None):
        """The context that a person has with the pointer over an area."""
        window = window or self.window
        area = self.area(kind, window)
        return bpy.context.temp_override(
            window=window, screen=window.screen, area=area, region=self.region(area), scene=window.scene
        )

    def side_bar(self, kind: str = "VIEW_3D", window=None, tab: str = "Tempose"):
        """Open the side bar at our tab."""
        area = self.area(kind, window)
        area.spaces.active.show_region_ui = True
        yield 0.3
        region = self.region(self.area(kind, window), "UI")
        yield lambda: region.width > 1
        for _ in range(20):  # it can be set only once the region has been drawn
            try:
                region.active_panel_category = tab
                break
            except (AttributeError, TypeError):
                yield 0.2
        area.tag_redraw()
        yield 0.3

    def open_panels(self, *names: str):
        """Only these panels are open, or all of them without a name. To be done before a file's first drawing."""
        panels = [c for c in self.part("panels").CLASSES if issubclass(c, bpy.types.Panel)]
        for cls in reversed(panels):
            bpy.utils.unregister_class(cls)
        for cls in panels:
            is_open = not names or cls.bl_label in ("Tempose", *names, *self._around(names))
            cls.bl_options = set() if is_open else {"DEFAULT_CLOSED"}
            bpy.utils.register_class(cls)

    def _around(self, names) -> set[str]:
        """The steps in which panels lie."""
        steps = self.part("panels").STEPS
        return {s.bl_label for s, parts in steps.items() for p in parts if p.bl_label in names}

    def settled(self):
        """Panels that have grown push the others down little by little."""
        for _ in range(8):
            self.area().tag_redraw()
            yield 0.2

    # buttons

    def press(self, name: str, window=None, **options):
        """A button of the add-on, as its event handler would: what waits for the server goes on by itself."""
        with self.in_area(window=window):
            return getattr(bpy.ops.tempose, name)("INVOKE_DEFAULT", True, **options)  # with an undo step

    def waits(self) -> bool:
        return self.part("server.background_task").current is not None

    def done(self, name: str, **options):
        """Press, wait for the end, and see that it went well."""
        self.press(name, **options)
        yield lambda: not self.waits()
        notes = self.part("notes")
        assert not notes.is_error, f"{name}: {notes.text}"

    def said(self) -> str:
        return self.part("notes").text

    # what is needed first

    def fresh(self):
        """A new file: a song on the timeline, the 3D View from the front, our tab."""
        with bpy.context.temp_override(window=self.window):
            bpy.ops.wm.read_homefile(use_factory_startup=True, app_template="")
        yield 0.3
        bpy.context.preferences.view.show_splash = False
        for ob in list(bpy.data.objects):
            bpy.data.objects.remove(ob)
        bpy.data.orphans_purge(do_recursive=True)  # saving would do that too
        with self.in_area():
            bpy.ops.view3d.view_axis(type="FRONT")
        self.strip = self.scene.sequence_editor_create().strips.new_sound("Song", str(SONG), 1, 11)
        self.scene.frame_end = 760
        yield from self.side_bar()

    def connect(self, model: str = "null"):
        yield from self.done("connect", runtime_file=str(self.out.parent / f"{model}.json"))

    def ready(self, model: str = "null", last: int = 0):
        """A fresh scene with a rig; up to frame `last` is danced, if given."""
        yield from self.fresh()
        yield from self.connect(model)
        yield from self.done("new_rig")
        self.frame_rig()
        if last:
            dance = self.settings.generate
            dance.area, dance.first_frame, dance.last_frame = "FRAMES", 11, last

    def frame_rig(self):
        with self.in_area():
            bpy.ops.view3d.view_all()

    def started(self, frames: bool = True):
        """Generate, until the ghost dances."""
        self.press("generate")
        ghost = self.part("dance.ghost")
        yield lambda: ghost.shown() is not None and (not frames or ghost.shown().dance.there.any())
        assert self.waits(), "the job has ended too early for this scenario"

    @property
    def rig(self):
        return next(ob for ob in self.scene.objects if ob.type == "ARMATURE")

    # what is there

    def census(self) -> dict:
        """Names of all that a button could leave behind."""
        there = {kind: sorted(d.name for d in getattr(bpy.data, kind)) for kind in KINDS}
        editor = self.scene.sequence_editor
        return there | {
            "strips": sorted(s.name for s in editor.strips_all) if editor else [],
            "markers": sorted((m.frame, m.name) for m in self.scene.timeline_markers),
            "takes": [t.name for t in self.settings.takes],
            "seed": self.settings.seed,
        }

    def unchanged(self, before: dict) -> None:
        """Raise where a census has come out otherwise."""
        now = self.census()
        other = {key: (value, now[key]) for key, value in before.items() if now[key] != value}
        assert not other, f"before and after: {other}"
        assert not self.part("dance.ghost")._handles, "the ghost is still drawn"

    def pose(self, frame: int) -> list:
        """Where the bones are, to three decimals."""
        self.scene.frame_set(frame)
        return [round(v, 3) for b in self.rig.pose.bones for v in (*b.head, *b.tail)]

    # asked of run.py

    def ask(self, **what):
        self._asked += 1
        mark = self.out / "answers" / str(self._asked)
        print("@ask", json.dumps(what | {"number": self._asked}), flush=True)
        yield mark.exists

    def shot(self, name: str, *boxes, kept: bool = False, tall: int = 0):
        """A picture of the screen, or of the smallest part with these areas or regions, once all has been drawn.

        Parameters
        ----------
        kept : bool
            Small, for the documentation.
        tall : int
            Pixels from the top of the part, if not all of it.
        """
        yield 0.6
        crop = ""
        if boxes:
            left, low = min(b.x for b in boxes), min(b.y for b in boxes)
            right, high = max(b.x + b.width for b in boxes), max(b.y + b.height for b in boxes)
            crop = f"{right - left}x{tall or high - low}+{left}+{self.window.height - high}"
        yield from self.ask(shot=name, crop=crop, kept=kept)

    def keys(self, *names: str, over: str = "VIEW_3D", part: str = "WINDOW"):
        """Real keys, with the pointer over a part of an area."""
        yield from self.point(over, part)
        yield from self.ask(xdotool=["key", "--delay", "60", *names])
        yield 0.2

    def point(self, over: str = "VIEW_3D", part: str = "WINDOW"):
        region = self.region(self.area(over), part)
        yield from self.mouse(region.x + region.width // 3, region.y + region.height // 3)

    def mouse(self, x: int, y: int, *clicks):
        """Move the pointer there, in Blender's coordinates, and click."""
        height = self.window.height
        yield from self.ask(xdotool=["mousemove", int(x) - 3, height - 1 - int(y), "sleep", "0.1",
                                     "mousemove", int(x), height - 1 - int(y), "sleep", "0.2", *clicks])  # fmt: skip

    def find(self, name: str):
        """Put the pointer over a field or button of our side bar, by its name; returns where it is.

        Blender says what is under the pointer, so it goes down the rows, then scrolls and does so again.
        """
        region = self.region(self.area(), "UI")
        for i, share in enumerate((0.6, 0.3, 0.85) * 2):
            x = region.x + round(region.width * share)
            if i == 3:
                yield from self.ask(xdotool=["click", "--repeat", "12", "--delay", "15", "5"])
            for y in range(region.y + region.height - 30, region.y + 10, -9):
                self.window.cursor_warp(x, y)
                yield 0.08
                if self._under_pointer(region) == name:
                    return x, y
        raise AssertionError(f"{name} is not to be seen in the side bar")

    def _under_pointer(self, region) -> str:
        """The name of the setting or of our button under the pointer."""
        with bpy.context.temp_override(window=self.window, area=self.area(), region=region):
            if field := bpy.context.property:
                return field[1].rpartition(".")[2]
            if not bpy.ops.ui.copy_python_command_button.poll():
                return ""
            bpy.ops.ui.copy_python_command_button()
        return bpy.context.window_manager.clipboard.partition("bpy.ops.tempose.")[2].partition("(")[0]

    def click(self, name: str):
        """A field or button of our side bar, with the mouse."""
        yield from self.mouse(*(yield from self.find(name)), "click", "1")
        yield 0.2

    def type_in(self, name: str, text: str):
        """A number into a field of `settings`, by double click, keys and Enter; again if nothing came."""
        keys = {",": "comma", ".": "period"}
        before = getattr(self.settings, name)
        for _ in range(3):
            yield from self.mouse(
                *(yield from self.find(name)), "click", "--repeat", "2", "--delay", "60", "1"
            )
            yield 0.3
            typed = [keys.get(letter, letter) for letter in text]
            yield from self.ask(xdotool=["key", "--delay", "60", "ctrl+a", *typed, "Return"])
            yield 0.7
            if getattr(self.settings, name) != before:
                return


def say(word: str, *rest) -> None:
    print(f"@{word}", *rest, flush=True)


def run(stage: Stage, scenarios: list):
    """Play one scenario after the other; yields what is to be waited for."""
    for scenario in scenarios:
        try:
            yield from scenario(stage)
            say("pass", scenario.__name__)
        except Exception:
            traceback.print_exc()
            yield from stage.shot(f"failed_{scenario.__name__}")
            say("fail", scenario.__name__)
            while stage.waits():  # the next one is not to suffer for it
                stage.part("server.background_task").current.cancel()
                yield 0.2
    say("end")


def main(package: str, out: str, group: str, only: str = "") -> None:
    bpy.context.preferences.view.show_splash = False
    bpy.ops.extensions.package_install_files(filepath=package, repo="user_default", enable_on_install=True)
    module = importlib.import_module(group)
    stage = Stage(Path(out))
    scenarios = [s for s in module.SCENARIOS if only in ("", s.__name__)]
    player, waiting = run(stage, scenarios), [0.0, 0.0]  # what is waited for, and since when

    def tick():
        what, since = waiting
        now = time.monotonic()
        try:
            if callable(what):
                if not what():
                    if now - since < PATIENCE:
                        return TICK
                    waiting[:] = player.throw(TimeoutError("waited too long")), now
                    return TICK
            elif now - since < what:
                return TICK
            waiting[:] = next(player), time.monotonic()
        except StopIteration:
            bpy.ops.wm.quit_blender()
            return None
        except Exception:  # of a condition
            error = sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1]
            try:
                waiting[:] = player.throw(error), time.monotonic()
            except StopIteration:
                bpy.ops.wm.quit_blender()
                return None
        return TICK

    bpy.app.timers.register(tick, first_interval=2.0, persistent=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[sys.argv.index("--") + 1 :])
    except Exception:
        traceback.print_exc()
        say("fail", "install")
        sys.exit(1)
