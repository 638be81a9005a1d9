"""Keep the catalogues in step with what the add-on says.

    python scripts/languages.py            # report what is missing, stale or wrong in each language
    python scripts/languages.py --update   # rewrite the catalogues: new words empty, stale ones removed
    python scripts/languages.py --fill de FILE.json   # put in translations, English to German

Labels, tooltips, choices and sentences are read from the sources; a composed sentence becomes a template with
numbered holes, `{1} beats are locked.`.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "pose")]

from addon.model.language import catalogue  # noqa: E402

FOLDER = ROOT / "addon" / "languages"
ADDON = ("addon/interface", "addon/scene", "addon/model")
ELSEWHERE = (  # other sources of messages: errors of the shared package and the server's answers
    "pose/tempose_pose/[!l]*.py", "pose/tempose_pose/formats/*.py", "pose/tempose_pose/wire/*.py",
    "pose/tempose_pose/local/runtime_file.py", "server/tempose_server/routes/*.py",
    *(f"server/tempose_server/{name}.py" for name in (
        "audio_store", "decode", "errors", "jobs", "pictures", "pose_finder", "replica",
        "sandbox", "security", "videos",
    )),
    "core/tempose/music/audio.py", "core/tempose/music/sound_file.py", "core/tempose/videos/*.py",
    "core/tempose/render/face.py", "core/tempose/picture_file.py",
)  # fmt: skip
SPOKEN = {"name", "text", "description", "placeholder", "title", "bl_label", "label"}
ERRORS = {"Problem", "TemposeError"}
MOST = 12  # most forms from the choices within one sentence
CODE = re.compile(
    r"[\\\n`<>|^]|\(\?|\bimport |=|^\.|Iterator\[|[A-Z]+ \{1\} HTTP|^Bearer|No matching|Errno|PT_|tuple"
    r"|^Installing c|^Successfully i|^(\w+_\w+|tempose)\.$|^[a-z]+(-[a-z]+)+$|^3D View$"
)
NAMES = re.compile(  # names of data and formats, which are the same in every language
    r"Tempose Example|Example Song|Spine|DragonBones|\{1\} mark|(size|filter|pma|bounds): .*|"
    r"\{1\} (picture|ink|ink figure|cut out|camera|figure|far|unpulled|direction|- forward|joints|pulled|at new tempo"
    r"|\((tempo|edited) preview\))|Tempose (ink \{1\}|preview|out|\{1\}|setup log)|tempose: .*|(skin|side) \w+| far"
    r"| unpulled|\.tempose .*|Tempose|Python|Blender|NumPy|OpenPose|COCO|GIF|BVH|FBX|glTF|USD|MP4|ControlNet"
    r"|AnimateAnyone|MimicMotion|Wan-Animate|application/.*|\+faststart|x right, y (down|up)|\{1\}\[server\]"
    r"|(left|right) ?(_\{1\})?|Tempose[A-Z]\w+"
)
WORD = re.compile(
    r"[A-Z0-9_]{2,}|[a-z_]+|\w+[._]\w+"
)  # a name in code, such as an enumeration's or an icon's
SHOWN = ("addon/interface/", "addon/model/dance/styles.py", "addon/model/music/")  # also single words
HEADER = (
    "# What Tempose says, in another language. Written by the project; not yet reviewed by native speakers.",
    "# Corrections are welcome. Holes such as {1} must stay; they may change places.",
    "# SPDX-License-Identifier: GPL-3.0-or-later",
)
MADE = (
    "{1}.",
    " and ",
    "sure",
    "before",
    "after",
)  # a phrase made into a sentence; the word between the last two items of a list

Form = tuple[str | None, ...]
"""Words of a text and, as None, its holes."""


def forms(node: ast.expr | None) -> list[Form]:  # noqa: PLR0911 -- one for each kind of expression
    """All texts that an expression may give: `f"{n} key{'s' if n > 1 else ''}"` gives two."""
    match node:
        case ast.Constant(value=str() as text):
            return [(text,)] if text else [()]
        case ast.JoinedStr(values=values):
            made = itertools.islice(itertools.product(*map(forms, values)), MOST)
            return list(dict.fromkeys(sum(choice, ()) for choice in made))
        case ast.FormattedValue(value=ast.IfExp() | ast.Constant() as value, format_spec=None):
            return forms(value)
        case ast.IfExp(body=body, orelse=other):
            return forms(body) + forms(other)
        case ast.BoolOp(values=values):
            return [form for value in values for form in forms(value)]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return [a + b for a in forms(left) for b in forms(right)][:MOST]
    return [(None,)]


def template(form: Form) -> str:
    """A form for translators: holes are `{1}`, `{2}`; adjacent holes become one."""
    text, count, last = "", 0, False
    for part in form:
        if part is None and not last:
            count += 1
            text += f"{{{count}}}"
        elif part is not None:
            text += part
        last = part is None
    return text


def _spoken(tree: ast.Module, everything: bool) -> Iterator[ast.expr]:
    """Expressions with text that people read; with `everything`, also any text of several words."""
    asides = {
        id(body[0].value)
        for node in ast.walk(tree)
        if isinstance(body := getattr(node, "body", None), list) and body and isinstance(body[0], ast.Expr)
    } | {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts: set[int] = set()  # part of an expression that has been handled as a whole
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(body=[ast.Expr(value=ast.Constant() as words), *rest]) if any(
                isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "bl_idname" for line in rest
            ):
                yield words  # an operator's tooltip
            case ast.Call(func=ast.Name(id=name), args=[*words]) if everything and name.startswith("_"):
                yield from (word for word in words if isinstance(word, ast.Constant | ast.JoinedStr))
            case ast.Call(func=func, args=[*_, words]) if ast.unparse(func).rpartition(".")[2] in ERRORS:
                yield words
            case ast.keyword(arg=str() as arg, value=words) if everything and arg in SPOKEN:
                yield words
            case ast.Assign(targets=[ast.Name(id=name)], value=words) if everything and name in SPOKEN:
                yield words
            case ast.Tuple(elts=[ast.Constant(value=str() as key), name, words, *_]) if (
                everything and key.isupper()
            ):
                yield name
                yield words
            case ast.Return(value=ast.Constant() | ast.JoinedStr() | ast.IfExp() as words) if everything:
                yield words
            case ast.Dict(values=values) if everything:
                yield from (v for v in values if isinstance(v, ast.Constant | ast.JoinedStr))
            case ast.Constant() | ast.JoinedStr() | ast.BinOp() if (
                id(node) not in asides | parts and everything
            ):
                parts |= {id(part) for part in ast.walk(node)}
                if any(" " in text.strip() or text[-1:] in (".", "…") for text in map(template, forms(node))):
                    yield node


def _is_said(text: str, shown: bool) -> bool:
    """Whether people read it: not code or a name of data; a single word only if it is `shown` as it is."""
    if (
        not re.search(r"[A-Za-z]{2}", catalogue.HOLE.sub("", text))
        or CODE.search(text)
        or NAMES.fullmatch(text)
    ):
        return False
    return " " in text.strip() or text[-1] in ".…" or (shown and not WORD.fullmatch(text))


def gather() -> dict[str, str]:
    """Each text → the first file with it, in the order of the files."""
    found: dict[str, str] = {}
    own = [path for folder in ADDON for path in sorted((ROOT / folder).rglob("*.py"))]
    others = {pattern: sorted(ROOT.glob(pattern)) for pattern in ELSEWHERE}
    assert all(others.values()), f"no file: {[pattern for pattern, paths in others.items() if not paths]}"
    for path in [*own, *(path for paths in others.values() for path in paths)]:
        where = path.relative_to(ROOT).as_posix()
        for node in _spoken(ast.parse(path.read_text("utf-8")), path in own):
            for text in map(template, forms(node)):
                if text and _is_said(text, where.startswith(SHOWN)):
                    found.setdefault(text, where)
    for text, where in _built():
        found.setdefault(text, where)
    return found


def _built() -> Iterator[tuple[str, str]]:
    """Words that the code builds from names of parts."""
    from addon.model.character import mapping

    for part in mapping.PARTS:
        yield re.sub(r"\d$", "{1}", mapping.label(part)), "addon/model/character/mapping.py"
    for text in MADE:
        yield text, "addon/model/language/phrasebook.py"


def problems(said: dict[str, str], words: dict[str, str]) -> dict[str, list[str]]:
    """The problems of a catalogue: missing words, stale ones, and different holes."""
    return {
        "missing": [text for text in said if text not in words],
        "stale": [text for text in words if text not in said],
        "holes": [text for text, new in words.items() if catalogue.holes(text) != catalogue.holes(new)],
    }


def write(name: str, said: dict[str, str], words: dict[str, str]) -> None:
    """Write a catalogue in the order of the sources, in gettext's format."""
    about = '"Content-Type: text/plain; charset=UTF-8\\n"', f'"Language: {name}\\n"'
    lines = [*HEADER, 'msgid ""', 'msgstr ""', *about, ""]
    for text, where in said.items():
        key, new = (json.dumps(one, ensure_ascii=False) for one in (text, words.get(text, "")))
        lines += [f"#: {where}", f"msgid {key}", f"msgstr {new}", ""]
    (FOLDER / f"{name}.po").write_text("\n".join(lines), "utf-8")


def main() -> None:
    """Report, update or fill."""
    parser = argparse.ArgumentParser(description="Keep the catalogues in step with what the add-on says.")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--fill", nargs=2, metavar=("LANGUAGE", "FILE"))
    asked = parser.parse_args()
    said, kept = gather(), {name: catalogue.load(FOLDER, name) for name in catalogue.LANGUAGES}
    if asked.fill:
        name, path = asked.fill
        kept[name] = kept[name] | json.loads(Path(path).read_text("utf-8"))
        write(name, said, kept[name])
    for name in catalogue.LANGUAGES:
        if asked.update:
            write(name, said, kept[name])
        wrong = problems(said, kept[name])
        counts = (f"{len(texts)} {kind}" for kind, texts in wrong.items())
        print(f"{name}: {len(said) - len(wrong['missing'])} of {len(said)};", *counts)
        for text in wrong["holes"] if asked.update else itertools.chain(*wrong.values()):
            print("   ", json.dumps(text, ensure_ascii=False))


if __name__ == "__main__":
    main()
