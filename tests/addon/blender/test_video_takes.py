"""Dances out of videos: a take like any other, on the video's own sound."""

import pytest
from blender_helpers import click_track, with_estimator, write_wav
from video_helpers import video_answer

from tempose_pose.wire.answers import VideoLine


@pytest.fixture
def video(blender, ready, tempose, tmp_path, monkeypatch):
    """A scene without strips, and a 'video' that a server would read."""
    connection, client = tempose("server.connection"), tempose("server.client").Client
    monkeypatch.setattr(connection, "current", with_estimator(connection.current, ""))
    ready.sequence_editor_clear()
    path = tmp_path / "video.wav"
    write_wav(path, click_track())
    data = video_answer(tmp_path)

    def read_video(_self, file, person, on_line):
        assert (file, person) == (path, 2)
        on_line(VideoLine(waiting=True))
        on_line(VideoLine(frame=12, frames=96))
        return data, 0.0

    monkeypatch.setattr(client, "read_video", read_video)
    return path


def test_a_dance_out_of_a_video_goes_with_its_own_sound(blender, ready, video, tempose, read, out_of_date):
    assert blender.ops.tempose.take_from_video(filepath=str(video), frame=11, person=2) == {"FINISHED"}
    said = tempose("notes").text
    assert "5 frames" in said and "cuts 1" in said
    take, ob = ready.tempose.takes[0], ready.tempose.takes[0].rig
    assert take.bpm == pytest.approx(120)
    first, last = ob.animation_data.action.frame_range
    assert (first, last) == (11, 11 + 95)
    strip = tempose("compat").sound_strips(ready)[0]
    assert tempose("compat").strip_time(strip, "content_start") == 11
    grid = tempose("music.song_grid").grid_at(ready, strip).grid
    assert grid.times.tolist() == pytest.approx([0.5 * k for k in range(8)])
    assert not out_of_date(take)
    # It goes along when the strip moves, and can be danced again in part.
    placement = tempose("dance.placement")
    strip_name = "content_start" if hasattr(strip, "content_start") else "frame_start"
    setattr(strip, strip_name, getattr(strip, strip_name) + 24)
    assert placement.span_of(ready, take).left == pytest.approx(11 + 24)


def test_a_second_reading_takes_the_sound_that_is_there(blender, ready, video, tempose):
    for _ in range(2):
        blender.ops.tempose.take_from_video(filepath=str(video), frame=1, person=2)
    assert len(tempose("compat").sound_strips(ready)) == 1
    blender.ops.tempose.take_from_video(filepath=str(video), frame=100, person=2, sound=False)
    assert len(tempose("compat").sound_strips(ready)) == 1
    assert len(ready.tempose.takes) == 3


def test_a_missing_video_is_reported(blender, ready, video):
    video.unlink()
    with pytest.raises(RuntimeError, match="Choose the video again"):
        blender.ops.tempose.take_from_video(filepath=str(video), person=2)
    assert len(ready.tempose.takes) == 0
