import importlib
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for helpers beside the tests
SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(scope="session")
def drawn():
    """The script that draws figures whose joints are known."""
    sys.path.insert(0, str(SCRIPTS))
    try:
        return importlib.import_module("drawn_figures")
    finally:
        sys.path.remove(str(SCRIPTS))
