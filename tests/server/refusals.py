"""What a refusal must look like, and what must not come back in it."""

import uuid

MARK = "QQmarkQQ"  # what must not come back


def refused(answer, *codes):
    """The error's code, after checking that the answer is small, in shape, and no echo."""
    assert 400 <= answer.status_code < 500, answer.text
    assert len(answer.content) < 4096
    assert MARK not in answer.text
    assert set(answer.json()) == {"code", "message", "details"}
    assert not codes or answer.json()["code"] in codes, answer.text
    return answer.json()["code"]


def put_text(server, text):
    return server.client.put(
        f"/v1/jobs/{uuid.uuid4()}", content=text, headers={"Content-Type": "application/json; charset=utf-8"}
    )
