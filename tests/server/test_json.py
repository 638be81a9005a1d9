"""JSON that is too deep, too long, or not what it should be: refused, and not repeated in the answer."""

import asyncio
import contextlib
import json
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import MARK, put_text, refused

from tempose_server import schemas
from tempose_server.errors import ApiError
from tempose_server.routes import bodies
from tempose_server.routes.bodies import read_json
from tempose_server.settings import ServerSettings
from tempose_server.strict_json import measure, parse


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "json_invalid"),
        ("{", "json_invalid"),
        ("nonsense " + MARK, "json_invalid"),
        (b"\xff\xfe{}", "json_invalid"),
        ('{"a": 1}{"a": 2}', "json_invalid"),
        ("[" * 50_000 + "]" * 50_000, "json_too_deep"),
        ('{"a":' * 50_000 + "1" + "}" * 50_000, "json_too_deep"),
        ("[" * 50_000, "json_too_deep"),
        ("[" + "0," * 1_000_000 + "0]", "json_too_many"),
        ('{"seconds": NaN}', "json_not_finite"),
        ('{"seconds": Infinity}', "json_not_finite"),
        ('{"seconds": -Infinity}', "json_not_finite"),
        (f'{{"{MARK}": 1, "{MARK}": 2}}', "json_duplicate"),
        ('{"seed": ' + "9" * 5000 + "}", "json_invalid"),
        ("[]", "request_invalid"),
        ("null", "request_invalid"),
        (f'"{MARK}"', "request_invalid"),
        (f'{{"{MARK}": "{MARK}"}}', "request_invalid"),
    ],
)
def test_bad_json_is_refused_without_an_echo(strict_server, text, code):
    refused(put_text(strict_server, text), code)


def read_at_once(texts, weigh):
    """What `read_json` makes of bodies that come at the same moment, and the tasks that were given to children."""
    asked = []

    class Sandbox:
        def run(self, task, folder, **options):
            asked.append(task)
            (folder / "validated").write_bytes((folder / "body").read_bytes())

        async def in_turn(self, call):
            return call()

    @contextlib.contextmanager
    def staging():
        with tempfile.TemporaryDirectory() as folder:
            yield Path(folder)

    async def read_all():
        parts = SimpleNamespace(
            settings=ServerSettings(),
            reading=asyncio.Semaphore(1),
            sandbox=Sandbox(),
            audio=SimpleNamespace(staging=staging),
        )

        async def one(body):
            async def stream():
                for start in range(0, len(body), 100):
                    yield body[start : start + 100]

            return await read_json(SimpleNamespace(stream=stream), schemas.StretchRequest, parts, weigh)

        return await asyncio.gather(*map(one, texts))

    return asyncio.run(read_all()), asked


@pytest.mark.parametrize(("limit", "value"), [("HERE_ELEMENTS", 20), ("HERE_BYTES", 200)])
def test_a_body_that_holds_much_or_is_long_is_parsed_by_a_child(monkeypatch, limit, value):
    monkeypatch.setattr(bodies, limit, value)
    short, long = ({"tempo_map": [[0.0, 0.0], *[[1.0, 1.0]] * n], "seconds": 1.0} for n in (1, 30))
    found, asked = read_at_once([json.dumps(body).encode() for body in (short, long)], lambda body: body)
    assert [len(body.tempo_map) for body in found] == [2, 31]
    assert asked == ["validate"]


WRONG = {  # each of them, and each in it, as often as there is room for
    "tempo_map": [["a", "b"]],
    "beats": {"beats": ["a"], "downbeats": ["a"]},
    "curves": {"energy": [["a", "b"]]},
    "sections": [{"a": 1}],
    "known": {"keypoints": [[["a", "b"]]], "scores": [["a"]], "mask": [["a"]], "more": [{"mask": [["a"]]}]},
}


def multiplied(value):
    if isinstance(value, dict):
        return {key: multiplied(item) for key, item in value.items()}
    return [multiplied(item) for item in value for _ in range(40)] if isinstance(value, list) else value


@pytest.mark.parametrize("name", WRONG)
def test_of_many_wrong_elements_the_first_is_named(monkeypatch, name):
    monkeypatch.setattr(schemas, "MANY", 20)
    with pytest.raises(ApiError) as caught:
        schemas.read(schemas.JobBody, {name: multiplied(WRONG[name])})
    assert caught.value.body["details"]


def test_very_many_errors_are_not_listed(monkeypatch):
    monkeypatch.setattr(schemas, "invalid", None)  # which makes it
    with pytest.raises(ApiError, match="9003 places"):  # with three things that are missing
        schemas.read(schemas.JobBody, {f"{MARK}{i}": 1 for i in range(9000)})


def test_bodies_are_weighed_one_at_a_time():
    """Each thread that works in Python makes all other calls wait for one turn more."""
    busy, most = [0], [0]

    def weigh(body):
        busy[0] += 1
        most[0] = max(busy + most)
        time.sleep(0.02)
        busy[0] -= 1

    body = b'{"tempo_map": [[0.0, 0.0], [1.0, 1.0]], "seconds": 1.0}'
    read_at_once([body] * 5, weigh)
    assert most == [1]


@pytest.mark.parametrize(
    "change",
    [
        {"seconds": "2.0"},
        {"seconds": True},
        {"seconds": 0.1},
        {"seconds": 1e6},
        {"seconds": None},
        {"seed": 1.5},
        {"seed": -1},
        {"seed": 2**63},
        {"seed": "1"},
        {"steps": 0},
        {"steps": 10**6},
        {"guidance": -1.0},
        {"energy": 100.0},
        {"style": MARK},
        {"style": 3},
        {"model": MARK},
        {"model": "../../etc/passwd"},
        {"audio": "../" * 20},
        {"audio": "A" * 64},
        {"audio": 64 * [0]},
        {MARK: 1},
        {"tempo_map": []},
        {"tempo_map": [[0, 0]]},
        {"tempo_map": [[0, 0], [0, 1]]},
        {"tempo_map": [[0, 0], [1, -1]]},
        {"tempo_map": [[0, 0], [1, 100]]},
        {"tempo_map": [[0, 0, 0], [1, 1, 1]]},
        {"tempo_map": [[0, 0], [1, 1e7]]},
        {"tempo_map": MARK},
        {"tempo_map": [[i, i] for i in range(10_001)]},
        {"tempo_map": [["a", "b"]] * 9_000},  # as many complaints
        {f"other_{i}": 1 for i in range(90)},  # few enough to be listed, too many to be told
        {"beats": {"beats": [1, 0]}},
        {"beats": {"beats": [0, 0]}},
        {"beats": {"beats": [MARK]}},
        {"beats": {"beats": list(range(20_001))}},
        {"beats": [0, 1]},
        {"reference": None},
        {"known": {"keypoints": [], "scores": [], "mask": []}},
        {"known": {"keypoints": MARK, "scores": MARK, "mask": []}},
        {"known": {"keypoints": [[[0, 0]] * 18], "scores": [[1] * 18], "mask": [[0, 2]]}},
        {"known": {"keypoints": [[[0, 0]] * 18], "scores": [[1] * 18], "mask": [[1, 0]]}},
        {"known": {"keypoints": [[[0, 0]] * 18], "scores": [[1] * 18], "mask": [[0, 1]], "joints": [MARK]}},
        {"known": {"keypoints": [[[0, 0]] * 18] * 61, "scores": [[1] * 18] * 61, "mask": []}},
        {"known": {"keypoints": [[[0, 0]] * 17], "scores": [[1] * 18], "mask": []}},
        {"known": {"keypoints": [[[0, 0]] * 18], "scores": [[1] * 17], "mask": []}},
    ],
)
def test_a_wrong_value_in_a_job_is_refused_without_an_echo(strict_server, change):
    refused(strict_server.put_job(body=strict_server.body() | change))


@pytest.mark.parametrize(
    "change",
    [
        {"skeleton": MARK},
        {"keypoints": [[0.5, 0.5]] * 17},
        {"keypoints": [[0.5, 0.5]] * 19, "scores": [1.0] * 19},
        {"keypoints": [[0.5]] * 18},
        {"keypoints": [[0.5, 1e9]] * 18},
        {"keypoints": [["0.5", 0.5]] * 18},
        {"keypoints": [[0.5, None]] * 18},
        {"keypoints": []},
        {"scores": [1.0] * 17},
        {"scores": [2.0] * 18},
        {"scores": [0.0] * 18},
        {"canvas": [0, 100]},
        {"canvas": [100]},
        {"canvas": [1.5, 100]},
        {"canvas": [10**9, 10**9]},
        {MARK: 0},
    ],
)
def test_a_wrong_reference_pose_is_refused(strict_server, tools, change):
    refused(strict_server.put_job(body=strict_server.body(reference=tools.reference() | change)))


def test_a_number_too_big_for_a_float_is_refused(strict_server):
    for text in ("1e309", "-1e309", "1" + "0" * 400):
        body = json.dumps(strict_server.body()).replace('"seconds": 2.0', f'"seconds": {text}')
        refused(put_text(strict_server, body))
    packed = np.full(18 * 2, np.nan, "<f4")
    import base64

    known = {"keypoints": base64.b64encode(packed.tobytes()).decode(), "scores": [[1] * 18], "mask": []}
    refused(strict_server.put_job(known=known), "pose_not_finite")


def test_a_client_name_is_a_plain_word(strict_server):
    for name in ("a b", "x" * 65, "<script>", "a;b"):
        refused(strict_server.put_job(headers={"X-Tempose-Client": name}), "client_name")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def depth_of(value):
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@settings(deadline=None, max_examples=200)
@given(json_values, st.booleans())
def test_json_is_measured_rightly_and_read_as_it_is(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert measure(text)[0] == depth_of(value)
    assert parse(text, 100, 10_000) == value


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_measured_and_parsed_or_refused(data):
    measure(data)
    try:
        parse(data, 10, 100)
    except ApiError as error:
        assert error.status in (400, 413)


def test_broken_strings_take_no_more_time_than_whole_ones():
    assert measure(b'"' + b'\\"' * 2_000_000) == (0, 1)  # quadratic time would take hours
    assert measure(b'"' * 2_000_001) == (0, 1)
