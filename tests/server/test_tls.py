"""https with a certificate made here; what cannot be used is refused before the server listens."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import time

import httpx
import pytest
from patience import PATIENCE

from tempose_pose.errors import TemposeError
from tempose_server.settings import ServerSettings

if shutil.which("openssl") is None:
    pytest.skip("needs the openssl program to make certificates", allow_module_level=True)


def certificate(folder, name):
    """(certificate, key) for 127.0.0.1, self-signed."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", cert],
        check=True, capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    key.chmod(0o600)
    return cert, key


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return certificate(folder, "one"), certificate(folder, "two")


def test_the_server_speaks_https_and_nothing_else(launch, made):
    (cert, key), (other, _) = made
    server = launch("--tls-cert", str(cert), "--tls-key", str(key))
    assert server.url.startswith("https://127.0.0.1:")
    with httpx.Client(
        base_url=server.url, verify=ssl.create_default_context(cafile=cert), trust_env=False
    ) as c:
        assert c.get("/v1/health").status_code == 401
        c.headers["Authorization"] = f"Bearer {server.token}"
        assert c.get("/v1/health").json()["status"] in ("STARTING", "READY")
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(
            server.url, verify=ssl.create_default_context(cafile=other), timeout=DEADLINE, trust_env=False
        )
    with pytest.raises(httpx.TransportError):
        httpx.get(server.url.replace("https", "http") + "/v1/health", timeout=DEADLINE, trust_env=False)


DEADLINE = 20.0  # far below the 60 s and 30 s that connections get when nobody says otherwise
QUICK = {"header_seconds": 4, "connections": 4}


@pytest.fixture(scope="module")
def narrow(tools, made, tmp_path_factory):
    """An https server with four places and a short patience, and what its clients verify it with."""
    (cert, key), _ = made
    options = ("--tls-cert", str(cert), "--tls-key", str(key))
    server = tools.Server(tmp_path_factory.mktemp("narrow"), *options, settings=QUICK)
    yield server, ssl.create_default_context(cafile=cert)
    server.kill()


def health(server, context):
    """The status for one call over a connection of its own."""
    headers = {"Authorization": f"Bearer {server.token}"}
    return httpx.get(
        f"{server.url}/v1/health", headers=headers, verify=context, timeout=DEADLINE, trust_env=False
    ).status_code


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=DEADLINE)


def ended(connection):
    """Whether the server closes the connection; `TimeoutError` when it does not."""
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return True


def hello():
    """The first bytes of a client's handshake."""
    outgoing = ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="127.0.0.1").do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("part", ["nothing", "half a hello", "a hello and no more"])
def test_a_handshake_that_is_never_finished_is_ended_and_takes_no_place(narrow, part):
    server, context = narrow
    sent = {"nothing": b"", "half a hello": hello()[:40], "a hello and no more": hello()}[part]
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connect(server)) for _ in range(3 * QUICK["connections"])]
        for connection in silent:
            connection.sendall(sent)
        assert health(server, context) == 200
        assert all(ended(connection) for connection in silent)
    assert health(server, context) == 200
    assert "Traceback" not in server.log


def test_a_connection_silent_after_the_handshake_gives_its_place_back(narrow):
    server, context = narrow
    with contextlib.ExitStack() as stack:
        silent = []
        for _ in range(QUICK["connections"]):
            secure = context.wrap_socket(connect(server), server_hostname="127.0.0.1")
            # Its bare socket reads on, and so never answers when the server closes TLS.
            silent.append(stack.enter_context(socket.socket(fileno=secure.detach())))
            silent[-1].settimeout(DEADLINE)
        assert health(server, context) == 200  # all places are taken, and the longest silent one makes room
        assert all(ended(connection) for connection in silent)
    deadline = time.monotonic() + DEADLINE
    while (status := health(server, context)) == 503 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert status == 200


def refusal(**options):
    with pytest.raises(TemposeError) as caught:
        ServerSettings(**options).check_tls()
    return caught.value.message


def test_a_key_that_others_can_read_is_refused(made, tmp_path):
    (cert, key), _ = made
    ServerSettings(tls_cert=cert, tls_key=key).check_tls()
    shutil.copy(key, tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    assert "chmod 600" in refusal(tls_cert=cert, tls_key=tmp_path / "key")


def test_a_certificate_without_its_key_is_refused(made, tmp_path):
    (cert, _), (_, other_key) = made
    assert "both" in refusal(tls_cert=cert)
    assert "both" in refusal(tls_key=other_key)
    assert "fit" in refusal(tls_cert=cert, tls_key=other_key)
    assert "No such file" in refusal(tls_cert=cert, tls_key=tmp_path / "none")
    assert "fit" in refusal(tls_cert=other_key, tls_key=other_key)


def test_an_encrypted_key_is_refused_without_asking_for_its_password(made, tmp_path):
    (cert, key), _ = made
    locked = tmp_path / "locked"
    subprocess.run(
        ["openssl", "ec", "-aes128", "-passout", "pass:secret", "-in", key, "-out", locked],
        check=True, capture_output=True, timeout=PATIENCE,
    )  # fmt: skip
    locked.chmod(0o600)
    assert "encrypted" in refusal(tls_cert=cert, tls_key=locked)
