# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsing of a server's answers, refusals and events, none of which is trusted. No bpy in here."""

import contextlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np

from tempose_pose.errors import TemposeError
from tempose_pose.local import hostile_json
from tempose_pose.wire.answers import FigureMask, FoundPerson
from tempose_pose.wire.answers import Problem as Refusal
from tempose_pose.wire.arrays import from_base64
from tempose_pose.wire.codes import QUEUE_FULL, STATUS, TOKEN_WRONG
from tempose_pose.wire.validation import read, unexpected

from ..errors import Problem

EVENT_BYTES, EVENT_ELEMENTS = 4_000_000, 2_000
STREAM_BYTES = 100_000_000  # several times the size of the longest dance
LINE_BYTES = 200  # least size that a line counts as: a short one takes as long to read
ANSWER_ELEMENTS = 300_000  # the analysis of a 20-minute song has half of that
REFUSAL_ELEMENTS = 2_000


def parse_events(lines: Iterator[bytes]) -> Iterator[tuple[int | None, str, dict]]:
    """Server-sent events from their lines: (id, name, data). Comments and unreadable ids are skipped."""
    identity, name, data, size, whole = None, "message", [], 0, 0
    for line in lines:
        size, whole = size + len(line), whole + max(len(line), LINE_BYTES)
        if whole > STREAM_BYTES:
            raise unexpected("events without end")
        if size > EVENT_BYTES:
            raise unexpected("an event that is too long")
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if not text:
            if data:
                try:
                    value = hostile_json.parse("\n".join(data).encode(), EVENT_ELEMENTS)
                except hostile_json.Refused:
                    raise unexpected("an event that is not JSON") from None
                if not isinstance(value, dict):
                    raise unexpected("an event in an unknown form")
                yield identity, name, value
            identity, name, data, size = None, "message", [], 0
            continue
        key, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if key == "id" and value.isascii() and value.isdigit() and len(value) < 18:
            identity = int(value)
        elif key == "event":
            name = value
        elif key == "data":
            data.append(value)


def parsed(data: bytes) -> dict:
    """An answer as a JSON object."""
    try:
        answer = hostile_json.parse(data, ANSWER_ELEMENTS)
    except hostile_json.Refused:
        raise unexpected("something that is not JSON") from None
    if not isinstance(answer, dict):
        raise unexpected("an answer in an unknown form")
    return answer


DOUBTFUL = 0.6  # score below which a joint needs a look


def marked(person: FoundPerson) -> dict:
    """A person found in a picture, in the form kept with the picture.

    Returns
    -------
    dict
        ``joints``: seen joint → (x, y) in shares of the picture; ``doubtful``: those that the server is not sure
        of; ``mask``: the fields of its `FigureMask`, or None.
    """
    placed = list(zip(person.joints, person.keypoints, person.scores, strict=True))
    return {
        "joints": {joint: (x, y) for joint, (x, y), score in placed if score > 0},
        "doubtful": [joint for joint, _, score in placed if 0 < score < DOUBTFUL],
        "mask": asdict(person.mask) if person.mask else None,
    }


def mask_of(mask: FigureMask) -> np.ndarray:
    """(h, w) uint8: how surely each pixel of the reduced picture belongs to the person."""
    size = mask.width * mask.height
    try:
        data = zlib.decompressobj().decompress(from_base64(mask.data), size + 1)
    except (zlib.error, ValueError):
        raise unexpected("a mask that cannot be read") from None
    if len(data) != size:
        raise unexpected("a mask of a wrong size")
    return np.frombuffer(data, np.uint8).reshape(mask.height, mask.width)


def refusal(status: int, data: bytes, retry_after: str | None = None) -> Problem:
    """The server's error as a `Problem`."""
    code, message = "", ""
    with contextlib.suppress(hostile_json.Refused, TemposeError):
        answer = read(Refusal, hostile_json.parse(data, REFUSAL_ELEMENTS))
        code, message = answer.code[:60], answer.message
    if status == STATUS[TOKEN_WRONG]:
        return Problem(
            TOKEN_WRONG, "The server refuses this add-on's token. Connect again, or start the server."
        )
    if status == STATUS[QUEUE_FULL]:
        problem = Problem(QUEUE_FULL, message or "The server is busy. Try again in a moment.")
        said = retry_after or ""
        problem.retry_after = float(min(int(said), 60)) if re.fullmatch("[0-9]{1,9}", said) else 2.0
        return problem
    return Problem(
        code or f"http_{status}", message or f"The server refused with the number {status}. See its log."
    )
