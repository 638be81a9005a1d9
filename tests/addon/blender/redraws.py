"""One redraw of the Tempose tab as Blender does it, and how many calls into the add-on a piece of work makes."""

import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace


class Layout:
    """A layout that reads what is drawn, as Blender does, and keeps the buttons, to ask for their polls later."""

    def __init__(self, bpy, buttons):
        self.bpy, self.buttons = bpy, buttons

    def _inside(self, **_):
        return Layout(self.bpy, self.buttons)

    row = column = box = split = _inside

    def operator(self, name, **_):
        self.buttons.append(name)
        return SimpleNamespace()

    def prop(self, data, name, **_):
        getattr(data, name)

    def prop_search(self, data, name, *_, **__):
        getattr(data, name)

    def template_list(self, kind, _identity, data, name, active, active_name, **_):
        drawn = getattr(self.bpy.types, kind)
        for item in getattr(data, name):
            drawn.draw_item(drawn, self.bpy.context, self._inside(), data, item, 0, active, active_name)

    def __getattr__(self, _name):
        return _drawn


def _drawn(*_, **__):
    """Labels, separators and the like read nothing."""


def panels(bpy, tempose) -> list:
    """The panels of the tab in the 3D View, from top to bottom."""
    return [
        panel
        for panel in tempose("panels").CLASSES
        if issubclass(panel, bpy.types.Panel) and panel.bl_space_type == "VIEW_3D"
    ]


def draw(bpy, tempose) -> None:
    """Draw the whole tab."""
    tempose("reading").keep(bpy.context)  # as the first panel does in a window
    for panel in panels(bpy, tempose):
        panel.draw(SimpleNamespace(layout=Layout(bpy, [])), bpy.context)
    tempose("reading").drop()  # the region is drawn


def redraw(bpy, tempose) -> int:
    """Draw the whole tab and ask for every button whether it is grey; returns how many there were."""
    asked = 0
    tempose("reading").keep(bpy.context)
    for panel in panels(bpy, tempose):
        buttons = []
        panel.draw(SimpleNamespace(layout=Layout(bpy, buttons)), bpy.context)
        for name in buttons:  # Blender asks when a panel has been laid out
            group, operator = name.split(".")
            getattr(getattr(bpy.ops, group), operator).poll()
            asked += group == "tempose"
    tempose("reading").drop()
    return asked


def calls(work, package) -> Counter:
    """Calls of the add-on's functions while `work` is done, by (file, function).

    Comprehensions are no functions: only some versions of Python call them.
    """
    folder, found = str(Path(package.__file__).parent), Counter()
    inline = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>")

    def count(frame, event, _arg):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(folder) and code.co_name not in inline:
            found[code.co_filename[len(folder) + 1 :], code.co_name] += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return found
