"""What people read: errors that say what to do, and a guide whose names are those on the screen."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "addon").rglob("*.py"))

# What an error asks for. A question counts too: it says where to look.
ASKS = re.compile(
    r"\b(accept|add|check|choose|connect|convert|correct|discard|draw|find|generate|give|halve|install|lay|lower"
    r"|make|map|move|place|press|put|raise|relink|report|see|select|set|show|start|tap|trim|try|turn|undo|unlock"
    r"|untick|use|wait|write|log says)\b|\?",
    re.IGNORECASE,
)


def said(node) -> str:
    """The text of a string or an f-string, its holes as `…`; nothing where it is only known when it runs."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(said(part) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.BoolOp):  # the server's words, or else ours
        return said(node.values[-1])
    return ""


def errors():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func).endswith("Problem")
                and len(node.args) == 2
            ):
                yield path.relative_to(ROOT), said(node.args[1])


def test_every_error_says_what_to_do():
    found = [(where, text) for where, text in errors() if text and text.strip("…. ")]
    assert len(found) > 90
    assert [f"{where}: {text}" for where, text in found if not ASKS.search(text)] == []


def test_errors_are_sentences_without_jargon():
    jargon = re.compile(
        r"\b(null|invalid|exception|traceback|stdin|thread|datablock|tensor|HTTP|JSONDecode)\b"
    )
    for where, text in errors():
        if text and text.strip("…. "):
            assert text[0].isupper() or text[0] == "…", (where, text)
            assert text.rstrip()[-1] in ".?…" or text.endswith("serve"), (where, text)
            assert not jargon.search(text), (where, text)


# The guide

GUIDE = (ROOT / "docs" / "user-guide.md").read_text("utf-8")
BLENDERS = {  # names that are Blender's own, or of what the guide speaks about
    "Allow Online Access", "Install from Disk", "Get Extensions", "Preferences", "Object", "Library Override", "Make",
    "Generated", "DEF", "T", "Enter", "Esc", "Shift", "Ctrl", "Ctrl Alt",
}  # fmt: skip


def labels() -> set[str]:
    """All names that the add-on puts on the screen."""
    found = set()
    for node in (node for path in FILES for node in ast.walk(ast.parse(path.read_text("utf-8")))):
        match node:
            case ast.keyword(arg="name" | "text" | "placeholder", value=value):
                found.add(said(value))
            case ast.Assign(targets=[ast.Name(id="bl_label")], value=value):
                found.add(said(value))
            case ast.Tuple(elts=[_, value, _, *_]):  # an item of a list of choices
                found.add(said(value))
    return {re.sub(r"( \(.*\)|…)$", "", name) for name in found if name}


def quoted() -> list[str]:
    """What the guide prints bold or italic and writes as a name: each long word with a capital."""
    marked = re.findall(r"\*\*([^*\n]+)\*\*|(?<!\*)\*([^*\n]+)\*(?!\*)", GUIDE)
    rows = re.findall(r"^\| ([A-Z][^|]*) \|", GUIDE, re.MULTILINE)
    cells = [cell for row in rows for cell in re.split(r", |(?<=Factor) or ", row)]
    names = []
    for text in [*(bold or italic for bold, italic in marked), *cells]:
        for part in re.split(r" [→›] |: ", text):
            words = [w for w in part.split() if len(w) > 3 or w == part]
            if words and all(w[0].isupper() for w in words) and part[-1] not in ".:?" and "`" not in part:
                names.append(part)
    return sorted(set(names))


def test_the_guide_names_what_is_on_the_screen():
    known = labels() | BLENDERS
    names = quoted()
    assert len(names) > 80
    assert [name for name in names if name not in known] == []


@pytest.mark.parametrize("name", ["limits.md", "privacy.md", "images/window.png"])
def test_what_the_guide_points_to_is_there(name):
    assert f"({name})" in GUIDE
    assert (ROOT / "docs" / name).is_file()
