"""The server's schemas are the types that add-on and core share; its documentation names their codes."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from tempose_pose.curves import CURVES, Curve
from tempose_pose.form import Section
from tempose_pose.grid import BeatGrid
from tempose_pose.request import DanceRequest, Known
from tempose_pose.sequence import PoseSequence
from tempose_pose.skeletons import LAYOUTS
from tempose_pose.standing import standing_pose
from tempose_pose.wire.answers import Capabilities, Health
from tempose_pose.wire.codes import JOB_ENDS, STATUS
from tempose_pose.wire.job import JobRequest
from tempose_pose.wire.validation import read
from tempose_server import schemas

ROOT = Path(__file__).parents[2]


def body(bones):
    mask = np.zeros((30, len(bones)), bool)
    mask[:10], mask[20:, 0] = True, True
    poses = PoseSequence(np.full((30, len(bones), 2), 0.5), np.ones((30, len(bones))), 30.0, bones)
    asked = DanceRequest(
        standing_pose(), 1.0, grid=BeatGrid([0.5], [0.5]), style="house", known=Known(poses, mask),
        sections=(Section(0.0, 1.0, "A", False, 0.5, 1.5, "pop"),),
        curves={name: Curve([0.0], [0.0]) for name in CURVES},
    )  # fmt: skip
    return JobRequest("0" * 64, asked).body()


@pytest.mark.parametrize("bones", LAYOUTS.values(), ids=lambda bones: bones.name)
def test_what_the_shared_types_write_the_schemas_take(bones):
    said = body(bones)
    taken = schemas.read(schemas.JobBody, said)
    again = schemas.job_of(taken)
    assert again.body() == said


def test_each_part_of_a_request_has_the_fields_of_the_shared_types():
    said = body(LAYOUTS["openpose18"])
    parts = {
        schemas.JobBody: said,
        schemas.Beats: said["beats"],
        schemas.ReferenceBody: said["reference"],
        schemas.KnownFrames: said["known"],
        schemas.KnownPart: said["known"]["more"][0],
        schemas.SectionOfSong: said["sections"][0],
    }
    for model, written in parts.items():
        assert set(model.model_fields) == set(written), model.__name__


def test_the_errors_that_the_server_raises_have_the_status_that_the_shared_table_says():
    raised = set()
    for path in (ROOT / "server").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("ApiError", "retry_later"):
                status, code = node.args[0], node.args[1]
                if isinstance(status, ast.Constant) and isinstance(code, ast.Constant):
                    raised.add((code.value, status.value))
    assert len(raised) > 20
    assert {(code, STATUS.get(code)) for code, _ in raised} == raised


def test_the_documentation_names_each_code_with_its_status():
    page = (ROOT / "docs" / "server.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d{3}) \| ([^|]*) \|", page, re.M)
    told = {code: int(status) for status, codes in rows for code in re.findall(r"`(\w+)`", codes)}
    ends = set(re.findall(r"`(\w+)`", page[page.index("A failed job's") : page.index("## Limits")]))
    assert set(JOB_ENDS) <= ends
    assert told == {code: status for code, status in STATUS.items() if code in told}
    assert set(STATUS) - set(told) <= ends


def test_what_the_server_says_of_itself_is_what_the_shared_types_read(server):
    health = read(Health, server.client.get("/v1/health").json())
    known = read(Capabilities, server.client.get("/v1/capabilities").json())
    assert health.status in ("READY", "STARTING", "BUSY")
    assert {said.name: said.skeleton() for said in known.skeletons} == dict(LAYOUTS)
    assert known.limits.dance_seconds > 0
