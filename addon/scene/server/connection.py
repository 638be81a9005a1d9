# SPDX-License-Identifier: GPL-3.0-or-later
"""The server that is in use, as long as Blender runs. Never saved: a token does not belong in a .blend."""

from dataclasses import dataclass, field

from ...model.errors import Problem
from ...model.server import server_process
from ...model.server.client import Client, is_loopback
from .. import compat


@dataclass
class Connection:
    """A server that has answered."""

    url: str
    token: str
    version: str = ""
    device: str = ""
    model_revision: str = ""
    capabilities: dict = field(default_factory=dict)
    certificate: str = ""
    own: bool = False  # started by this Blender

    def client(self) -> Client:
        """A fresh client for one job."""
        check_allowed(self.url)
        own = server_process.running() if self.own else None
        return Client(self.url, self.token, alive=own.alive if own else None, certificate=self.certificate)


current: Connection | None = None


def accept(report: dict, own: bool) -> Connection:
    """Use the server that this report came from."""
    global current  # noqa: PLW0603
    keys = ("url", "token", "version", "device", "model_revision", "capabilities")
    current = Connection(
        **{key: report[key] for key in keys}, certificate=report.get("certificate", ""), own=own
    )
    return current


def drop() -> None:
    """Use no server."""
    global current  # noqa: PLW0603
    current = None


def missing() -> str:
    """Why nothing can be asked of a server now, or nothing."""
    if current is None:
        return "Start the server, or connect to one, first"
    if current.own and server_process.running() is None:
        return "The server has ended; start it again"
    return ""


def client() -> Client:
    """A client of the server in use."""
    if reason := missing():
        raise Problem("not_connected", f"{reason}.")
    assert current is not None
    return current.client()


def check_allowed(url: str) -> None:
    """Other machines need the person's leave in Blender's preferences; this machine does not."""
    host = Client(url, "-").host
    if not is_loopback(host) and not compat.online_access():
        raise Problem(
            "online_access",
            f"{host} is another machine. Turn on 'Allow Online Access' in Blender's preferences first.",
        )
