# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of a take made in the background: computed in the worker thread, written a few curves at a time.

They go into an Action that nothing uses, so that they stay invisible and leave nothing behind, until
`take_keys.bake` takes it.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import bpy

from ...model.dance import takes
from ...model.keys import key_plan
from ...model.keys.key_plan import Keyed, Plan
from ...model.server.work import Work
from .. import compat
from . import action_keys

NAME = ".tempose making"  # the leading dot keeps it out of lists
MAKING = "tempose_making"  # on Actions: the mark of the `Ready` that they belong to


@dataclass(frozen=True, eq=False)
class Ready:
    """Finished keys, and the mark of the Action that holds them, while it exists.

    `kept` identifies the keys of another Action put between them (see `carry_over.put_in_steps`); None: none.
    """

    plan: Plan
    keyed: Keyed
    mark: str
    kept: str | None = None


def make_ready(work: Work, read: Callable[[], Plan], splice: Callable | None = None) -> Ready:
    """Make keys, called in the worker thread.

    Parameters
    ----------
    read : callable
        Reads the plan from the scene; called in the main thread.
    splice : callable, optional
        Gets a function that finds the Action, and puts kept keys into it; for `Work.main`.
    """
    work.status("Making keys…")
    plan = work.main(read)
    takes.poses_text(plan.dance)  # the file needs it soon: better now than while Blender waits
    keyed = key_plan.make_keys(plan, lambda count: work.status(f"Making keys: {count:,} so far"))
    mark = uuid.uuid4().hex
    work.main(lambda: _write(plan.rig, keyed, mark))
    kept = work.main(lambda: splice(lambda: _find(mark))) if splice is not None else None
    if splice is not None and kept is None:
        work.main(drop)  # the kept keys were put in only in part
    return Ready(plan, keyed, mark, kept)


def usable(ready: Ready | None, base: bpy.types.Action | None) -> Ready | None:
    """The finished keys if their kept ones are those of this Action (None: no keys are kept); otherwise None."""
    if ready is None or (ready.kept is None and base is not None):
        return ready
    now = action_keys.digest(action_keys.places(base)) if base is not None else None
    return ready if now == ready.kept else None


def take_action(ready: Ready, name: str):
    """Take the Action with these keys, under a new name; None if undo has removed it or some of its keys."""
    action = _find(ready.mark)
    if (
        action is None
        or action_keys.MARKS not in action
        or len(action_keys.curves(action)) < len(ready.keyed.curves)
    ):
        return None
    action.name = name
    del action[MAKING]
    return action


def drop() -> None:
    """Remove all Actions that were not taken."""
    for action in [action for action in bpy.data.actions if MAKING in action]:
        bpy.data.actions.remove(action)


def _write(rig: str, keyed: Keyed, mark: str) -> Iterator[None]:
    """Write the keys into a new Action, one curve at each step."""
    marks = {}
    action = bpy.data.actions.new(NAME)
    action[MAKING] = mark
    action.slots.new(id_type="OBJECT", name=rig)
    try:
        for curve in keyed.curves:
            action = _find(mark)
            if action is None or len(action_keys.curves(action)) != len(marks):
                return  # undone meanwhile
            marks[curve.id] = action_keys.add(
                compat.channelbag(None, action, assign=False), curve, keyed.stepped
            )
            yield
        if (action := _find(mark)) is not None:
            action_keys.seal(action, marks)
    except BaseException:
        drop()
        raise


def _find(mark: str):
    return next((action for action in bpy.data.actions if action.get(MAKING) == mark), None)
