"""Make the extension's help pages from `docs/`: one for each part of the user guide, and a few more."""

from __future__ import annotations

import html
import re
from pathlib import Path

from markdown_it import MarkdownIt

DOCS = Path(__file__).resolve().parent.parent / "docs"
GUIDE, WHOLE = (
    "user-guide.md",
    ("two-minutes.md", "limits.md", "privacy.md"),
)  # split at its headings; used whole
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; display: flex;
       gap: 2rem }
nav { flex: 0 0 11rem; font-size: 0.9rem } nav a { display: block; padding: 0.15rem 0 } main { min-width: 0 }
img { max-width: 100%; border-radius: 4px } table { border-collapse: collapse } th { text-align: left }
td, th { padding: 0.2rem 1rem 0.2rem 0; vertical-align: top } code { background: #8882; padding: 0 0.2em }
@media (prefers-color-scheme: dark) { body { background: #1b1b1b; color: #ddd } a { color: #8ab4f8 } }
"""


def slug(title: str) -> str:
    """The name of a page for a heading: ``Import/Export`` → ``import-export``."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def sources() -> dict[str, tuple[str, str]]:
    """Name of each page → its title and its Markdown, in order."""
    found = {}
    for name in WHOLE[:1]:
        found[Path(name).stem] = _titled((DOCS / name).read_text("utf-8"))
    _, *parts = re.split(r"^## ", (DOCS / GUIDE).read_text("utf-8"), flags=re.MULTILINE)
    for part in parts:
        title, _, text = part.partition("\n")
        found[slug(title)] = title, f"## {title}\n{text}"
    for name in WHOLE[1:]:
        found[Path(name).stem] = _titled((DOCS / name).read_text("utf-8"))
    return found


def _titled(text: str) -> tuple[str, str]:
    return re.match(r"# (.+)", text)[1], text  # pyright: ignore[reportOptionalSubscript] -- every page has a title


def pages() -> dict[str, bytes]:
    """All files of the help: name in the extension → bytes."""
    found, files = sources(), {}
    markdown = MarkdownIt("commonmark").enable("table")
    menu = "".join(f'<a href="{name}.html">{html.escape(title)}</a>' for name, (title, _) in found.items())
    for name, (title, text) in found.items():
        for picture in re.findall(r"\]\((images/[\w.-]+)\)", text):
            files[f"help/{picture}"] = (DOCS / picture).read_bytes()
        body = markdown.render(_linked(text, set(found)))
        files[f"help/{name}.html"] = (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)} – Tempose</title>"
            f"<style>{STYLE}</style><nav>{menu}</nav><main>{body}</main></html>"
        ).encode()
    return files


def _linked(text: str, names: set[str]) -> str:
    """Point links at the pages; links to anything not included become plain text."""

    def link(found: re.Match[str]) -> str:
        words, target = found[1], found[2]
        if target.startswith(("http:", "https:", "images/")):
            return found[0]
        name = target.lstrip("#") if target.startswith("#") else Path(target.partition("#")[0]).stem
        return f"[{words}]({name}.html)" if name in names else words

    return re.sub(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)", link, text)
