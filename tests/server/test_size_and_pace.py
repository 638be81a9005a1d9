"""Bodies that are too big or come too slowly, and connections that are only held."""

import contextlib
import http.client
import json
import socket
import threading
import time
import uuid

import numpy as np
import pytest
from patience import PATIENCE
from refusals import refused


def head(server, path, *lines, method="PUT", kind="application/octet-stream"):
    first = [
        f"{method} {path} HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        f"Authorization: Bearer {server.token}",
    ]
    return "\r\n".join([*first, f"Content-Type: {kind}", *lines, "", ""]).encode()


def test_a_body_too_large_by_its_header_is_refused_before_it_is_sent(strict_server):
    limit = strict_server.client.get("/v1/capabilities").json()["limits"]["audio_bytes"]
    for path, kind, size in (
        (f"/v1/audio/{'0' * 64}", "application/octet-stream", limit + 1),
        (f"/v1/jobs/{uuid.uuid4()}", "application/json", 2_500_001),
        (f"/v1/jobs/{uuid.uuid4()}", "application/json", 10**15),
        (f"/v1/jobs/{uuid.uuid4()}", "text/plain", 2_500_001),  # the length counts before the type
    ):
        answer = strict_server.raw(head(strict_server, path, f"Content-Length: {size}", kind=kind))
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"body_too_large" in answer


def test_a_body_too_large_without_a_header_is_refused_while_it_streams(strict_server):
    sent = 0

    def pieces():
        nonlocal sent
        while sent < 100_000_000:
            sent += 100_000
            yield bytes(100_000)

    answer = strict_server.client.put(
        f"/v1/audio/{'0' * 64}", content=pieces(), headers={"Content-Type": "application/octet-stream"}
    )
    refused(answer, "body_too_large")
    staging = strict_server.folder / "data" / "staging"
    assert not list(staging.iterdir())


def test_a_client_that_sends_everything_before_it_reads_still_gets_the_reason(strict_server):
    headers = {"Authorization": f"Bearer {strict_server.token}", "Content-Type": "application/octet-stream"}
    connection = http.client.HTTPConnection("127.0.0.1", strict_server.port, timeout=PATIENCE)
    connection.request("PUT", f"/v1/audio/{'0' * 64}", bytes(40_000_000), headers)
    answer = connection.getresponse()
    assert answer.status == 413
    assert json.loads(answer.read())["code"] == "body_too_large"
    connection.close()


def test_a_body_where_none_belongs_is_refused(strict_server):
    path = f"/v1/jobs/{uuid.uuid4()}/cancel"
    answer = strict_server.client.post(
        path, content=b" " * 2000, headers={"Content-Type": "application/json"}
    )
    refused(answer, "body_too_large")


def test_an_upload_that_stops_is_given_up(strict_server):
    start = head(strict_server, f"/v1/audio/{'0' * 64}", "Content-Length: 1000") + b"abc"
    answer = strict_server.raw(start)  # reads until the server closes
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"upload_slow" in answer


def drip(server, path, answers):
    """Send a byte every 50 ms for as long as the server takes them."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(head(server, path, "Content-Length: 3000000"))
        connection.settimeout(0.05)
        received = b""
        for _ in range(600):
            try:
                connection.sendall(b"x")
                piece = connection.recv(65_536)
                if not piece:
                    break
                received += piece
            except TimeoutError:
                continue
            except OSError:
                break
        answers.append(received)


def test_dripping_uploads_are_given_up_and_free_their_places(strict_server, tools):
    answers = []
    places = tools.short_deadlines["uploads_at_once"]
    path = f"/v1/audio/{'0' * 64}"
    drippers = [threading.Thread(target=drip, args=(strict_server, path, answers)) for _ in range(places)]
    for thread in drippers:
        thread.start()
    large = np.random.default_rng(5).normal(0, 0.1, 800_000)  # 1.6 MB: takes a place
    data = tools.wav(large)
    seen = set()
    deadline = time.monotonic() + PATIENCE
    while 201 not in seen and time.monotonic() < deadline:
        answer = strict_server.put_audio(data)
        seen.add(answer.status_code)
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) > 0
            assert answer.json()["code"] == "uploads_busy"
            time.sleep(0.05)
    for thread in drippers:
        thread.join(PATIENCE)
    assert seen == {429, 201}
    assert len(answers) == places
    assert all(answer.startswith(b"HTTP/1.1 408") for answer in answers)


def test_connections_that_never_ask_anything_are_closed(strict_server):
    assert strict_server.raw(b"") == b""
    assert strict_server.raw(b"GET /v1/health HTTP/1.1\r\nHost: lo") == b""
    whole = head(strict_server, "/v1/capabilities", method="GET")
    with socket.create_connection(("127.0.0.1", strict_server.port), timeout=PATIENCE) as connection:
        connection.sendall(whole)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        time.sleep(0.1)
        connection.sendall(b"GET /v1/hea")  # the second request never ends
        while connection.recv(65_536):
            pass


def test_an_idle_connection_lives_longer_than_clients_keep_it_and_ends(server):
    """Before the loop and on it: each answer comes over the same connection, until that ends."""
    lines = {
        path: http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        for path in ("/v1/health", "/v1/capabilities")
    }
    with contextlib.ExitStack() as stack:
        for connection in lines.values():
            stack.enter_context(contextlib.closing(connection))
        before = {}
        for pause in (0, 6):  # clients mostly end theirs after 5
            time.sleep(pause)
            for path, connection in lines.items():
                connection.request("GET", path, headers={"Authorization": f"Bearer {server.token}"})
                assert connection.getresponse().read()
                assert before.setdefault(path, connection.sock) is connection.sock
        for connection in lines.values():
            assert connection.sock.recv(1) == b""


def test_an_interrupted_upload_leaves_nothing_behind(strict_server):
    staging, before = strict_server.folder / "data" / "staging", len(strict_server.log)
    deadline = time.monotonic() + PATIENCE
    with socket.create_connection(("127.0.0.1", strict_server.port), timeout=PATIENCE) as connection:
        connection.sendall(
            head(strict_server, f"/v1/audio/{'0' * 64}", "Content-Length: 1000000") + bytes(100_000)
        )
        while not list(staging.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    while list(staging.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list(staging.iterdir())
    assert "Traceback" not in strict_server.log[before:]


@pytest.mark.parametrize("known", [False, True])
def test_a_body_that_is_no_http_costs_its_connection_and_leaves_no_traceback(strict_server, known):
    before = len(strict_server.log)
    key = f"Authorization: Bearer {strict_server.token}\r\n" if known else ""
    head = (
        f"PUT /v1/jobs/{uuid.uuid4()} HTTP/1.1\r\nHost: 127.0.0.1\r\n{key}Transfer-Encoding: chunked\r\n\r\n"
    )
    for first, then in ((head + "zz\r\n", ""), (head, "zz\r\n")):
        with socket.create_connection(("127.0.0.1", strict_server.port), timeout=PATIENCE) as connection:
            connection.sendall(first.encode())
            if then:
                assert connection.recv(1)  # the answer begins, and the rest of the body is waited for
                connection.sendall(then.encode())
            while connection.recv(65_536):
                pass
    assert "Traceback" not in strict_server.log[before:]
