"""Several dances of one press: ordered ahead, awaited in turn, and none left behind on the server."""

import numpy as np
import pytest
from addon.model.errors import Problem
from addon.model.server import work

from tempose_pose.dance import Dance
from tempose_pose.reference import standing_pose
from tempose_pose.request import DanceRequest
from tempose_pose.sequence import PoseSequence
from tempose_pose.wire.answers import Job

SECONDS = 2.0


class Worker:
    def __init__(self):
        self.parts = []

    def use(self, client):
        return client

    def status(self, text): ...
    def progress(self, share): ...
    def show(self, kind, value): ...
    def sleep(self, seconds): ...

    def part(self, value):
        self.parts.append(value)


class Server:
    """Answers like a server; the job with the seed `broken` fails."""

    url, token, certificate, local = "http://127.0.0.1:9", "", "", True

    def __init__(self, broken=None):
        self.broken, self.seeds, self.said = broken, {}, []

    def ensure_sound(self, data):
        return "0" * 64, True

    def put_job(self, job, order):
        if job not in self.seeds:
            self.said.append(("put", order.dance.seed))
        self.seeds[job] = order.dance.seed

    def follow(self, job, on_event):
        self.said.append(("follow", self.seeds[job]))
        return Job(
            id=job, state="failed" if self.seeds[job] == self.broken else "succeeded", progress=1.0, error=None,
            position=None,
        )  # fmt: skip

    def result(self, job):
        standing = standing_pose()
        frames = round(SECONDS * 30)
        poses = PoseSequence(
            np.repeat(standing.keypoints, frames, 0), np.repeat(standing.scores, frames, 0), 30.0,
            standing.skeleton, standing.canvas,
        )  # fmt: skip
        none = np.zeros(0)
        return Dance(poses, none, none, np.zeros(0, np.int32), self.seeds[job], "double")


def test_the_next_dances_are_ordered_while_one_is_awaited():
    server, worker = Server(), Worker()
    made = work.dances(worker, server, b"RIFF", DanceRequest(standing_pose(), SECONDS), range(6))
    assert [dance.seed for dance in made] == [dance.seed for dance in worker.parts] == list(range(6))
    assert server.said[: work.AHEAD + 1] == [*(("put", seed) for seed in range(work.AHEAD)), ("follow", 0)]
    assert [seed for what, seed in server.said if what == "put"] == list(range(6))


def test_dances_that_nobody_will_fetch_are_taken_back(monkeypatch):
    server, forgotten = Server(broken=1), []
    monkeypatch.setattr(work, "_forget", lambda client, job: forgotten.append(client.seeds.get(job)))
    with pytest.raises(Problem):
        work.dances(Worker(), server, b"RIFF", DanceRequest(standing_pose(), SECONDS), range(6))
    assert [seed for seed in forgotten if seed != 1] == [2, 3, 4]
