"""Servers that talk too much, too long or too strangely: Blender's window goes on, and a sentence says what to do."""

import time

import pytest
from addon.model.errors import Problem
from addon.model.server import answers
from addon.model.server import client as client_module
from addon.model.server.background_task import SLICE, WAITING, BackgroundTask
from addon.model.server.client import Client
from fake_server import result
from patience import PATIENCE
from raw_server import RawServer, said

TOKEN = "a-token-for-these-tests-0123456789abcdef"


@pytest.fixture
def serving():
    running = []

    def start(data, **more):
        running.append(RawServer(TOKEN, lambda first: data() if callable(data) else data))
        return Client(running[-1].url, TOKEN, **{"timeout": PATIENCE, **more})

    yield start
    for one in running:
        one.close()


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("health", lambda c: c.health()),
        ("capabilities", lambda c: c.capabilities()),
        ("job", lambda c: c.job("j")),
        ("analysis", lambda c: c.analysis("0" * 64)),
        ("dance", lambda c: c.result("j")),
    ],
)
def test_each_call_has_a_limit_of_its_own(serving, monkeypatch, name, call):
    for limit in ("SHORT_BYTES", "CAPABILITIES_BYTES", "ANALYSIS_BYTES", "RESULT_BYTES"):
        monkeypatch.setattr(client_module, limit, 10**9)
    own = {"health": "SHORT_BYTES", "job": "SHORT_BYTES", "capabilities": "CAPABILITIES_BYTES",
           "analysis": "ANALYSIS_BYTES", "dance": "RESULT_BYTES"}[name]  # fmt: skip
    if own == "SHORT_BYTES":  # a default of the calls
        monkeypatch.undo()
        size = 64_001
    else:
        monkeypatch.setattr(client_module, own, 1000)
        size = 1001
    with pytest.raises(Problem, match="more than it may"):
        call(serving(said(b'"' + b"x" * size + b'"')))


def test_a_short_answer_is_short():
    assert client_module.SHORT_BYTES == 64_000


@pytest.mark.parametrize(
    "text", [b"[" + b"[]," * 200_000 + b"[]]", b"[" * 5000, b"[" + b'"",' * 400_000 + b'""]']
)
def test_much_in_little_is_not_even_parsed(monkeypatch, text):
    monkeypatch.setattr(
        "tempose_pose.local.hostile_json.json.loads", lambda text: pytest.fail("it was parsed")
    )
    with pytest.raises(Problem, match="not JSON"):
        answers.parsed(text)


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"]
)
def test_an_answer_without_end_ends_with_words(serving, monkeypatch, head):
    monkeypatch.setattr("addon.model.server.caller.PATIENCE", 0.5)

    def drip():
        yield head
        while True:
            time.sleep(0.05)
            yield b"X-A: b\r\n" if head.count(b"\r\n") == 1 else b"1"

    with pytest.raises(Problem) as caught:
        serving(drip, timeout=1.0).health(timeout=1.0)
    assert caught.value.code == "server_slow"


def test_events_without_end_end_with_words(serving, monkeypatch):
    monkeypatch.setattr(answers, "STREAM_BYTES", 200_000)

    def flood():
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        while True:
            yield b": still here\n\n" * 1000

    with pytest.raises(Problem, match="events without end"):
        serving(flood).follow("j", lambda name, data: None)


def test_lines_about_a_video_without_end_end_with_words(serving, monkeypatch, tmp_path):
    monkeypatch.setattr(client_module, "STREAM_BYTES", 200_000)
    (tmp_path / "video.mp4").write_bytes(b"video")

    def flood():
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        while True:
            yield b'{"frame": 1}\n' * 1000

    with pytest.raises(Problem, match="lines without end"):
        serving(flood).read_video(tmp_path / "video.mp4", 1, lambda line: None)


@pytest.mark.parametrize("value", [5, None, ["a"], {"a": 1}, float("nan"), True])
def test_a_refusal_whose_reason_is_no_text_is_told_by_its_number(serving, value):
    with pytest.raises(Problem, match="refused with the number 500"):
        serving(said({"code": value, "message": value}, 500)).health()


def test_what_is_no_letter_is_not_shown(serving):
    found = serving(said({"status": "READY", "version": "1", "message": "Reá\0dy\n\u202e now"})).health()
    assert found.message == "Reá dy   now"


def test_an_event_with_an_invalid_number_is_skipped():
    lines = iter(["id: ²\n".encode(), b"data: {}\n", b"\n"])
    assert list(answers.parse_events(lines)) == [(None, "message", {})]


@pytest.mark.parametrize("value", ["1" + "0" * 400, "-1" + "0" * 400, "1e309", "NaN"])
def test_a_number_beyond_all_bounds_is_none(serving, value):
    text = b'{"sha256": "x", "seconds": ' + value.encode() + b"}"
    with pytest.raises(Problem, match="wrong seconds"):
        found = [said(b"", 404), said(text, 201)]
        serving(lambda: found.pop(0)).ensure_sound(b"x")


@pytest.mark.parametrize("joints", [5, True, "nose", {"a": 1}, [5], [["nose"]]])
def test_invalid_joints_are_refused(serving, joints):
    with pytest.raises(Problem, match="The server sent"):
        serving(said(result(joints=joints))).result("j")


@pytest.mark.parametrize("text", [b'"\\ud800"', b'"\\udc00"', b'"\xed\xa0\x80"', b'"\xff"'])
def test_text_that_cannot_be_written_down_is_refused(serving, text):
    with pytest.raises(Problem, match="not JSON"):
        serving(said(b'{"status": "READY", "version": "1", "message": ' + text + b"}")).health()
    good = serving(said(b'{"status": "READY", "version": "1", "message": "\\ud83d\\ude00"}')).health()
    assert good.message == "\N{GRINNING FACE}"


@pytest.mark.parametrize("size", [b"-5", b"-ffff", b"zz", b"", b"\xb2"])
def test_chunks_of_invalid_length_are_refused(serving, size):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with pytest.raises(Problem):
        serving(head + size + b'\r\n{"status": "READY", "version": "1"}\r\n0\r\n\r\n').health()


def test_the_window_waits_no_longer_for_many_words_than_for_one():
    """However much the worker thread says, and however long it takes to show, one `pump` ends in time."""
    shown = []

    def talk(work):
        for i in range(WAITING + 40):
            work.show("segment", i)

    job = BackgroundTask("Talking", talk)
    job.shown = lambda kind, value: (shown.append(value), time.sleep(SLICE / 3))
    rounds, state = 0, "running"
    while state == "running":
        state, rounds = job.pump(), rounds + 1
        assert job._queue.qsize() <= WAITING
        assert len(shown) <= 5 * rounds  # as many as fit into the slice, not all
    assert shown == list(range(WAITING + 40))


def test_a_thread_that_nobody_listens_to_ends_all_the_same():
    def talk(work):
        while True:
            work.show("segment", 1)

    job = BackgroundTask("Talking", talk)
    job.cancel()
    assert job.pump() == "canceled"
    job.join(PATIENCE)
    assert not job._thread.is_alive()
