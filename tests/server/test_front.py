"""What is answered before the loop: health and proof, and nothing that is not right in every way."""

import asyncio
import contextlib
import errno
import http.client
import json
import selectors
import socket
import time

import pytest
import uvicorn
from patience import PATIENCE
from uvicorn.server import ServerState

from tempose_pose.local import proof
from tempose_server.connections import Arrivals, Protocol
from tempose_server.front import Front
from tempose_server.metrics import Metrics
from tempose_server.security import HARDENING, Doors
from tempose_server.settings import ServerSettings

TOKEN = "t" * 40
KEY = f"Authorization: Bearer {TOKEN}\r\n"


@contextlib.contextmanager
def open_front(room=8, listener=None, **changes):
    """A front without any loop behind it: what it passes on stays in a list."""
    passed = []
    doors = Doors(
        None, token=TOKEN, settings=ServerSettings(), metrics=Metrics(dict), rules=(),
        looks={"/v1/health": lambda: {"status": "READY"}},
    )  # fmt: skip
    listener = listener or socket.create_server(("127.0.0.1", 0))
    named = {"silent_seconds": PATIENCE, "idle_seconds": PATIENCE, "headers": HARDENING, **changes}
    front = Front(listener, doors.at_once, passed.append, room=room, **named)
    front.start(8)
    monkey = pytest.MonkeyPatch()
    monkey.setattr(Protocol, "take_back", front.take_back)
    try:
        yield listener.getsockname(), passed
    finally:
        monkey.undo()
        front.stop()
        for one in passed:
            one.close()


def ask(connection, path="/v1/health", more=KEY, method="GET", host="127.0.0.1"):
    said = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()
    connection.sendall(said)
    return said


def answered(connection):
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer, json.loads(answer.read())


@pytest.fixture(scope="module")
def front():
    with open_front() as opened:
        yield opened


def test_health_and_proof_are_answered_while_nothing_else_moves(front):
    asked = proof.challenge()
    with socket.create_connection(front[0], PATIENCE) as connection:
        ask(connection, proof.PATH, f"{proof.HEADER}: {asked}\r\n")
        assert answered(connection)[1]["proof"] == proof.answer(TOKEN, asked)
        for _ in range(2):
            ask(connection)
            answer, said = answered(connection)
            assert said == {"status": "READY"}
            assert answer.headers["Cache-Control"] == "no-store"
        ask(connection, more=KEY + "Connection: close\r\n")
        assert answered(connection)[0].headers["Connection"] == "close"
        assert connection.recv(1) == b""


@pytest.mark.parametrize(
    "wrong",
    [
        {"more": ""},
        {"more": KEY.replace("t", "u", 1)},
        {"more": f"Authorization: Bearer {TOKEN}u\r\n"},
        {"more": KEY + KEY},
        {"more": KEY + "Origin: null\r\n"},
        {"more": KEY + "Sec-Fetch-Site: cross-site\r\n"},
        {"more": KEY + "Host: 127.0.0.1\r\n"},
        {"more": KEY + "Content-Length: 5\r\n"},
        {"more": KEY + "Transfer-Encoding: chunked\r\n"},
        {"more": KEY + "a b: c\r\n"},
        {"more": KEY + f"X: {9000 * 'x'}\r\n"},
        {"host": "evil.example"},
        {"method": "POST"},
        {"path": "/v1/health?a"},
        {"path": "/v1/capabilities"},
        {"path": proof.PATH, "more": f"{proof.HEADER}: 00\r\n"},
    ],
)
def test_a_request_invalid_in_any_way_is_passed_on_with_all_its_bytes(front, wrong):
    address, passed = front
    before = len(passed)
    with socket.create_connection(address, PATIENCE) as connection:
        ask(connection)  # which does not make the next one right
        answered(connection)
        said = ask(connection, **wrong)
        deadline = time.monotonic() + PATIENCE
        while len(passed) == before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert passed[before:], "answered, or closed"
        passed[-1].settimeout(PATIENCE)
        found = b""
        while len(found) < len(said):
            found += passed[-1].recv(65_536)
        assert found == said


async def on_a_loop(connection):
    """Serve a connection until the loop lets it go."""

    async def app(scope, receive, send):
        Protocol.friends.add(scope["client"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    protocol = Protocol(uvicorn.Config(app, log_config=None), ServerState(), {})
    await asyncio.get_running_loop().connect_accepted_socket(lambda: protocol, connection)
    async with asyncio.timeout(PATIENCE):
        while not protocol.transport.is_closing():
            await asyncio.sleep(0.01)


def test_a_connection_that_asked_something_else_comes_back():
    with open_front() as (address, passed), socket.create_connection(address, PATIENCE) as connection:
        for _ in range(2):
            ask(connection, "/v1/capabilities")
            deadline = time.monotonic() + PATIENCE
            while not passed and time.monotonic() < deadline:
                time.sleep(0.01)
            asyncio.run(on_a_loop(passed.pop()))
            assert answered(connection)[1] == {}
            ask(connection)  # now there is no loop
            assert answered(connection)[1] == {"status": "READY"}


def test_connections_made_while_the_loop_is_busy_all_arrive():
    made = []

    class Counted(asyncio.Protocol):
        def connection_made(self, transport):
            made.append(transport)

    async def serve():
        arrivals = Arrivals(asyncio.get_running_loop(), Counted, None, PATIENCE, room=600)
        ends = [socket.socketpair() for _ in range(150)]
        for ours, _ in ends:
            arrivals.take(ours)  # nothing else goes on meanwhile
        async with asyncio.timeout(PATIENCE):
            while len(made) < len(ends):
                await asyncio.sleep(0.01)
        for transport in made:
            transport.abort()
        for _, theirs in ends:
            theirs.close()
        await asyncio.sleep(0)

    asyncio.run(serve())
    assert len(made) == 150


def test_the_longest_silent_stranger_makes_room():
    with open_front(room=3) as (address, _), contextlib.ExitStack() as stack:
        known, *strangers = (
            stack.enter_context(socket.create_connection(address, PATIENCE)) for _ in range(3)
        )
        ask(known)
        answered(known)
        stack.enter_context(socket.create_connection(address, PATIENCE))
        assert strangers[0].recv(1) == b""
        ask(known)
        assert answered(known)[1]


@pytest.mark.parametrize("spoke", [False, True])
def test_a_silent_connection_is_ended_in_time(spoke):
    soon = {("idle_seconds" if spoke else "silent_seconds"): 0.05}
    with open_front(**soon) as (address, _), socket.create_connection(address, PATIENCE) as connection:
        if spoke:
            ask(connection)
            answered(connection)
        assert connection.recv(1) == b""


def test_without_a_free_file_descriptor_the_longest_silent_makes_room():
    class Full(socket.socket):
        full = False

        def accept(self):
            if Full.full:
                Full.full = False
                raise OSError(errno.EMFILE, "Too many open files")
            return super().accept()

    listener = Full()
    listener.bind(("127.0.0.1", 0))
    with open_front(listener=listener) as (address, _), contextlib.ExitStack() as stack:
        first = stack.enter_context(socket.create_connection(address, PATIENCE))
        ask(first)
        answered(first)
        Full.full = True
        second = stack.enter_context(socket.create_connection(address, PATIENCE))
        assert first.recv(1) == b""
        ask(second)
        assert answered(second)[1]


def test_a_connection_that_lost_its_place_in_the_same_turn_is_not_served(caplog):
    listener = socket.create_server(("127.0.0.1", 0))
    passed = []
    front = Front(listener, [].append, passed.append, room=2, silent_seconds=PATIENCE, idle_seconds=PATIENCE)
    front._selector.register(listener, selectors.EVENT_READ, front._accept)
    with contextlib.ExitStack() as stack:

        def connect():
            return stack.enter_context(socket.create_connection(listener.getsockname(), PATIENCE))

        early = [connect(), connect()]
        while len(front._waiting) < 2:
            front._turn()
        connect()
        for one in early:
            ask(one)
        front._turn()
    front.stop()
    assert len(passed) == 1
    passed[0].close()
    assert not caplog.records


def test_a_failure_costs_the_connection_that_caused_it():
    looks = iter([ZeroDivisionError, None])

    def broken(scope):
        if problem := next(looks):
            raise problem
        return {"status": "READY"}, lambda: None

    listener = socket.create_server(("127.0.0.1", 0))
    front = Front(listener, broken, [].append, room=8, silent_seconds=PATIENCE, idle_seconds=PATIENCE)
    front.start(8)
    try:
        for fails in (True, False):
            with socket.create_connection(listener.getsockname(), PATIENCE) as connection:
                ask(connection)
                if fails:
                    with contextlib.suppress(ConnectionResetError):
                        assert connection.recv(1) == b""
                else:
                    assert answered(connection)[1]
    finally:
        front.stop()


def test_health_is_the_same_before_the_loop_and_on_it(server):
    with contextlib.closing(
        http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    ) as connection:
        found = []
        for path in ("/v1/health", "/v1/capabilities", "/v1/health"):
            connection.request("GET", path, headers={"Authorization": f"Bearer {server.token}"})
            answer = connection.getresponse()
            found.append((sorted(name for name, _ in answer.getheaders()), json.loads(answer.read())))
        assert found[0] == found[2]
