"""Build the Blender extension: stage the manifest with `addon/` and the wheel of `tempose_pose`, zip it, check it.

    python scripts/build_extension.py [--output-dir dist]

Needs no Blender; if a bpy wheel is found, its own tool also validates the zip.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import help_pages
from pure_wheel import STAMP, write_wheel

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "addon" / "manifest.toml"  # with its usual name, Blender would install the sources
CARRIED = ROOT / "scripts" / "carried_wheels.txt"  # wheels of other people's packages, with their hashes
FETCHED = ROOT / "build" / "wheels"  # cache of fetched wheels
SHARED = Path("pose/tempose_pose")  # the package that the extension carries as a wheel
EXAMPLE = {
    f"example/{path.name}": path for path in (ROOT / "examples").glob("demo_song.*")
}  # for *Open Example*
LEFT_OUT = {"__pycache__"}


def version() -> str:
    """The project's version, from its single source."""
    text = (ROOT / "core" / "tempose" / "__init__.py").read_text("utf-8")
    found = re.search(r'^__version__ = "([^"]+)"$', text, re.M)
    assert found, "core/tempose/__init__.py names no version"
    return found[1]


def manifest_text() -> str:
    """The manifest for the zip, with the project's version."""
    text, count = re.subn(
        r"^version = .*$", f'version = "{version()}"', MANIFEST.read_text("utf-8"), flags=re.M
    )
    assert count == 1, "manifest.toml has no line for the version"
    return text


def contents() -> dict[str, Path]:
    """Name in the zip → file of the add-on."""
    files = {}
    for path in sorted((ROOT / "addon").rglob("*")):
        inside = path.relative_to(ROOT / "addon")
        hidden = any(part.startswith(".") or part in LEFT_OUT for part in inside.parts)
        if (
            path.is_file()
            and not hidden
            and inside != Path(MANIFEST.name)
            and path.suffix not in (".pyc", ".pyo")
        ):
            files[inside.as_posix()] = path
    return files


def fetch_wheels(folder: Path = FETCHED) -> None:
    """Fetch the wheels that the extension carries with pip, each checked against its hash."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    pure = ["--only-binary=:all:", "--platform", "any", "--implementation", "py", "--abi", "none"]
    subprocess.run(
        [*command, *pure, "--require-hashes", "--dest", str(folder), "-r", str(CARRIED)], check=True
    )


def fetched_wheels(folder: Path = FETCHED) -> list[Path]:
    """The fetched wheels of `CARRIED` with the right hashes: all of them, or none."""
    lines = [line.split() for line in CARRIED.read_text("utf-8").splitlines() if "--hash=sha256:" in line]
    asked = {digest.rpartition(":")[2] for _, digest in lines}
    found = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in sorted(folder.glob("*.whl"))}
    return [path for digest, path in found.items() if digest in asked] if asked <= found.keys() else []


def server_wheel(folder: Path) -> Path:
    """Build the server's wheel, for *Set Up Server* to install."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True)
    return next(folder.glob("tempose-*.whl"))


def build(output: Path, wheel: Path | None = None) -> Path:
    """Write the zip, with the server's wheel in it if one is given, and return its path."""
    text = manifest_text()
    manifest = tomllib.loads(text)
    output.mkdir(parents=True, exist_ok=True)
    target = output / f"{manifest['id']}-{manifest['version']}.zip"
    part = target.with_name(target.name + ".part")
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        shared = write_wheel(ROOT / SHARED, manifest["version"], ROOT / "LICENSE", Path(folder))
        text = re.sub(rf"{SHARED.name}-[^-]+-py3-none-any\.whl", shared.name, text)
        if f"./wheels/{shared.name}" not in tomllib.loads(text)["wheels"]:
            raise ValueError(f"{MANIFEST.name} does not list the wheel of {SHARED.name}.")
        wheels = [shared, *fetched_wheels()]
        text = re.sub(
            r"^wheels = .*$",
            f"wheels = {json.dumps([f'./wheels/{w.name}' for w in wheels])}",
            text,
            flags=re.M,
        )
        files = contents() | EXAMPLE | {f"wheels/{w.name}": w for w in wheels}
        files |= {f"wheel/{wheel.name}": wheel} if wheel else {}
        stored = {"blender_manifest.toml": text.encode()} | {n: p.read_bytes() for n, p in files.items()}
        stored |= help_pages.pages()
        for name, data in stored.items():
            entry = zipfile.ZipInfo(name, STAMP)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    part.replace(target)
    return target


def blender_tool() -> Path | None:
    """Blender's own extension tool, from any bpy wheel environment of the project."""
    found = sorted(
        ROOT.glob(".venv-bpy-*/lib/python*/site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py")
    )
    return found[-1] if found else None


def main() -> None:
    """Build and validate."""
    parser = argparse.ArgumentParser(description="Build the Blender extension.")
    parser.add_argument("--output-dir", type=Path, default=ROOT / "dist")
    parser.add_argument("--with-server", action="store_true", help="put the server's wheel in, 30 MB")
    asked = parser.parse_args()
    if not fetched_wheels():
        try:
            fetch_wheels()
        except subprocess.CalledProcessError:
            if asked.with_server:  # releases must be complete
                sys.exit("The wheels that the extension carries could not be fetched.")
            print(
                "Built without the wheels of requests: fine for Blenders that have it, as those of blender.org."
            )
    with tempfile.TemporaryDirectory() as folder:
        target = build(asked.output_dir, server_wheel(Path(folder)) if asked.with_server else None)
    tool = blender_tool()
    if tool is not None:
        tags = tool.parents[4] / "scripts" / "modules" / "_bpy_internal" / "extensions" / "tags.py"
        known = ["--valid-tags", str(tags)] if tags.is_file() else []
        command = [sys.executable, str(tool), "validate", *known, str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"Blender refuses {target}:\n{done.stdout}{done.stderr}")
    print(f"{target} ({target.stat().st_size / 1000:.0f} kB{', validated' if tool else ''})")


if __name__ == "__main__":
    main()
