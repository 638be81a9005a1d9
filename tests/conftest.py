"""What tests of more than one part share."""

import importlib.util
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))  # for helpers beside the tests
settings.register_profile("untimed", deadline=None)  # nothing is timed: machines are busy
settings.load_profile("untimed")


def pytest_collection_modifyitems(config, items):
    """Leave what is marked `one_blender` to the newest Blender that is set up, but for tests that are named."""
    root = Path(__file__).resolve().parent.parent
    newest = max((path.parent.name for path in root.glob(".venv-bpy-*/.ready")), default="")
    if importlib.util.find_spec("bpy") is None or any("::" in arg for arg in config.args):
        return
    if newest and not newest.endswith("-" + ".".join(version("bpy").split(".")[:2])):
        left = [item for item in items if item.get_closest_marker("one_blender")]
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


@pytest.fixture(scope="session")
def dots():
    """The module `pose_model`: small models that find coloured dots, and pictures of such dots."""
    for name in ("onnx", "rtmlib", "onnxruntime"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"needs {name}: pip install onnx 'tempose[pose]'")
    spec = importlib.util.spec_from_file_location("pose_model", Path(__file__).with_name("pose_model.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
