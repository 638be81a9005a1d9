# SPDX-License-Identifier: GPL-3.0-or-later
"""The server in use, for as long as Blender runs. Never saved: a token does not belong in a .blend."""

from dataclasses import dataclass
from functools import cached_property

from tempose_pose.limits import FPS, OVERLAP_FRAMES
from tempose_pose.skeletons import Skeleton
from tempose_pose.skeletons import skeleton as skeleton_named
from tempose_pose.wire.answers import Capabilities, Health
from tempose_pose.wire.poses import UNNAMED

from ...model.errors import Problem
from ...model.server import server_process
from ...model.server.caller import is_loopback
from ...model.server.client import Client
from ...model.server.work import Report
from .. import compat


@dataclass
class Connection:
    """A server that has answered.

    Parameters
    ----------
    report : Report
        Its answers.
    own : bool
        Whether this Blender started it.
    """

    report: Report
    own: bool = False

    @property
    def url(self) -> str:
        return self.report.url

    @property
    def token(self) -> str:
        return self.report.token

    @property
    def health(self) -> Health:
        return self.report.health

    @property
    def capabilities(self) -> Capabilities:
        return self.report.capabilities

    @cached_property
    def skeletons(self) -> dict[str, Skeleton]:
        """Name → skeleton, for all that it knows."""
        return {said.name: said.skeleton() for said in self.capabilities.skeletons}

    @property
    def skeleton(self) -> Skeleton:
        """Its model's skeleton; if it names none, the default of poses without a name."""
        names = (model.skeleton for model in self.capabilities.models if model.name == "default")
        return self.skeletons.get(next(names, None) or "", skeleton_named(UNNAMED))

    @property
    def no_poses(self) -> str:
        """Why it finds no joints in pictures, or nothing."""
        said = self.capabilities.pose_estimator
        return "" if said.available else said.message.rstrip(".")

    def client(self) -> Client:
        """A fresh client for one job."""
        said = self.report
        check_allowed(said.url)
        own = server_process.running() if self.own else None
        return Client(
            said.url,
            said.token,
            alive=own.alive if own else None,
            certificate=said.certificate,
            skeletons=tuple(self.skeletons.values()),
            local=said.pid is not None,
        )


current: Connection | None = None


def accept(report: Report, own: bool) -> Connection:
    """Use the server of this report; raises `Problem` if it contradicts itself."""
    global current  # noqa: PLW0603
    found = Connection(report, own)
    _ = found.skeletons
    current = found
    return current


def styles() -> list[str]:
    """The server's styles; empty without one."""
    return current.capabilities.styles if current is not None else []


def skeleton() -> Skeleton:
    """The skeleton of dances."""
    return current.skeleton if current is not None else skeleton_named(UNNAMED)


def fps() -> float:
    """Frames per second of the model's poses."""
    return current.capabilities.fps if current is not None else FPS


def overlap_seconds() -> float:
    """How long poses must be kept between two danced stretches for the model to join them."""
    return current.capabilities.overlap_frames / fps() if current is not None else OVERLAP_FRAMES / FPS


def drop() -> None:
    """Stop using the server."""
    global current  # noqa: PLW0603
    current = None


def missing() -> str:
    """Why no server can be used now, or nothing."""
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
    """Raise unless the user allows online access in Blender's preferences; not needed for this machine."""
    host = Client(url, "-").host
    if not is_loopback(host) and not compat.online_access():
        raise Problem(
            "online_access",
            f"{host} is another machine. Turn on 'Allow Online Access' in Blender's preferences first.",
        )
