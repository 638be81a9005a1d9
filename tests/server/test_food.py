"""What is fed to the server: bodies that are too big, too slow, too deep, or not what they say they are."""

import contextlib
import hashlib
import http.client
import io
import json
import socket
import struct
import threading
import time
import uuid

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tempose_server.errors import ApiError
from tempose_server.strict_json import measure, parse

MARK = "QQmarkQQ"  # what must not come back


def refused(answer, *codes):
    """The error's code, after checking that the answer is small, in shape, and no echo."""
    assert 400 <= answer.status_code < 500, answer.text
    assert len(answer.content) < 4096
    assert MARK not in answer.text
    assert set(answer.json()) == {"code", "message", "details"}
    assert not codes or answer.json()["code"] in codes, answer.text
    return answer.json()["code"]


def put_text(server, text):
    return server.client.put(
        f"/v1/jobs/{uuid.uuid4()}", content=text, headers={"Content-Type": "application/json; charset=utf-8"}
    )


# --- JSON -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "json_invalid"),
        ("{", "json_invalid"),
        ("nonsense " + MARK, "json_invalid"),
        (b"\xff\xfe{}", "json_invalid"),
        ('{"a": 1}{"a": 2}', "json_invalid"),
        ("[" * 50_000 + "]" * 50_000, "json_too_deep"),
        ('{"a":' * 50_000 + "1" + "}" * 50_000, "json_too_deep"),
        ("[" * 50_000, "json_too_deep"),
        ("[" + "0," * 1_000_000 + "0]", "json_too_many"),
        ('{"seconds": NaN}', "json_not_finite"),
        ('{"seconds": Infinity}', "json_not_finite"),
        ('{"seconds": -Infinity}', "json_not_finite"),
        (f'{{"{MARK}": 1, "{MARK}": 2}}', "json_duplicate"),
        ('{"seed": ' + "9" * 5000 + "}", "json_invalid"),
        ("[]", "request_invalid"),
        ("null", "request_invalid"),
        (f'"{MARK}"', "request_invalid"),
        (f'{{"{MARK}": "{MARK}"}}', "request_invalid"),
    ],
)
def test_bad_json_is_refused_without_an_echo(strict_server, text, code):
    refused(put_text(strict_server, text), code)


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": "2.0"},
        {"seconds": True},
        {"seconds": 0.1},
        {"seconds": 1e6},
        {"seconds": None},
        {"seed": 1.5},
        {"seed": -1},
        {"seed": 2**63},
        {"seed": "1"},
        {"steps": 0},
        {"steps": 10**6},
        {"guidance": -1.0},
        {"energy": 100.0},
        {"style": MARK},
        {"style": 3},
        {"model": MARK},
        {"model": "../../etc/passwd"},
        {"audio": "../" * 20},
        {"audio": "A" * 64},
        {"audio": 64 * [0]},
        {MARK: 1},
        {"tempo_map": []},
        {"tempo_map": [[0, 0]]},
        {"tempo_map": [[0, 0], [0, 1]]},
        {"tempo_map": [[0, 0], [1, -1]]},
        {"tempo_map": [[0, 0], [1, 100]]},
        {"tempo_map": [[0, 0, 0], [1, 1, 1]]},
        {"tempo_map": [[0, 0], [1, 1e7]]},
        {"tempo_map": MARK},
        {"tempo_map": [[i, i] for i in range(10_001)]},
        {"tempo_map": [["a", "b"]] * 9_000},  # as many complaints
        {"beats": {"beats": [1, 0]}},
        {"beats": {"beats": [0, 0]}},
        {"beats": {"beats": [MARK]}},
        {"beats": {"beats": list(range(20_001))}},
        {"beats": [0, 1]},
        {"reference": None},
        {"known": {"keypoints": [], "scores": [], "mask": []}},
        {"known": {"keypoints": MARK, "scores": MARK, "mask": []}},
        {"known": {"keypoints": [[[0, 0]] * 18], "scores": [[1] * 18], "mask": [[0, 2]]}},
        {"known": {"keypoints": [[[0, 0]] * 18], "scores": [[1] * 18], "mask": [[1, 0]]}},
        {"known": {"keypoints": [[[0, 0]] * 18], "scores": [[1] * 18], "mask": [[0, 1]], "joints": [MARK]}},
        {"known": {"keypoints": [[[0, 0]] * 18] * 61, "scores": [[1] * 18] * 61, "mask": []}},
        {"known": {"keypoints": [[[0, 0]] * 17], "scores": [[1] * 18], "mask": []}},
        {"known": {"keypoints": [[[0, 0]] * 18], "scores": [[1] * 17], "mask": []}},
    ],
)
def test_a_wrong_value_in_a_job_is_refused_without_an_echo(strict_server, change):
    refused(strict_server.put_job(body=strict_server.body() | change))


@pytest.mark.parametrize(
    "change",
    [
        {"skeleton": MARK},
        {"keypoints": [[0.5, 0.5]] * 17},
        {"keypoints": [[0.5, 0.5]] * 19, "scores": [1.0] * 19},
        {"keypoints": [[0.5]] * 18},
        {"keypoints": [[0.5, 1e9]] * 18},
        {"keypoints": [["0.5", 0.5]] * 18},
        {"keypoints": [[0.5, None]] * 18},
        {"keypoints": []},
        {"scores": [1.0] * 17},
        {"scores": [2.0] * 18},
        {"scores": [0.0] * 18},
        {"canvas": [0, 100]},
        {"canvas": [100]},
        {"canvas": [1.5, 100]},
        {"canvas": [10**9, 10**9]},
        {MARK: 0},
    ],
)
def test_a_wrong_reference_pose_is_refused(strict_server, tools, change):
    refused(strict_server.put_job(body=strict_server.body(reference=tools.reference() | change)))


def test_a_number_too_big_for_a_float_is_refused(strict_server):
    for text in ("1e309", "-1e309", "1" + "0" * 400):
        body = json.dumps(strict_server.body()).replace('"seconds": 2.0', f'"seconds": {text}')
        refused(put_text(strict_server, body))
    packed = np.full(18 * 2, np.nan, "<f4")
    import base64

    known = {"keypoints": base64.b64encode(packed.tobytes()).decode(), "scores": [[1] * 18], "mask": []}
    refused(strict_server.put_job(known=known), "pose_not_finite")


def test_a_client_name_is_a_plain_word(strict_server):
    for name in ("a b", "x" * 65, "<script>", "a;b"):
        refused(strict_server.put_job(headers={"X-Tempose-Client": name}), "client_name")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def depth_of(value):
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@settings(deadline=None, max_examples=200)
@given(json_values, st.booleans())
def test_json_is_measured_rightly_and_read_as_it_is(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert measure(text)[0] == depth_of(value)
    assert parse(text, 100, 10_000) == value


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_measured_and_parsed_or_refused(data):
    measure(data)
    try:
        parse(data, 10, 100)
    except ApiError as error:
        assert error.status in (400, 413)


def test_broken_strings_take_no_more_time_than_whole_ones():
    assert measure(b'"' + b'\\"' * 2_000_000) == (0, 1)  # quadratic time would take hours
    assert measure(b'"' * 2_000_001) == (0, 1)


# --- size and pace ----------------------------------------------------------------------------------------


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
    connection = http.client.HTTPConnection("127.0.0.1", strict_server.port, timeout=30)
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
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
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
    deadline = time.monotonic() + 20
    while 201 not in seen and time.monotonic() < deadline:
        answer = strict_server.put_audio(data)
        seen.add(answer.status_code)
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) > 0
            assert answer.json()["code"] == "uploads_busy"
            time.sleep(0.05)
    for thread in drippers:
        thread.join(30)
    assert seen == {429, 201}
    assert len(answers) == places
    assert all(answer.startswith(b"HTTP/1.1 408") for answer in answers)


def test_connections_that_never_ask_anything_are_closed(strict_server):
    assert strict_server.raw(b"") == b""
    assert strict_server.raw(b"GET /v1/health HTTP/1.1\r\nHost: lo") == b""
    whole = head(strict_server, "/v1/health", method="GET")
    with socket.create_connection(("127.0.0.1", strict_server.port), timeout=30) as connection:
        connection.sendall(whole)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        time.sleep(0.1)
        connection.sendall(b"GET /v1/hea")  # the second request never ends
        while connection.recv(65_536):
            pass


def test_an_idle_connection_lives_longer_than_clients_keep_it_and_ends(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    with contextlib.closing(connection):
        for pause in (0, 6):  # clients mostly end theirs after 5
            time.sleep(pause)
            before = connection.sock
            connection.request("GET", "/v1/health", headers={"Authorization": f"Bearer {server.token}"})
            assert connection.getresponse().read()
        assert connection.sock is before
        assert connection.sock.recv(1) == b""


def test_an_interrupted_upload_leaves_nothing_behind(strict_server):
    staging = strict_server.folder / "data" / "staging"
    deadline = time.monotonic() + 20
    with socket.create_connection(("127.0.0.1", strict_server.port), timeout=30) as connection:
        connection.sendall(
            head(strict_server, f"/v1/audio/{'0' * 64}", "Content-Length: 1000000") + bytes(100_000)
        )
        while not list(staging.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    while list(staging.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not list(staging.iterdir())
    assert "Traceback" not in strict_server.log


# --- songs ------------------------------------------------------------------------------------------------


def forged(data, offset, form, value):
    """The file with one field overwritten."""
    changed = bytearray(data)
    struct.pack_into(form, changed, offset, value)
    return bytes(changed)


def noise(seconds, rate=22_050, channels=1):
    return np.random.default_rng(1).normal(0, 0.1, (round(seconds * rate), channels))


def good(wav):
    return wav(noise(1.0))


BAD_SONGS = {
    "nothing": (lambda wav: b"", "audio_unreadable"),
    "text": (lambda wav: b"This is a text file, whatever its name says.\n" * 50, "audio_unreadable"),
    "only a header": (lambda wav: good(wav)[:44], "audio_short"),
    "half a header": (lambda wav: good(wav)[:20], "audio_unreadable"),
    "no sample": (lambda wav: wav(np.zeros(0)), "audio_short"),
    "one sample": (lambda wav: wav(np.ones(1) * 0.5), "audio_short"),
    "too short": (lambda wav: wav(noise(0.3)), "audio_short"),
    "silence": (lambda wav: wav(np.zeros(22_050)), "audio_silent"),
    "DC": (lambda wav: wav(np.full(22_050, 0.5)), "audio_silent"),
    "NaN": (lambda wav: wav(np.full(22_050, np.nan), subtype="FLOAT"), "audio_not_finite"),
    "infinity": (lambda wav: wav(np.full(22_050, np.inf), subtype="FLOAT"), "audio_not_finite"),
    "one NaN": (
        lambda wav: wav(np.where(np.arange(30_000) == 9, np.nan, 0.1), subtype="DOUBLE"),
        "audio_not_finite",
    ),
    "absurdly loud": (lambda wav: wav(1e30 * noise(1.0), subtype="FLOAT"), "audio_levels"),
    "nine channels": (lambda wav: wav(noise(1.0, channels=9)), "audio_shape"),
    "4 kHz": (lambda wav: wav(noise(1.0), 4_000), "audio_shape"),
    "1 MHz": (lambda wav: wav(noise(1.0), 1_000_000), "audio_shape"),
    "forged rate 0": (lambda wav: forged(good(wav), 24, "<I", 0), None),
    "forged rate 4 GHz": (lambda wav: forged(good(wav), 24, "<I", 0xFFFFFFFF), None),
    "forged channels 0": (lambda wav: forged(good(wav), 22, "<H", 0), None),
    "forged channels 65535": (lambda wav: forged(good(wav), 22, "<H", 0xFFFF), None),
    "another format": (lambda wav: wav(noise(1.0), format="AIFF"), "audio_format"),
    "a flac cut off": (lambda wav: wav(noise(4.0), format="FLAC")[:100_000], "audio_unreadable"),
    "a playlist": (
        lambda wav: b"#EXTM3U\n#EXTINF:1,x\n/etc/passwd\nfile:///etc/passwd\n",
        "audio_unreadable",
    ),
    "a pls playlist": (
        lambda wav: b"[playlist]\nFile1=/etc/passwd\nNumberOfEntries=1\n",
        "audio_unreadable",
    ),
    "a concat script": (lambda wav: b"ffconcat version 1.0\nfile '/etc/passwd'\n", "audio_unreadable"),
    "an MPEG-4 file": (lambda wav: b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(5000), "audio_unreadable"),
    "a pickle": (lambda wav: b"\x80\x04\x95" + bytes(200), "audio_unreadable"),
    "a long silent bomb": (
        lambda wav: wav(np.zeros(8000 * 3600 * 2, np.int16), 8_000, format="FLAC"),
        "audio_long",
    ),
    "too long": (lambda wav: wav(np.tile(noise(1.0, 8_000), (90, 1)), 8_000), "audio_long"),
}


@pytest.mark.parametrize("name", BAD_SONGS)
def test_bad_songs_are_refused_with_a_reason(strict_server, tools, name):
    make, code = BAD_SONGS[name]
    answer = strict_server.put_audio(make(tools.wav))
    assert answer.status_code == 422
    refused(answer, *([code] if code else []))
    assert "passwd" not in answer.text
    assert not list((strict_server.folder / "data" / "staging").iterdir())


def tagged(wav):
    """A flac with very long tags."""
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", 22_050, 1, format="FLAC") as sound:
        sound.title = "x" * 100_000
        sound.comment = "y" * 100_000
        sound.write(noise(1.0))
    return file.getvalue()


GOOD_SONGS = {
    "8 kHz": (lambda wav: wav(noise(1.0, 8_000), 8_000), 1.0),
    "192 kHz": (lambda wav: wav(noise(1.0, 192_000), 192_000), 1.0),
    "seven point one": (lambda wav: wav(noise(1.0, channels=8), format="WAVEX"), 1.0),
    "24 bit": (lambda wav: wav(noise(1.0), subtype="PCM_24"), 1.0),
    "clipping": (lambda wav: wav(np.clip(50 * noise(1.0), -1, 1)), 1.0),
    "a header that promises more": (
        lambda wav: forged(forged(good(wav), 40, "<I", 0xFFFFFFF0), 4, "<I", 0xFFFFFFF0),
        1.0,
    ),
    "cut off": (lambda wav: good(wav)[: len(good(wav)) * 3 // 4], 0.75),
    "long tags": (tagged, 1.0),
}


@pytest.mark.parametrize("name", GOOD_SONGS)
def test_odd_songs_are_heard(strict_server, tools, name):
    make, seconds = GOOD_SONGS[name]
    answer = strict_server.put_audio(make(tools.wav))
    assert answer.status_code == 201, answer.text
    assert answer.json()["seconds"] == pytest.approx(seconds, abs=0.01)


def test_bytes_that_do_not_match_their_hash_are_refused(strict_server, tools):
    data = tools.wav(tools.clicks(1.0))
    wrong = hashlib.sha256(b"other").hexdigest()
    refused(strict_server.put_audio(data, sha256=wrong), "audio_hash")
    assert strict_server.client.head(f"/v1/audio/{wrong}").status_code == 404


@pytest.mark.parametrize("name", ["..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "A" * 64, "0" * 63, "%00" * 64])
def test_no_path_from_an_address_reaches_the_disk(strict_server, name):
    for tail in ("", "/analysis"):
        answer = strict_server.client.get(f"/v1/audio/{name}{tail}")
        assert answer.status_code in (404, 405, 422)
        assert "passwd" not in answer.text
    assert strict_server.put_audio(b"x", sha256=name).status_code in (404, 405, 415, 422)


def test_a_song_is_not_sought_beside_the_songs(strict_server):
    planted = strict_server.folder / "data" / "info.json"  # where ".." would lead
    planted.write_text('{"seconds": 1}')
    try:
        assert strict_server.client.head("/v1/audio/%2e%2e").status_code == 422
        refused(strict_server.client.get("/v1/audio/%2e%2e/analysis"), "request_invalid")
    finally:
        planted.unlink()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"CRASH", "audio_crashed"),
        (b"HANG", "audio_costly"),
        (b"SLEEP", "audio_costly"),
        (b"GREEDY", "audio_big"),
    ],
)
def test_a_decoder_that_crashes_hangs_or_gorges_costs_one_upload(strict_server, data, code):
    job_id = strict_server.new_job(seed=1020)
    refused(strict_server.put_audio(data), code)
    assert strict_server.wait(job_id)["state"] == "succeeded"
    assert strict_server.client.get("/v1/health").status_code == 200
