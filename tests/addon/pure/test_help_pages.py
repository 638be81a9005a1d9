"""The pages that come with the add-on are those of `docs/`, and hold together."""

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_each_link_and_picture_of_the_pages_is_carried():
    spec = importlib.util.spec_from_file_location("help_pages", ROOT / "scripts" / "help_pages.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    files = tool.pages()
    texts = {name: data.decode() for name, data in files.items() if name.endswith(".html")}
    assert {"help/two-minutes.html", "help/music.html", "help/limits.html"} <= set(texts)
    for name, text in texts.items():
        for target in re.findall(r'(?:href|src)="(?!https?:)([^"]+)"', text):
            assert f"help/{target}" in files, (name, target)
    assert "<td>" in texts["help/learn-it.html"] and "Open Example" in texts["help/two-minutes.html"]
