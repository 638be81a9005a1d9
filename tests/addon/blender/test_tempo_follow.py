"""The automatic mode: the dance follows an edit of the tempo after a pause."""

import pytest
from tempo_helpers import passage


@pytest.fixture
def clock(tempose, monkeypatch):
    """The follower's clock, put forward by hand."""
    now = [100.0]
    monkeypatch.setattr(tempose("dance.tempo_follow").time, "monotonic", lambda: now[0])
    yield now
    tempose("dance.tempo_follow").forget()


def test_automatic_dances_again_when_the_artist_pauses(blender, danced, tempose, clock):
    follow = tempose("dance.tempo_follow")
    danced.tempose.tempo.mode, danced.tempose.tempo.pause = "AUTO", 2.0
    passage(danced, 16.25, 24.25, factor=1.25)
    assert blender.app.timers.is_registered(follow.tick)
    clock[0] += 1.5
    danced.tempose.sections[0].factor = 1.3  # still at it
    clock[0] += 1.5
    assert follow.tick() == pytest.approx(0.5) and len(danced.tempose.takes) == 1
    clock[0] += 0.6
    assert follow.tick() is None
    assert len(danced.tempose.takes) == 2 and danced.tempose.takes[1].state == "PREVIEW"
    assert follow.tick() is None and len(danced.tempose.takes) == 2


def test_automatic_waits_for_jobs_and_playback_and_starts_nothing_where_nothing_changed(
    blender, danced, tempose, clock, monkeypatch
):
    follow, job = tempose("dance.tempo_follow"), tempose("server.background_task")
    danced.tempose.tempo.mode = "AUTO"
    passage(danced, 16.25, 24.25, factor=1.25)
    clock[0] += 10
    waiting = job.begin("Waiting", lambda work: work.sleep(60))
    assert follow.tick() == follow.TICK and len(danced.tempose.takes) == 1
    waiting.cancel()
    job.finish(waiting)
    with monkeypatch.context() as patch:
        patch.setattr(follow, "in_the_way", lambda _context: "a render is running")
        assert follow.tick() == follow.TICK
    danced.tempose.sections.clear()
    assert follow.tick() is None and len(danced.tempose.takes) == 1


def test_automatic_dances_again_what_a_changed_curve_touches(blender, danced, tempose, clock):
    follow, settings = tempose("dance.tempo_follow"), danced.tempose
    asked = settings.rig.data.tempose_direction
    settings.tempo.mode, settings.tempo.pause = "AUTO", 2.0
    asked.use_path, asked.path = True, 0.2  # in the panel
    clock[0] += 3
    assert follow.tick() is None and [take.name for take in settings.takes][1].endswith("as directed")
    clock[0] += 9
    for frame in (1, 480):
        asked.keyframe_insert("path", frame=frame)
    blender.context.view_layer.update()
    clock[0] += 3
    follow.forget()  # nothing is asked for otherwise
    (curve,) = tempose("compat").fcurves_of(settings.rig.data)
    curve.keyframe_points[1].co.y = 0.3  # in the Graph Editor
    curve.update()
    blender.context.view_layer.update()
    assert follow.waiting() is not None
    clock[0] += 3
    assert follow.tick() is None and len(settings.takes) == 3
    settings.tempo.mode = "REQUEST"
    curve.keyframe_points[1].co.y = 0.1
    curve.update()
    blender.context.view_layer.update()
    assert follow.waiting() is None and follow.tick() is None and len(settings.takes) == 3


def test_automatic_forgets_on_another_file_and_when_it_is_turned_off(blender, danced, tempose, clock):
    follow = tempose("dance.tempo_follow")
    danced.tempose.tempo.mode = "AUTO"
    danced.tempose.tempo_factor = 1.2
    danced.tempose.tempo.mode = "OFF"
    clock[0] += 10
    assert follow.tick() is None and len(danced.tempose.takes) == 1
    danced.tempose.tempo.mode = "AUTO"
    danced.tempose.tempo_factor = 1.3
    assert follow.waiting() is not None
    blender.ops.wm.read_homefile(use_empty=True)
    assert follow.waiting() is None
    assert not blender.app.timers.is_registered(follow.tick)
