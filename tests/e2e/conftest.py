"""Blender with the zip installed and a server with the real model."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT / "pose") not in sys.path:  # what the tests themselves speak of; Blender has it out of the zip
    sys.path.append(str(ROOT / "pose"))
HAS_BLENDER = importlib.util.find_spec("bpy") is not None
WEIGHTS = ROOT / "core" / "tempose" / "weights" / "model_index.json"

collect_ignore_glob = [] if HAS_BLENDER else ["test_*.py"]

if HAS_BLENDER:

    @pytest.fixture
    def blender(tmp_path_factory, monkeypatch):
        """bpy with the add-on from a fresh zip, whether or not other tests had it installed before."""
        if not WEIGHTS.is_file():
            pytest.skip("there are no trained weights in core/tempose/weights")
        python = os.environ.get("TEMPOSE_PYTHON") or str(ROOT / ".venv" / "bin" / "python")
        if not Path(python).is_file():
            pytest.skip("no Python with the server: set TEMPOSE_PYTHON")
        folder = tmp_path_factory.mktemp("e2e")
        os.environ.setdefault("BLENDER_USER_RESOURCES", str(folder / "user"))
        monkeypatch.setenv("TEMPOSE_PYTHON", python)
        monkeypatch.setenv("TEMPOSE_SERVER_MODEL", "default")
        monkeypatch.setenv("TEMPOSE_SERVER_DATA_DIR", str(folder / "data"))
        import bpy

        monkeypatch.syspath_prepend(str(ROOT / "scripts"))
        import build_extension

        package = build_extension.build(folder)
        bpy.ops.extensions.package_install_files(
            filepath=str(package), repo="user_default", enable_on_install=True
        )
        import addon_utils  # known only once bpy is require

        if not hasattr(
            bpy.types.Scene, "tempose"
        ):  # what is installed again stays off where it was turned off
            addon_utils.enable("bl_ext.user_default.tempose", default_set=True)
        bpy.ops.wm.read_homefile(use_empty=True)
        yield bpy
        addon_utils.disable("bl_ext.user_default.tempose")


def pytest_sessionfinish(session, exitstatus):
    session.config._tempose_exit = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    # Blender 4.5 hangs when Python ends while anything of ours is registered.
    if "bpy" in sys.modules:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(getattr(config, "_tempose_exit", 1))
