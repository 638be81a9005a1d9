import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for folder in (
    ROOT,
    ROOT / "pose",
):  # `addon` is not installed in any environment, `tempose_pose` not in Blender's
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
