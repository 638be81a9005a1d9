"""A server on another machine: https with a certificate of its own, and dances in few bytes."""

import shutil
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from addon.model.errors import Problem
from addon.model.server import client as client_module
from addon.model.server.client import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import PATIENCE
from proving import proves

from tempose_pose.compact import MAGIC, MEDIA_TYPE, pack
from tempose_pose.limits import FARTHEST
from tempose_pose.skeletons import OPENPOSE_18
from tempose_pose.wire.dances import unpacked

TOKEN = "secret-token-for-tests"
ABOUT = {
    "fps": 30, "skeleton": "openpose18", "joints": list(OPENPOSE_18.joints), "canvas": [1000, 1000],
    "beat_times": [0.5, 1.0], "downbeat_times": [0.5], "seams": [], "seed": 7, "model_revision": "null-1",
}  # fmt: skip


def dance(frames=40, **changed):
    rng = np.random.default_rng(0)
    keypoints = rng.random((frames, 18, 2), np.float32)
    scores = rng.random((frames, 18), np.float32)
    return keypoints, scores, pack({**ABOUT, "frames": frames, **changed}, keypoints, scores)


def certificate(folder, name):
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", cert],
        check=True, capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    return str(cert), str(key)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    """(address, its certificate, another certificate, what was asked) of a server that has one dance."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl program to make certificates")
    folder = tmp_path_factory.mktemp("certificates")
    (cert, key), (other, _) = certificate(folder, "one"), certificate(folder, "two")
    data, asked = dance()[2], []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if proves(self, TOKEN):
                return
            asked.append((self.path, self.headers.get("Accept"), self.headers.get("Authorization")))
            self.send_response(200)
            self.send_header("Content-Type", MEDIA_TYPE)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # handshakes that are given up
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}", cert, other, asked
    server.shutdown()
    server.server_close()


def test_a_certificate_that_the_person_gave_is_trusted(studio, monkeypatch):
    url, cert, _, asked = studio
    monkeypatch.setattr(client_module, "is_loopback", lambda _: False)  # as from another machine
    made = Client(url, TOKEN, certificate=cert).result("x")
    keypoints, scores, _ = dance()
    assert np.abs(made.poses.keypoints - keypoints).max() < 1e-5
    assert np.abs(made.poses.scores - scores).max() < 2.1e-3
    assert (made.seed, made.beat_times.tolist()) == (7, [0.5, 1.0])
    path, accept, token = asked[-1]
    assert (path, token) == ("/v1/jobs/x/result", f"Bearer {TOKEN}")
    assert MEDIA_TYPE in accept


def test_from_this_machine_the_exact_dance_is_asked_for(studio):
    url, cert, _, asked = studio
    Client(url, TOKEN, certificate=cert).result("x")  # compact all the same: the server decides
    assert asked[-1][1] is None


@pytest.mark.parametrize("which", ["none", "another"])
def test_without_the_right_certificate_no_token_is_sent(studio, which):
    url, _, other, asked = studio
    before = len(asked)
    with pytest.raises(Problem) as caught:
        Client(url, TOKEN, certificate="" if which == "none" else other).result("x")
    assert caught.value.code == "certificate"
    assert "preferences" in str(caught.value)
    assert len(asked) == before


def test_a_file_that_is_no_certificate_is_refused_in_words(tmp_path):
    (tmp_path / "no.pem").write_text("no")
    for path in (tmp_path / "no.pem", tmp_path / "missing"):
        with pytest.raises(Problem, match="PEM") as caught:
            Client("https://127.0.0.1:1", TOKEN, certificate=str(path))
        assert caught.value.code == "certificate"


SOUND = dance()[2]


@pytest.mark.parametrize(
    "data",
    [
        b"", MAGIC, SOUND[:-5], b"XXXX" + SOUND[4:], SOUND[:4] + b"\xff" * 4 + SOUND[8:],
        SOUND.replace(b'"frames": 40', b'"frames": 39'), SOUND.replace(b'"frames": 40', b'"frames": 41'),
        SOUND.replace(b'"frames": 40', b'"frames": 4e9'), SOUND.replace(b'"low": [', b'"low": [NaN, '),
        dance(joints=["a"] * 18)[2], dance(canvas=[0, 1])[2], dance(seams="x")[2],
    ],
)  # fmt: skip
def test_a_compact_dance_that_lies_never_becomes_a_dance(data):
    with pytest.raises(Problem):
        unpacked(data)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damage_is_refused_or_gives_finite_poses(changes):
    data = bytearray(SOUND)
    for at, value in changes:
        data[at] = value
    try:
        made = unpacked(bytes(data))
    except Problem:
        return
    assert np.isfinite(made.poses.keypoints).all()
    assert np.abs(made.poses.keypoints).max() <= FARTHEST


def test_a_compact_dance_is_unpacked_no_further_than_it_says():
    import tracemalloc
    import zlib

    header = SOUND[8 : SOUND.index(b"}", 8) + 1]
    packer = zlib.compressobj(1)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(64)) + packer.flush()
    tracemalloc.start()
    try:
        with pytest.raises(Problem):
            unpacked(SOUND[:8] + header + bomb)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 5_000_000
