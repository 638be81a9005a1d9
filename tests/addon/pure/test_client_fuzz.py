"""The client and answers that were changed at random: each is taken, or refused in words, and never anything else.

`TEMPOSE_FUZZ=10000` makes as many; the seed is fixed, so that what fails can be seen again.
"""

import json
import os
import random

import numpy as np
import pytest
from addon.model.errors import Problem
from addon.model.server import work
from addon.model.server.client import Client
from fake_server import CAPABILITIES as LEAST
from fake_server import Quiet, asked, encoded, event, job, result
from patience import PATIENCE
from raw_server import RawServer, said

from tempose_pose.compact import MEDIA_TYPE, pack
from tempose_pose.tempo import TempoMap

TOKEN = "a-token-for-the-fuzzer-0123456789abcdef"
CASES = int(os.environ.get("TEMPOSE_FUZZ", "250"))

ANALYSIS = {
    "seconds": 2.0,
    "beats": [0.5, 1.0],
    "downbeats": [0.5],
    "bpm": 120.0,
    "confidence": 0.9,
    "heard": [1, 0.5],
}
WAV = b"RIFF\x24\0\0\0WAVEfmt "
CAPABILITIES = {**LEAST, "pose_estimator": {"available": False, "message": "None."}}
POSE = {"joints": ["nose", "neck"], "keypoints": [[0.5, 0.1], [0.5, 0.2]], "scores": [1, 0.5], "people": 1}
RNG = np.random.default_rng(0)
COMPACT = pack(
    {key: value for key, value in result(4).items() if key not in ("keypoints", "scores")},
    RNG.random((4, 18, 2), np.float32),
    RNG.random((4, 18), np.float32),
)
SEGMENT = {
    "start": 0,
    "frames": 2,
    "keypoints": encoded(RNG.random((2, 18, 2))),
    "scores": encoded(RNG.random((2, 18))),
}
CALLS = {
    "health": (lambda c: c.health(), said({"status": "READY", "version": "1", "device": "cpu"})),
    "capabilities": (lambda c: c.capabilities(), said(CAPABILITIES)),
    "upload": (lambda c: c.ensure_sound(b"x"), said({"sha256": "0" * 64, "seconds": 2.0}, 201)),
    "analysis": (lambda c: c.analysis("0" * 64), said(ANALYSIS)),
    "stretch": (lambda c: c.stretch("0" * 64, TempoMap(), 1.0), said(WAV, kind="audio/wav")),
    "pose": (lambda c: c.find_pose(b"x"), said(POSE)),
    "order": (lambda c: c.put_job("j", asked(1.0)), said(job("queued"), 202)),
    "job": (lambda c: c.job("j"), said(job("failed", error={"code": "x", "message": "No."}))),
    "cancel": (lambda c: c.cancel("j"), said(job("canceled"))),
    "dance": (lambda c: c.result("j"), said(result(4))),
    "compact": (lambda c: c.result("j"), said(COMPACT, kind=MEDIA_TYPE)),
    "refusal": (lambda c: c.health(), said({"code": "queue_full", "message": "Full."}, 429, Retry_After="2")),
    "events": (
        lambda c: c.follow("j", lambda name, data: work._event(Still(), name, data), patience=0.0),
        said(
            b": hello\n\n" + event(1, "state", job("queued", position=3)) + event(2, "progress", {"progress": 0.5})
            + event(3, "segment", SEGMENT)
            + event(4, "state", job("succeeded")),
            kind="text/event-stream",
        ),
    ),
}  # fmt: skip
ODD = [
    "null", "true", "-1", "0", "1e999", "NaN", "-Infinity", "1" + "0" * 400, "1" * 5000, '""',
    '"\\ud800"', '"\\udc00x"',
    '"' + "x" * 3000 + '"', "[]", "{}", "[" * 60, "[[1,2],3]", "5", "0.5", '"\\u0000"', "9007199254740993", "{" * 9,
]  # fmt: skip
BYTES = [
    b"", b"\0", b"\xff", b"\r\n", b"\n\n", b"\xb2", b"\xc2\xb2", b"-1", b"\xed\xa0\x80", b": ", b"id: \xc2\xb2\n",
    b"HTTP/1.1 200\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Content-Length: -5\r\n", b"Content-Length: 9999999999999999999\r\n",
    b"Retry-After: \xb2\r\n", b"Content-Encoding: gzip\r\n", b"HTTP/9.9 2\xb20 X", b"data: {}\n",
    b"\r\n-5\r\nhello\r\n0\r\n\r\n",
]  # fmt: skip


class Still(Quiet):
    """It looks at nothing either."""

    def progress(self, share):
        assert 0 <= share <= 1

    def show(self, kind, value):
        pass


def other_value(chance, node):
    """A JSON value with something else in one of its places."""
    if isinstance(node, dict) and node and chance.random() < 0.8:
        key = chance.choice(sorted(node))
        return {**node, key: other_value(chance, node[key])}
    if isinstance(node, list) and node and chance.random() < 0.6:
        at = chance.randrange(len(node))
        return [*node[:at], other_value(chance, node[at]), *node[at + 1 :]]
    return "\1" + chance.choice(ODD) + "\1"


def mutated(chance, data):
    """An answer, changed."""
    head, _, body = data.partition(b"\r\n\r\n")
    kind = chance.randrange(5)
    if kind <= 1 and body.startswith((b"{", b": hello")):  # what it says
        if body.startswith(b"{"):
            text = json.dumps(other_value(chance, json.loads(body)))
        else:
            blocks = body.decode().split("\n\n")
            at = chance.randrange(1, len(blocks) - 1)
            first, _, rest = blocks[at].partition("data: ")
            blocks[at] = first + "data: " + json.dumps(other_value(chance, json.loads(rest)))
            text = "\n\n".join(blocks)
        for odd in ODD:
            text = text.replace(json.dumps("\1" + odd + "\1"), odd)
        return said(text.encode(), kind="x") if chance.random() < 0.9 else head + b"\r\n\r\n" + text.encode()
    if kind == 2:  # in chunks, with an odd length
        sizes = [
            b"%x" % len(body),
            b"-5",
            b"-0",
            b"ffffffffffffffffff",
            b"",
            b"\xb2",
            b"5;x=y",
            b"0x5",
            b" 5",
            b"1" * 5000,
        ]
        first = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        return first + chance.choice(sizes) + b"\r\n" + body + b"\r\n" + chance.choice(sizes) + b"\r\n\r\n"
    for _ in range(chance.choice([1, 1, 2, 5])):  # its bytes
        at, size = chance.randrange(len(data) + 1), chance.choice([0, 0, 1, 4, 50])
        put = chance.choice([*BYTES, bytes([chance.randrange(256)]), data[: chance.randrange(99)]])
        data = data[:at] + put + data[at + size :]
    return data


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.timeout(120 + CASES // 20)
def test_no_answer_does_anything_but_be_taken_or_refused_in_words():
    current, chance, outcomes = [b""], random.Random(26), {"taken": 0, "refused": 0}
    server = RawServer(TOKEN, lambda first: said(b"", 404) if first.startswith("HEAD") else current[0])
    names = sorted(CALLS)
    try:
        for number in range(CASES):
            call, good = CALLS[names[number % len(names)]]
            current[0] = good if number < len(names) else mutated(chance, good)
            client = Client(server.url, TOKEN, timeout=PATIENCE)
            try:
                found = call(client)
            except Problem as problem:
                problem.message.encode()  # can be shown
                assert 3 < len(problem.message) < 700, current[0]
                outcomes["refused"] += 1
            except BaseException as error:
                raise AssertionError(f"case {number}: {current[0][:2000]!r}") from error
            else:
                json.dumps(found, ensure_ascii=False, default=repr).encode()
                outcomes["taken"] += 1
    finally:
        server.close()
    assert outcomes["taken"] >= len(names) - 1  # as they were; a refusal is refused
    assert outcomes["refused"] > CASES / 5 - len(names)
