# SPDX-License-Identifier: GPL-3.0-or-later
"""A program for the server's own Python, `python -I installed_packages.py`: what is installed, and is it unchanged?

Prints one JSON object: `packages` (name → version), `changed` (files that are not as their package's RECORD has them,
PEP 376 and 427) and `card` (what the PyTorch that is there still needs for its kind of graphics card).
"""

import base64
import csv
import hashlib
import io
import json
import re
import sys
from importlib import metadata

HASHLESS = (".pyc", "RECORD", "RECORD.jws", "RECORD.p7s")  # compiled on the spot, or the list itself
CARD = re.compile(r"(triton|nvidia-|cuda-)")


def name_of(found: metadata.Distribution) -> str:
    """A package's name in its normal form (PEP 503)."""
    return re.sub(r"[-_.]+", "-", found.metadata["Name"] or "").lower()


def changed_files(found: metadata.Distribution) -> list[str]:
    """Files of a package that have gone, or whose bytes are others than were installed.

    A package whose RECORD is missing or empty was never installed to its end.
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
    """What PyTorch needs of a graphics card's libraries on this system and has not yet.

    Each has its `name`, and the version to take: `locked`, one of the lock that will do, or else `exact`, the only
    one that is named; None where there is none.
    """
    from pip._vendor.packaging.requirements import (
        Requirement,  # of this environment, no other one is there for sure
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
    """Print what there is to say; the first argument names the lock, where there is one."""
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
