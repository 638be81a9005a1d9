"""Removing folders and names from text that others may read: logs, diagnostics, answers.

Names of folders and songs may contain spaces, commas, quotes and brackets, so the end of a path cannot be known for
sure. A path is removed up to the last separator of its line and on to a suffix like ``.wav``, or to the end of the
line: rather too much than leave a name. Addresses of servers and their routes are not paths. Of code files the last
name stays.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

# Where a path begins: file:, a drive, \\server\share, ~ or ~name, %HOME%, ., .. or a slash with nothing before it.
_START = re.compile(
    r"""
    file:[/\\]*
    | (?<![\w]) [A-Za-z]:[\\/]
    | (?<![\w\\]) \\\\+ (?=[\w?.])
    | (?<![\w/]) // (?=[\w])
    | (?<![\w.:/~%-]) (?: ~[\w.-]* | \.{1,2} )? [/\\] (?=[^\s/\\>]) (?!v1/) (?!(?<=</)\w+>)
    | (?:%\w+% | \$\{?\w+\}?) [/\\]
    """,
    re.VERBOSE | re.IGNORECASE,
)
_ADDRESS = re.compile(
    r"https?://(?:\[[0-9a-fA-F:]+\]|[\w.-]+)(?::\d+)?(?:/v1(?:/[\w.-]*)*|/)?(?=[\s'\",;)\]]|[.]?$)"
)
_ENDING = re.compile(r"(\.[A-Za-z0-9]{1,6})(?=$|[\s:;,.)\]}>'\"|?!])")
_CODE = re.compile(r"[\w.-]+\.(?:py|pyc|so|pyd)")
_BEFORE = " \t'\"`([{<=,;|"  # what may stand before a path's first character
_QUOTES = "'\"`"


def paths(text: str) -> str:
    """The text without any path; only the suffix stays, as in ``(path).wav``."""
    return "\n".join(_line(line) for line in text.split("\n"))


def _line(line: str) -> str:
    out, at = "", 0
    while found := _START.search(line, at):
        address = _address_at(line, at, found.start())
        if address is not None:
            out, at = out + line[at:address], address
            continue
        out += line[at : found.start()]
        before = line[found.start() - 1 : found.start()]
        stop = _quoted(line, found.end(), before) if before and before in _QUOTES else None
        if stop is None:
            stop = _bare(line, found.end())
        out += _short(line[found.start() : stop])
        at = stop
    return out + line[at:]


def _address_at(line: str, at: int, start: int) -> int | None:
    """The end of the server's address around a position."""
    for address in _ADDRESS.finditer(line, at):
        if address.start() <= start < address.end():
            return address.end()
    return None


def _quoted(line: str, start: int, quote: str) -> int | None:
    """The end of a path that begins after a quote: the next such quote that no word follows directly."""
    for place in range(start, len(line)):
        if line[place] == quote and not line[place + 1 : place + 2].isalnum():
            rest = line[place + 1 :]
            if not re.search(r"[\\/][^\s]", rest) or re.match(
                r"[,:;)\]}\s]*(?:$|\w+ \d|->|['\"]|and\b)", rest
            ):
                return place
    return None


def _bare(line: str, start: int) -> int:
    """The end of an unquoted path: past the last separator, at a suffix or the end of the line."""
    stops = [found.start() for found in _ADDRESS.finditer(line, start)]
    for found in _START.finditer(line, start):  # another path, if this one has a suffix before it
        if line[found.start() - 1] in _BEFORE and (end := _ending(line, start, found.start())):
            return end
    stop = min(stops, default=len(line))
    return _ending(line, start, stop) or stop


def _ending(line: str, start: int, stop: int) -> int | None:
    """The position of the suffix of a path's last name, within these bounds."""
    last = max(line.rfind("/", start, stop), line.rfind("\\", start, stop), start - 1) + 1
    found = list(_ENDING.finditer(line, last, stop))
    return found[-1].end() if found else None


def _short(path: str) -> str:
    name = PurePosixPath(path.replace("\\", "/")).name
    if _CODE.fullmatch(name):
        return f"(path)/{name}"
    ending = _ENDING.search(path[-7:])
    return f"(path){ending[1] if ending and ending.end() == len(path[-7:]) else ''}"
