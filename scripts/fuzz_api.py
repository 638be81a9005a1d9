"""Fuzz a running server with odd requests generated from its own OpenAPI document: none may end with 5xx.

    tempose serve --model null --runtime-file server.json &
    python scripts/fuzz_api.py --runtime-file server.json --cases 10000

Prints how often each status came, and exits with 1 after the first 5xx. Half of the cases name an existing song and
job, to get past the first check.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import uuid
from collections import Counter
from pathlib import Path

import httpx
import numpy as np
import schemathesis
import soundfile
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok


def fuzz(url: str, token: str, cases: int, seed: int = 0) -> Counter[str]:
    """Send about so many requests; return how often each "METHOD path status" came.

    Raises
    ------
    AssertionError
        The server answered with 5xx.
    """
    headers = {"Authorization": f"Bearer {token}"}
    found: Counter[str] = Counter()
    with httpx.Client(base_url=url, headers=headers, timeout=120, trust_env=False) as client:
        song, job, body = _known(client)
        schema = schemathesis.openapi.from_dict(client.get("/v1/openapi.json").json())
        operations = []
        for result in schema.get_all_operations():
            assert isinstance(result, Ok), result  # otherwise a route is described wrongly
            operations.append(result.ok())
        each = max(1, cases // (2 * len(operations)))
        for operation in operations:
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

                @settings(
                    max_examples=each,
                    deadline=None,
                    database=None,
                    derandomize=seed == 0,
                    phases=[Phase.generate],
                    suppress_health_check=[*HealthCheck],  # pyright: ignore[reportArgumentType] -- its metaclass hides what it holds
                )
                @given(operation.as_strategy(generation_mode=mode), st.booleans())
                def one(case: Case, there: bool) -> None:
                    if there:
                        for name, value in (("sha256", song), ("job_id", job)):
                            if name in case.path_parameters and case.method != "PUT":
                                case.path_parameters[name] = value
                        if case.operation.label == "PUT /v1/jobs/{job_id}" and isinstance(case.body, dict):
                            case.path_parameters["job_id"] = str(uuid.uuid4())
                            case.body = {**body, **dict(list(case.body.items())[:2]), "audio": song}
                    arguments = case.as_transport_kwargs(base_url=url, headers=headers)
                    arguments.pop("cookies", None)
                    try:
                        status = _send(client, arguments)
                    except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeError, ValueError):
                        found[f"{case.method} {case.path} (cannot be sent)"] += 1
                        return
                    found[f"{case.method} {case.path} {status}"] += 1
                    assert status < 500, f"{case.method} {case.path}: {status}"

                try:
                    one()
                except Exception as error:
                    if type(error).__name__ not in (
                        "Unsatisfiable",
                        "SkipTest",
                    ):  # nothing to vary there
                        raise
    return found


def _send(client: httpx.Client, arguments: dict) -> int:
    allowed = {"method", "url", "headers", "params", "content", "json", "data", "files"}
    if isinstance(arguments.get("data"), bytes | str):
        arguments["content"] = arguments.pop("data")
    sent = {key: value for key, value in arguments.items() if key in allowed}
    sent["headers"] = {k: v for k, v in dict(sent.get("headers") or {}).items() if v is not None}
    with client.stream(**sent) as answer:
        return answer.status_code


def _known(client: httpx.Client) -> tuple[str, str, dict]:
    """The hash of an uploaded song, the id of a finished job, and that job's request."""
    file = io.BytesIO()
    noise = np.random.default_rng(0).normal(0, 0.1, 22_050)
    soundfile.write(file, noise, 22_050, format="WAV", subtype="PCM_16")
    song = hashlib.sha256(file.getvalue()).hexdigest()
    put = client.put(
        f"/v1/audio/{song}",
        content=file.getvalue(),
        headers={"Content-Type": "application/octet-stream"},
    )
    put.raise_for_status()
    reference = {
        "keypoints": [[0.5, 0.05 * i] for i in range(18)],
        "scores": [1.0] * 18,
        "canvas": [100, 100],
    }
    body = {
        "audio": song, "seconds": 0.5, "reference": reference, "model": "null",
        "beats": {"beats": [0.0, 0.5], "downbeats": [0.0]},
    }  # fmt: skip
    job = str(uuid.uuid4())
    client.put(f"/v1/jobs/{job}", json=body).raise_for_status()
    with client.stream("GET", f"/v1/jobs/{job}/events") as events:
        events.read()  # ends with the job
    return song, job, body


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runtime-file", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1, help="0: the same cases each time")
    arguments = parser.parse_args()
    runtime = json.loads(arguments.runtime_file.read_text())
    found = fuzz(runtime["url"], runtime["token"], arguments.cases, arguments.seed)
    for name, count in sorted(found.items()):
        print(f"{count:6d}  {name}")
    print(f"{found.total():6d}  in all, no 5xx")


if __name__ == "__main__":
    main()
