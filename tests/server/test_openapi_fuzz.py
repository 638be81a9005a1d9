"""Requests made from the OpenAPI document, right and wrong ones: none makes the server fail."""

import os
import runpy
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tempose_pose.errors import TemposeError
from tempose_pose.wire.job import tempo_of

CASES = int(os.environ.get("TEMPOSE_API_CASES", "300"))


@pytest.mark.filterwarnings("ignore")  # schemathesis' own
def test_no_request_of_the_documents_making_ends_with_5xx(server):
    pytest.importorskip("schemathesis")
    fuzz = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "fuzz_api.py"))["fuzz"]
    found = fuzz(server.url, server.token, CASES)
    sent = {name: count for name, count in found.items() if name.rsplit(" ", 1)[1].isdigit()}
    assert sum(sent.values()) > CASES / 2
    assert {name.rsplit(" ", 1)[0] for name in sent} >= {
        "PUT /v1/jobs/{job_id}",
        "GET /v1/jobs/{job_id}/result",
    }
    assert {"200", "404", "422"} <= {name.rsplit(" ", 1)[1] for name in sent}
    assert server.client.get("/v1/health").status_code == 200


pairs = st.lists(
    st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)).map(list), min_size=2, max_size=30
) | st.lists(st.tuples(st.floats(1e-3, 10), st.floats(1e-3, 10)), min_size=2, max_size=30).map(
    lambda steps: np.cumsum(steps, axis=0).tolist()
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(pairs, st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_a_tempo_map_is_refused_or_goes_there_and_back(points, seconds):
    try:
        tempo = tempo_of(points)
    except TemposeError as error:
        assert error.code.startswith("tempo_map")
        return
    points = np.asarray(points)
    assert np.all(np.diff(points, axis=0) > 0)
    there = tempo.to_song(np.sort(seconds))
    assert np.isfinite(there).all()
    assert np.all(np.diff(there) >= 0)
    inside = np.linspace(points[0, 0], points[-1, 0], 20)
    back = tempo.to_timeline(tempo.to_song(inside))
    slope = np.diff(points, axis=0)
    steepest = max(1.0, (slope[:, 0] / slope[:, 1]).max())
    assert np.abs(back - inside).max() <= 1e-8 * (1 + np.abs(points).max()) * steepest
