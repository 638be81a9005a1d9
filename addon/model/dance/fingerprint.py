# SPDX-License-Identifier: GPL-3.0-or-later
"""A short mark of what a dance was made from, to notice when it is out of date. No bpy in here."""

import hashlib
import json


def _plain(value):
    if isinstance(value, bool | str | int) or value is None:
        return value
    if isinstance(value, float):
        return round(value, 4)  # F-curve and strip values come back as float32
    if isinstance(value, dict):
        return {str(key): _plain(value[key]) for key in sorted(value)}
    return [_plain(item) for item in value]


def fingerprint(facts: dict) -> str:
    """16 hex digits; equal for equal facts, whatever their order, down to four decimals."""
    text = json.dumps(_plain(facts), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
