import importlib.util
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for helpers beside the tests

# The pure modules are tested where there is no Blender at all.
collect_ignore_glob = ["test_*.py"] if importlib.util.find_spec("bpy") else []
