"""What is the same is written once: nothing that `tempose_pose` defines is defined again elsewhere."""

import ast
from pathlib import Path

import pytest

from tempose_pose.skeletons import OPENPOSE_18

ROOT = Path(__file__).resolve().parents[2]
SHARED = sorted((ROOT / "pose" / "tempose_pose").rglob("*.py"))
OTHERS = sorted(p for room in ("core", "server", "addon", "scripts") for p in (ROOT / room).rglob("*.py"))
NAMES = {
    "TempoMap",
    "BeatGrid",
    "PoseSequence",
    "Skeleton",
    "Reference",
    "Dance",
    "Framing",
    "TemposeError",
    "Canceled",
}
"""Classes that are defined once, whatever they hold; others may share a name, but not name and parts."""
OTHER_THINGS = {
    ("addon/interface/panels/dance.py", "Dance"),  # a panel
    ("core/tempose/api.py", "Dance"),  # the shared one, that can draw itself
    ("server/tempose_server/schemas.py", "Reference"),  # the HTTP body of a pose
}
MANY = 10  # joints that a literal may name before it counts as a skeleton


def defined(path: Path) -> dict[str, str]:
    """Public names that a module defines at its top → what tells two apart: fields, parameters or the value."""
    found: dict[str, str] = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            fields = [ast.unparse(part.target) for part in node.body if isinstance(part, ast.AnnAssign)]
            found[node.name] = "" if node.name in NAMES else f"class of {' '.join(fields) or path.stem}"
        elif isinstance(node, ast.FunctionDef):
            found[node.name] = f"takes {' '.join(a.arg for a in node.args.args)}"
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = ast.unparse(node.value)
    return {name: value for name, value in found.items() if not name.startswith("_")}


HOME = {(name, value): path.relative_to(ROOT) for path in SHARED for name, value in defined(path).items()}


def test_nothing_of_the_domain_is_defined_again():
    names = {name for name, _ in HOME}
    assert {
        "TempoMap",
        "BeatGrid",
        "PoseSequence",
        "Skeleton",
        "Reference",
        "Dance",
        "unpack",
        "FPS",
    } <= names
    again = [
        f"{where}: {name} is at home in {HOME[name, value]}"
        for path in OTHERS
        for name, value in defined(path).items()
        if (name, value) in HOME and ((where := path.relative_to(ROOT).as_posix()), name) not in OTHER_THINGS
    ]
    assert again == []


def joints_in(node: ast.AST) -> set[str]:
    words = {
        w
        for n in ast.walk(node)
        if isinstance(n, ast.Constant) and isinstance(n.value, str)
        for w in n.value.replace("-", " ").split()
    }
    return words & set(OPENPOSE_18.joints)


def test_no_list_of_a_skeletons_joints_stands_elsewhere():
    lists = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in OTHERS
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.Assign | ast.AnnAssign) and len(joints_in(node)) >= MANY
    ]
    assert lists == []


@pytest.mark.parametrize("path", OTHERS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_module_makes_its_own_table_of_indices(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if (
            isinstance(node, ast.DictComp)
            and "enumerate" in ast.unparse(node)
            and ".joints" in ast.unparse(node)
        ):
            assert ast.unparse(node.generators[0].iter) != "enumerate(OPENPOSE_18.joints)", (
                f"line {node.lineno}: use Skeleton.at"
            )
