# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP through `requests`, set up so that sound and token go to the given host and nowhere else. No bpy in here.

No proxies, no redirects, no passwords from files, and for https only the trust that the caller gives. Official
Blender builds include `requests`; the extension brings it for those that do not.
"""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

from ..errors import Problem

if TYPE_CHECKING:
    from requests import Response

BLOCK = 1_000_000  # bytes read at once
Opened = Callable[[socket.socket], None]
"""Called with the socket of a connection as soon as there is one, so that another thread can end the call."""
Greet = Callable[[socket.socket], None]
"""Called with the socket before anything is asked over it; raises where it leads to somebody else."""


@contextlib.contextmanager
def exchange(
    method: str,
    url: str,
    body: bytes | IO[bytes] | None,
    headers: dict[str, str],
    *,
    timeout: float,
    trust: ssl.SSLContext | None,
    opened: Opened,
    greet: Greet,
) -> "Iterator[Response]":
    """Send a request and return the answer; its body is then read with `read` or `lines`.

    Parameters
    ----------
    timeout : float
        Seconds without a byte after which the call is given up.
    trust : ssl.SSLContext or None
        For https: which certificates to trust.

    Raises
    ------
    OSError, http.client.HTTPException
        Errors of the connection; an untrusted certificate is an `ssl.SSLCertVerificationError`.
    """
    try:
        import requests
        import urllib3
    except ImportError:
        raise Problem(
            "requests_missing",
            "This Blender lacks the Python package 'requests', which reaches the server. Install it (on Debian and "
            "Ubuntu: python3-requests), or use a Blender from blender.org.",
        ) from None
    try:
        with requests.Session() as session:
            session.trust_env = False  # or proxies and passwords would come from the environment
            session.headers.clear()
            session.mount(url.partition(":")[0] + "://", _adapter(trust, opened, greet))
            asked = {"Accept-Encoding": "identity", "User-Agent": "Tempose", "Connection": "close", **headers}
            with session.request(
                method, url, data=body, headers=asked, timeout=timeout, allow_redirects=False, stream=True
            ) as answer:
                yield answer
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        if distrust := _inside(error, ssl.SSLCertVerificationError):
            raise distrust from error
        raise OSError(str(error)) from error


def read(answer: "Response", limit: int) -> bytes:
    """The body as it was sent, at most `limit` bytes; one that breaks off is an error."""
    data = bytearray()
    while piece := answer.raw.read(min(limit - len(data), BLOCK), decode_content=False):
        data += piece
    return bytes(data)


def lines(answer: "Response", limit: int) -> Iterator[bytes]:
    """The body's lines as they come, each cut at `limit` bytes."""
    # urllib3 by itself would wait for a whole block.
    return iter(lambda: answer.raw._fp.readline(limit), b"")


def ask_first(sock: socket.socket, host: str, path: str, header: tuple[str, str], limit: int) -> bytes:
    """The body of the answer to a first question, before all others; the connection stays open."""
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{header[0]}: {header[1]}\r\nUser-Agent: Tempose\r\n\r\n"
    sock.sendall(head.encode("ascii"))
    answer = http.client.HTTPResponse(sock, method="GET")
    try:
        answer.begin()
        data = answer.read(limit + 1)
        return data if answer.status == 200 and len(data) <= limit else b""
    finally:
        answer.close()


def _adapter(trust: ssl.SSLContext | None, opened: Opened, greet: Greet) -> Any:
    """An adapter that trusts as told, reports its sockets, and greets over each one before it is used."""
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.connection import HTTPConnection, HTTPSConnection

    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            opened(self.sock)
            greet(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            opened(self.sock)
            greet(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls: Any = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls: Any = Secure

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **named: Any) -> None:
            super().init_poolmanager(*args, **named, **({"ssl_context": trust} if trust else {}))
            self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            conn.cert_reqs = "CERT_REQUIRED"  # only by `trust`: requests would add certificates of its own

    return Adapter()


def _inside(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """The first error of a kind in the chain of causes of an error."""
    seen: set[int] = set()
    left: list[Any] = [error]
    while left:
        one = left.pop(0)
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        if isinstance(one, kind):
            return one
        seen.add(id(one))
        left += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return None


GONE = (OSError, http.client.HTTPException)
"""What `exchange` raises when nobody answers."""
ODD = (*GONE, ValueError, TypeError, AttributeError, IndexError, AssertionError, OverflowError, MemoryError)
"""What it may raise besides, from deep within a library, when the answer is no HTTP."""
