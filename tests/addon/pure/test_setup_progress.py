"""Setting up tells one share for all of it, and what it takes before."""

import sys

import pytest
from addon.model.server import environment, setup_progress


class Work:
    """What a job is told."""

    def __init__(self):
        self.said, self.shares = [], []
        self.status, self.progress = self.said.append, self.shares.append

    def sleep(self, seconds):
        pass


def test_one_share_tells_how_far_the_whole_is_and_never_goes_back(tmp_path):
    work, lock = Work(), tmp_path / "lock.txt"
    lock.write_text("small==1.0\ntorch==2.13.0\nother==3\n")
    total = setup_progress.Total(work, lock)
    hear = setup_progress.Pip(total)
    total.status("Making the environment")
    for line in (
        "  Downloading small-1.0-py3-none-any.whl (1 MB)", "Progress 1000 of 1000",
        "  Downloading torch-2.13.0-cp311-none-any.whl (180 MB)", "Progress 90000000 of 180000000",
    ):  # fmt: skip
        hear(line)
        hear.told = 0.0
    half = setup_progress.DOWNLOADED * (1 + 0.5 * setup_progress.weight("torch")) / 32
    assert work.shares[-1] == pytest.approx(half)
    hear("Using cached other-3-py3-none-any.whl")
    hear("Installing collected packages: small, torch, other")
    total.at(0.9)
    total.status("Checking the server")
    assert work.shares == sorted(work.shares) and work.shares[-1] == 0.9


@pytest.mark.parametrize("index, size", [(environment.WITHOUT_CARD, "1.5 GB"), ("", "5.5 GB")])
def test_sizes_and_build_are_said_before(index, size, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    said = environment.in_words(index)
    assert size in said and "PyTorch" in said
    assert ("processor" in said) == (size == "1.5 GB")
