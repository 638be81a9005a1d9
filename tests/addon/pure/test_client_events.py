"""Events as a client reads them, from servers that stop and lie."""

import pytest
from addon.model.errors import Problem
from addon.model.server.answers import EVENT_BYTES, parse_events
from fake_server import event, job, serving


def test_events_are_read_across_comments_and_line_ends():
    lines = iter(
        [
            b": hello\n",
            b"\n",
            b"id: 3\r\n",
            b"event: progress\r\n",
            b'data: {"done":\r\n',
            b"data: 1}\r\n",
            b"\r\n",
        ]
    )
    assert list(parse_events(lines)) == [(3, "progress", {"done": 1})]


@pytest.mark.parametrize(
    "lines", [[b"data: x\n", b"\n"], [b"data: 1\n", b"\n"], [b"data: " + b"x" * EVENT_BYTES + b"\n"]]
)
def test_strange_events_are_refused(lines):
    with pytest.raises(Problem):
        list(parse_events(iter(lines)))


def test_a_dropped_stream_is_taken_up_where_it_broke():
    seen = []

    def stream(handler):
        last = int(handler.headers.get("Last-Event-ID") or 0)
        handler.send_response(200)
        handler.end_headers()
        events = [event(i, "progress", {"progress": i / 4}) for i in range(1, 5)] + [event(5, "state", job())]
        if not last:
            handler.wfile.write(b"".join(events[:2]) + b"id: 3\nevent: prog")  # dropped in mid-word
        else:
            handler.wfile.write(b"".join(events[last - 1 :]))  # repeats one, as a server may

    answers = {("GET", "events"): stream, ("GET", "j"): job("running")}
    with serving(answers) as (fake, client):
        ended = client.follow("j", lambda name, data: seen.append(data.get("progress")))
        again = [c[2] for c in fake.calls if c[1].endswith("events")][1]
    assert ended.state == "succeeded"
    assert seen == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert again["Last-Event-ID"] == "2"
