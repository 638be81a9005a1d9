"""Programs that are not the server: on its port, in its runtime file, with its process number."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest
from addon.model.errors import Problem
from addon.model.server import server_process
from addon.model.server.client import Client
from fake_server import asked
from patience import PATIENCE

from tempose_pose.local import programs, proof, runtime_file

TOKEN = "a-token-that-only-the-server-and-the-add-on-know"
SONG = b"the bytes of a song that nobody else should hear"


class Squatter:
    """Listens on a port and answers every request in one way; keeps all that it was told."""

    def __init__(self, answer):
        self.answer, self.heard = answer, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        with connection, contextlib.suppress(OSError):
            request = b""
            while data := connection.recv(65_536):
                self.heard += data
                request += data
                if b"\r\n\r\n" in request:
                    connection.sendall(self.answer(request.decode("latin-1")))
                    request = b""


def said(value, status=200):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return b"HTTP/1.1 %d OK\r\nContent-Length: %d\r\n\r\n" % (status, len(data)) + data


def challenge_in(request):
    lines = dict(line.split(": ", 1) for line in request.split("\r\n")[1:] if ": " in line)
    return lines.get(proof.HEADER, "")


@pytest.fixture
def squat():
    running = []

    def start(answer):
        running.append(Squatter(answer))
        return running[-1]

    yield start
    for one in running:
        one.listener.close()


HEALTH = {"status": "READY", "version": "0"}
OLD = proof.challenge()
STRANGERS = {
    "friendly": lambda request: said(HEALTH),
    "empty": lambda request: said({}),
    "no object": lambda request: said([1]),
    "no JSON": lambda request: said(b"<html>"),
    "deep": lambda request: said(b"[" * 900),
    "long": lambda request: said(b" " * 100_000),
    "refusing": lambda request: said({"code": "token_wrong", "message": "Say it."}, 401),
    "replaying": lambda request: said({"proof": proof.answer(TOKEN, OLD), "here": proof.answer(TOKEN, OLD)}),
    "echoing": lambda request: said({"proof": challenge_in(request), "here": challenge_in(request)}),
    "odd": lambda request: said({"proof": "\ud800", "here": 10**400}),
    "no HTTP": lambda request: b"220 welcome\r\n",
}


@pytest.mark.parametrize("pid", [None, 7])
@pytest.mark.parametrize("kind", STRANGERS)
def test_a_stranger_on_the_port_is_told_nothing(squat, kind, pid):
    stranger = squat(STRANGERS[kind])
    client = Client(f"http://127.0.0.1:{stranger.port}", TOKEN, timeout=PATIENCE, pid=pid)
    for call in (client.health, lambda: client.ensure_sound(SONG), lambda: client.put_job("j", asked(1.0))):
        with pytest.raises(Problem) as caught:
            call()
        assert caught.value.code in ("server_unproven", "server_gone")
    assert TOKEN.encode() not in stranger.heard
    assert SONG not in stranger.heard
    assert b"Authorization" not in stranger.heard
    assert set(line.split(b" ")[1] for line in stranger.heard.split(b"\r\n") if b" HTTP/1.1" in line) == {
        proof.PATH.encode()
    }


def test_a_stranger_that_passes_the_question_on_to_the_real_server_is_told_nothing(squat):
    def real(request):
        asked = challenge_in(request)
        return said({"proof": proof.answer(TOKEN, asked), "here": proof.answer(TOKEN, asked, 1234, 7)})

    stranger = squat(real)  # as the server on port 1234 would answer
    with pytest.raises(Problem, match="does not know"):
        Client(f"http://127.0.0.1:{stranger.port}", TOKEN, timeout=PATIENCE, pid=7).ensure_sound(SONG)
    assert SONG not in stranger.heard and TOKEN.encode() not in stranger.heard


def test_each_connection_is_proven_anew(squat):
    """The server may have ended, and another program have its port, between any two calls."""
    honest = [True]

    def answer(request):
        asked = challenge_in(request)
        if asked:
            return said({"proof": proof.answer(TOKEN, asked)} if honest[0] else {})
        return said(HEALTH)

    stranger = squat(answer)
    client = Client(f"http://127.0.0.1:{stranger.port}", TOKEN, timeout=PATIENCE)
    assert client.health().status == "READY"
    honest[0] = False
    with pytest.raises(Problem, match="does not know"):
        client.ensure_sound(SONG)
    assert SONG not in stranger.heard


# --- Stop Server ------------------------------------------------------------------------------------------


@pytest.fixture
def staying(tmp_path, monkeypatch):
    """Writes the runtime file of a server that was told to stay."""
    monkeypatch.setenv("TEMPOSE_SERVER_RUNTIME_FILE", str(tmp_path / "server.json"))
    signaled = []
    monkeypatch.setattr(os, "kill", lambda pid, number: signaled.append(pid))
    if hasattr(signal, "pidfd_send_signal"):
        monkeypatch.setattr(signal, "pidfd_send_signal", lambda handle, number: signaled.append("handle"))

    def write(port, **changed):
        path = tmp_path / "blender.json"
        runtime_file.write(path, f"http://127.0.0.1:{port}", TOKEN)
        path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
        return signaled

    return write


@pytest.fixture
def other():
    """A process that is not the server."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.communicate(b"\n")


def knows_the_token(pid):
    def answer(request):
        port = int(request.split("Host: 127.0.0.1:", 1)[1].split("\r\n", 1)[0])
        return said({"here": proof.answer(TOKEN, challenge_in(request), port, pid)})

    return answer


@pytest.mark.parametrize("pid", [-1, 0, 1, 2**31 - 1, 2**70, "other"])
def test_a_number_in_a_file_ends_no_process(staying, squat, other, pid):
    pid = other.pid if pid == "other" else pid
    for changed in ({"pid": pid}, {"pid": pid, "started": programs.started(pid) if 0 < pid < 2**31 else ""}):
        for answer in (STRANGERS["friendly"], knows_the_token(os.getpid())):
            signaled = staying(squat(answer).port, **changed)
            assert server_process.stop_staying(TOKEN) is False
            assert signaled == []
    assert other.poll() is None


def test_only_the_server_itself_is_ended(staying, squat, monkeypatch):
    monkeypatch.setattr(programs, "command_line", lambda pid: "python -m tempose_server")
    signaled = staying(squat(knows_the_token(os.getpid())).port)
    assert server_process.stop_staying("another token") is False
    monkeypatch.setattr(programs, "command_line", lambda pid: "vim")
    assert server_process.stop_staying(TOKEN) is False
    assert signaled == []
    monkeypatch.setattr(programs, "command_line", lambda pid: "python -m tempose_server")
    assert server_process.stop_staying(TOKEN) is True
    assert len(signaled) == 1


def test_a_server_that_may_not_be_ended_is_a_sentence(staying, squat, monkeypatch):
    def refused(*_):
        raise PermissionError

    monkeypatch.setattr(programs, "command_line", lambda pid: "")
    staying(squat(knows_the_token(os.getpid())).port)
    monkeypatch.setattr(os, "kill", refused)
    monkeypatch.setattr(signal, "pidfd_send_signal", refused, raising=False)
    with pytest.raises(Problem, match="does not let the server be stopped"):
        server_process.stop_staying(TOKEN)
