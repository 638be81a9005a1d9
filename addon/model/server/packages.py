# SPDX-License-Identifier: GPL-3.0-or-later
"""What pip is asked to install, in which order, and the check of the result. No bpy in here.

With a lock, everything is checked by its hashes. pip itself comes first, because older ones cannot report their
progress. Only PyTorch may come from another index, whose hashes are unknown; it is then installed alone, without
its dependencies, and the libraries for its kind of graphics card come from the lock or, failing that, in exactly
the versions that it names.
"""

import re
from pathlib import Path

from ..errors import Problem

TORCH = re.compile(r"(torch|triton|nvidia-|cuda-)")  # what comes from another index of PyTorch builds
OWN = {"tempose", "pip", "setuptools"}  # the last one comes with Python's venv up to 3.11
HASHED = ["--require-hashes", "--only-binary", ":all:"]


def blocks(lock: str) -> dict[str, str]:
    """A lock's entries by name; several versions for several systems are kept together."""
    found: dict[str, str] = {}
    for block in re.split(r"\n(?=[A-Za-z0-9])", lock.strip()):
        if name := re.match(r"([A-Za-z0-9._-]+)==", block):
            key = re.sub(r"[-_.]+", "-", name[1]).lower()
            found[key] = f"{found[key]}\n{block}" if key in found else block
    return found


def without_torch(lock: str) -> tuple[str, str]:
    """A lock without PyTorch and the needs of its builds for graphics cards alone; and its version of PyTorch."""
    entries = blocks(lock)
    version = re.findall(r"==([^\s;\\]+)", entries["torch"])[0]
    return "\n".join(block for name, block in entries.items() if not TORCH.match(name)) + "\n", version


def steps(lock: Path, torch_index: str, place: Path) -> list[list[str]]:
    """What pip is asked to install from a lock, call by call.

    Parameters
    ----------
    lock : Path
    torch_index : str
        Address of another index of PyTorch builds, or "".
    place : Path
        The environment, into which parts of the lock are written.
    """
    text = lock.read_text("utf-8")
    asked = []
    if own := blocks(text).get("pip"):
        (place / "pip.txt").write_text(own + "\n", "utf-8")
        asked.append([*HASHED, "--no-deps", "-r", str(place / "pip.txt")])
    if not torch_index:
        return [*asked, [*HASHED, "-r", str(lock)]]
    rest, version = without_torch(text)
    (place / "requirements.txt").write_text(rest, "utf-8")
    alone = ["--no-deps", "--only-binary", ":all:", "--index-url", torch_index]
    return [*asked, [*HASHED, "-r", str(place / "requirements.txt")], [*alone, f"torch=={version}"]]


def for_the_card(found: dict, lock: Path, torch_index: str, place: Path) -> list[list[str]]:
    """What else pip is asked for if PyTorch is a build for a graphics card: from the lock, as far as it goes.

    Parameters
    ----------
    found : dict
        The output of `installed_packages`.
    lock, torch_index, place
        As in `steps`.
    """
    entries, hashed, named = blocks(lock.read_text("utf-8")), [], []
    for one in found["card"]:
        if one["locked"] and one["name"] in entries:
            hashed.append(entries[one["name"]])
        elif one["exact"]:
            named.append(f"{one['name']}=={one['exact']}")
        else:
            raise Problem(
                "package_altered",
                f"PyTorch from {torch_index} does not say exactly which {one['name'][:60]} it needs. Choose another "
                "index, or none, in the add-on's preferences.",
            )
    asked = []
    if hashed:
        (place / "card.txt").write_text("\n".join(hashed) + "\n", "utf-8")
        asked.append([*HASHED, "--no-deps", "-r", str(place / "card.txt")])
    if named:
        asked.append(["--no-deps", "--only-binary", ":all:", "--index-url", torch_index, *named])
    return asked


def check(found: dict, lock: str | None, torch_index: str) -> None:
    """Check that the installed packages are intact, and exactly those of the lock.

    Raises
    ------
    Problem
    """
    again = "Press Set Up Server again to install it anew."
    if found["changed"]:
        raise Problem(
            "package_altered",
            f"{len(found['changed'])} files of the server are not as they were installed, {found['changed'][0]} for "
            f"one. {again}",
        )
    if lock is None:
        return
    allowed = {name: set(re.findall(r"==([^\s;\\]+)", block)) for name, block in blocks(lock).items()}
    for name, version in found["packages"].items():
        if name in OWN and name not in allowed:
            continue
        if torch_index and TORCH.match(name):  # 2.9.0+cpu is a build of 2.9.0
            if name == "torch" and version.partition("+")[0] not in allowed["torch"]:
                raise Problem("package_altered", f"The server's PyTorch is not the one it needs. {again}")
            continue
        if version not in allowed.get(name, ()):
            raise Problem(
                "package_altered",
                f"{name} {version} is installed, which does not belong to the server. {again}",
            )
