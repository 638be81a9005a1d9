"""A dance over a slow link: few bytes, hardly another place, and nothing that a bad file could do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tempose_pose.compact import MAGIC, MEDIA_TYPE, pack, unpack
from tempose_pose.errors import TemposeError


def minute(rng, jitter):
    """60 s of 18 joints that swing at several speeds, with jitter of so many canvas widths."""
    t = np.arange(1800) / 30
    speed, phase = rng.uniform(0.3, 4, (2, 18, 2)), rng.uniform(0, 6, (2, 18, 2))
    swing = np.sin(t[:, None, None] * speed[0] * 2 + phase[0]) + 0.3 * np.sin(
        t[:, None, None] * speed[1] * 6 + phase[1]
    )
    points = rng.uniform(0.3, 0.7, (18, 2)) + 0.15 * swing + rng.normal(0, jitter, (1800, 18, 2))
    return points.astype(np.float32), np.clip(rng.normal(0.8, 0.01, (1800, 18)), 0, 1).astype(np.float32)


@pytest.mark.parametrize("jitter", [0, 0.001, 0.005])
def test_a_minute_of_18_joints_fits_into_150_kb(jitter):
    keypoints, scores = minute(np.random.default_rng(1), jitter)
    data = pack({"frames": 1800, "joints": list(range(18))}, keypoints, scores)
    assert len(data) < 150_000
    _, back, shares = unpack(data)
    assert np.abs(back - keypoints).max() <= np.ptp(keypoints, (0, 1)).max() / 131_070 * 1.01
    assert np.abs(shares - scores).max() <= 0.5 / 255 + 1e-6


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(1, 40), st.integers(1, 20), st.integers(0, 2**32), st.sampled_from([0, 1e-6, 1, 100]))
def test_any_dance_comes_back(frames, joints, seed, scale):
    rng = np.random.default_rng(seed)
    keypoints = (scale * rng.normal(0, 1, (frames, joints, 2))).astype(np.float32)
    scores = rng.uniform(0, 1, (frames, joints)).astype(np.float32)
    about, back, shares = unpack(
        pack({"frames": frames, "joints": ["j"] * joints, "seed": 3}, keypoints, scores)
    )
    assert about["seed"] == 3
    close = np.ptp(keypoints, (0, 1)).max() / 131_000 + 1e-6 * np.abs(keypoints).max()
    assert np.abs(back - keypoints).max() <= close
    assert np.abs(shares - scores).max() <= 0.5 / 255 + 1e-6


SOUND = pack({"frames": 3, "joints": ["a", "b"]}, np.zeros((3, 2, 2)), np.ones((3, 2)))


@pytest.mark.parametrize(
    "data", [b"", MAGIC, SOUND[:-5], b"XXXX" + SOUND[4:], SOUND[:4] + b"\xff" * 4 + SOUND[8:],
             SOUND.replace(b'"frames": 3', b'"frames": 2'), SOUND.replace(b'"frames": 3', b'"frames": 9')],
)  # fmt: skip
def test_what_is_damaged_is_refused(data):
    with pytest.raises(TemposeError):
        unpack(data)


def test_the_server_sends_it_when_asked_and_json_otherwise(server, tools):
    job_id = server.new_job(seconds=60.0, audio=server.song(2.0), model="null")
    server.wait(job_id, "succeeded")
    place = f"/v1/jobs/{job_id}/result"
    answer = server.client.get(place, headers={"Accept": MEDIA_TYPE})
    assert (answer.status_code, answer.headers["content-type"]) == (200, MEDIA_TYPE)
    assert len(answer.content) < 150_000
    about, keypoints, scores = unpack(answer.content)
    whole = server.client.get(place).json()
    exact = tools.floats(whole.pop("keypoints"), 1800, 18, 2)
    assert np.abs(keypoints - exact).max() <= np.ptp(exact, (0, 1)).max() / 131_000
    assert np.abs(scores - tools.floats(whole.pop("scores"), 1800, 18)).max() <= 0.5 / 255 + 1e-6
    assert {key: about[key] for key in whole} == whole
