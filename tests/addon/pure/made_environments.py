"""A made-up package and a job, to set up environments with."""

import threading
import zipfile

from addon.model.errors import Canceled
from sealing import seal

# Leaves a mark where it stands, so that a test can see it was run.
COMPILED = "def compile_once(): open(__file__ + '.done', 'w').close()"


class Work:
    """What a job offers to its thread."""

    def __init__(self):
        self.said, self.stop = [], threading.Event()

    def status(self, text):
        self.said.append(text)

    def progress(self, share):
        assert 0 <= share <= 1

    def sleep(self, seconds):
        if self.stop.wait(seconds):
            raise Canceled


# What is asked of the real one: its version, and what it was built for.
TORCH = """
class there:
    cuda, hip = {card!r}, None
    is_available = staticmethod(lambda: bool({name!r}))
    get_device_name = staticmethod(lambda place: {name!r})
class none:
    is_available = staticmethod(lambda: False)
class backends:
    mps = none
version, cuda, __version__ = there, there, "2.0"
"""


def wheel(
    folder,
    check: str = "print('fine')",
    needs: str = "",
    card=None,
    name="",
):
    """A package with a `tempose_server` that can be asked whether it is well."""
    path = folder / "tempose-9.9-py3-none-any.whl"
    info = "tempose-9.9.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tempose_server/__init__.py", "")
        file.writestr("tempose/__init__.py", "")
        file.writestr("tempose/music/__init__.py", "")
        file.writestr("tempose/music/compiled.py", COMPILED)
        file.writestr("torch.py", TORCH.format(card=card, name=name))
        file.writestr("tempose_server/__main__.py", check)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tempose\nVersion: 9.9\n{needs}")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        seal(file, info)
    return str(path)
