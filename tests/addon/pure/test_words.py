"""What people read: errors that say what to do, and a guide whose names are those on the screen."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted((ROOT / "addon").rglob("*.py"))

# What an error asks for. A question counts too: it says where to look.
ASKS = re.compile(
    r"\b(accept|add|check|choose|connect|convert|correct|discard|draw|end|find|generate|give|halve|install|lay|lower"
    r"|make|map|move|mute|place|press|put|raise|relink|report|see|select|set|show|start|tap|trim|try|turn|undo|unlock"
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
    assert [
        f"{where}: {text}" for where, text in found if not ASKS.search(text) and not text.endswith(". …")
    ] == []  # a hole may say it


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
    "Asset Browser", "Time Stretching", "Generated", "DEF", "T", "Enter", "Esc", "Shift", "Ctrl", "Ctrl Alt",
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


# Scraps and internal names

SCRAPS = re.compile(
    r"Traceback|File \"|\w+(Error|Exception)\b(?!s)|<class|object at 0x|\b0 × 0\b|model …|\b[0-9a-f]{12}\b"
)
INTERNAL = re.compile(
    r"\b(?:[a-z]+_[a-z]+(?:_[a-z]+)*|waack)\b(?![./(=])"  # la_hip_hop, left_wrist; paths and calls are not meant
)


def sentences(*folders):
    """Everything that is said: errors, reports, labels and tooltips, as (file, text)."""
    for path in sorted(p for folder in folders for p in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            texts = []
            match node:
                case ast.Call(func=func, args=[*_, text]) if ast.unparse(func).rpartition(".")[2] in (
                    "Problem", "TemposeError", "say", "report", "status", "succeed", "poll_message_set", "label",
                ):  # fmt: skip
                    texts = [text]
                case ast.keyword(arg="name" | "text" | "description" | "placeholder", value=value):
                    texts = [value]
                case ast.Return(value=ast.Constant() | ast.JoinedStr() as value):
                    texts = [value]
            for text in texts:
                if isinstance(text, ast.Constant | ast.JoinedStr) and " " in (words := said(text)):
                    yield path.relative_to(ROOT), words


def test_no_sentence_has_scraps_or_internal_names():
    found = list(sentences("addon/interface", "addon/scene", "addon/model"))
    assert len(found) > 400
    assert [f"{where}: {text}" for where, text in found if SCRAPS.search(text)] == []
    assert [f"{where}: {text}" for where, text in found if INTERNAL.search(text)] == []


def test_no_sentence_is_made_of_an_exception_or_cut_in_the_middle_of_a_word():
    scraps = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("Problem", "notes.say"))):
                continue
            for part in (p for text in node.args for p in ast.walk(text)):
                if isinstance(part, ast.FormattedValue):
                    code = ast.unparse(part.value)
                    cut = isinstance(part.value, ast.Subscript) and isinstance(part.value.slice, ast.Slice)
                    cut = cut and not isinstance(
                        part.value.value, ast.Subscript
                    )  # a name out of data, kept short
                    bare = re.fullmatch(r"(error|exception|problem|err|e)", code)
                    if part.conversion == ord("r") or cut or bare:
                        scraps.append(f"{path.relative_to(ROOT)}:{node.lineno}: {code}")
    assert scraps == []


@pytest.mark.parametrize(
    "line, said",
    [
        ("tempose: The weights in no-such-folder cannot be found. Name another folder.", True),
        ("error: The port 8000 is taken. Choose another one.", True),
        ("ModuleNotFoundError: No module named 'tempose_server'", False),
        ('  File "/usr/lib/python3.11/runpy.py", line 198, in _run_module_as_main', False),
        ("onnection broken: IncompleteRead(0 bytes read).", False),
        ("{'detail': 'x'}", False),
    ],
)
def test_of_a_log_only_sentences_are_shown(line, said):
    from addon.model.server import setup_errors

    assert bool(setup_errors.sentence(line)) == said


def test_styles_are_called_as_people_call_them():
    from addon.model.dance import styles
    from addon.model.errors import Problem

    from tempose_pose.request import STYLES

    assert set(styles.NAMES) == set(STYLES)
    assert [styles.style_of(styles.name_of(style)) for style in (*STYLES, "new_style")][:-1] == list(STYLES)
    assert styles.style_of("la_hip_hop") == "la_hip_hop"  # in files of older versions
    assert styles.matching(STYLES, "hip") == ["LA Style Hip-Hop", "Middle Hip-Hop"]
    with pytest.raises(Problem, match=r"no style 'polka'.*Waacking"):
        styles.check("polka", STYLES)
