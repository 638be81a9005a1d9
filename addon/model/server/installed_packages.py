# SPDX-License-Identifier: GPL-3.0-or-later
"""A script for the server's own Python, `python -I installed_packages.py`: what is installed, and is it unchanged?

Prints one JSON object: `packages` (name → version), `changed` (files that differ from their package's RECORD, PEP
376 and 427) and `card` (what the installed PyTorch still needs for its kind of graphics card).
"""

import base64
import csv
import hashlib
import io
import json
import re
import sys
from importlib import metadata

HASHLESS = (".pyc", "RECORD", "RECORD.jws", "RECORD.p7s")  # compiled locally, or the record itself
CARD = re.compile(r"(triton|nvidia-|cuda-)")


def name_of(found: metadata.Distribution) -> str:
    """A package's name in its normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", found.metadata["Name"] or "").lower()


def changed_files(found: metadata.Distribution) -> list[str]:
    """Files of a package that are missing or differ from what was installed.

    A package with a missing or empty RECORD was never fully installed.
    """
    rows = [row for row in csv.reader(io.StringIO(found.read_text("RECORD") or "")) if len(row) > 1]
    bad = [] if rows else [f"the list of what belongs to {name_of(found) or 'a package'}"]
    for place, said, *_ in rows:
        if not said and place.endswith(HASHLESS):
            continue
        kind, _, hashed = said.partition("=")
        try:
            with open(str(found.locate_file(place)), "rb") as file:  # noqa: PTH123
                digest = hashlib.file_digest(file, kind).digest()
        except (OSError, ValueError):
            digest = b""
        if not hashed or base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != hashed:
            bad.append(place)
    return bad


def card_needs(names: dict[str, metadata.Distribution], locked: dict[str, list[str]]) -> list[dict]:
    """The graphics card's libraries that PyTorch needs on this system and does not have yet.

    Each has its `name` and the version to install: `locked`, a suitable one from the lock, or else `exact`, the
    only one named; None if there is none.
    """
    from pip._vendor.packaging.requirements import (
        Requirement,  # only this environment's own is sure to be there
    )

    needs, seen, left = {}, set(), [("torch", "")]
    while left:
        name, extra = left.pop()
        if (name, extra) in seen or name not in names:
            continue
        seen.add((name, extra))
        for line in names[name].requires or []:
            one = Requirement(line)
            key = re.sub(r"[-_.]+", "-", one.name).lower()
            if not CARD.match(key) or not (one.marker is None or one.marker.evaluate({"extra": extra})):
                continue
            left += [(key, "")] + [(key, wanted) for wanted in one.extras]
            if key in names and one.specifier.contains(names[key].version, prereleases=True):
                continue
            exact = [
                spec.version for spec in one.specifier if spec.operator == "==" and "*" not in spec.version
            ]
            fits = [
                version
                for version in locked.get(key, [])
                if one.specifier.contains(version, prereleases=True)
            ]
            needs[key] = {"name": key, "locked": [*fits, None][0], "exact": [*exact, None][0]}
    return list(needs.values())


def main() -> None:
    """Print the findings; the first argument names the lock, if there is one."""
    lock = open(sys.argv[1], encoding="utf-8").read() if len(sys.argv) > 1 else ""  # noqa: PTH123, SIM115
    locked: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", lock, re.M):
        locked.setdefault(re.sub(r"[-_.]+", "-", name).lower(), []).append(version)
    names = {name_of(found): found for found in metadata.distributions()}
    print(
        json.dumps(
            {
                "packages": {name: found.version for name, found in names.items()},
                "changed": [place for found in names.values() for place in changed_files(found)][:20],
                "card": card_needs(names, locked),
            }
        )
    )


if __name__ == "__main__":
    main()
