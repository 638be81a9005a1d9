"""The beat grid in Blender: buttons, markers on request, undo, and what the server is sent."""

import json

import numpy as np
import pytest
from blender_helpers import CLICKS, add_strip, beat_frames, click_track, summary, write_wav


def test_half_double_nudge(blender, song, grid):
    ops = blender.ops.tempose
    assert ops.half_beats() == {"FINISHED"}
    assert np.diff(grid().grid.times) == pytest.approx(np.ones(11))
    ops.double_beats()
    assert grid().grid.times[:3] == pytest.approx(CLICKS[:3])
    ops.nudge_beats(direction="LATER")
    ops.nudge_beats(direction="LATER")
    ops.nudge_beats(direction="EARLIER")
    assert grid().grid.times[:3] == pytest.approx(CLICKS[:3] + 0.01, abs=1e-5)
    song.tempose.music.nudge_unit, song.tempose.music.nudge = "FRAMES", 1.0
    ops.nudge_beats(direction="LATER")
    assert grid().grid.times[:3] == pytest.approx(CLICKS[:3] + 0.01 + 1 / 24, abs=1e-5)


def test_a_nudge_is_a_nudge_of_what_is_heard(blender, connected, ready, tempose):
    """At twice the tempo ten milliseconds heard are twenty of the song."""
    ready.tempose.tempo_factor = 2.0
    blender.ops.tempose.regenerate()
    blender.ops.tempose.accept_take()
    beat_edit = tempose("music.song_grid")
    now = beat_edit.current(blender.context)
    beat_edit.put(ready, now, tempose("music.beats").from_times(CLICKS))
    before = np.asarray(beat_frames(beat_edit.current(blender.context)))
    blender.ops.tempose.nudge_beats(direction="LATER")
    after = np.asarray(beat_frames(beat_edit.current(blender.context)))
    assert after - before == pytest.approx(np.full(24, 0.24))


def test_only_in_the_preview_range(blender, song, grid):
    song.use_preview_range = True
    song.frame_preview_start, song.frame_preview_end = 97, 193  # seconds 4 to 8
    song.tempose.music.only_range = True
    blender.ops.tempose.half_beats()
    times = grid().grid.times
    assert len(times) == 20
    assert np.diff(times[:8]) == pytest.approx(np.full(7, 0.5))
    song.use_preview_range = False
    with pytest.raises(RuntimeError, match="Set a preview range"):
        blender.ops.tempose.half_beats()


def test_beats_go_to_the_playhead(blender, song, grid):
    song.frame_set(70, subframe=0.25)
    blender.ops.tempose.move_beat()
    at = (70.25 - 1) / 24
    moved = grid().grid.times
    assert np.abs(moved - at).min() < 1e-6
    assert moved[0] == pytest.approx(CLICKS[0])
    blender.ops.ed.undo_push(message="x")
    song.frame_set(120)
    blender.ops.tempose.slide_beats()
    assert np.abs(grid().grid.times - (120 - 1) / 24).min() < 1e-6
    assert len(grid().grid) == len(CLICKS)


def test_downbeats_here(blender, song, grid):
    song.frame_set(round(1 + 24 * CLICKS[2]))
    song.tempose.music.metre = 3
    blender.ops.tempose.set_downbeat()
    assert grid().grid.downbeats == pytest.approx(CLICKS[2::3])
    blender.ops.tempose.set_downbeat(metre=2)
    assert grid().grid.downbeats == pytest.approx(CLICKS[::2])


def test_adding_and_removing_single_beats(blender, song, grid):
    song.frame_set(1 + 12)  # second 0.5, between two
    blender.ops.tempose.add_beat()
    assert len(grid().grid) == 25
    with pytest.raises(RuntimeError, match="already"):
        blender.ops.tempose.add_beat()
    blender.ops.tempose.remove_beat()
    assert grid().grid.times == pytest.approx(CLICKS)


def test_locks_by_preview_range_or_by_selected_markers(blender, song, grid):
    assert not blender.ops.tempose.lock_beats.poll()
    for frame in (49, 97):
        song.timeline_markers.new("mine", frame=frame).select = True
    blender.ops.tempose.lock_beats()
    blender.ops.tempose.nudge_beats()
    now = grid()
    inside = (now.grid.times > 2) & (now.grid.times < 4)
    assert now.grid.times[inside] == pytest.approx(CLICKS[(CLICKS > 2) & (CLICKS < 4)])
    assert now.grid.times[~inside] == pytest.approx(CLICKS[(CLICKS < 2) | (CLICKS > 4)] + 0.01)
    song.use_preview_range = True
    song.frame_preview_start, song.frame_preview_end = 1, 288
    blender.ops.tempose.lock_beats(unlock=True)
    assert grid().grid.locks == ()


def test_finding_beats_keeps_the_artists(blender, connected, song, grid, tempose):
    song.frame_set(70)
    blender.ops.tempose.move_beat(reach=0)
    moved = (70 - 1) / 24
    assert blender.ops.tempose.find_beats() == {"FINISHED"}
    found = grid().grid
    assert moved in np.round(found.times, 9) or np.abs(found.times - moved).min() < 1e-9
    assert len(found) >= len(CLICKS) - 1
    assert "1 beats of yours stay" in tempose("notes").text
    blender.ops.tempose.half_beats()
    before = grid().grid.times
    blender.ops.tempose.find_beats()
    assert set(before.tolist()) <= set(grid().grid.times.tolist())


def test_each_edit_is_one_undo_step(blender, song, grid, tempose):
    load = lambda: tempose("music.grids").text_of(blender.context.scene)  # noqa: E731
    blender.ops.ed.undo_push(message="before")
    before = load()
    blender.ops.tempose.half_beats("EXEC_DEFAULT", True)
    half = load()
    blender.ops.tempose.nudge_beats("EXEC_DEFAULT", True)
    nudged = load()
    assert len({before, half, nudged}) == 3
    for wanted in (half, before):
        blender.ops.ed.undo()
        assert load() == wanted
    for wanted in (half, nudged):
        blender.ops.ed.redo()
        assert load() == wanted


def test_an_edit_that_fails_changes_nothing(blender, song, grid):
    song.use_preview_range = True
    song.frame_preview_start, song.frame_preview_end = 1, 288
    blender.ops.tempose.lock_beats()
    before = (summary(blender), blender.context.scene["tempose_grids"])
    for button in ("half_beats", "double_beats", "nudge_beats", "set_downbeat", "move_beat", "remove_beat"):
        with pytest.raises(RuntimeError, match="lock"):
            getattr(blender.ops.tempose, button)()
    assert (summary(blender), blender.context.scene["tempose_grids"]) == before


def test_the_grid_survives_saving_and_another_sound_has_its_own(
    blender, song, grid, clicks, tempose, tmp_path
):
    blender.ops.tempose.half_beats()
    times = grid().grid.times
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file.blend"))
    blender.ops.wm.read_homefile(use_empty=True)
    blender.ops.wm.open_mainfile(filepath=str(tmp_path / "file.blend"))
    assert tempose("music.song_grid").current(blender.context).grid.times == pytest.approx(times, abs=1e-6)
    other = tmp_path / "other.wav"
    write_wav(other, click_track(6.0, CLICKS[:10] + 0.1))
    scene = blender.context.scene
    second = add_strip(scene, other, channel=2)
    scene.tempose.strip = second.name
    assert not len(grid().grid)
    scene.tempose.strip = next(s.name for s in scene.sequence_editor.strips if s.name != second.name)
    assert grid().grid.times == pytest.approx(times, abs=1e-6)


def test_two_files_of_one_name_have_a_grid_each(blender, song, grid, clicks, tempose, tmp_path):
    other = tmp_path / "elsewhere" / clicks.name
    other.parent.mkdir()
    write_wav(other, click_track(6.0, CLICKS[:10] + 0.1))
    first, second = song.sequence_editor.strips[0], add_strip(song, other, channel=2)
    song.tempose.strip = second.name
    assert not len(grid().grid)
    tempose("music.song_grid").put(song, grid(), tempose("music.beats").from_times(CLICKS[:10] + 0.1))
    song.tempose.strip = first.name
    assert grid().grid.times == pytest.approx(CLICKS)
    song.tempose.strip = second.name
    assert grid().grid.times == pytest.approx(CLICKS[:10] + 0.1)
    blender.ops.tempose.clear_beats()
    assert not len(grid().grid)
    song.tempose.strip = first.name
    assert grid().grid.times == pytest.approx(CLICKS)


@pytest.mark.parametrize("what", ["renamed", "exported anew", "missing", "packed"])
def test_beats_outlive_what_happens_to_their_file(blender, song, grid, clicks, tempose, tmp_path, what):
    sound, path = song.sequence_editor.strips[0].sound, tmp_path / clicks.name
    path.write_bytes(clicks.read_bytes())
    if what == "renamed":
        path = path.rename(tmp_path / "other name.wav")
    elif what == "exported anew":
        write_wav(path, 0.5 * click_track())
    elif what == "missing":
        path.unlink()
    if what == "packed":
        sound.pack()
    else:
        sound.filepath = str(path)
    tempose("music.sounds").forget()
    assert grid().grid.times == pytest.approx(CLICKS)
    blender.ops.tempose.nudge_beats(direction="LATER")
    sound.filepath = str(clicks)
    tempose("music.sounds").forget()
    assert len(grid().grid) == len(CLICKS)


def test_the_grid_of_an_older_file_is_found_and_becomes_the_sounds_own(
    blender, song, grid, clicks, tempose, read
):
    """Version 0.2 kept grids by the file's name."""
    times = grid().grid.times
    old = tempose("dance.fingerprint").fingerprint({"file": clicks.name})
    row = {"times": times.tolist(), "flags": [0] * len(times), "locks": [], "removed": [], "confidence": 0.9}
    song["tempose_grids"] = json.dumps({old: row})
    assert grid().grid.times == pytest.approx(times) and grid().grid.confidence == 0.9
    assert read().beats.beats == pytest.approx(times)
    blender.ops.tempose.half_beats()
    assert len(grid().grid) == 12
    assert set(json.loads(song["tempose_grids"])) == {old, grid().mark} != {old}
    blender.ops.tempose.clear_beats()
    assert not len(grid().grid)


def test_a_damaged_grid_counts_as_none(blender, song, tempose):
    for text in ("no json", "[]", '{"x": 1}'):
        song["tempose_grids"] = text
        assert not len(tempose("music.song_grid").current(blender.context).grid)
    mark = tempose("music.song_grid").current(blender.context).mark
    song["tempose_grids"] = '{"' + mark + '": {"times": "abc"}}'
    assert not len(tempose("music.song_grid").current(blender.context).grid)


# Markers on request


def test_markers_come_and_go_and_the_exact_times_stay(blender, song, grid):
    exact = grid().grid.times
    assert len(song.timeline_markers) == 0
    song.tempose.music.show_markers = True
    assert len(song.timeline_markers) == len(CLICKS)
    assert song.timeline_markers[0].name == "♪ 1.1"
    assert [m.frame for m in song.timeline_markers] == [round(f) for f in beat_frames(grid())]
    song.tempose.music.show_markers = False
    assert len(song.timeline_markers) == 0
    assert (grid().grid.times == exact).all()


def test_edits_of_markers_are_the_artists_word(blender, song, grid, tempose):
    song.tempose.music.show_markers = True
    marks = sorted(song.timeline_markers, key=lambda m: m.frame)
    marks[4].frame += 3
    song.timeline_markers.remove(marks[9])
    song.timeline_markers.new("♪ new", frame=1 + 12)
    marks[6].name = "♪ 9.1"
    found = grid().grid
    assert len(found) == len(CLICKS)
    assert np.abs(found.times - (round(1 + 24 * CLICKS[4]) + 3 - 1) / 24).min() < 1e-6
    assert np.abs(found.times - CLICKS[9]).min() > 0.2
    assert np.abs(found.times - 0.5).min() < 1e-6
    assert np.abs(found.downbeats - CLICKS[6]).min() < 1e-6
    untouched = [t for i, t in enumerate(CLICKS) if i not in (4, 9)]
    assert set(np.round(untouched, 5)) <= set(np.round(found.times, 5))  # exact, not on whole frames
    asked = tempose("music.markers").read(song, grid().mark)
    assert asked.beats.tolist() == found.times.tolist()
    song.tempose.music.show_markers = False
    assert (grid().grid.times == found.times).all()


def test_throwing_all_markers_away_loses_nothing(blender, song, grid):
    song.tempose.music.show_markers = True
    before = grid().grid.times
    for marker in list(song.timeline_markers):
        song.timeline_markers.remove(marker)
    assert (grid().grid.times == before).all()


def test_locked_beats_do_not_follow_their_markers(blender, song, grid):
    song.use_preview_range = True
    song.frame_preview_start, song.frame_preview_end = 1, 288
    blender.ops.tempose.lock_beats()
    song.tempose.music.show_markers = True
    song.timeline_markers[3].frame += 5
    assert grid().grid.times == pytest.approx(CLICKS)


def test_discarding_a_tempo_edit_brings_markers_back(blender, connected, ready, tempose):
    blender.ops.tempose.find_beats()
    ready.tempose.music.show_markers = True
    before = sorted((m.frame, m.name) for m in ready.timeline_markers)
    ready.tempose.tempo_factor = 1.5
    blender.ops.tempose.regenerate()
    assert sorted((m.frame, m.name) for m in ready.timeline_markers) != before
    blender.ops.tempose.discard_take()
    assert sorted((m.frame, m.name) for m in ready.timeline_markers) == before


def test_the_dance_is_on_edited_beats(blender, connected, ready, tempose):
    from blender_helpers import dips, farthest

    beat_edit = tempose("music.song_grid")
    beat_edit.put(ready, beat_edit.current(blender.context), tempose("music.beats").from_times(CLICKS + 0.13))
    blender.ops.tempose.generate()
    ob = blender.context.view_layer.objects.active
    assert farthest(1 + 24 * (CLICKS + 0.13), dips(ob, tempose("compat")))[0] <= 0.5
