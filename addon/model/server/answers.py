# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server says, taken apart: answers, refusals and events, none of it trusted. No bpy in here."""

import json
from collections.abc import Iterator

from tempose_pose.wire.codes import QUEUE_FULL, STATUS, TOKEN_WRONG
from tempose_pose.wire.reading import TEXT, unexpected

from ..errors import Problem

EVENT_BYTES = 4_000_000


def parse_events(lines: Iterator[bytes]) -> Iterator[tuple[int | None, str, dict]]:
    """Server-sent events from their lines: (id, name, data). Comments and unreadable ids are passed over."""
    identity, name, data, size = None, "message", [], 0
    for line in lines:
        size += len(line)
        if size > EVENT_BYTES:
            raise unexpected("an event that is too long")
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if not text:
            if data:
                try:
                    value = json.loads("\n".join(data))
                except (ValueError, RecursionError):
                    raise unexpected("an event that is not JSON") from None
                if not isinstance(value, dict):
                    raise unexpected("an event in an unknown form")
                yield identity, name, value
            identity, name, data, size = None, "message", [], 0
            continue
        key, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if key == "id" and value.isdigit() and len(value) < 18:
            identity = int(value)
        elif key == "event":
            name = value
        elif key == "data":
            data.append(value)


def parsed(data: bytes) -> dict:
    """The object that an answer is."""
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        raise unexpected("something that is not JSON") from None
    if not isinstance(answer, dict):
        raise unexpected("an answer in an unknown form")
    return answer


def refusal(status: int, data: bytes, retry_after: str | None = None) -> Problem:
    """What the server's error says."""
    code, message = "", ""
    try:
        answer = json.loads(data[:1_000_000])
        code, message = str(answer["code"])[:60], str(answer["message"])[:TEXT]
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    if status == STATUS[TOKEN_WRONG]:
        return Problem(
            TOKEN_WRONG, "The server refuses this add-on's token. Connect again, or start the server."
        )
    if status == STATUS[QUEUE_FULL]:
        problem = Problem(QUEUE_FULL, message or "The server has enough to do at the moment. Try again soon.")
        problem.retry_after = min(float(retry_after), 60.0) if retry_after and retry_after.isdigit() else 2.0
        return problem
    return Problem(
        code or f"http_{status}", message or f"The server refused with the number {status}. See its log."
    )
