"""How a server proves that it knows the token before anything is sent to it: HMAC-SHA256 over a challenge.

The client draws a fresh number; only a server that knows the token can answer. There are three kinds of answer: one
that holds however the question arrives (through a tunnel or a proxy), one that holds only for the answering port,
so that a program on another port cannot relay the question to the real server, and one that holds only for the port
and the process.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

PATH = "/v1/proof"
HEADER = "X-Tempose-Challenge"
ANSWER_BYTES = 1000
_PURPOSE = b"tempose server proof 1"
_CHALLENGE = re.compile(r"[0-9a-f]{64}")


def challenge() -> str:
    """A nonce, in the form in which it is sent."""
    return secrets.token_hex(32)


def is_challenge(text: str) -> bool:
    """Whether a text is a valid challenge; nothing else is ever signed with the token."""
    return bool(_CHALLENGE.fullmatch(text))


def answer(token: str, asked: str, port: int | None = None, pid: int | None = None) -> str:
    """The answer by the token; with port and process, one that only that server can give."""
    place = b"" if port is None else f" {port} {pid}".encode()  # without a process: any at that port
    return hmac.new(token.encode(), _PURPOSE + b" " + asked.encode() + place, hashlib.sha256).hexdigest()


def is_right(said: object, token: str, asked: str, port: int | None = None, pid: int | None = None) -> bool:
    """Whether an answer proves knowledge of the token."""
    right = answer(token, asked, port, pid)
    return isinstance(said, str) and said.isascii() and hmac.compare_digest(said, right)
