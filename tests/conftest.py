"""What tests of more than one part share."""

import importlib.util
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))  # for helpers beside the tests
settings.register_profile("untimed", deadline=None)  # nothing is timed: machines are busy
settings.load_profile("untimed")


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
