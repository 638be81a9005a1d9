"""Set Up Server, Remove Server and what the panel offers, with a small package in place of the real one."""

import os
import sys
import zipfile

import pytest
from patience import PATIENCE
from sealing import seal

TORCH = """
class cuda:
    cuda, hip, is_available = None, None, staticmethod(lambda: False)
class backends:
    mps = cuda
version, __version__ = cuda, "2.0"
"""


@pytest.fixture
def small(tmp_path):
    """A stand-in for the server's wheel, without requirements."""
    path, info = tmp_path / "tempose-9.9-py3-none-any.whl", "tempose-9.9.dist-info"
    head = "Metadata-Version: 2.1\nName: tempose\nVersion: 9.9\nProvides-Extra: server\n"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tempose_server/__init__.py", "")
        file.writestr("tempose/__init__.py", "")
        file.writestr("tempose/music/__init__.py", "")
        file.writestr("tempose/music/compiled.py", "def compile_once(): pass")
        file.writestr("tempose_server/__main__.py", "")
        file.writestr("torch.py", TORCH)
        file.writestr(f"{info}/METADATA", head)
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        seal(file, info)
    return path


def test_set_up_start_and_remove(blender, scene, tempose, small, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    environment, setup = tempose("server.environment"), tempose("operators.setup")
    monkeypatch.setattr(environment, "ROOM", 1)
    monkeypatch.setattr(environment, "base_python", lambda: os.environ["TEMPOSE_PYTHON"])
    preferences = tempose("preferences").get(blender.context)
    assert setup.own_python() is None
    assert not blender.ops.tempose.remove_server.poll()
    assert not blender.ops.tempose.check_server.poll()
    preferences.package = str(small)
    try:
        assert blender.ops.tempose.set_up_server() == {"FINISHED"}
        assert setup.own_python().exists()
        assert not setup.folder().is_relative_to(sys.prefix)
        assert "processors only" in tempose("notes").text
        assert blender.ops.tempose.check_server() == {"FINISHED"}
        assert "The server is complete" in tempose("notes").text
        chosen = tempose("server.server_process").choose_python
        monkeypatch.delenv("TEMPOSE_PYTHON")
        assert chosen("", setup.own_python()) == str(setup.own_python())
        assert not setup.outdated()
        monkeypatch.setattr(tempose("preferences"), "version", lambda: "another")
        assert setup.outdated()
        assert setup.own_python().exists()  # and can be used until the new one is there
        assert blender.ops.tempose.setup_log() == {"FINISHED"}
        assert "pip" in blender.data.texts["Tempose setup log"].as_string()
    finally:
        preferences.package = ""
        assert blender.ops.tempose.remove_server() == {"FINISHED"}
    assert setup.own_python() is None
    with pytest.raises(tempose("errors").Problem, match="Set Up Server"):
        chosen("", None)


def test_a_zip_without_the_server_says_what_to_do(blender, scene, tempose):
    with pytest.raises(RuntimeError, match=r"came without the server|Allow Online Access"):
        blender.ops.tempose.set_up_server()


def test_a_server_that_is_told_to_stay_outlives_blender_and_is_found_again(
    blender, scene, tempose, tmp_path, monkeypatch
):
    process, connection = tempose("server.server_process"), tempose("server.connection")
    monkeypatch.setenv("TEMPOSE_SERVER_MODEL", "null")
    monkeypatch.setenv("TEMPOSE_SERVER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("TEMPOSE_SERVER_RUNTIME_FILE", str(tmp_path / "runtime" / "server.json"))
    before, used = process._running, connection.current
    monkeypatch.setattr(process, "_running", None)
    preferences = tempose("preferences").get(blender.context)
    preferences.stays = True
    started = None
    try:
        assert blender.ops.tempose.start_server() == {"FINISHED"}
        started = process.running().process
        process.leave()
        assert started.poll() is None
        monkeypatch.setattr(process, "_running", None)  # as in the next Blender
        connection.drop()
        assert blender.ops.tempose.start_server() == {"FINISHED"}
        assert process.running() is None  # no other one was started
        assert blender.ops.tempose.stop_server() == {"FINISHED"}
        assert tempose("notes").text == "The server has been stopped."
        started.wait(PATIENCE)
        assert process.staying() is None
    finally:
        preferences.stays = False
        if started is not None and started.poll() is None:
            started.kill()
        process._running, connection.current = before, used


def test_online_access_is_allowed_with_one_press(blender, scene, tempose):
    system = blender.context.preferences.system
    before = system.use_online_access
    try:
        system.use_online_access = False
        assert tempose("operators.setup").is_offline(blender.context) != blender.app.online_access
        if blender.app.online_access_override:
            assert not blender.ops.tempose.allow_online_access.poll()
            return
        assert blender.ops.tempose.allow_online_access() == {"FINISHED"}
        assert system.use_online_access and not tempose("operators.setup").is_offline(blender.context)
        assert not blender.ops.tempose.allow_online_access.poll()
    finally:
        system.use_online_access = before
