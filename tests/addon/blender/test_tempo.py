"""Tempo edits: keys that follow at once, and only the changed parts danced again."""

import numpy as np
import pytest
from blender_helpers import add_strip, dips, farthest
from tempo_helpers import LONG, keys_of, passage, rig, section, steps


def test_only_the_touched_bars_get_new_keys_and_the_rest_is_bit_identical(blender, danced, tempose):
    ob, compat = rig(blender), tempose("compat")
    before = keys_of(ob, compat)
    passage(danced, 16.25, 24.25, factor=1.25)
    assert blender.ops.tempose.regenerate() == {"FINISHED"}
    after = keys_of(ob, compat)
    assert set(after) == set(before) and len(after) == 38
    # 16.25 s: frame 391; 8 s at 1.25 take 6.4 s: what follows comes 1.6 s (38.4, so 38 whole frames) earlier
    first, last, shift = 391, 583, 38
    for name, old in before.items():
        new = after[name]
        head, tail = old[:, 0] < first, old[:, 0] >= last
        assert np.array_equal(new[new[:, 0] < first, :2], old[head, :2])
        assert np.array_equal(new[new[:, 0] >= last - shift, 1], old[tail, 1])
        assert np.array_equal(new[new[:, 0] >= last - shift, 0], old[tail, 0] - shift)
        assert np.array_equal(new[:, 0], np.arange(1, len(new) + 1))
    sway = before['pose.bones["root"].location', 1], after['pose.bones["root"].location', 1]
    assert not np.array_equal(sway[0][400:540, 1], sway[1][400:540, 1])


def test_curves_play_between_kept_keys_as_before(blender, danced, tempose):
    ob, compat = rig(blender), tempose("compat")
    between = np.concatenate([np.arange(300.25, 389.5, 0.5), np.arange(600.25, 700, 0.5)])
    before = [[c.evaluate(f) for f in between] for c in compat.fcurves_of(ob)]
    passage(danced, 16.25, 24.25, factor=1.25)
    blender.ops.tempose.regenerate()
    moved = np.where(between < 400, between, between - 38)
    after = [[c.evaluate(f) for f in moved] for c in compat.fcurves_of(ob)]
    assert np.abs(np.subtract(before, after)).max() < 1e-5


def test_both_ends_meet_the_kept_dance(blender, danced, tempose):
    ob, compat = rig(blender), tempose("compat")
    passage(danced, 16.25, 24.25, factor=1.3)
    blender.ops.tempose.regenerate()
    take = danced.tempose.takes[-1]
    points = tempose("dance.audition").data_of(take).dance.poses.pixels
    speed = np.linalg.norm(np.diff(points, axis=0), axis=2)
    seconds = 24.25 - 16.25
    borders = [round(16.25 * 30), round((16.25 + seconds / 1.3) * 30)]
    largest = speed.max(1)  # of any joint, per frame
    at = np.concatenate([largest[b - 3 : b + 3] for b in borders])
    assert at.max() <= 1.2 * np.percentile(largest, 95)
    for key, curve in keys_of(ob, compat).items():
        moves = steps(curve[:, 1])
        if np.percentile(moves, 95) > 1e-4:
            assert max(moves[388:393].max(), moves[535:542].max()) <= 1.3 * moves.max(), key


def test_the_curves_go_on_at_the_speed_of_the_kept_dance(blender, danced, tempose):
    """At the borders nothing is jerked about more than within the dance itself."""
    ob, compat = rig(blender), tempose("compat")
    passage(danced, 16.25, 24.25, factor=1.3)
    blender.ops.tempose.regenerate()
    for key, curve in keys_of(ob, compat).items():
        jerk = np.abs(np.diff(curve[:, 1], 2))
        if np.percentile(jerk, 95) > 1e-4:
            assert max(jerk[386:394].max(), jerk[533:543].max()) <= 1.05 * jerk.max(), key


def test_the_changed_part_is_on_the_beat_of_the_stretched_sound(blender, danced, tempose):
    passage(danced, 16.25, 24.25, factor=1.25)
    blender.ops.tempose.regenerate()
    take = danced.tempose.takes[-1]
    data = tempose("dance.audition").data_of(take)
    clicks = 1 + 24 * np.asarray(data.dance.beat_times)
    middle = clicks[(clicks > 400) & (clicks < 540)]
    off, count = farthest(middle, dips(rig(blender), tempose("compat")))
    assert count > 10
    assert off < 0.7
    assert len(danced.sequence_editor.strips) == 2  # the stretched sound, the original muted
    assert [s.mute for s in sorted(danced.sequence_editor.strips, key=lambda s: s.channel)] == [True, False]


def test_regenerating_is_one_undo_step(blender, danced, tempose):
    compat = tempose("compat")
    passage(danced, 16.25, 24.25, factor=1.25)
    blender.ops.ed.undo_push(message="before")
    before = keys_of(rig(blender), compat)
    blender.ops.tempose.regenerate("EXEC_DEFAULT", True)
    assert len(keys_of(rig(blender), compat)['pose.bones["root"].location', 1]) == 922
    blender.ops.ed.undo()
    after = keys_of(rig(blender), compat)
    assert all(np.array_equal(after[k], before[k]) for k in before)
    strips = blender.context.scene.sequence_editor.strips
    assert [s.mute for s in strips] == [False]  # the new strip is gone, the original is heard again


def test_the_server_is_asked_for_the_touched_part_alone(blender, danced, tempose, read):
    passage(danced, 16.25, 24.25, factor=1.25)
    asked, kept = tempose("dance.regenerate").order(read())
    assert kept.kept.spans == [pytest.approx((16.25, 16.25 + 6.4), abs=0.04)]
    assert asked.request.known is kept.kept
    danced.tempose.tempo.again = "ALL"
    asked, kept = tempose("dance.regenerate").order(read())
    assert kept is None and asked.request.known is None


def test_nothing_changed_is_nothing_danced(blender, danced):
    with pytest.raises(RuntimeError, match="nothing is to be danced again"):
        blender.ops.tempose.regenerate()


def test_half_time_dances_slower_to_the_same_sound(blender, danced, tempose, read):
    ob, compat = rig(blender), tempose("compat")
    before = keys_of(ob, compat)
    downs = np.asarray(read().changes.downbeats)  # where a metronome's bars begin is the detector's choice
    start = downs[downs > 16][0]
    stop = downs[downs > 16][4]
    assert stop - start == pytest.approx(8, abs=0.02)  # four bars of four
    passage(danced, start, stop, feel="HALF")
    said, _ = tempose("dance.regenerate").in_words(read())
    assert said.startswith("Bars ") and "will be danced again, about 8 s" in said
    assert blender.ops.tempose.regenerate() == {"FINISHED"}
    after = keys_of(ob, compat)
    first, last = (1 + 24 * second for second in (start, stop))
    for name, old in before.items():
        outside = (old[:, 0] < first) | (old[:, 0] >= last)
        assert np.array_equal(after[name][outside, :2], old[outside, :2])
    low = dips(ob, compat)
    inside = low[(low > first + 9) & (low < last - 13)]
    assert np.abs(np.diff(inside) - 24).max() < 1.5  # one dip a second, where there were two
    assert len(danced.sequence_editor.strips) == 1  # the sound plays as it did


def test_double_time_dances_faster_to_the_same_sound(blender, danced, tempose):
    passage(danced, 16.25, 24.25, feel="DOUBLE")
    assert blender.ops.tempose.regenerate() == {"FINISHED"}
    low = dips(rig(blender), tempose("compat"))
    inside = low[(low > 400) & (low < 570)]
    assert np.abs(np.diff(inside) - 6).max() < 1.5  # four dips a second, where there were two
    assert len(danced.sequence_editor.strips) == 1


def test_half_time_needs_beats(blender, connected, scene, clicks, tempose):
    add_strip(scene, clicks)
    blender.ops.tempose.new_rig()
    section(scene, 2.0, feel="DOUBLE")
    with pytest.raises(RuntimeError, match="press Find Beats first"):
        blender.ops.tempose.regenerate()


def test_a_target_in_bpm_is_what_is_heard(blender, danced, tempose, read):
    danced.tempose.tempo_factor = 1.1
    passage(danced, 10.0, 20.0, kind="BPM", bpm=150.0)
    tempo = read().playback_asked.tempo
    beats = tempo.to_timeline(np.arange(10.25, 20.0, 0.5))
    assert np.allclose(np.diff(beats), 60 / 150, atol=0.004)


def test_a_ramp_leads_from_one_speed_to_the_other(blender, danced, tempose, read):
    passage(danced, 10.0, 20.0, factor=1.0, ramp=True, last_factor=2.0)
    tempo = read().playback_asked.tempo
    gaps = np.diff(tempo.to_timeline(np.arange(10.25, 20.0, 0.5)))
    assert (np.diff(gaps) < 0).all() and gaps[0] / gaps[-1] == pytest.approx(1.95 / 1.05, abs=0.12)
    last = keys_of(rig(blender), tempose("compat"))['pose.bones["root"].location', 1][-1, 0]
    assert last == pytest.approx(1 + 24 * float(tempo.to_timeline(959 / 24)), abs=1)


def test_a_preview_moves_the_keys_and_is_taken_back_exactly(blender, danced, tempose):
    ob, compat = rig(blender), tempose("compat")
    danced.tempose.tempo.mode = "OFF"
    action, names = ob.animation_data.action, sorted(a.name for a in blender.data.actions)
    before = keys_of(ob, compat)
    passage(danced, 16.25, 24.25, factor=1.25)
    assert ob.animation_data.action == action
    blender.ops.tempose.preview_tempo()
    moved = keys_of(ob, compat)
    frames = moved['pose.bones["root"].location', 1][:, 0]
    assert frames[-1] == 922 and np.array_equal(frames, np.round(frames))
    blender.ops.tempose.take_back_tempo()
    assert ob.animation_data.action == action and sorted(a.name for a in blender.data.actions) == names
    after = keys_of(ob, compat)
    assert all(np.array_equal(after[k], before[k]) for k in before)
    assert not blender.ops.tempose.take_back_tempo.poll()


@pytest.fixture
def part(blender, danced, tempose):
    """A take of the frames 241 to 480 only, ten to twenty seconds of the song, shown on the rig."""
    settings = danced.tempose
    settings.tempo.mode = "REQUEST"
    settings.generate.area, settings.generate.first_frame, settings.generate.last_frame = "FRAMES", 241, 480
    blender.ops.tempose.generate()
    return danced


@pytest.mark.parametrize("accepted", [False, True])
def test_a_take_of_a_range_is_previewed_where_its_music_is_heard(blender, part, tempose, accepted, read):
    if accepted:
        blender.ops.tempose.accept_take()
    ob, compat, settings = rig(blender), tempose("compat"), part.tempose
    action, before = ob.animation_data.action, keys_of(ob, compat)
    settings.tempo.exact = True
    for factor in (1.25, 0.8):
        settings.tempo_factor = factor
        assert tempose("tempo.tempo_preview").previewing(settings)
        moved = keys_of(ob, compat)
        for name, keys in before.items():
            wanted = 1 + (keys[:, 0] - 1) / factor
            assert np.allclose(moved[name][:, 0], wanted, atol=0.01)
            assert np.array_equal(moved[name][:, 1], keys[:, 1])
        clicks = 1 + 24 * np.arange(10.25, 19.8, 0.5) / factor
        assert farthest(clicks, dips(ob, compat))[0] < 0.3
    assert "whole dance" in tempose("dance.regenerate").in_words(read())[0]
    settings.tempo_factor = 1.0
    assert ob.animation_data.action == action
    after = keys_of(ob, compat)
    assert all(np.array_equal(after[k], before[k]) for k in before)


def test_a_take_of_a_range_keeps_its_range_and_its_keys_when_it_is_danced_at_a_new_tempo(
    blender, part, tempose
):
    settings, ob, compat = part.tempose, rig(blender), tempose("compat")
    settings.keys.density = "POSES"
    blender.ops.tempose.apply_keys()
    old = keys_of(ob, compat)
    bone = ob.pose.bones["head"]
    bone.keyframe_insert("location", frame=300)  # a curve of the artist's own
    before = len(settings.takes)
    passage(part, 14.0, 18.0, factor=1.25)  # seconds 10 to 20 are danced: frames 241 to 480
    assert tempose("tempo.tempo_preview").previewing(settings)
    assert blender.ops.tempose.regenerate() == {"FINISHED"}
    assert len(settings.takes) == before + 1
    assert not tempose("tempo.tempo_preview").previewing(settings)
    data = tempose("dance.audition").data_of(settings.takes[-1])
    assert data.settings["seconds"] == pytest.approx(10 - 4 + 4 / 1.25, abs=0.02)
    assert (data.song_start, data.song_seconds) == (pytest.approx(10, abs=0.01), pytest.approx(10, abs=0.01))
    first, last = ob.animation_data.action.frame_range
    assert first == 241 and last == pytest.approx(480 - 19, abs=1)
    new, own = keys_of(ob, compat), ('pose.bones["head"].location', 0)
    assert own in new
    for name, keys in old.items():
        for kept in (keys[keys[:, 0] < 337], keys[keys[:, 0] >= 433] - [19, 0, 19, 0, 19, 0]):
            found = new[name][np.isin(new[name][:, 0], kept[:, 0])]
            assert np.allclose(found, kept, atol=2e-4), name
    heard = [compat.strip_time(s, "right_handle") for s in part.sequence_editor.strips if not s.mute]
    assert heard == [pytest.approx(1 + 24 * (LONG - 0.8), abs=2)]  # all of the sound


def test_a_range_in_which_the_tempo_stays_is_moved_as_a_whole(blender, part, tempose):
    ob, compat = rig(blender), tempose("compat")
    before = keys_of(ob, compat)
    section(part, 30.0, factor=0.5)  # behind the range
    after = keys_of(ob, compat)
    assert all(np.array_equal(after[k], before[k]) for k in before)
    part.tempose.sections.clear()
    passage(part, 2.0, 8.0, factor=1.5)  # before it: six seconds take four
    moved = keys_of(ob, compat)
    for name, keys in before.items():
        assert np.array_equal(moved[name][:, 0], keys[:, 0] - 48)


def test_a_preview_is_on_the_beat_of_the_new_tempo(blender, danced, tempose):
    danced.tempose.tempo.exact = True
    section(danced, 12.25, factor=0.8)
    ob, compat = rig(blender), tempose("compat")
    clicks = np.arange(12.25, 38, 0.5)
    wanted = 1 + 24 * (12.25 + (clicks - 12.25) / 0.8)
    off, count = farthest(wanted, dips(ob, compat))
    assert count > 40
    assert off < 0.3


def test_the_keys_follow_each_edit_and_come_back_when_it_is_undone_by_hand(blender, danced, tempose):
    ob, compat = rig(blender), tempose("compat")
    before = keys_of(ob, compat)
    for factor in (1.2, 1.5, 0.7):
        danced.tempose.tempo_factor = factor
        last = keys_of(ob, compat)['pose.bones["root"].location', 1][-1, 0]
        assert abs(last - (1 + 959 / factor)) <= 1
    assert len([a for a in blender.data.actions if "preview" in a.name]) == 1
    danced.tempose.tempo_factor = 1.0
    after = keys_of(ob, compat)
    assert all(np.array_equal(after[k], before[k]) for k in before)
    assert not tempose("tempo.tempo_preview").previewing(danced.tempose)


def test_keys_set_by_hand_move_and_are_never_lost(blender, danced, tempose):
    ob, compat, keying = rig(blender), tempose("compat"), tempose("keys.action_keys")
    curve = next(c for c in compat.fcurves_of(ob) if "forearm.L" in c.data_path and "rotation" in c.data_path)
    name = (curve.data_path, curve.array_index)
    for frame in (490, 491):  # 20.375 s: inside of what is danced again
        curve.keyframe_points[frame - 1].co.y = 2.5
    curve.keyframe_points[99].co.y = -2.5
    curve.update()
    danced.tempose.tempo_factor = 2.0
    moved = [frame for frame, value, *_ in keys_of(ob, compat)[name] if abs(value) == 2.5]
    assert len(moved) == 3 and moved[0] in (50.0, 51.0)
    danced.tempose.tempo_factor = 1.0
    passage(danced, 16.25, 24.25, factor=1.25)
    blender.ops.tempose.regenerate()
    found = keying.hand_set(ob.animation_data.action, [name])[name]
    assert found[0] == 100.0
    assert all(abs(f - (391 + (g - 391) / 1.25)) <= 0.51 for f, g in zip(found[1:], (490, 491), strict=True))
    values = dict(keys_of(ob, compat)[name][:, :2])
    assert [values[f] for f in found] == [-2.5, 2.5, 2.5]


def test_a_preview_survives_saving_and_undo(blender, danced, tempose, tmp_path):
    compat = tempose("compat")
    before = keys_of(rig(blender), compat)
    blender.ops.ed.undo_push(message="before")
    danced.tempose.tempo_factor = 1.5
    blender.ops.ed.undo_push(message="tempo")
    blender.ops.ed.undo()
    undone = keys_of(rig(blender), compat)
    assert all(np.array_equal(undone[k], before[k]) for k in before)
    blender.ops.ed.redo()
    assert tempose("tempo.tempo_preview").previewing(blender.context.scene.tempose)
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "file.blend"))
    blender.ops.wm.open_mainfile(filepath=str(tmp_path / "file.blend"))
    blender.ops.tempose.take_back_tempo()
    ob = next(o for o in blender.data.objects if o.type == "ARMATURE")
    after = keys_of(ob, compat)
    assert all(np.array_equal(after[k], before[k]) for k in before)


def test_flipping_through_takes_finds_the_kept_keys_again(blender, danced, tempose):
    ob, compat = rig(blender), tempose("compat")
    passage(danced, 16.25, 24.25, factor=1.25)
    blender.ops.tempose.regenerate()
    before = keys_of(ob, compat)
    settings = danced.tempose
    blender.ops.tempose.generate()
    settings.active_take = 1
    blender.ops.tempose.show_take()
    after = keys_of(ob, compat)
    assert all(np.array_equal(after[k], before[k]) for k in before)
    blender.ops.tempose.discard_take()
    assert len(settings.takes) == 2
