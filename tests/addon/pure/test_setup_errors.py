"""What pip prints when it fails, told in sentences; and a server that another program's variables do not reach."""

import errno
import re
import sys
import time
from pathlib import Path

import pytest
from addon.model.server import environment, setup_errors
from addon.model.server.own_environment import own_environment
from addon.model.server.server_process import ServerProcess

RETRY = "WARNING: Retrying (Retry(total=0, connect=None, read=None)) after connection broken by "
ABSENT = "ERROR: No matching distribution found for numpy==2.4.6"
PRINTED = {
    "certificate": [
        f"{RETRY}'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))'",
        ABSENT,
    ],
    "proxy": [
        f"{RETRY}'ProxyError('Cannot connect to proxy.', OSError('Tunnel connection failed: 407'))'",
        ABSENT,
    ],
    "offline": [f"{RETRY}'NewConnectionError('Failed to establish a new connection: [Errno -3]')'", ABSENT],
    "disk_full": [
        "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
        "",
    ],
    "package_altered": [
        "ERROR: THESE PACKAGES DO NOT MATCH",
        "    Expected sha256 aa",
        "         Got        bb",
    ],
    "package_absent": ["ERROR: Could not find a version that satisfies the requirement torch==9", ABSENT],
    "setup_failed": [
        "Traceback (most recent call last):",
        '  File "x.py", line 3, in <module>',
        "KeyError: 'a'",
    ],
}


OTHERWISE = [  # and as other networks make pip say it
    ("proxy", "requests.exceptions.InvalidSchema: Missing dependencies for SOCKS support."),
    ("proxy", "requests.exceptions.InvalidURL: Proxy URL had unsupported scheme foo, should use http://"),
    ("certificate", "ERROR: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1016)"),
]


@pytest.mark.parametrize(
    ("code", "lines"), [*PRINTED.items(), *((code, [line, ABSENT]) for code, line in OTHERWISE)]
)
def test_each_cause_has_a_sentence_of_its_own_and_no_scrap(code, lines):
    found = setup_errors.problem(lines, Path("/logs/setup.log"))
    assert found.code == code
    said = found.message.replace("/logs/setup.log", "")
    assert re.match(r"[A-Za-z0-9=.]+ .*(button|room)", said)
    assert not re.search(r"Error|Traceback|Errno|ERROR|Retry|File|WARNING|sha256", said)


def test_a_sentence_of_the_servers_own_is_kept_whole():
    said = setup_errors.problem(
        ["loading", "The weights are damaged: install the package anew."], Path("log")
    )
    assert "The weights are damaged: install the package anew." in said.message


def test_a_full_disk_is_told_wherever_it_is_met(tmp_path):
    full = setup_errors.of_system(OSError(errno.ENOSPC, "No space left on device"), tmp_path)
    assert full.code == "disk_full" and str(tmp_path) in full.message
    assert (
        setup_errors.of_system(PermissionError(errno.EACCES, "no", "there"), tmp_path).code == "not_allowed"
    )


def test_nothing_of_another_programs_python_is_handed_on(monkeypatch):
    foreign = ("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "CONDA_PREFIX", "VIRTUAL_ENV", "PIP_TARGET")
    for name in foreign:
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
    handed = own_environment()
    assert not set(foreign) & set(handed)
    assert handed["HTTPS_PROXY"] == "http://proxy:1" and "PATH" in handed


def test_a_server_starts_whatever_the_python_path_leads_to(tmp_path, monkeypatch):
    for name in ("json", "numpy", "uvicorn", "sitecustomize", "tempose_server"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('of another program')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "json.py"))
    monkeypatch.setenv("TEMPOSE_SERVER_MODEL", "null")
    monkeypatch.setenv("TEMPOSE_SERVER_DATA_DIR", str(tmp_path / "data"))
    server = ServerProcess(sys.executable)
    try:
        until = time.monotonic() + 120
        while (address := server.address()) is None:  # raises where the server has ended
            assert time.monotonic() < until
            time.sleep(0.1)
        assert address.url.startswith("http://127.0.0.1:")
    finally:
        server.stop()


@pytest.mark.parametrize(("card", "platform", "index"), [
    (False, "linux", environment.WITHOUT_CARD), (True, "linux", ""), (False, "darwin", ""), (False, "win32", ""),
])  # fmt: skip
def test_without_a_card_the_build_without_its_libraries_is_preset(monkeypatch, card, platform, index):
    monkeypatch.setattr(environment, "has_card", lambda: card)
    monkeypatch.setattr(environment.sys, "platform", platform)
    assert environment.preset_index() == index
