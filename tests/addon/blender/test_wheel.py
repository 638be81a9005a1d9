"""The extension brings `tempose_pose` along: nothing of the checkout is needed where it is installed."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from blender_helpers import MODULE, ROOT

PROGRAM = """
import os, sys
import bpy
installed = bpy.ops.extensions.package_install_files(filepath={zip!r}, repo="user_default", enable_on_install=True)
import tempose_pose
from tempose_pose.skeletons import OPENPOSE_18
import {module} as addon
print("came from", tempose_pose.__file__, len(OPENPOSE_18), hasattr(bpy.types.Scene, "tempose"), flush=True)
os._exit(0)  # Blender 4.5 hangs when Python ends while anything of ours is registered
"""


BOTH = """
import os, sys
import bpy, addon_utils
for path in sys.argv[1:]:
    bpy.ops.extensions.package_install_files(filepath=path, repo="user_default", enable_on_install=True)
print("enabled at the end" if addon_utils.check("{module}")[1] else "not enabled", flush=True)
os._exit(0)
"""


@pytest.fixture(scope="module")
def package(blender, tmp_path_factory):
    import build_extension

    return build_extension.build(tmp_path_factory.mktemp("dist"))


def installed(package, folder) -> Path:
    """Where a Blender of its own finds the shared package once the zip is installed."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(zip=str(package), module=MODULE)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "BLENDER_USER_RESOURCES": str(folder)},
        cwd=folder, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    said = [line for line in done.stdout.splitlines() if line.startswith("came from")]
    assert len(said) == 1, done.stdout + done.stderr
    path, joints, registered = said[0].removeprefix("came from ").rsplit(" ", 2)
    assert (joints, registered) == ("18", "True")
    return Path(path)


def test_the_installed_extension_has_the_shared_package(package, tmp_path):
    path = installed(package, tmp_path)
    assert tmp_path in path.parents
    assert ROOT not in path.parents
    for file in (ROOT / "pose" / "tempose_pose").rglob("*.py"):
        own = path.parent / file.relative_to(ROOT / "pose" / "tempose_pose")
        assert own.read_bytes() == file.read_bytes()


def test_an_extension_built_again_replaces_the_shared_package(package, tmp_path, monkeypatch):
    import build_extension

    (tmp_path / "user").mkdir()
    before = installed(package, tmp_path / "user")
    changed = tmp_path / "checkout"
    for name in ("addon", "pose"):
        shutil.copytree(ROOT / name, changed / name)
    (changed / "core" / "tempose").mkdir(parents=True)
    for name in ("LICENSE", "core/tempose/__init__.py"):
        shutil.copy(ROOT / name, changed / name)
    monkeypatch.setattr(build_extension, "ROOT", changed)
    note = changed / "pose" / "tempose_pose" / "later.py"
    note.write_text("")
    installed(build_extension.build(tmp_path / "dist"), tmp_path / "user")
    assert (before.parent / "later.py").is_file()


def test_the_repository_itself_is_no_extension_and_does_no_harm(package, tmp_path):
    wrong = tmp_path / "tempose-main.zip"
    with zipfile.ZipFile(wrong, "w") as archive:
        for file in [*(ROOT / "addon").rglob("*"), ROOT / "README.md", ROOT / "pyproject.toml"]:
            if file.is_file() and "__pycache__" not in file.parts:
                archive.write(file, Path("tempose-main") / file.relative_to(ROOT))
    done = subprocess.run(
        [sys.executable, "-c", BOTH.format(module=MODULE), wrong, package],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "BLENDER_USER_RESOURCES": str(tmp_path)},
        cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert "Missing manifest" in said and "enabled at the end" in said
