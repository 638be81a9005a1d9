"""The order of the queue: short jobs first, clients in turn, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SHORTS_IN_A_ROW = 3  # then one long job, if one waits
CLIENTS = 1000  # number of clients whose last turns are remembered


@dataclass(frozen=True)
class Waiting:
    """The facts of a queued job that decide its turn. `number` rises with each job created."""

    id: str
    client: str
    number: int
    short: bool


def schedule(
    waiting: Iterable[Waiting], last_turn: Mapping[str, int] | None = None, shorts_in_a_row: int = 0
) -> list[Waiting]:
    """The order in which the jobs would start if none came or went.

    Parameters
    ----------
    waiting : Waiting
    last_turn : client → int
        A number that rises with each start; clients not in it have had no turn yet and go first.
    shorts_in_a_row : int
        Short jobs started past a long one that waits.
    """
    rest = sorted(waiting, key=lambda job: job.number)
    turns = dict(last_turn or {})
    turn = max(turns.values(), default=0)
    order: list[Waiting] = []
    while rest:
        short = [job for job in rest if job.short]
        long = [job for job in rest if not job.short]
        pool = long if long and (not short or shorts_in_a_row >= SHORTS_IN_A_ROW) else short
        chosen = min(pool, key=lambda job: (turns.get(job.client, 0), job.number))
        shorts_in_a_row = shorts_in_a_row + 1 if chosen.short and long else 0
        turn += 1
        turns[chosen.client] = turn
        rest.remove(chosen)
        order.append(chosen)
    return order


class Turns:
    """When each client last had a turn, and how many short jobs have overtaken a long one."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        self._turn = 0
        self._shorts = 0

    def order(self, waiting: Iterable[Waiting]) -> list[Waiting]:
        """The order in which the jobs would start if none came or went."""
        return schedule(waiting, self._last, self._shorts)

    def take(self, chosen: Waiting, order: Iterable[Waiting]) -> None:
        """Record that this job was started while those waited."""
        self._turn += 1
        self._last.pop(chosen.client, None)
        self._last[chosen.client] = self._turn
        if len(self._last) > CLIENTS:  # the client whose turn is longest ago
            del self._last[next(iter(self._last))]
        passed = chosen.short and any(not waiting.short for waiting in order)
        self._shorts = self._shorts + 1 if passed else 0

    def remembered(self) -> list[str]:
        """Clients with a known last turn, the longest ago first."""
        return list(self._last)
