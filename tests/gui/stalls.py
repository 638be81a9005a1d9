"""How long Blender is held up, idle, while a job runs, and when its dance arrives.

Figures, and no limits: the display is drawn in software here. What the add-on itself takes is in its callbacks' rows.
"""

import json

import bpy
from driver import say
from measure import Callbacks, Gaps


def stalls(stage):
    yield from stage.ready("default")
    yield from stage.done("find_beats")
    stage.area("DOPESHEET_EDITOR").type = "SEQUENCE_EDITOR"
    stage.settings.generate.count = 2
    yield 2.0
    report, callbacks = {"blender": bpy.app.version_string}, Callbacks(stage)

    def over(name, gaps):
        report[name] = {"gaps": gaps.end(), "callbacks": callbacks.rows()}
        slow = [f"{r['callback']} {r['max_ms']:.0f}" for r in report[name]["callbacks"] if r["max_ms"] > 30]
        say("figure", f"{name}: {report[name]['gaps']}; ours over 30 ms: {', '.join(slow) or 'none'}")
        callbacks.times.clear()

    gaps = Gaps(bpy)
    yield 8.0
    over("idle", gaps)
    gaps = Gaps(bpy)
    stage.press("generate")
    yield 0.2
    over("button", gaps)
    job, gaps = stage.part("server.background_task"), Gaps(bpy)
    current = job.current
    assert current is not None

    # The end of the job is what its modal handler does in one go: it counts apart.
    yield lambda: not current._thread.is_alive() or not stage.waits()
    over("while the job runs", gaps)
    gaps = Gaps(bpy)
    yield lambda: not stage.waits()
    yield 0.5
    over("when the dance arrives", gaps)
    assert len(stage.settings.takes) == 2, stage.said()
    (stage.out / "stalls.json").write_text(json.dumps(report, indent=1))


SCENARIOS = (stalls,)
