"""What directs a dance crosses the wire: curves, listening, repeats, the song's form."""

import math

import numpy as np
import pytest

from tempose_pose.errors import TemposeError
from tempose_pose.form import Section
from tempose_pose.request import REPEAT
from tempose_server.errors import ApiError
from tempose_server.schemas import JobBody, job_of, read


def job(**changes):
    pose = {
        "skeleton": "openpose18",
        "keypoints": [[0.5, 0.1 + 0.04 * i] for i in range(18)],
        "scores": [1.0] * 18,
        "canvas": [100, 100],
    }
    return read(JobBody, {"audio": "0" * 64, "seconds": 2.0, "reference": pose, **changes})


def test_curves_sections_listening_and_repeats_reach_the_core():
    asked = job_of(
        job(
            curves={"energy": [[0.0, -1.0], [1.0, 1.0]], "facing": [[0, 0.8], [1.5, None]]},
            sections=[
                {"start": 0.0, "stop": 1.0, "name": "A"},
                {"start": 1, "stop": 2, "name": "A", "mirrored": True},
            ],
            listen=0.5,
            repeat=1,
        )
    ).dance
    assert asked.curves["energy"](np.array([0.5])) == 0
    assert math.isnan(asked.curves["facing"](np.array([1.6]))[0])
    assert asked.sections == (Section(0, 1, "A"), Section(1, 2, "A", mirrored=True))
    assert (asked.listen, asked.repeat) == (0.5, 1.0)


def test_without_them_the_core_decides():
    asked = job_of(job()).dance
    assert asked.curves == {}
    assert asked.sections is None
    assert (asked.listen, asked.repeat) == (1.0, REPEAT)


@pytest.mark.parametrize(
    "changes",
    [
        {"curves": {"speed": [[0.0, 1.0]]}},
        {"curves": {"energy": []}},
        {"curves": {"energy": [[0.0]]}},
        {"curves": {"energy": [[0.0, "1"]]}},
        {"listen": -1.0},
        {"repeat": 1.5},
        {"sections": [{"start": 0.0, "stop": 1.0, "name": ""}]},
        {"sections": [{"start": 0.0, "stop": 1.0, "name": "A", "more": 1}]},
    ],
)
def test_what_has_the_wrong_shape_is_refused(changes):
    with pytest.raises(ApiError):
        job(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"curves": {"energy": [[1.0, 0.0], [0.0, 0.0]]}},
        {"curves": {"energy": [[None, 0.0]]}},
        {"curves": {"energy": [[0.0, 9.0]]}},
        {"sections": [{"start": 1.0, "stop": 0.5, "name": "A"}]},
        {"sections": [{"start": 0.0, "stop": 2.0, "name": "A"}, {"start": 1.0, "stop": 3.0, "name": "B"}]},
    ],
)
def test_what_cannot_be_danced_is_refused_with_words(changes):
    with pytest.raises(TemposeError):
        job_of(job(**changes))
