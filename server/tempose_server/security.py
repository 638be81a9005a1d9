"""The doors: who may speak to the server, how much, and how slowly.

A pure ASGI layer around everything else, so that no route (documentation, unknown paths, methods that are not
allowed) can be reached around it. The server assumes hostile web pages: a page in the same person's browser can
send requests to loopback, but knows no token and cannot hide where it comes from.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import Any

from anyio import BrokenResourceError

from tempose_pose.local import proof
from tempose_server.docs_page import Links
from tempose_server.errors import ApiError, retry_later
from tempose_server.metrics import Metrics
from tempose_server.settings import LOOPBACK_HOSTS, ServerSettings

log = logging.getLogger("tempose.http")

Message = MutableMapping[str, Any]

OTHER_BODY_BYTES = 1024  # bodies where none is needed
LARGE_BODY_BYTES = 1_000_000  # larger ones (or of unknown length) take one of `uploads_at_once` places
LINGER_SECONDS, LINGER_IDLE_SECONDS = (
    2.0,
    0.3,
)  # a refused client may still be sending; it reads the answer only afterwards
LINGER_BYTES = 64_000_000

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]{2,45}\]|[a-zA-Z0-9.-]{1,253})(?::[0-9]{1,5})?")
_JOB = re.compile(r"/v1/jobs/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?:/|$)")

HARDENING = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)


def normal_host(value: str) -> str | None:
    """The name in a Host header in normal form, or None if malformed."""
    match = _HOST.fullmatch(value)
    if not match:
        return None
    name = match["name"].lower()
    if name.startswith("["):
        try:
            return str(ip_address(name[1:-1]))
        except ValueError:
            return None
    name = name.removesuffix(".")  # "localhost." is localhost
    return name or None


def allowed_hosts(settings: ServerSettings) -> frozenset[str]:
    """Names by which the server may be addressed, which prevents DNS rebinding."""
    names: Iterable[str] = (*LOOPBACK_HOSTS, settings.host, *settings.allowed_hosts)
    normal = {normal_host(f"[{name}]" if ":" in name else name) for name in names}
    return frozenset(name for name in normal if name and name not in ("0.0.0.0", "::"))


@dataclass(frozen=True)
class BodyRule:
    """The limits that a route declares (`routes.bodies`)."""

    methods: frozenset[str]
    path: re.Pattern[str]
    content_type: str
    cap: int


NO_BODY = BodyRule(frozenset(), re.compile(""), "application/json", OTHER_BODY_BYTES)


class Doors:
    """ASGI middleware: Host, Origin, Sec-Fetch-Site, token, content type, size and pace of the body."""

    def __init__(
        self,
        app: Any,
        *,
        token: str,
        settings: ServerSettings,
        metrics: Metrics,
        rules: Sequence[BodyRule],
        links: Links | None = None,
        looks: Mapping[str, Callable[[], dict[str, Any]]] | None = None,
    ):
        self.app = app
        self.settings = settings
        self._token, self._digest = token, hashlib.sha256(token.encode()).digest()
        self._hosts = allowed_hosts(settings)
        self._uploads, self._links = 0, links or Links()
        self.friends: set[Any] = set()  # clients (host, port) that have shown the token on their connection
        self._metrics = metrics
        self._rules = rules
        self.looks = looks or {}  # by path: answers given at once to clients that have shown the token

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:  # there are no WebSockets here
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Message, receive: Any, send: Any) -> None:
        exchange = _Exchange(scope, receive, send, self.settings)
        began = time.monotonic()
        place = known = False
        try:
            self._check_place(exchange)
            if scope["method"] == "GET" and scope["path"] == proof.PATH:
                return await exchange.answer(200, self._proof(scope, exchange))
            exchange.has_link = self._opens(scope)
            self._check_caller(exchange)
            known = True
            self.friends.add(scope.get("client"))
            rule = self._rule(scope["method"], scope["path"])
            self._check_body(exchange, rule)
            if exchange.large:
                if self._uploads >= self.settings.uploads_at_once:
                    raise retry_later(
                        429, "uploads_busy", "Too many uploads at once. Try again in a moment.", 2
                    )
                self._uploads += 1
                place = True
            await self._answer(scope, exchange)
        except ApiError as error:
            exchange.ends = not known  # a stranger's connection does not keep its place
            await exchange.refuse(error)
        finally:
            self._uploads -= place
            if exchange.status >= 400:
                self._metrics.refusals.labels(str(exchange.status)).inc()
            self._note(scope, exchange.status, known, began)

    async def _answer(self, scope: Message, exchange: _Exchange) -> None:
        """Let the application answer; a listener to events may hang up, which is not an error."""
        try:
            await self.app(scope, exchange.receive, exchange.send)
        except* BrokenResourceError:
            log.debug("a listener has hung up")

    def at_once(self, scope: Message) -> tuple[dict[str, Any], Callable[[], None]] | None:
        """The answer to a request that needs no more than a glance, and a function that then writes the log.

        None if the application must answer, as for everything that is invalid in any way: only there are requests
        refused.
        """
        path, began = scope["path"], time.monotonic()
        known = path in self.looks
        if not known and path != proof.PATH:
            return None
        exchange = _Exchange(scope, None, None, self.settings)
        try:
            for check in (self._check_place, self._check_caller) if known else (self._check_place,):
                check(exchange)
            said = self.looks[path]() if known else self._proof(scope, exchange)
        except ApiError:
            return None
        return said, partial(self._note, scope, 200, known, began)

    def _note(self, scope: Message, status: int, known: bool, began: float) -> None:
        path = scope.get("raw_path", b"").split(b"?")[0][:120].decode("ascii", "replace")
        milliseconds = 1000 * (time.monotonic() - began)
        job = _JOB.match(path)
        fields = {"job": job[1]} if job else {}
        fields |= {"method": scope["method"], "status": status, "ms": round(milliseconds)}
        log.info(
            "%s %s %s %.0f ms",
            *(scope["method"], path, status, milliseconds),
            extra={"fields": fields, "stranger": not known},
        )

    def _proof(self, scope: Message, exchange: _Exchange) -> dict[str, str]:
        """Proof for a caller without a token that this server knows it: the one answer that needs none."""
        asked = exchange.header(proof.HEADER.lower().encode())
        if len(asked) != 1 or not proof.is_challenge(asked[0]) or exchange.has_body:
            raise ApiError(400, "challenge", f"{proof.HEADER} takes 64 hexadecimal digits.")
        port = (scope.get("server") or ("", 0))[1]
        return {
            "proof": proof.answer(self._token, asked[0]),
            "port": proof.answer(self._token, asked[0], port),
            "here": proof.answer(self._token, asked[0], port, os.getpid()),
        }

    def _opens(self, scope: Message) -> bool:
        """Whether a browser comes with a one-time link, to the page for people and nothing else."""
        if scope["method"] != "GET" or scope["path"] != "/v1/docs":
            return False
        name, _, key = scope.get("query_string", b"").decode("latin-1").partition("=")
        return name == "key" and self._links.use(key)

    def _check_place(self, exchange: _Exchange) -> None:
        """Refuse foreign host names and web pages."""
        hosts = exchange.header(b"host")
        if len(hosts) != 1 or normal_host(hosts[0]) not in self._hosts:
            raise ApiError(
                403,
                "host_refused",
                "The server is not known under this name. Use its own address, 127.0.0.1.",
            )
        if exchange.header(b"origin"):
            raise ApiError(403, "origin_refused", "Web pages may not use this server.")
        if any(site not in ("none", "same-origin") for site in exchange.header(b"sec-fetch-site")):
            raise ApiError(403, "origin_refused", "Web pages may not use this server.")

    def _check_caller(self, exchange: _Exchange) -> None:
        if exchange.has_link:
            return
        given = exchange.header(b"authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        # Hashing first makes both sides equally long, so the comparison takes the same time for any token.
        right = hmac.compare_digest(hashlib.sha256(token.strip().encode("latin-1")).digest(), self._digest)
        if scheme.lower() != "bearer" or not right:
            raise ApiError(
                401,
                "token_wrong",
                "The token is missing or wrong. The server's runtime file holds the right one.",
                headers={"WWW-Authenticate": "Bearer"},
            )

    def _rule(self, method: str, path: str) -> BodyRule:
        fitting = (rule for rule in self._rules if method in rule.methods and rule.path.fullmatch(path))
        return next(fitting, NO_BODY)

    def _check_body(self, exchange: _Exchange, rule: BodyRule) -> None:
        exchange.cap = rule.cap
        if not exchange.has_body:
            return
        if exchange.declared is not None and exchange.declared > rule.cap:
            raise too_large(rule.cap)
        types = exchange.header(b"content-type")
        essence, _, parameter = types[0].partition(";") if len(types) == 1 else ("", "", "")
        utf8 = parameter.strip().lower().replace('"', "") in ("", "charset=utf-8")
        if essence.strip().lower() != rule.content_type or not utf8:
            raise ApiError(415, "content_type", f"The body must be sent as {rule.content_type}.")
        if any(value.strip().lower() != "identity" for value in exchange.header(b"content-encoding")):
            raise ApiError(415, "content_encoding", "The body must not be compressed.")


def too_large(cap: int) -> ApiError:
    return ApiError(413, "body_too_large", f"The body is larger than {cap} bytes.")


class _Exchange:
    """One request and its answer: counts and times the body, hardens and completes the answer."""

    def __init__(self, scope: Message, receive: Any, send: Any, settings: ServerSettings):
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._receive, self._send, self._settings = receive, send, settings
        self.cap = 0
        self.status = 0
        self._began = time.monotonic()
        self._received = 0
        self._slow = self.has_link = self.ends = False
        lengths = self.header(b"content-length")
        chunked = bool(self.header(b"transfer-encoding"))
        self.declared = int(lengths[0]) if lengths and lengths[0].isdigit() and not chunked else None
        self.has_body = chunked or bool(self.declared)
        self._complete = not self.has_body

    def header(self, name: bytes) -> list[str]:
        return [value.decode("latin-1") for key, value in self._headers if key == name]

    @property
    def large(self) -> bool:
        return self.has_body and (self.declared is None or self.declared > LARGE_BODY_BYTES)

    async def receive(self) -> Message:
        """The next piece of the body, in time and within the limit."""
        if self._complete:
            return await self._receive()
        allowed = (
            self._settings.upload_grace_seconds + self._received / self._settings.upload_bytes_per_second
        )
        left = self._began + allowed - time.monotonic()
        try:
            async with asyncio.timeout(max(0.0, min(left, self._settings.upload_idle_seconds))):
                message = await self._receive()
        except TimeoutError:
            self._slow = True
            raise ApiError(
                408, "upload_slow", "The upload was too slow and was given up. Try again."
            ) from None
        if message["type"] == "http.disconnect":
            self._complete = True
            return message
        self._received += len(message.get("body", b""))
        self._complete = not message.get("more_body", False)
        if self._received > self.cap:
            raise too_large(self.cap)
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", []))
            have = {key.lower() for key, _ in headers}
            headers += [pair for pair in HARDENING if pair[0] not in have]
            if self.ends or not self._complete:
                headers.append((b"connection", b"close"))
            message = {**message, "headers": headers}
        last = message["type"] == "http.response.body" and not message.get("more_body", False)
        if last and not self._complete and not self._slow:
            await self._send({**message, "more_body": True})
            await self._drain()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def refuse(self, error: ApiError) -> None:
        if self.status:  # the answer had begun: too late for an error
            return
        await self.answer(error.status, error.body, error.headers)

    async def answer(self, status: int, value: Any, more: dict[str, str] | None = None) -> None:
        """Send a complete answer, as JSON."""
        body = json.dumps(value).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        headers += [(key.lower().encode(), value.encode()) for key, value in (more or {}).items()]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})

    async def _drain(self) -> None:
        """Keep reading for a moment, so that the answer is not lost in a connection reset."""
        drained = 0
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while not self._complete and drained < LINGER_BYTES:
                    async with asyncio.timeout(LINGER_IDLE_SECONDS):
                        message = await self._receive()
                    drained += len(message.get("body", b""))
                    self._complete = message["type"] == "http.disconnect" or not message.get(
                        "more_body", False
                    )
        except TimeoutError:
            pass
