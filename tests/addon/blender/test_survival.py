"""What happens to the scene while a job runs must not hurt."""

import threading
import time

import pytest
from blender_helpers import add_strip, click_track, summary, write_wav


@pytest.fixture
def during(tempose, monkeypatch):
    """Call a function on the main thread once, while the job waits for the server."""

    def arrange(function, after=0.0):
        job = tempose("job")
        pump, state = job.Job.pump, {"done": False, "from": None}

        def pumping(self):
            state["from"] = state["from"] or time.monotonic()
            if not state["done"] and time.monotonic() - state["from"] >= after:
                state["done"] = True
                function()
            return pump(self)

        monkeypatch.setattr(job.Job, "pump", pumping)
        return state

    return arrange


def failing(bpy, operator, match):
    with pytest.raises(RuntimeError, match=match):
        operator()


@pytest.mark.parametrize("after", [0.0, 0.01, 0.05, 0.1, 0.3])
def test_cancel_at_any_moment_changes_nothing(blender, ready, tempose, during, after):
    before = summary(blender)
    state = during(blender.ops.tempose.cancel, after)
    result = blender.ops.tempose.generate()
    assert state["done"] or result == {"FINISHED"}
    if result == {"CANCELLED"}:
        assert summary(blender) == before
        assert "Canceled" in tempose("notes").text
    assert tempose("job").current is None
    assert not blender.ops.tempose.cancel.poll()


def test_cancel_while_beats_are_found(blender, connected, scene, tempose, during, tmp_path):
    write_wav(tmp_path / "new.wav", click_track(6.0, [0.5, 1.1, 2.0, 4.5]))  # not yet known to the server
    add_strip(scene, tmp_path / "new.wav")
    before = summary(blender)
    during(blender.ops.tempose.cancel, 0.4)
    assert blender.ops.tempose.find_beats() == {"CANCELLED"}
    assert summary(blender) == before


def test_after_a_cancel_the_next_job_runs(blender, ready, during):
    during(blender.ops.tempose.cancel)
    blender.ops.tempose.generate()
    assert blender.ops.tempose.generate() == {"FINISHED"}


def test_a_second_job_is_refused_in_words(blender, ready, during):
    said = []

    def again():
        with pytest.raises(RuntimeError) as caught:
            blender.ops.tempose.generate()
        said.append(str(caught.value))

    during(again)
    assert blender.ops.tempose.generate() == {"FINISHED"}
    assert "Dancing is going on" in said[0]


def test_undo_during_a_job(blender, ready, during):
    blender.ops.ed.undo_push(message="rig")
    marker = blender.context.scene.timeline_markers.new("mine", frame=3)
    assert marker.frame == 3
    blender.ops.ed.undo_push(message="marker")
    during(blender.ops.ed.undo, 0.02)
    assert blender.ops.tempose.generate() == {"FINISHED"}
    assert len(blender.context.scene.tempose.takes) == 1
    assert blender.ops.tempose.accept_take() == {"FINISHED"}


def test_the_rig_undone_during_a_job(blender, connected, scene, clicks, during):
    add_strip(scene, clicks)
    blender.ops.ed.undo_push(message="strip")
    blender.ops.tempose.new_rig("EXEC_DEFAULT", True)
    during(blender.ops.ed.undo)
    failing(blender, blender.ops.tempose.generate, "rig was deleted meanwhile")
    assert len(blender.data.actions) == len(blender.data.texts) == 0


def test_another_file_during_a_job(blender, ready, tempose, during):
    during(lambda: blender.ops.wm.read_homefile(use_empty=True))
    assert blender.ops.tempose.generate() == {"CANCELLED"}
    assert tempose("job").current is None
    assert len(blender.data.objects) == len(blender.data.actions) == 0


def test_the_rig_deleted_during_a_job(blender, ready, during):
    during(lambda: blender.data.objects.remove(blender.context.view_layer.objects.active))
    failing(blender, blender.ops.tempose.generate, "rig was deleted meanwhile")
    assert len(blender.data.actions) == len(blender.data.texts) == 0


def test_the_rig_renamed_during_a_job(blender, ready, during):
    ob = blender.context.view_layer.objects.active
    during(lambda: setattr(ob, "name", "Renamed"))
    assert blender.ops.tempose.generate() == {"FINISHED"}
    assert ob.animation_data.action is not None


def test_the_strip_deleted_during_a_job(blender, ready, during):
    strips = ready.sequence_editor.strips
    during(lambda: strips.remove(strips[0]))
    failing(blender, blender.ops.tempose.generate, "strip was deleted or cut meanwhile")
    assert len(blender.data.actions) == len(blender.data.texts) == 0


def test_the_strip_moved_and_renamed_during_a_job(blender, ready, during):
    strip = ready.sequence_editor.strips[0]

    def move():
        strip.name = "moved"
        setattr(strip, "content_start" if hasattr(strip, "content_start") else "frame_start", 51)

    during(move)
    assert blender.ops.tempose.generate() == {"FINISHED"}
    assert blender.context.view_layer.objects.active.animation_data.action.frame_range[0] == 51


def test_the_frame_rate_changed_during_a_job(blender, ready, during):
    during(lambda: setattr(ready.render, "fps", 60))
    assert blender.ops.tempose.generate() == {"FINISHED"}
    assert blender.context.view_layer.objects.active.animation_data.action.frame_range[1] == 720


def test_the_server_dying_during_a_job(blender, ready, tempose, during):
    before = summary(blender)
    process = tempose("server_process").running().process

    def die():
        process.kill()
        process.wait()

    during(die)
    failing(blender, blender.ops.tempose.generate, "does not answer")
    assert summary(blender) == before
    assert not blender.ops.tempose.generate.poll()
    assert blender.ops.tempose.start_server() == {"FINISHED"}
    assert blender.ops.tempose.generate() == {"FINISHED"}


def test_the_add_on_disabled_and_enabled_during_a_job(blender, ready, tempose):
    import addon_utils
    from blender_helpers import MODULE

    job, server_process = tempose("job"), tempose("server_process")
    process = server_process.running().process
    entered = threading.Event()

    def wait(work):
        entered.set()
        work.sleep(60)

    running = job.begin("Waiting", wait)
    assert entered.wait(5)
    addon_utils.disable(MODULE)
    assert not running._thread.is_alive()
    assert process.poll() is not None  # the server has gone with the add-on
    assert not hasattr(blender.types.Scene, "tempose")
    addon_utils.enable(MODULE, default_set=True)
    assert blender.ops.tempose.start_server() == {"FINISHED"}
    assert blender.ops.tempose.generate() == {"FINISHED"}


def test_the_rig_of_a_shown_take_deleted(blender, ready):
    blender.ops.tempose.generate()
    blender.data.objects.remove(blender.context.view_layer.objects.active)
    failing(blender, blender.ops.tempose.accept_take, "rig of this take has been deleted")
    assert blender.ops.tempose.discard_take() == {"FINISHED"}
    assert len(blender.data.actions) == len(blender.data.texts) == 0


def test_a_server_that_cannot_start_shows_its_log(blender, connected, scene, tempose, monkeypatch):
    monkeypatch.setenv("TEMPOSE_SERVER_MODEL", "no-such-model-folder")
    failing(blender, blender.ops.tempose.start_server, "log says|weights")
    assert tempose("server_process").running() is None
