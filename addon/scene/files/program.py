# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by `other_blender` in a separate Blender, in which the add-on is not enabled.

After ``--``: a module of this folder, and the arguments of its `main`.
"""

import importlib
import os
import sys
import traceback
import types
from pathlib import Path

failed = True
try:
    package = types.ModuleType("tempose")
    package.__path__ = [str(Path(__file__).resolve().parents[2])]
    sys.modules["tempose"] = package
    module, *arguments = sys.argv[sys.argv.index("--") + 1 :]
    importlib.import_module(f"tempose.scene.files.{module}").main(*arguments)
    failed = False
except BaseException:
    traceback.print_exc()
finally:
    sys.stdout.flush()
    os._exit(failed)  # Blender 4.5 as a module hangs when Python ends
