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
    "DanceRequest",
    "Known",
    "JobRequest",
    "Job",
    "Health",
    "Capabilities",
    "Analysis",
    "Framing",
    "TemposeError",
    "Canceled",
}
"""Classes that are defined once, whatever they hold; others may share a name, but not name and parts."""
OTHER_THINGS = {
    ("core/tempose/api.py", "Dance"),  # the shared one, that can draw itself
    ("server/tempose_server/schemas.py", "ReferenceBody"),  # of HTTP, held to `pose_body` by a test
    ("server/tempose_server/schemas.py", "JobBody"),  # as that of a job to the shared one
    ("server/tempose_server/schemas.py", "SectionOfSong"),  # and that of a part of a song
    ("server/tempose_server/job_rows.py", "JobRecord"),  # a row, with what is never told
    ("server/tempose_server/settings.py", "ServerSettings"),  # what the limits are set to
    ("addon/model/dance/progress.py", "Arriving"),  # poses that fill up
    ("addon/model/dance/form.py", "FormSection"),  # a section while it is edited, with how loud it is
    ("addon/interface/properties/form.py", "TemposeFormSection"),  # as Blender keeps it
    ("addon/scene/settings.py", "ListedSection"),  # the type of that
}
ONE_NAME = {"Dance": ["pose/tempose_pose/dance.py", "core/tempose/api.py"]}
"""Names that two classes share: `tempose.Dance` is the shared one, with a method that draws it."""
ALIKE = 4
"""Fields from which on two classes with the same ones are the same thing under two names."""
BODY = {"seconds", "tempo_map", "reference", "seed"}
"""Keys of a request; a literal with three of them is a body built by hand."""
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


def fields_of(path: Path) -> dict[str, frozenset[str]]:
    """Classes of a module, with the names of their fields."""
    return {
        node.name: frozenset(ast.unparse(p.target) for p in node.body if isinstance(p, ast.AnnAssign))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    }


def test_no_class_holds_what_a_shared_one_holds():
    """A `DanceData` with the fields of `Dance` and of its poses would be one, and so would a second job."""
    shared = {name: held for path in SHARED for name, held in fields_of(path).items() if len(held) >= ALIKE}
    shared["Dance with its poses"] = shared["Dance"] | shared["PoseSequence"] - {"poses"}
    again = [
        f"{where}: {name} is {known}"
        for path in OTHERS
        for name, held in fields_of(path).items()
        for known, parts in shared.items()
        if len(held & parts) >= max(ALIKE, 0.7 * len(parts))
        and ((where := path.relative_to(ROOT).as_posix()), name) not in OTHER_THINGS
    ]
    assert again == []


def test_each_class_has_a_name_of_its_own():
    homes: dict[str, list[str]] = {}
    for path in SHARED + OTHERS:
        for name in fields_of(path):
            homes.setdefault(name, []).append(path.relative_to(ROOT).as_posix())
    assert {name: found for name, found in homes.items() if len(found) > 1} == ONE_NAME


def test_no_request_is_built_by_hand():
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in OTHERS
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Dict)
        and len(BODY & {key.value for key in node.keys if isinstance(key, ast.Constant)}) >= 3
    ]
    assert found == []


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
