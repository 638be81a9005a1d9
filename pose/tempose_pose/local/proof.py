"""How a server shows that it knows the token, before it is told anything: HMAC-SHA256 over a challenge.

The client draws a number that was never used before; only who knows the token can answer. There are three answers:
one holds for whoever asks in whatever way (through a tunnel or a proxy), one only for the port that answers, so that
a program on another port cannot pass the question on to the real server, and one only for the port and the process.
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
    """A number used once, as it is sent."""
    return secrets.token_hex(32)


def is_challenge(text: str) -> bool:
    """Whether a text can be answered; nothing else is ever put through the token."""
    return bool(_CHALLENGE.fullmatch(text))


def answer(token: str, asked: str, port: int | None = None, pid: int | None = None) -> str:
    """The answer of whoever knows the token; with port and process, one that only that server can give."""
    place = b"" if port is None else f" {port} {pid}".encode()  # without a process: any at that port
    return hmac.new(token.encode(), _PURPOSE + b" " + asked.encode() + place, hashlib.sha256).hexdigest()


def is_right(said: object, token: str, asked: str, port: int | None = None, pid: int | None = None) -> bool:
    """Whether an answer shows that the token is known."""
    right = answer(token, asked, port, pid)
    return isinstance(said, str) and said.isascii() and hmac.compare_digest(said, right)
