"""Blender as a Python module, with the zip really installed and a real server."""

import importlib.util
import os
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from blender_helpers import CLICKS, MODULE, ROOT, add_strip, click_track, module_of, write_wav
from tempo_helpers import LONG

HAS_BLENDER = importlib.util.find_spec("bpy") is not None

collect_ignore_glob = [] if HAS_BLENDER else ["test_*.py"]


def server_python():
    """The Python that holds the server: TEMPOSE_PYTHON, or the project's own environment."""
    python = os.environ.get("TEMPOSE_PYTHON") or str(ROOT / ".venv" / "bin" / "python")
    if not Path(python).is_file():
        pytest.skip("no Python with the server: set TEMPOSE_PYTHON")
    return python


if HAS_BLENDER:

    @pytest.fixture(scope="session")
    def blender(tmp_path_factory):
        """bpy with the add-on out of the zip."""
        folder = tmp_path_factory.mktemp("blender")
        os.environ["BLENDER_USER_RESOURCES"] = str(folder / "user")
        os.environ["TEMPOSE_PYTHON"] = server_python()
        os.environ["TEMPOSE_SERVER_MODEL"] = "null"
        os.environ["TEMPOSE_SERVER_DATA_DIR"] = str(folder / "data")
        import bpy

        sys.path.insert(0, str(ROOT / "scripts"))
        import build_extension

        package = build_extension.build(folder / "dist")
        bpy.ops.extensions.package_install_files(
            filepath=str(package), repo="user_default", enable_on_install=True
        )
        yield bpy
        import addon_utils

        addon_utils.disable(MODULE)

    @pytest.fixture(scope="session")
    def server(blender):
        """A server with the null model, started by the operator."""
        assert blender.ops.tempose.start_server() == {"FINISHED"}

    @pytest.fixture
    def tempose(blender):
        """A module of the installed add-on by its room and name, in whichever layer it is."""
        return module_of

    @pytest.fixture
    def read(blender, tempose):
        """Makes a reading of the scene as it is now."""
        return lambda: tempose("reading").Reading(blender.context)

    @pytest.fixture
    def out_of_date(read, tempose):
        """Tells whether a take was made to other music than is heard now."""

        return lambda take: tempose("dance.placement").is_out_of_date(take, read().playback)

    @pytest.fixture
    def scene(blender):
        """An empty scene in an empty file."""
        blender.ops.wm.read_homefile(use_empty=True)
        found = blender.context.scene
        if hasattr(found, "tempose"):
            found.tempose.keys.density = (
                "EVERY"  # many tests look at single frames; few keys have tests of their own
            )
        return found

    @pytest.fixture(scope="session")
    def clicks(tmp_path_factory):
        """A WAV file with a click every half second."""
        path = tmp_path_factory.mktemp("sound") / "clicks.wav"
        write_wav(path, click_track())
        return path

    @pytest.fixture
    def connected(server, tempose, blender):
        """The server is in use; a test that lost it gets it back."""
        if tempose("server.connection").missing():
            blender.ops.tempose.start_server()

    @pytest.fixture
    def ready(connected, scene, clicks):
        """A scene with the click track at frame 1 and a rig: everything that generating needs."""
        import bpy

        add_strip(scene, clicks)
        bpy.ops.tempose.new_rig()
        return scene

    @pytest.fixture
    def song(blender, scene, clicks):
        """A scene with the click track at frame 1, 24 frames a second."""
        add_strip(scene, clicks)
        return scene

    @pytest.fixture
    def grid(song, blender, tempose):
        """A grid on every click, two bars of four to four seconds; returns how to get what it is now."""
        beats, beat_edit = tempose("music.beats"), tempose("music.song_grid")

        def now():
            return beat_edit.current(blender.context)

        beat_edit.put(song, now(), beats.from_times(CLICKS, CLICKS[::4], 0.2))
        return now


def pytest_sessionfinish(session, exitstatus):
    session.config._tempose_exit = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    # Blender 4.5 hangs when Python ends while anything of ours is registered.
    if "bpy" in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(getattr(config, "_tempose_exit", 1))


@pytest.fixture
def ops(blender, ready):
    return blender.ops.tempose


@pytest.fixture
def settings(ready):
    ready.tempose.keys.density = "EVERY"
    return ready.tempose


@pytest.fixture(scope="session")
def long_clicks(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "long.wav"
    times = np.arange(0.25, LONG, 0.5)
    write_wav(path, click_track(LONG, times))
    return path


@pytest.fixture
def danced(connected, scene, long_clicks, blender):
    """A rig that dances to forty seconds of clicks, with beats on the timeline; the take is accepted."""
    add_strip(scene, long_clicks)
    blender.ops.tempose.new_rig()
    blender.ops.tempose.find_beats()
    blender.ops.tempose.generate()
    blender.ops.tempose.accept_take()
    return scene
