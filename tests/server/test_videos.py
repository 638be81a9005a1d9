"""Videos in, dances out: progress meanwhile, an end at any time."""

import base64
import contextlib
import json
import time

import numpy as np
import pytest
from patience import PATIENCE

from tempose_pose.dance import Dance


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """A second of a drawn figure that dances to clicks."""
    import sys
    from pathlib import Path

    scripts = str(Path(__file__).parents[2] / "scripts")
    sys.path.insert(0, scripts)
    try:
        import drawn_videos

        path = tmp_path_factory.mktemp("video") / "dance.mp4"
        return drawn_videos, path, drawn_videos.write(path, seconds=1.0, fps=24)
    finally:
        sys.path.remove(scripts)


def lines(server, data, **query):
    with server.client.stream(
        "POST", "/v1/video", params=query, content=data, headers={"Content-Type": "application/octet-stream"}
    ) as answer:
        assert answer.status_code == 200, answer.read()
        yield from (json.loads(line) for line in answer.iter_lines())


def test_a_dance_is_read_out_of_a_video(server, video, tmp_path):
    drawn, path, shown = video
    *progress, last = lines(server, path.read_bytes())
    assert all(0 <= p.get("frame", 0) <= p.get("frames", 0) for p in progress)
    (tmp_path / "dance.npz").write_bytes(base64.b64decode(last["dance"]))
    dance = Dance.load(tmp_path / "dance.npz")
    assert abs(last["heard"]) < 0.1
    assert (len(dance.poses), dance.poses.fps) == (24, 24.0)
    columns = dance.poses.skeleton.indices(*drawn.LIMBS)
    true = np.stack([[at[j] for j in drawn.LIMBS] for at in shown.joints])
    off = np.linalg.norm(dance.poses.pixels[:, columns] - true, axis=-1) / 100  # a trunk is about 100 pixels
    assert np.mean(off < 0.2) > 0.9
    assert not list((server.folder / "data" / "staging").iterdir())


def test_a_file_that_is_not_a_video_or_shows_nobody_is_refused_in_words(server, video):
    _, path, _ = video
    assert list(lines(server, b"no video"))[-1]["error"]["code"] == "video_unreadable"
    half = list(lines(server, path.read_bytes()[:2000]))[-1]
    assert half["error"]["code"] in ("video_unreadable", "nobody_seen"), half
    nobody = list(lines(server, path.read_bytes(), person=5))[-1]
    assert nobody["error"]["code"] == "nobody_seen"
    assert "no person 5" in nobody["error"]["message"]


def test_a_client_that_goes_away_ends_the_work(server, video):
    import psutil

    _, path, _ = video
    for line in lines(server, path.read_bytes()):
        if "frame" in line:
            break

    def at_work():
        found = []
        for child in psutil.Process(server.process.pid).children(True):
            with contextlib.suppress(psutil.Error):  # just ended
                found += [child] if "video" in child.cmdline() else []
        return found

    until = time.monotonic() + PATIENCE
    while (at_work() or list((server.folder / "data" / "staging").iterdir())) and time.monotonic() < until:
        time.sleep(0.1)
    assert not at_work()
    assert not list((server.folder / "data" / "staging").iterdir())
