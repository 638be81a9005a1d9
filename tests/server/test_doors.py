"""Who may speak to the server: each door is tried on every route."""

import asyncio
import http.client
import json
import time
import uuid

import pytest
from patience import PATIENCE

from tempose_pose.local import proof
from tempose_server import security
from tempose_server.metrics import Metrics
from tempose_server.settings import ServerSettings

HASH, JOB = "0" * 64, str(uuid.uuid4())
ROUTES = [
    ("GET", "/v1/health"),
    ("GET", "/v1/capabilities"),
    ("PUT", f"/v1/audio/{HASH}"),
    ("HEAD", f"/v1/audio/{HASH}"),
    ("GET", f"/v1/audio/{HASH}/analysis"),
    ("POST", f"/v1/audio/{HASH}/stretch"),
    ("PUT", f"/v1/jobs/{JOB}"),
    ("GET", f"/v1/jobs/{JOB}"),
    ("GET", f"/v1/jobs/{JOB}/events"),
    ("POST", f"/v1/jobs/{JOB}/cancel"),
    ("GET", f"/v1/jobs/{JOB}/result"),
    ("POST", "/v1/pose"),
    ("GET", "/v1/docs"),
    ("POST", "/v1/docs/link"),
    ("GET", "/v1/openapi.json"),
    ("GET", "/"),
    ("DELETE", "/v1/health"),
    ("OPTIONS", "/v1/health"),
]


def ask(server, method, path, headers=(), body=None):
    """One request with exactly these headers; (status, headers, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def right(server):
    return [("Host", f"127.0.0.1:{server.port}"), ("Authorization", f"Bearer {server.token}")]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_no_route_answers_without_the_token(server, method, path):
    host = ("Host", f"127.0.0.1:{server.port}")
    wrong = [
        [],
        [("Authorization", "Bearer ")],
        [("Authorization", f"Bearer {server.token}x")],
        [("Authorization", f"Bearer {server.token[:-1]}")],
        [("Authorization", f"Basic {server.token}")],
        [("Authorization", server.token)],
        [("Authorization", f"Bearer {server.token}")] * 2,
        [("Authorization", "Bearer \xe9\xff")],
        [("Cookie", f"token={server.token}")],
    ]
    for headers in wrong:
        status, _, body = ask(server, method, path, [host, *headers])
        assert status == 401
        if method != "HEAD":
            assert json.loads(body)["code"] == "token_wrong"
    status, _, body = ask(server, method, f"{path}?token={server.token}", [host])
    assert status == 401
    assert server.token not in server.log
    assert server.token.encode() not in body


def test_the_page_for_people_opens_once_by_a_link_and_loads_nothing_else(server):
    from tempose_server.open_docs import one_time_link

    place = [("Host", f"127.0.0.1:{server.port}"), ("Sec-Fetch-Site", "none")]
    link = one_time_link(server.runtime_file).removeprefix(server.url)
    status, headers, body = ask(server, "GET", link, place)
    assert status == 200
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    page = body.decode()
    assert "/v1/jobs/{job_id}" in page and "JobRequest"[:3] in page
    for outside in ("http:", "https:", "//", "<script", "src=", "<link", "@import", "url("):
        assert outside not in page
    assert ask(server, "GET", link, place)[0] == 401  # once
    for path in (
        link.replace("key=", "key=x"),
        "/v1/docs?key=",
        "/v1/docs",
        "/v1/health?" + link.partition("?")[2],
    ):
        assert ask(server, "GET", path, place)[0] == 401
    fresh = one_time_link(server.runtime_file).removeprefix(server.url)
    assert ask(server, "GET", fresh, [place[0], ("Sec-Fetch-Site", "cross-site")])[0] == 403
    assert ask(server, "GET", fresh.replace("/v1/docs", "/v1/health"), place)[0] == 401
    assert fresh.partition("=")[2] not in server.log


def test_docs_without_a_server_are_refused_in_words(server, tmp_path):
    from tempose_pose.errors import TemposeError
    from tempose_server.open_docs import one_time_link

    other = json.loads(server.runtime_file.read_text())
    (tmp_path / "s.json").write_text(json.dumps({**other, "token": "another" * 9}))
    (tmp_path / "s.json").chmod(0o600)
    with pytest.raises(TemposeError, match="nothing was sent"):
        one_time_link(tmp_path / "s.json")


def prove(server, *headers, path=proof.PATH, **more):
    host = ("Host", f"127.0.0.1:{server.port}")
    status, _, body = ask(server, "GET", path, [host, *headers], **more)
    return status, json.loads(body)


def test_the_server_proves_without_the_token_that_it_knows_it(server):
    asked = proof.challenge()
    status, said = prove(server, (proof.HEADER, asked))
    assert status == 200
    assert proof.is_right(said["proof"], server.token, asked)
    assert proof.is_right(said["here"], server.token, asked, server.port, server.process.pid)
    assert proof.is_right(said["port"], server.token, asked, server.port)
    assert set(said) == {"proof", "port", "here"}  # and says nothing else


def test_nothing_but_a_challenge_is_ever_put_through_the_token(server):
    asked = proof.challenge()
    odd = ["", asked[:-1], asked + "0", asked.upper(), "../" + asked, "\xb2" * 64]
    for headers in [[], [(proof.HEADER, asked)] * 2, *([(proof.HEADER, text)] for text in odd)]:
        status, said = prove(server, *headers)
        assert (status, said["code"]) == (400, "challenge")
    assert prove(server, (proof.HEADER, asked), body=b"{}")[0] == 400
    assert prove(server, (proof.HEADER, asked), path=proof.PATH + "/")[0] == 401
    for site in (("Origin", "null"), ("Sec-Fetch-Site", "cross-site")):
        assert prove(server, (proof.HEADER, asked), site)[0] == 403
    assert ask(server, "GET", proof.PATH, [("Host", "evil.example"), (proof.HEADER, asked)])[0] == 403
    assert ask(server, "POST", proof.PATH, [right(server)[0], (proof.HEADER, asked)])[0] == 401


def test_the_token_opens_the_door(server):
    assert ask(server, "GET", "/v1/health", right(server))[0] == 200
    assert ask(server, "GET", "/v1/docs", right(server))[0] == 200


def test_tokens_are_compared_in_constant_time(monkeypatch):
    compared = []

    def compare(a, b):
        compared.append((a, b))
        return a == b

    monkeypatch.setattr(security.hmac, "compare_digest", compare)
    sent = []

    async def send(message):
        sent.append(message)

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    doors = security.Doors(app, token="t" * 40, settings=ServerSettings(), metrics=Metrics(dict), rules=())
    for token in ("t" * 40, "t", "", "x" * 5000):
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "raw_path": b"/",
            "headers": [(b"host", b"localhost"), (b"authorization", f"Bearer {token}".encode())],
        }
        asyncio.run(doors(scope, None, send))
    assert [m["status"] for m in sent if m["type"] == "http.response.start"] == [204, 401, 401, 401]
    assert len(compared) == 4
    assert {len(side) for pair in compared for side in pair} == {32}


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:{port}",
        "127.0.0.1.:{port}",
        "localhost:{port}",
        "LocalHost",
        "localhost.:{port}",
        "[::1]:{port}",
        "[0:0:0:0:0:0:0:1]",
    ],
)
def test_the_servers_own_names_are_taken(server, host):
    headers = [("Host", host.format(port=server.port)), right(server)[1]]
    assert ask(server, "GET", "/v1/health", headers)[0] == 200


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example",
        "evil.example.",
        "evil.example:{port}",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost..",
        "localhost:",
        "localhost:http",
        "user@localhost",
        "localhost@evil.example",
        "localhost/",
        "127.1",
        "2130706433",
        "0.0.0.0",
        "[::]",
        "[::1",
        "::1",
        "[::ffff:127.0.0.1]",
        "[::1%25lo]",
        "192.168.0.1",
    ],
)
def test_other_names_are_refused(server, host):
    headers = [("Host", host.format(port=server.port)), right(server)[1]]
    status, _, body = ask(server, "GET", "/v1/health", headers)
    assert status in (400, 403)
    if status == 403:
        assert json.loads(body)["code"] == "host_refused"


def test_two_host_lines_or_none_are_refused(server):
    token = right(server)[1]
    two = [("Host", "localhost"), ("Host", "localhost"), token]
    assert ask(server, "GET", "/v1/health", two)[0] in (400, 403)
    assert ask(server, "GET", "/v1/health", [token])[0] in (400, 403)
    old = f"GET /v1/health HTTP/1.0\r\nAuthorization: Bearer {server.token}\r\n\r\n".encode()
    assert server.raw(old).split()[1] in (b"400", b"403")


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "header",
    [
        ("Origin", "null"),
        ("Origin", "https://evil.example"),
        ("Origin", "http://127.0.0.1:1"),
        ("Origin", "http://localhost"),
        ("Origin", ""),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Site", "anything"),
    ],
)
def test_web_pages_are_refused_even_with_the_token(server, method, path, header):
    status, headers, body = ask(server, method, path, [*right(server), header])
    assert status == 403
    assert not [name for name in headers if name.lower().startswith("access-control")]
    if method != "HEAD":
        assert json.loads(body)["code"] == "origin_refused"


def test_a_preflight_gets_no_permission(server):
    asked = [
        ("Host", f"127.0.0.1:{server.port}"),
        ("Origin", "https://evil.example"),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "authorization"),
        ("Access-Control-Request-Private-Network", "true"),
    ]
    status, headers, _ = ask(server, "OPTIONS", f"/v1/jobs/{JOB}", asked)
    assert status == 403
    assert not [name for name in headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    "kind",
    [
        None,
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "application/json; charset=utf-16",
        "application/jsonp",
        "text/json",
    ],
)
@pytest.mark.parametrize("path", [f"/v1/jobs/{JOB}", f"/v1/audio/{HASH}/stretch", f"/v1/jobs/{JOB}/cancel"])
def test_json_routes_take_only_json(server, path, kind):
    headers = right(server) + ([("Content-Type", kind)] if kind else [])
    status, _, body = ask(
        server, "PUT" if "/jobs/" in path and "cancel" not in path else "POST", path, headers, b"{}"
    )
    assert status == 415
    assert json.loads(body)["code"] == "content_type"


def test_songs_come_only_as_plain_bytes(server, tools):
    data = tools.wav(tools.clicks(1.0))
    for headers in (
        {"Content-Type": "audio/wav"},
        {"Content-Type": "text/plain"},
        {"Content-Encoding": "gzip"},
    ):
        assert server.put_audio(data, **headers).status_code == 415


def test_answers_are_not_for_other_pages_or_caches(server):
    _, headers, _ = ask(server, "GET", "/v1/health", right(server))
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["content-security-policy"] == "frame-ancestors 'none'"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["server"] is None


def test_a_websocket_is_not_opened(server):
    headers = [
        *right(server),
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="),
    ]
    assert ask(server, "GET", "/v1/health", headers)[0] != 101


def test_the_log_holds_no_query_and_no_control_characters(server):
    ask(server, "GET", "/v1/health?secret=abcdef", right(server))
    ask(server, "GET", "/v1/%0aforged%20line%1b[31m", right(server))
    deadline = time.monotonic() + PATIENCE
    while "forged" not in server.log:  # it is written after the answer is sent
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert "GET /v1/health 200" in server.log
    assert "abcdef" not in server.log
    assert "\x1b" not in server.log
    assert "\nforged" not in server.log


def test_a_configured_token_opens_an_open_address(launch, tmp_path):
    token = tmp_path / "token"
    token.write_text("k" * 40 + "\n")
    token.chmod(0o600)
    server = launch("--host", "0.0.0.0", "--token-file", str(token), "--allowed-host", "studio.example")
    assert server.token == "k" * 40
    key = ("Authorization", f"Bearer {server.token}")
    assert ask(server, "GET", "/v1/health", [("Host", f"studio.example:{server.port}"), key])[0] == 200
    assert (
        ask(server, "GET", "/v1/health", [("Host", "studio.example"), ("Authorization", "Bearer k")])[0]
        == 401
    )
    assert ask(server, "GET", "/v1/health", [("Host", "0.0.0.0"), key])[0] == 403
    assert ask(server, "GET", "/v1/health", [("Host", "other.example"), key])[0] == 403
    assert server.token not in server.log


def test_a_strangers_connection_ends_with_its_refusal(server):
    said = server.raw(b"GET /v1/capabilities HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert b"401" in said
    assert b"connection: close" in said
