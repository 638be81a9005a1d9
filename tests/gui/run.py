"""Scenarios in a real Blender window, on a display of their own (Xvfb), with real servers.

    .venv/bin/python tests/gui/run.py [GROUP[.SCENARIO] …] [--out build/gui/out]

`guide` makes the pictures of the documentation and is played only when it is named.

Where no Blender with a window can be had it says why and ends with 0. Otherwise it ends with the number of scenarios
that failed. Pictures of the screen, logs and the figures of `measure.py` are in the output folder.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GROUPS = ("journey", "clicks", "survival", "drawing", "looks", "stalls")
TOOLS = {"Xvfb": "xvfb", "xdotool": "xdotool", "import": "imagemagick"}
OLDEST = (4, 5)
# For looks, all panels fit; for stalls, the less there is to draw in software, the more the figures are ours.
SIZE = {"looks": (1200, 3600), "guide": (1280, 960), "stalls": (400, 300)}
GERMAN = {"LANG": "de_DE.UTF-8", "LC_ALL": "de_DE.UTF-8"}
FLAT = [
    "-dither",
    "None",
    "-colors",
    "200",
    "-define",
    "png:compression-level=9",
]  # for pictures that are kept
LIMIT = 900  # seconds for a group
# In a mount namespace of its own: whatever happens, nothing stays mounted. The repository cannot be written to.
INSIDE = """set -eu
root=$1 repository=$2 out=$3; shift 3
mkdir -p "$root$repository" "$root$out"
mount --rbind /proc "$root/proc"; mount --rbind /dev "$root/dev"
mount --bind "$repository" "$root$repository"; mount -o remount,bind,ro "$root$repository"
mount --bind "$out" "$root$out"
exec chroot "$root" env -C / "$@"
"""


def version(program: str) -> tuple[int, int]:
    """Of a Blender program; (0, 0) when it is none."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        command = [program, "--version"]
        said = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60).stdout
        if found := re.search(r"^Blender (\d+)\.(\d+)", said, re.MULTILINE):
            return int(found[1]), int(found[2])
    return 0, 0


def find_blender(out: Path) -> tuple[list[str], str]:
    """How to start Blender, and why that cannot be done where the first is empty."""
    if missing := [package for tool, package in TOOLS.items() if not shutil.which(tool)]:
        return [], f"needs {', '.join(missing)}"
    if named := os.environ.get("BLENDER"):
        found = version(named)
        return ([named], "") if found >= OLDEST else ([], f"BLENDER={named} is no Blender of 4.5 or newer")
    if (program := shutil.which("blender")) and version(program) >= OLDEST:
        return [program], ""
    made = Path(os.environ.get("GUI_BLENDER") or ROOT / ".blender-gui")
    if not (made / "usr/bin/blender").exists():
        return (
            [],
            "no GUI Blender: set BLENDER to one of 4.5 or newer, or run make gui-blender (Debian, as root)",
        )
    if os.getuid():
        return [], f"the Blender in {made} needs root; set BLENDER to another one"
    unshare = ["unshare", "--mount", "--propagation", "private", "sh", "-c", INSIDE, "sh"]
    return [*unshare, str(made), str(ROOT), str(out)], ""


@contextlib.contextmanager
def display(width: int, height: int):
    """An X server of our own; yields its name."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as said:
            yield f":{said.readline().strip()}"
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def servers(out: Path):
    """`tempose serve` without weights, which answers at once, and with those that ship; one that finds poses, too."""
    asked = {"null": ["--model", "null"], "default": ["--model", "default"]}
    running = []
    try:
        with tempfile.TemporaryDirectory() as data:
            (out / "pose.json").unlink(missing_ok=True)
            if all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime", "rtmlib")):
                import pose_model

                models = Path(data) / "models"
                models.mkdir()
                pose_model.write_models(models)
                asked["pose"] = ["--model", "null", "--pose-model", models]
            for name, options in asked.items():
                where = out / f"{name}.json"
                where.unlink(missing_ok=True)
                command = [
                    ROOT / ".venv/bin/tempose", "serve", *options, "--port", "0",
                    "--runtime-file", where, "--data-dir", Path(data) / name,
                ]  # fmt: skip
                with (out / f"server-{name}.log").open("wb") as log:
                    running.append(subprocess.Popen(command, stdout=log, stderr=log))
            while not all((out / f"{name}.json").exists() for name in asked):
                if any(server.poll() is not None for server in running):
                    sys.exit(f"A server ended: see {out}/server-*.log")
                time.sleep(0.1)
            yield
            for server in running:
                server.terminate()
            for server in running:
                server.wait()
    finally:
        for server in running:
            server.kill()


def answer(asked: dict, out: Path, environment: dict) -> None:
    """Do outside what a scenario asks for, then say that it is done."""
    if "shot" in asked:
        crop = ["-crop", asked["crop"], "+repage"] if asked["crop"] else []
        flat = FLAT if asked["kept"] else []
        picture = str(out / f"{asked['shot']}.png")
        command = ["import", "-window", "root", *crop, "-depth", "8", *flat, picture]
    else:
        command = ["xdotool", *map(str, asked["xdotool"])]
    subprocess.run(command, env=environment, check=True, timeout=60)
    (out / "answers" / str(asked["number"])).touch()


def play(blender: list[str], group: str, only: str, package: Path, out: Path) -> list[str]:
    """One group of scenarios in one Blender; returns the names of those that failed."""
    out = out / group
    shutil.rmtree(out, ignore_errors=True)
    (out / "answers").mkdir(parents=True)
    width, height = SIZE.get(group, (1600, 900))
    failed, finished = [], False
    with display(width, height) as name:
        environment = os.environ | {
            "DISPLAY": name,
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "BLENDER_USER_RESOURCES": str(out / "user"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
        }
        if group == "looks":
            environment |= GERMAN
        command = [
            *blender, *([] if len(blender) == 1 else ["/usr/bin/blender"]),
            "--factory-startup", "-p", "0", "0", str(width), str(height),
            "--python", str(HERE / "driver.py"), "--", str(package), str(out), group, only,
        ]  # fmt: skip
        began = time.monotonic()
        with (out / "blender.log").open("w") as log:
            process = subprocess.Popen(
                ["timeout", "-k", "5", str(LIMIT), *command], env=environment, text=True, errors="replace",
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                log.flush()
                word, _, rest = line.strip().partition(" ")
                if word == "@ask":
                    answer(json.loads(rest), out, environment)
                elif word in ("@pass", "@fail", "@figure", "@skip"):
                    print(f"  {time.monotonic() - began:5.0f} s  {word[1:]:6} {rest}", flush=True)
                    failed += [f"{group}.{rest}"] * (word == "@fail")
                finished = finished or word == "@end"
        process.wait()
    if not finished:
        print(f"  Blender ended with {process.returncode} before the last scenario: see {out}/blender.log")
        failed.append(f"{group}: the end")
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="GROUP", default=GROUPS)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "gui" / "out")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # take the servers and the display along
    out = options.out.resolve()
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    blender, reason = find_blender(out)
    if not blender:
        print(f"skipped: {reason}.")
        return
    sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]
    import build_extension

    package, failed = build_extension.build(out / "dist"), []
    with servers(out):
        for chosen in options.groups:
            group, _, only = chosen.partition(".")
            print(f"== {chosen}", flush=True)
            failed += play(blender, group, only, package, out)
    print(f"{len(failed)} failed: {', '.join(failed)}" if failed else "All scenarios passed.")
    print(f"Pictures, logs and figures are in {out}.")
    sys.exit(min(len(failed), 100))


if __name__ == "__main__":
    main()
