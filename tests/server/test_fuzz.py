"""Damaged songs and odd requests: refused or taken, never a fault. TEMPOSE_FUZZ=2000 tries more of them."""

import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

COUNT = int(os.environ.get("TEMPOSE_FUZZ", "60"))


def test_damaged_songs_are_heard_or_refused(strict_server, tmp_path):
    program = Path(__file__).with_name("fuzz_audio.py")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path), str(COUNT), "1"],
        capture_output=True,
        text=True,
        env=strict_server.environment,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["WAV", "FLAC", "OGG", "MP3"]
    assert sum(int(number) for number in re.findall(r": (\d+)", done.stdout)) == 4 * COUNT
    assert "heard" in done.stdout


odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, 1e308, -1e308, 5e-324, 2**63, 2**64, 10**30, 0.5, "openpose18", "null"])
    | st.floats()
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def places(value, path=()):
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def put(value, path, new):
    """The value with what is at the path replaced."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


@settings(
    max_examples=max(150, COUNT), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_odd_requests_never_make_the_server_fail(strict_server, data):
    body = strict_server.body(
        seconds=1.0,
        tempo_map=[[0, 0], [1, 1]],
        style="house",
        energy=1.0,
        known={"keypoints": [[[0.5, 0.5]] * 18], "scores": [[1] * 18], "mask": [[0, 1]], "joints": ["neck"]},
    )
    whole = sorted(places(body), key=len)
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from(whole))
        try:
            body = put(body, path, data.draw(odd))
        except (KeyError, IndexError, TypeError):  # an earlier change took that place away
            continue
    job_id = str(uuid.uuid4())
    answer = strict_server.client.put(
        f"/v1/jobs/{job_id}", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (200, 202, 400, 404, 422), answer.text
    assert len(answer.content) < 4096
    if answer.status_code == 202:
        job = strict_server.wait(job_id)
        assert job["error"] is None or job["error"]["code"] not in ("engine_failed", "internal"), job
