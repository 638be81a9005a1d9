"""The client against servers that fail, lie and hang."""

import gzip
import json
import sys
import threading

import numpy as np
import pytest
from addon.model.errors import Canceled, Problem
from addon.model.server import work
from addon.model.server.background_task import BackgroundTask
from addon.model.server.caller import is_loopback, split_url
from addon.model.server.client import Client
from fake_server import CAPABILITIES, TOKEN, Quiet, asked, encoded, event, health, job, result, serving
from patience import PATIENCE

from tempose_pose.tempo import TempoMap
from tempose_pose.wire.answers import AudioInfo
from tempose_pose.wire.dances import dance_of
from tempose_pose.wire.validation import TEXT, read


def test_every_call_carries_the_token_and_no_proxy_sees_it(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving({("GET", "/v1/health"): health()}) as (fake, client):
        assert client.health().status == "READY"
        assert fake.calls[0][2]["Authorization"] == f"Bearer {TOKEN}"


def test_a_redirect_is_not_followed():
    def move(handler):
        handler.send_response(302)
        handler.send_header("Location", "http://127.0.0.1:9/v1/health")
        handler.end_headers()

    with serving({("GET", "/v1/health"): move}) as (_, client), pytest.raises(Problem):
        client.health()


def test_nothing_comes_out_of_the_environment(monkeypatch, tmp_path):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password something")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with serving({("GET", "/v1/health"): health()}) as (fake, client):
        client.health()
        assert fake.calls[0][2] | {"Host": ""} == {
            "Host": "",
            "Authorization": f"Bearer {TOKEN}",
            "Accept-Encoding": "identity",
            "User-Agent": "Tempose",
            "Connection": "close",
        }


def test_a_packed_answer_is_not_unpacked():
    def packed(handler):
        data = gzip.compress(json.dumps(health()).encode())
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    with serving({("GET", "/v1/health"): packed}) as (_, client), pytest.raises(Problem, match="not JSON"):
        client.health()


@pytest.mark.parametrize("sent", [b"", b'{"status": '])
def test_a_server_that_falls_silent_is_given_up(sent):
    release = threading.Event()

    def stall(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(sent)
        handler.wfile.flush()
        release.wait(PATIENCE)

    with serving({("GET", "/v1/health"): stall}) as (_, client):
        with pytest.raises(Problem) as caught:
            client.health(timeout=0.2)
        release.set()
    assert caught.value.code == "server_gone"


def test_an_answer_that_breaks_off_is_no_answer():
    def broken(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(json.dumps(health()).encode())

    with serving({("GET", "/v1/health"): broken}) as (_, client), pytest.raises(Problem) as caught:
        client.health()
    assert caught.value.code == "server_gone"


def test_a_blender_without_requests_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(Problem, match="python3-requests"):
        Client("http://127.0.0.1:9", TOKEN).health()


@pytest.mark.parametrize(
    "answer",
    [b"", b"no json", b"[1]", b"[" * 200_000, {}, {"status": 1, "version": 2}],
    ids=["empty", "text", "list", "deep", "nothing", "numbers"],
)
def test_a_strange_health_report_is_refused_in_words(answer):
    with (
        serving({("GET", "/v1/health"): answer}) as (_, client),
        pytest.raises(Problem, match="Is it a Tempose server"),
    ):
        client.health()


@pytest.mark.parametrize(
    "changed",
    [
        {"joints": ["nose"]},
        {"frames": 0},
        {"frames": 10**9},
        {"frames": True},
        {"canvas": [0, 5]},
        {"canvas": "big"},
        {"keypoints": "!!!"},
        {"keypoints": encoded(np.zeros((3, 18, 2)))},
        {"keypoints": encoded(np.full((30, 18, 2), np.nan))},
        {"keypoints": encoded(np.full((30, 18, 2), 1e30))},
        {"scores": encoded(np.full((30, 18), np.inf))},
        {"fps": 0},
        {"fps": "30"},
        {"beat_times": [1.0, 0.5]},
        {"beat_times": [float("nan")]},
        {"beat_times": list(range(30_000))},
        {"seams": [-1]},
        {"seed": -1},
        {"model_revision": "x" * 1000},
        {"model_revision": None},
    ],
)
def test_a_result_that_lies_never_becomes_a_dance(changed):
    with pytest.raises(Problem, match="The server sent"):
        dance_of(json.loads(json.dumps(result() | changed)))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "1", None])
def test_a_number_is_finite_and_no_truth_value(value):
    with pytest.raises(Problem, match="wrong seconds"):
        read(AudioInfo, {"sha256": "", "seconds": value}, "sound")


def test_a_server_that_talks_without_end_is_cut_short():
    answer = (422, {"code": "c" * 10_000, "message": "word " * 10_000})
    with serving({("GET", "/v1/health"): answer}) as (_, client), pytest.raises(Problem) as caught:
        client.health()
    assert (len(caught.value.code), len(caught.value.message)) == (60, TEXT)


def test_a_good_result_becomes_a_dance():
    dance = dance_of(result())
    assert dance.poses.keypoints.shape == (30, 18, 2)
    assert dance.poses.pixels.max() == 500
    assert dance.seed == 7


def test_an_answer_larger_than_allowed_is_cut_off(monkeypatch):
    monkeypatch.setattr("addon.model.server.client.SOUND_BYTES", 1000)
    with (
        serving({("POST", "stretch"): b"RIFF" + bytes(5000)}) as (_, client),
        pytest.raises(Problem, match="more than it may"),
    ):
        client.stretch("0" * 64, TempoMap(), 1.0)


def test_a_stretched_sound_that_is_no_wav_is_refused():
    with serving({("POST", "stretch"): b"<html>"}) as (_, client), pytest.raises(Problem, match="not a WAV"):
        client.stretch("0" * 64, TempoMap(), 1.0)


def test_a_wrong_token_is_said_in_words():
    answer = (401, {"code": "token_wrong", "message": "No."})
    with serving({("GET", "/v1/health"): answer}) as (_, client), pytest.raises(Problem) as caught:
        client.health()
    assert caught.value.code == "token_wrong"


def test_the_servers_own_message_reaches_the_person():
    answer = (422, {"code": "audio_silent", "message": "The sound is silent.", "details": None})
    with (
        serving({("GET", "analysis"): answer}) as (_, client),
        pytest.raises(Problem, match="The sound is silent"),
    ):
        client.analysis("0" * 64)


def test_a_server_that_is_not_there_is_said_in_words():
    with serving({}) as (_, client):
        pass
    with pytest.raises(Problem) as caught:
        client.health()
    assert caught.value.code == "server_gone"


def test_what_to_do_about_a_server_that_has_gone_depends_on_where_it_runs(monkeypatch):
    def said(url, **more):
        client = Client(url, "t", **more)
        with pytest.raises(Problem) as caught:
            client.health()
        return caught.value.message

    def refused(*_args, **_more):
        raise ConnectionRefusedError

    monkeypatch.setattr("urllib3.util.connection.create_connection", refused)
    own = said("http://127.0.0.1:9", alive=lambda: True)
    here, there = said("http://127.0.0.1:9"), said("http://studio.local:8000")
    assert "Start it again in the Tempose panel" in own
    assert "Start it again where it was started" in here and "Connect" in here
    assert "studio.local" in there and "network" in there
    assert "Start" not in there  # nobody can, from here


def test_a_remote_server_lost_while_it_dances_is_said_to_be_remote(monkeypatch):
    client = Client("http://studio.local:8000", "t")
    monkeypatch.setattr(
        "urllib3.util.connection.create_connection", lambda *_a, **_k: (_ for _ in ()).throw(OSError)
    )
    with pytest.raises(Problem, match=r"on studio\.local does not answer"):
        client.follow("job", lambda *_: None, patience=0.0)


def test_a_server_known_to_have_ended_is_not_waited_for():
    with serving({}) as (_, client):
        pass
    client.alive = lambda: False
    with pytest.raises(Problem, match="does not answer"):
        client.follow("j", lambda *_: None)


def test_cancel_ends_a_call_that_hangs_and_tells_the_server():
    reached, release = threading.Event(), threading.Event()

    def hang(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.flush()
        reached.set()
        release.wait(PATIENCE)

    answers = {
        ("HEAD", "x" * 64): {},
        ("PUT", "events"): {},
        ("GET", "events"): hang,
        ("POST", "cancel"): job("canceled"),
    }
    with serving(answers) as (fake, client):
        client.ensure_sound = lambda data: ("0" * 64, 1.0)
        client.put_job = lambda job_id, body: None
        client.timeout = 60  # longer than anybody waits here
        running = BackgroundTask("Dancing", lambda w: work.dance(w, client, b"", asked(1.0).dance))
        assert reached.wait(PATIENCE)
        running.cancel()
        assert running.pump() == "canceled"  # at once, whatever the network does
        running.join(PATIENCE)
        assert not running._thread.is_alive()  # while the server still hangs
        release.set()
        assert any(path.endswith("/cancel") for _, path, _, _ in fake.calls)


def test_a_dance_of_another_length_is_refused():
    answers = {
        ("HEAD", "0" * 64): {},
        ("PUT", "/v1/jobs/j"): (202, job("queued")),
        ("GET", "events"): event(1, "state", job()),
        ("GET", "result"): result(frames=30),
    }
    with serving(answers) as (_, client):
        client.put_job = lambda job_id, body: None
        made = work._danced(Quiet(), client, asked(1.0))
        assert len(made.poses) == 30
        with pytest.raises(Problem, match="another length"):
            work._danced(Quiet(), client, asked(2.0))


def test_a_full_queue_is_tried_again_with_the_same_job():
    tries = []

    def put(handler):
        tries.append(handler.path)
        return (429, {"code": "queue_full", "message": "Full."}) if len(tries) < 3 else (202, job("queued"))

    with serving({("PUT", "j"): put}) as (_, client):
        work._put(Quiet(), client, "j", asked(1.0))
    assert tries == ["/v1/jobs/j"] * 3


def test_a_cancel_wins_over_a_result_that_nobody_has_taken_in():
    running = BackgroundTask("Working", lambda w: "a dance")
    running.join(PATIENCE)
    running.cancel()
    assert running.pump() == "canceled"
    assert running.result is None


def test_a_surprise_in_the_thread_reaches_the_person():
    running = BackgroundTask("Working", lambda w: 1 / 0)
    running.join(PATIENCE)
    assert running.pump() == "failed"
    assert "Copy Diagnostics" in running.problem.message


def test_a_canceled_client_makes_no_more_calls():
    client = Client("http://127.0.0.1:9", TOKEN)
    client.abort()
    with pytest.raises(Canceled):
        client.health()


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:80", "ftp://x", "http://", "http://h/path", "http://h:99999", "file:///etc"]
)
def test_invalid_addresses_are_refused(url):
    with pytest.raises(Problem, match="looks like"):
        split_url(url)


def test_this_machine_is_told_from_others():
    assert (
        is_loopback("127.0.0.1")
        and is_loopback("::1")
        and is_loopback("localhost")
        and is_loopback("127.9.9.9")
    )
    assert not is_loopback("192.168.1.2") and not is_loopback("localhost.example.org")


def test_a_server_too_busy_loading_to_answer_is_waited_for():
    tries = []

    def slow(handler):
        tries.append(1)
        if len(tries) < 3:
            handler.close_connection = True  # no answer at all
            return None
        return health(status="STARTING" if len(tries) < 5 else "READY")

    answers = {("GET", "/v1/health"): slow, ("GET", "/v1/capabilities"): CAPABILITIES}
    with serving(answers) as (fake, _):
        report = work.connect(Quiet(), fake.url, TOKEN, listening=lambda: True)
        tries.clear()
        with pytest.raises(Problem, match="does not answer"):
            work.connect(Quiet(), fake.url, TOKEN)  # nothing says that one runs there
    assert report.capabilities.styles == ["pop"]


def test_a_server_that_cannot_load_its_model_says_why():
    answers = {("GET", "/v1/health"): health(status="SETUP_FAILED", message="There are no weights.")}
    with serving(answers) as (fake, _), pytest.raises(Problem, match="There are no weights"):
        work.connect(Quiet(), fake.url, TOKEN)
