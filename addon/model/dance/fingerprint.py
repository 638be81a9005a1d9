# SPDX-License-Identifier: GPL-3.0-or-later
"""A short fingerprint of what a dance was made from, to notice when it is out of date. No bpy in here."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any


def _plain(many: dict[str, Any] | Iterable[Any]) -> dict[str, Any] | list[Any]:
    """A dict or list of JSON types, floats rounded: F-curve and strip values come back as float32."""
    found = many if isinstance(many, dict) else dict(enumerate(many))
    plain: dict[str, Any] = {}
    for key, value in found.items():
        if isinstance(value, float):
            plain[str(key)] = round(value, 4)
        elif value is None or isinstance(value, bool | str | int):
            plain[str(key)] = value
        else:
            plain[str(key)] = _plain(value)
    return plain if isinstance(many, dict) else list(plain.values())


def fingerprint(facts: dict) -> str:
    """16 hex digits; equal for equal facts, whatever their order, down to four decimals."""
    text = json.dumps(_plain(facts), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
