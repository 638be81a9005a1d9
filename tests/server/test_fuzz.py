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


# --- tempo maps and poses ---------------------------------------------------------------------------------

NUMBERS = st.sampled_from(
    [
        "0",
        "1",
        "-1",
        "0.5",
        "1e-320",
        "1e6",
        "1e308",
        "1e309",
        "-0.0",
        "NaN",
        "Infinity",
        "null",
        '"1"',
        "[]",
        "true",
    ]
)  # as JSON says them, and as it must not
FINE = st.floats(0, 1, width=32).map(repr)
SIZES = st.sampled_from([0, 1, 2, 16, 17, 18, 19, 25, 64, 65])


def listed(texts):
    return "[" + ",".join(texts) + "]"


@st.composite
def tempo_maps(draw):
    """JSON text: rising pairs of a tempo that may be heard or not, one of them perhaps damaged."""
    steps = draw(st.lists(st.sampled_from([0.0, 1e-9, 0.1, 0.5, 1.0, 100.0, 1e6]), max_size=8))
    factor = draw(st.sampled_from([1 / 17, 1 / 16, 0.5, 1.0, 2.0, 16.0, 17.0, -1.0]))
    points = [[repr(sum(steps[:i])), repr(factor * sum(steps[:i]))] for i in range(len(steps) + 1)]
    if draw(st.booleans()):
        pair = points[draw(st.integers(0, len(points) - 1))]
        match draw(st.sampled_from(["number", "number", "more", "less"])):
            case "number":
                pair[draw(st.integers(0, 1))] = draw(NUMBERS)
            case "more":
                pair.append(draw(NUMBERS))
            case "less":
                pair.pop()
    return draw(st.sampled_from([listed(map(listed, points))] * 9 + ["{}", '"", ""', "[[[0,0],[1,1]]]"]))


@st.composite
def references(draw):
    """JSON text of a reference pose: odd names, counts, canvases and numbers, some of them quite right."""
    name, right = draw(
        st.sampled_from([("openpose18", 18), ("coco17", 17), ("ｏpenpose18", 18), ("body25", 25)])
    )
    joints = draw(st.just(right) | SIZES)
    points = [[draw(FINE), draw(FINE)] for _ in range(joints)]
    scores = [draw(FINE) for _ in range(draw(st.just(joints) | SIZES))]
    for row in (*points[:1], scores):
        if row and draw(st.integers(0, 3)) == 0:
            row[draw(st.integers(0, len(row) - 1))] = draw(NUMBERS)
    if points and draw(st.integers(0, 5)) == 0:
        points[-1] = points[-1] * draw(st.sampled_from([0, 2, 3]))  # not pairs
    canvas = draw(
        st.sampled_from(
            ["[720,1280]", "[720,1280]", "[1,65536]", "[0,1]", "[1]", "[1.5,2]", "null", "[1,2,3]"]
        )
    )
    return json.dumps({"skeleton": name})[:-1] + (
        f', "keypoints": {listed(map(listed, points))}, "scores": {listed(scores)}, "canvas": {canvas}}}'
    )


MARK = "zebra-7f3a"  # stands in each request; no answer may say it


@settings(
    max_examples=max(100, COUNT), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    tempo_maps() | st.just("null"),
    references(),
    st.sampled_from(["", "", f', "{MARK}": "\\u0000é{MARK}"', f', "style": "{MARK}"']),
)
def test_odd_tempo_maps_and_poses_are_danced_or_refused_in_plain_words(strict_server, tempo_map, pose, rest):
    right = {key: json.dumps(value) for key, value in strict_server.body(seconds=1.0).items()}
    parts = {**right, "tempo_map": tempo_map, "reference": pose}
    text = "{" + ", ".join(f'"{key}": {value}' for key, value in parts.items()) + rest + "}"
    job_id = str(uuid.uuid4())
    answer = strict_server.client.put(
        f"/v1/jobs/{job_id}", content=text.encode(), headers={"Content-Type": "application/json"}
    )
    if answer.status_code == 202:
        assert not rest
        job = strict_server.wait(job_id)
        assert job["error"] is None or job["error"]["code"] not in ("engine_failed", "internal"), job
        return
    assert answer.status_code in (400, 422), answer.text
    assert len(answer.content) < 4096
    assert MARK not in answer.text
    problem = answer.json()
    assert set(problem) == {"code", "message", "details"}
    assert len(problem["message"].split()) > 3
