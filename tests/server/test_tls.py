"""https with a certificate made here; what cannot be used is refused before the server listens."""

import shutil
import ssl
import subprocess

import httpx
import pytest

from tempose.errors import TemposeError
from tempose_server.settings import Settings

if shutil.which("openssl") is None:
    pytest.skip("needs the openssl program to make certificates", allow_module_level=True)


def certificate(folder, name):
    """(certificate, key) for 127.0.0.1, self-signed."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", key, "-out", cert],
        check=True, capture_output=True, timeout=60,
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
        httpx.get(server.url, verify=ssl.create_default_context(cafile=other), trust_env=False)
    with pytest.raises(httpx.TransportError):
        httpx.get(server.url.replace("https", "http") + "/v1/health", trust_env=False)


def refusal(**options):
    with pytest.raises(TemposeError) as caught:
        Settings(**options).check_tls()
    return caught.value.message


def test_a_key_that_others_can_read_is_refused(made, tmp_path):
    (cert, key), _ = made
    Settings(tls_cert=cert, tls_key=key).check_tls()
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
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    locked.chmod(0o600)
    assert "encrypted" in refusal(tls_cert=cert, tls_key=locked)
