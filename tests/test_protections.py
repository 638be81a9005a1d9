"""`scripts/take_out.py` by itself. Whether its table fits the sources is seen by `make mutate`, not here."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TAKE_OUT = runpy.run_path(str(ROOT / "scripts" / "take_out.py"))
ROWS = TAKE_OUT["table"]()


def test_each_protection_is_named_once_and_in_the_documentation():
    names = [row.guards for row in ROWS]
    assert len(names) == len(set(names)) >= 50
    page = (ROOT / "docs" / "protections.md").read_text("utf-8")
    tried = re.findall(r"^\| ([^|]+?) \| `[^|]* \| fails \|$", page, re.M)
    assert tried == names


def example(tmp_path, **changed):
    (tmp_path / "guard.py").write_text("def allowed(key):\n    return key == 1\n")
    change = {"file": "guard.py", "out": "return key == 1", "into": "return True", **changed}
    changes = (TAKE_OUT["Change"](**change),)
    return TAKE_OUT["Protection"]("doors", "a key", changes, ("test_guard.py::test_door",), "", "", 60)


@pytest.mark.parametrize(
    "changed", [{"out": "key"}, {"out": "nothing"}, {"into": "return ("}, {"into": "return key == 1"}]
)
def test_a_text_that_does_not_occur_once_or_breaks_python_is_refused(tmp_path, changed):
    assert list(TAKE_OUT["changed"](example(tmp_path), tmp_path).values()) == [
        "def allowed(key):\n    return True\n"
    ]
    with pytest.raises(ValueError, match="a key"):
        TAKE_OUT["changed"](example(tmp_path, **changed), tmp_path)


@pytest.mark.parametrize(
    ("guarded", "stays", "said"),
    [("failed", "passed", "ok"), ("passed", "passed", "hole"), ("failed", "failed", "broken"),
     ("error", "passed", "broken"), ("missing", "passed", "broken"), ("skipped", "passed", "broken")],
)  # fmt: skip
def test_the_verdict_follows_from_the_outcomes(guarded, stays, said):
    row = TAKE_OUT["Protection"]("doors", "a key", (), ("t.py::a",), "t.py::b", "", 60)
    assert TAKE_OUT["verdict"](row, {"t.py::a": guarded, "t.py::b": stays}) == said
