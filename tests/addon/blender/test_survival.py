"""What happens to the scene while a job runs must not hurt."""

import os
import shutil
import subprocess
import threading
import time

import pytest
from blender_helpers import add_strip, click_track, summary, write_wav
from census import census, differences
from patience import PATIENCE


@pytest.fixture(autouse=True)
def nothing_left(blender, tempose):
    """However it ended: no job, no thread, no ghost."""
    yield
    assert tempose("server.background_task").current is None
    assert tempose("dance.ghost").shown() is None
    until = time.monotonic() + PATIENCE
    while (left := [t for t in threading.enumerate() if t.name == "tempose"]) and time.monotonic() < until:
        left[0].join(0.1)
    assert left == []


@pytest.fixture
def during(tempose, monkeypatch):
    """Call a function on the main thread once, while the job waits for the server."""

    def arrange(function, after=0.0):
        job = tempose("server.background_task")
        pump, state = job.BackgroundTask.pump, {"done": False, "from": None}

        def pumping(self, *seconds):
            state["from"] = state["from"] or time.monotonic()
            if not state["done"] and time.monotonic() - state["from"] >= after:
                state["done"] = True
                function()
            return pump(self, *seconds)

        monkeypatch.setattr(job.BackgroundTask, "pump", pumping)
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
    assert tempose("server.background_task").current is None
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
    assert "Dancing is running" in said[0]


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
    assert tempose("server.background_task").current is None
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
    process = tempose("server.server_process").running().process

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

    job, server_process = tempose("server.background_task"), tempose("server.server_process")
    process = server_process.running().process
    entered = threading.Event()

    def wait(work):
        entered.set()
        work.sleep(60)

    running = job.begin("Waiting", wait)
    assert entered.wait(PATIENCE)
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
    failing(blender, blender.ops.tempose.start_server, "ended at once|weights|model")
    assert tempose("server.server_process").running() is None


def the_rig(blender):
    return next(ob for ob in blender.context.scene.objects if ob.type == "ARMATURE")


def test_redo_during_a_job(blender, ready, during):
    blender.ops.ed.undo_push(message="rig")
    ready.timeline_markers.new("mine", frame=3)
    blender.ops.ed.undo_push(message="marker")
    blender.ops.ed.undo()
    assert not blender.context.scene.timeline_markers
    during(blender.ops.ed.redo, 0.02)
    assert blender.ops.tempose.generate() == {"FINISHED"}
    scene = blender.context.scene
    assert [m.name for m in scene.timeline_markers] == ["mine"]
    assert the_rig(blender).animation_data.action == scene.tempose.takes[0].action
    assert blender.ops.tempose.discard_take() == {"FINISHED"}
    assert len(blender.data.actions) == len(blender.data.texts) == 0


def test_a_saved_file_loaded_during_a_job(blender, ready, tempose, during, tmp_path):
    path = str(tmp_path / "file.blend")
    blender.ops.wm.save_as_mainfile(filepath=path)
    before = census(blender)
    during(lambda: blender.ops.wm.open_mainfile(filepath=path))
    assert blender.ops.tempose.generate() == {"CANCELLED"}
    assert differences(before, census(blender)) == []
    assert tempose("notes").text == "Canceled. Nothing was changed."
    assert blender.ops.tempose.generate() == {"FINISHED"}


def test_the_action_renamed_during_a_job(blender, ready, during):
    blender.ops.tempose.generate()
    blender.ops.tempose.accept_take()
    action = the_rig(blender).animation_data.action
    during(lambda: setattr(action, "name", "Mine"))
    assert blender.ops.tempose.generate() == {"FINISHED"}
    assert the_rig(blender).animation_data.action != action
    blender.ops.tempose.discard_take()
    assert the_rig(blender).animation_data.action == action
    assert [a.name for a in blender.data.actions] == ["Mine"]


def test_the_action_deleted_during_a_job(blender, ready, during):
    blender.ops.tempose.generate()
    blender.ops.tempose.accept_take()
    during(lambda: blender.data.actions.remove(the_rig(blender).animation_data.action))
    assert blender.ops.tempose.generate() == {"FINISHED"}
    blender.ops.tempose.discard_take()
    assert len(blender.data.actions) == 0


def test_the_frame_range_changed_during_a_job(blender, ready, during):
    def shorten():
        ready.frame_start, ready.frame_end = 50, 60
        ready.use_preview_range, ready.frame_preview_start, ready.frame_preview_end = True, 52, 54

    during(shorten)
    assert blender.ops.tempose.generate() == {"FINISHED"}
    assert tuple(the_rig(blender).animation_data.action.frame_range) == (1, 288)  # the strip counts
    assert (ready.frame_start, ready.frame_end, ready.frame_preview_end) == (50, 60, 54)


def test_the_file_saved_during_a_job(blender, ready, during, tmp_path):
    path, before = str(tmp_path / "file.blend"), census(blender)
    during(lambda: blender.ops.wm.save_as_mainfile(filepath=path), 0.02)
    assert blender.ops.tempose.generate() == {"FINISHED"}
    assert len(blender.context.scene.tempose.takes) == 1
    blender.ops.wm.open_mainfile(filepath=path)
    assert differences(before, census(blender)) == []  # what was saved holds nothing half done
    assert blender.ops.tempose.generate() == {"FINISHED"}


def test_a_frame_rendered_during_a_job(blender, ready, during, tmp_path):
    render = ready.render
    render.engine, render.filepath = "BLENDER_WORKBENCH", str(tmp_path / "frame.png")
    render.resolution_x = render.resolution_y = 16
    ready.camera = blender.data.objects.new("Camera", blender.data.cameras.new("Camera"))
    ready.collection.objects.link(ready.camera)
    during(lambda: blender.ops.render.render(write_still=True), 0.02)
    assert blender.ops.tempose.generate() == {"FINISHED"}
    assert (tmp_path / "frame.png").stat().st_size > 0
    assert len(ready.tempose.takes) == 1


def test_the_other_scene_in_the_window_during_a_job(blender, ready, clicks, during):
    first = ready.name
    blender.ops.scene.new(type="EMPTY")
    second = blender.context.scene
    add_strip(second, clicks)
    blender.ops.tempose.new_rig()
    window = blender.context.window_manager.windows[0]
    during(lambda: setattr(window, "scene", blender.data.scenes[first]))
    assert blender.ops.tempose.generate() == {"FINISHED"}
    assert [len(scene.tempose.takes) for scene in (ready, second)] == [0, 1]
    assert blender.context.scene == ready
    assert blender.ops.tempose.generate() == {"FINISHED"}
    for scene in (ready, second):
        (take,) = scene.tempose.takes
        assert take.rig.name in scene.objects
        assert take.rig.animation_data.action == take.action
        window.scene = scene
        assert blender.ops.tempose.accept_take() == {"FINISHED"}
    assert len(blender.data.actions) == 2


def test_several_characters_with_takes_of_their_own(blender, ready, during):
    ops, settings = blender.ops.tempose, ready.tempose
    one = the_rig(blender)
    ops.new_rig()
    two = settings.rig
    for ob in (one, two):
        settings.rig = ob
        during(lambda ob=ob: setattr(settings, "rig", two if ob is one else one))  # another one is chosen
        assert ops.generate() == {"FINISHED"}
    assert [t.rig for t in settings.takes] == [one, two]
    assert one.animation_data.action == settings.takes[0].action
    assert two.animation_data.action == settings.takes[1].action
    settings.active_take = 0
    assert ops.accept_take() == {"FINISHED"}
    settings.active_take = 1
    assert ops.discard_take() == {"FINISHED"}
    assert one.animation_data.action is not None and two.animation_data is None
    assert len(blender.data.actions) == 1


def test_the_own_server_started_again_during_a_job(blender, ready, tempose, during):
    said, before = [], census(blender)
    process = tempose("server.server_process").running().process

    def die_and_start():
        process.kill()
        process.wait()
        with pytest.raises(RuntimeError) as caught:
            blender.ops.tempose.start_server()
        said.append(str(caught.value))

    during(die_and_start)
    failing(blender, blender.ops.tempose.generate, "does not answer.*Start it again")
    assert "Dancing is running; wait or cancel" in said[0]
    assert differences(before, census(blender)) == []
    assert blender.ops.tempose.start_server() == {"FINISHED"}


def test_a_studio_server_started_again_during_a_job(blender, ready, tempose, monkeypatch, tmp_path):
    work, connection = tempose("server.work"), tempose("server.connection")
    put, kept, runtime = work._put, connection.current, tmp_path / "server.json"
    data = shutil.copytree(os.environ["TEMPOSE_SERVER_DATA_DIR"], tmp_path / "data")  # it knows the song
    (tmp_path / "token").write_text("t" * 40)
    (tmp_path / "token").chmod(0o600)
    port, servers = "0", []

    def start():
        command = [os.environ["TEMPOSE_PYTHON"], "-m", "tempose_server", "--model", "null", "--port", port]
        files = [
            "--runtime-file",
            runtime,
            "--data-dir",
            data,
            "--token-file",
            tmp_path / "token",
        ]
        servers.append(subprocess.Popen([*command, *files], stderr=subprocess.DEVNULL))

    def put_and_restart(*args):
        put(*args)
        servers[-1].kill()
        servers[-1].wait()
        start()

    try:
        start()
        until = time.monotonic() + PATIENCE
        while not runtime.is_file() and time.monotonic() < until:
            time.sleep(0.05)
        blender.ops.tempose.connect(runtime_file=str(runtime))
        port = connection.current.url.rpartition(":")[2]
        monkeypatch.setattr(work, "_put", put_and_restart)
        assert blender.ops.tempose.generate() == {"FINISHED"}  # the server keeps its jobs
        assert len(servers) == 2
        assert len(ready.tempose.takes) == 1
    finally:
        connection.current = kept
        for server in servers:
            server.kill()
            server.wait()
