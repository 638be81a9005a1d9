"""Runs a script as if of all installed libraries only torch, numpy, scipy and safetensors were there.

`python bare.py SCRIPT ARGUMENTS`: whatever else lies in this environment's own folders cannot be imported.
"""

import runpy
import sys
from importlib.machinery import PathFinder
from pathlib import Path

from tempose.training.stage import THERE, _with_needs

ALLOWED = {name.replace("-", "_") for name in _with_needs(THERE)} | {"torchgen", "functorch"}
INSTALLED = [path for path in sys.path if "site-packages" in path]


class OnlyThose(PathFinder):
    """Finds nothing in the environment's folders but what is allowed, and none of the project."""

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        top = fullname.partition(".")[0]
        if path is None and top not in ALLOWED:
            path = [p for p in sys.path if p not in INSTALLED and p not in PROJECT]
        return super().find_spec(fullname, path, target)


PROJECT = [p for p in sys.path if Path(p).name in ("core", "pose", "server")]
for name in [name for name in sys.modules if name.partition(".")[0] in ("tempose", "tempose_pose", "yaml")]:
    del sys.modules[name]
sys.meta_path = [finder for finder in sys.meta_path if finder is not PathFinder]
sys.meta_path.append(OnlyThose)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
