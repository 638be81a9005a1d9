# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors of setting up the server, in sentences that say what to do. No bpy in here.

The output of pip and Python is searched for the cause and goes to the log; it is never shown as it is, except for a
last line that is a sentence of the server's own.
"""

import errno
import re
from pathlib import Path

from ..errors import Problem

AGAIN = "then press the button again"
_CAUSES = (  # printed text, code, sentence; the first match counts
    (
        r"Expected sha256|THESE PACKAGES DO NOT MATCH THE HASHES",
        "package_altered",
        "A downloaded package is not the file it should be, so it was not installed. Press the button again; if "
        "that does not help, look for what changes downloads on this network.",
    ),
    (
        r"No space left on device|Errno 28\b|Errno 122\b|WinError 112\b|not enough space on the disk",
        "disk_full",
        f"The disk is full. Make room on it, {AGAIN}: what is there already stays.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|SSLCertVerificationError|SSL: ",
        "certificate",
        "This network shows a certificate that is not known here. Ask who runs the network for its certificate "
        f"file, set the environment variable PIP_CERT to that file, restart Blender, {AGAIN}.",
    ),
    (
        r"ProxyError|Tunnel connection failed|407 Proxy Authentication|Cannot connect to proxy|InvalidProxy"
        r"|Proxy URL|SOCKS support",
        "proxy",
        "The network's proxy let nothing through. Set the environment variable HTTPS_PROXY to its address, with "
        f"name and password where it asks for them, restart Blender, {AGAIN}.",
    ),
    (
        r"NewConnectionError|Failed to establish a new connection|NameResolutionError|name resolution"
        r"|getaddrinfo failed|Network is unreachable|ConnectTimeoutError|ReadTimeoutError|Read timed out"
        r"|Connection refused|Connection aborted|Connection reset|RemoteDisconnected|IncompleteRead"
        r"|IncompleteDownload|Connection broken",
        "offline",
        f"The packages could not be downloaded. See that this computer is on the internet, {AGAIN} to go on where "
        "it stopped. Behind a proxy, set the environment variable HTTPS_PROXY to its address first.",
    ),
    (
        r"Permission denied|Errno 13\b|WinError 5\b",
        "not_allowed",
        f"A file could not be written. See that the add-on's folder may be changed and no server uses it, {AGAIN}.",
    ),
)
_ABSENT = re.compile(r"No matching distribution found for ([A-Za-z0-9._\[\]=<>~!-]+)")
_SCRAP = re.compile(
    r"Traceback|^File \"|^\w*(Error|Exception|Exit)\b|^(ERROR|WARNING|[Nn]ote|error|hint)\b|[{}^~]{2}"
)


def sentence(line: str) -> str:
    """The sentence for people in a line; empty if it is a scrap of something else."""
    line = re.sub(r"^(tempose( serve)?|error|ERROR): ", "", line.strip())
    whole = len(line) < 300 and re.match(r"[A-Z][^|<>{}]* [^|<>{}]*[.!?]$", line)
    return line if whole and not _SCRAP.search(line) else ""


def problem(lines: list[str], log: Path) -> Problem:
    """The problem to report for a step that failed.

    Parameters
    ----------
    lines : list of str
        Its output.
    log : Path
        The file with all of it.
    """
    text, where = "\n".join(lines), f"All of it is in {log}."
    for pattern, code, sentence in _CAUSES:
        if re.search(pattern, text):
            return Problem(code, f"{sentence} {where}")
    if found := _ABSENT.search(text):
        return Problem(
            "package_absent",
            f"{found[1]} was not found where packages are downloaded from, for this system and this Python. Press "
            f"the button again; if an index is set in the add-on's preferences, see that it is right. {where}",
        )
    said = next((line.strip() for line in reversed(lines) if line.strip()), "")
    if said and len(said) < 200 and not _SCRAP.search(said):
        return Problem(
            "setup_failed",
            f"Setting up the server failed: {said.rstrip('.')}. Press the button again to go on. {where}",
        )
    return Problem("setup_failed", f"Setting up the server failed. Press the button again to go on. {where}")


def of_system(error: OSError, folder: Path) -> Problem:
    """The same for an error of the system."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or getattr(error, "winerror", None) == 112:
        return Problem(
            "disk_full", f"The disk of {folder} is full. Make room on it, {AGAIN}: what is there stays."
        )
    return Problem(
        "not_allowed",
        f"{error.filename or folder} could not be used ({error.strerror or 'no reason given'}). See that it may be "
        f"changed and that nothing else uses it, {AGAIN}.",
    )
