"""Take each protection out, one at a time, and check that tests notice: python scripts/take_out.py [--only WORDS]

`tests/protections.yaml` lists each protection with its source text, the replacement, and the tests that must then
fail. For each one the sources are copied into a temporary folder and changed there; the tests run on the copy, and
one more (`stays`) must still pass, because a change that breaks everything proves nothing. First, all these tests
run on an unchanged copy. `--write` puts the outcomes into `docs/protections.md`.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "tests" / "protections.yaml"
PAGE = ROOT / "docs" / "protections.md"
COPIED = ("core", "pose", "server", "addon", "tests", "configs", "scripts", "docs", "examples", "LICENSES")
PYTHONS = {"": ".venv", "blender": ".venv-bpy-4.5"}  # by an entry's `python`
PACKAGES = {"": ("tempose", "tempose_server", "addon"), "blender": ("addon",)}
TEST_SECONDS, PATIENCE_SECONDS = 90, 60  # time-out of one test; of anything a test waits for
ENTRY_SECONDS = 280


@dataclass(frozen=True)
class Change:
    """A text that must occur once, and its replacement."""

    file: str
    out: str
    into: str


@dataclass(frozen=True)
class Protection:
    """One row of the table.

    Parameters
    ----------
    area, guards : str
        The heading, and what is protected against what.
    changes : tuple of Change
        More than one if a second protection would stand in for the first.
    tests : tuple of str
        pytest's ids; each must fail. Without brackets at least one of its cases must.
    stays : str
        Id of a test that must keep passing.
    python : str
        Key of `PYTHONS`.
    seconds : int
        Time-out of the tests.
    """

    area: str
    guards: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]
    stays: str
    python: str
    seconds: int


def table(path: Path = TABLE) -> list[Protection]:
    """All rows, in order."""
    rows = []
    for area in yaml.safe_load(path.read_text("utf-8")):
        for row in area["protections"]:
            changes = [{"file": area.get("file"), **change} for change in row.get("changes", [row])]
            rows.append(
                Protection(
                    area["area"],
                    row["guards"],
                    tuple(
                        Change(c["file"], c["out"].rstrip("\n"), str(c["into"]).rstrip("\n")) for c in changes
                    ),
                    tuple(row["tests"]),
                    row.get("stays", area.get("stays", "")),
                    row.get("python", area.get("python", "")),
                    row.get("seconds", ENTRY_SECONDS),
                )
            )
    return rows


def changed(protection: Protection, root: Path) -> dict[Path, str]:
    """The changed files, without the protection.

    Raises
    ------
    ValueError
        A text does not occur exactly once, or the result is not Python.
    """
    found: dict[Path, str] = {}
    for change in protection.changes:
        path = root / change.file
        text = found.get(path) or path.read_text("utf-8")
        if text.count(change.out) != 1:
            raise ValueError(
                f"{protection.guards}: found {text.count(change.out)} times in {change.file}:\n{change.out}"
            )
        found[path] = text.replace(change.out, change.into)
        if found[path] == text:
            raise ValueError(f"{protection.guards}: nothing is taken out of {change.file}")
    for path, text in found.items():
        if path.suffix == ".py":
            try:
                ast.parse(text)
            except SyntaxError as error:
                raise ValueError(f"{protection.guards}: {path.name} is no Python any more: {error}") from None
    return found


def stale_parts(protection: Protection, root: Path) -> list[str]:
    """Parts of a protection that the sources no longer have, in words."""
    found = [f"{protection.guards}: there is no test {test}" for test in missing_tests(protection, root)]
    try:
        changed(protection, root)
    except (ValueError, OSError) as error:
        found.append(str(error))
    return found


def missing_tests(protection: Protection, root: Path) -> list[str]:
    """Its tests that are missing from their files."""
    lost = []
    for test in filter(None, (*protection.tests, protection.stays)):
        path, _, name = test.partition("::")
        if name.partition("[")[0] not in _tests_in(root / path):
            lost.append(test)
    return lost


@functools.cache
def _tests_in(path: Path) -> set[str]:
    if not path.is_file():
        return set()
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
    }


def copy(target: Path) -> Path:
    """Copy the sources into a folder."""
    skip = shutil.ignore_patterns("__pycache__", ".*", "images")
    for name in COPIED:
        shutil.copytree(ROOT / name, target / name, ignore=skip)
    for path in ROOT.iterdir():
        if path.is_file() and path.suffix in (".toml", ".md", "") and not path.name.startswith("."):
            shutil.copy(path, target)
    return target


def environment(folder: Path, python: str) -> dict[str, str]:
    """Environment variables that make Python import the copy, not the installed package."""
    server = str(ROOT / PYTHONS[""] / "bin" / "python")
    places = (folder / "core", folder / "pose", folder / "server")
    return {
        **{key: value for key, value in os.environ.items() if not key.startswith("TEMPOSE_")},
        "PYTHONPATH": os.pathsep.join(map(str, places)),
        "PYTHONDONTWRITEBYTECODE": "1",  # otherwise a change that keeps a file's size could go unnoticed
        "OMP_NUM_THREADS": "1",
        "TEMPOSE_PATIENCE": str(PATIENCE_SECONDS),
        **({"TEMPOSE_PYTHON": server} if python else {}),
    }


def imported_from(folder: Path, python: str) -> list[str]:
    """Packages that would not come from the copy; must be none for a proof."""
    find = "import sys, importlib.util as u; print(*[u.find_spec(name).origin for name in sys.argv[1:]], sep='\\n')"
    done = subprocess.run(
        [ROOT / PYTHONS[python] / "bin" / "python", "-c", find, *PACKAGES[python]],
        cwd=folder, env=environment(folder, python), capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return [place for place in done.stdout.splitlines() if not place.startswith(f"{folder}/")]


def run(
    folder: Path, tests: Iterable[str], python: str, seconds: float, *, first_only: bool
) -> dict[str, str]:
    """Run tests in the copy; return pytest's id → outcome (passed, failed, error, skipped)."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    command = [
        str(ROOT / PYTHONS[python] / "bin" / "python"), "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider",
        "-o", f"timeout={TEST_SECONDS if seconds <= ENTRY_SECONDS else round(seconds)}", "-o", "junit_family=xunit1",
        f"--junitxml={report}", f"--basetemp={folder / 'tmp'}", *(["-x"] if first_only else []), *tests,
    ]  # fmt: skip
    with (folder / "log").open("ab") as log:
        running = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(folder, python),
            stdout=log,
            stderr=log,
            process_group=0,
        )
        late = False
        try:
            running.wait(seconds)
        except subprocess.TimeoutExpired:
            late = True
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)  # including servers that a broken test leaves behind
            running.wait()
    if late or not report.is_file():
        return {test: "failed" if late else "error" for test in tests}  # it hung, so the change was noticed
    found: dict[str, str] = {}
    for case in ET.parse(report).iter("testcase"):
        kinds = {child.tag for child in case} & {"failure", "error", "skipped"}
        outcome = {"failure": "failed"}.get(min(kinds), min(kinds)) if kinds else "passed"
        name = f"{case.get('file')}::{case.get('name')}"
        found[name] = "failed" if "failed" in (outcome, found.get(name)) else outcome
    return found


def outcome(found: dict[str, str], test: str) -> str:
    """The outcome of a test with all its cases: failed if one of them did."""
    seen = [value for name, value in found.items() if name == test or name.startswith(f"{test}[")]
    for value in ("failed", "error", "passed", "skipped"):
        if value in seen:
            return value
    return "missing"


def tried(protection: Protection) -> dict[str, str]:
    """Outcomes of its tests, and of the one that stays, with the protection taken out."""
    with tempfile.TemporaryDirectory(prefix="take-out-") as name:
        folder = copy(Path(name).resolve())
        for path, text in changed(protection, folder).items():
            path.write_text(text, "utf-8")
        if strangers := imported_from(folder, protection.python):
            raise SystemExit(f"Not the copy is imported: {strangers}")
        names = [*filter(None, [protection.stays]), *protection.tests]
        only = len(protection.tests) == 1
        found = run(folder, names, protection.python, protection.seconds, first_only=only)
        if os.environ.get("TAKE_OUT_LOG"):
            print((folder / "log").read_text("utf-8", "replace"))
        return {test: outcome(found, test) for test in names}


def verdict(protection: Protection, found: dict[str, str]) -> str:
    """ok, hole (a test still passes) or broken (the change breaks more than the protection)."""
    if any(found[test] == "passed" for test in protection.tests):
        return "hole"
    if protection.stays and found[protection.stays] != "passed":
        return "broken"
    return "ok" if all(found[test] == "failed" for test in protection.tests) else "broken"


def unchanged(rows: list[Protection]) -> list[str]:
    """The tests that do not pass although nothing was changed."""
    bad = []
    for python in PYTHONS:
        names = sorted({t for r in rows if r.python == python for t in (*r.tests, r.stays) if t})
        if not names:
            continue
        with tempfile.TemporaryDirectory(prefix="take-out-") as name:
            folder = copy(Path(name).resolve())
            if strangers := imported_from(folder, python):
                raise SystemExit(f"Not the copy is imported: {strangers}")
            found = run(folder, names, python, 3600, first_only=False)
            bad += [f"{test}: {outcome(found, test)}" for test in names if outcome(found, test) != "passed"]
            if bad:
                print((folder / "log").read_text("utf-8", "replace")[-5000:])
    return bad


def page(rows: list[Protection], results: dict[str, dict[str, str]], heading: str) -> str:
    """The text of `docs/protections.md`: introduction and table."""
    lines, area = [heading.rstrip("\n"), ""], ""
    for row in rows:
        if row.area != area:
            area = row.area
            lines += ["", f"## {area}", "", "| protection | test | without it |", "|---|---|---|"]
        for i, test in enumerate(row.tests):
            path, _, name = test.partition("::")
            place = path.removeprefix("tests/").removesuffix(".py")
            said = "fails" if results[row.guards][test] == "failed" else "STILL PASSES"
            lines.append(f"| {row.guards if i == 0 else ''} | `{place}` `{name}` | {said} |")
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--only", default="", help="only rows whose area or words hold this")
    parser.add_argument(
        "--results", type=Path, help="keep outcomes in this JSON file, and skip rows that are in it"
    )
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="begin no further row after so long"
    )
    parser.add_argument("--skip-unchanged", action="store_true", help="do not run the tests unmodified first")
    parser.add_argument("--check", action="store_true", help="only see whether the table fits the sources")
    parser.add_argument("--write", action="store_true", help="write docs/protections.md")
    options = parser.parse_args()
    began = time.monotonic()
    everything = table()
    rows = [r for r in everything if options.only.lower() in f"{r.area} {r.guards} {r.tests}".lower()]
    if stale := [problem for row in everything for problem in stale_parts(row, ROOT)]:
        print("The table no longer fits the sources:", *stale, sep="\n\n")
        return 1
    if options.check:
        print(f"The table fits the sources: {len(everything)} protections.")
        return 0
    kept = options.results
    results = json.loads(kept.read_text("utf-8")) if kept and kept.is_file() else {}
    if not options.skip_unchanged:
        if bad := unchanged(rows):
            print("These do not pass although nothing was taken out:", *bad, sep="\n  ")
            return 1
        print(f"Unchanged, all tests of {len(rows)} protections pass.", flush=True)
    worst = 0
    for row in rows:
        if row.guards in results or time.monotonic() - began > options.seconds:
            continue
        start, found = time.monotonic(), tried(row)
        said = verdict(row, found)
        worst |= said != "ok"
        print(f"{said:6} {time.monotonic() - start:5.0f} s  {row.area}: {row.guards}", flush=True)
        if said != "ok":
            print(*(f"         {value:8} {test}" for test, value in found.items()), sep="\n", flush=True)
        else:
            results[row.guards] = found
        if kept:
            kept.write_text(json.dumps(results, indent=1), "utf-8")
    if options.write:
        if left := [row.guards for row in everything if row.guards not in results]:
            print(f"{PAGE.name} is not written: {len(left)} protections have no outcome.")
            return 1
        heading = PAGE.read_text("utf-8").partition("\n## ")[0]
        PAGE.write_text(page(everything, results, heading), "utf-8")
    return worst


if __name__ == "__main__":
    sys.exit(main())
