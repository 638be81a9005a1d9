# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server says, taken apart: answers, refusals and events, none of it trusted. No bpy in here."""

import json
from collections.abc import Iterator

from ..dance.dance import bad_answer, number
from ..errors import Problem

EVENT_BYTES = 4_000_000
MESSAGE_CHARACTERS = 400
STATES = ("queued", "running", "succeeded", "failed", "canceled")


def parse_events(lines: Iterator[bytes]) -> Iterator[tuple[int | None, str, dict]]:
    """Server-sent events from their lines: (id, name, data). Comments and unreadable ids are passed over."""
    identity, name, data, size = None, "message", [], 0
    for line in lines:
        size += len(line)
        if size > EVENT_BYTES:
            raise bad_answer("an event that is too long")
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if not text:
            if data:
                try:
                    value = json.loads("\n".join(data))
                except (ValueError, RecursionError):
                    raise bad_answer("an event that is not JSON") from None
                if not isinstance(value, dict):
                    raise bad_answer("an event in an unknown form")
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
        raise bad_answer("something that is not JSON") from None
    if not isinstance(answer, dict):
        raise bad_answer("an answer in an unknown form")
    return answer


def job_of(answer: dict) -> dict:
    """What an answer says about a job, in bounds."""
    if answer.get("state") not in STATES:
        raise bad_answer("a job in an unknown form")
    error = answer.get("error") if isinstance(answer.get("error"), dict) else {}
    progress = answer.get("progress")
    position = answer.get("position")
    return {
        "state": answer["state"],
        "progress": float(number(progress, 0, 1, "progress")) if progress is not None else 0.0,
        "position": position if isinstance(position, int) else None,
        "error": (
            str(error.get("code") or "failed")[:60],
            str(error.get("message") or "The server could not make this dance.")[:MESSAGE_CHARACTERS],
        ),
    }


def no_poses(said: object) -> str:
    """Why a server finds no joints in pictures, or nothing."""
    if not isinstance(said, dict) or not isinstance(said.get("available"), bool):
        return "This server is too old to find joints in pictures"
    return "" if said["available"] else str(said.get("message"))[:MESSAGE_CHARACTERS].rstrip(".")


def refusal(status: int, data: bytes, retry_after: str | None = None) -> Problem:
    """What the server's error says."""
    code, message = "", ""
    try:
        answer = json.loads(data[:1_000_000])
        code, message = str(answer["code"])[:60], str(answer["message"])[:MESSAGE_CHARACTERS]
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    if status == 401:
        return Problem(
            "token_wrong", "The server refuses this add-on's token. Connect again, or start the server."
        )
    if status == 429:
        problem = Problem(
            "queue_full", message or "The server has enough to do at the moment. Try again soon."
        )
        problem.retry_after = min(float(retry_after), 60.0) if retry_after and retry_after.isdigit() else 2.0
        return problem
    return Problem(
        code or f"http_{status}", message or f"The server refused with the number {status}. See its log."
    )
