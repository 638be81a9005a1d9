"""What you hear is what it dances to: the sound that is sent, checked by where clicks are in it and how loud."""

import io
import wave

import numpy as np
import pytest
from blender_helpers import (
    CLICKS,
    add_strip,
    click_track,
    dips,
    farthest,
    heard_clicks,
    onsets,
    summary,
    write_wav,
)

LATE = CLICKS[:12] + 0.2  # another song, of six seconds


@pytest.fixture
def other(tmp_path):
    """A six-second file with clicks at other times."""
    path = tmp_path / "other.wav"
    write_wav(path, click_track(6.0, LATE))
    return path


@pytest.fixture
def heard(blender, tempose, read, tmp_path):
    """The clicks (timeline seconds from the left edge) in what would be sent, and the samples."""

    def fetch():
        before = summary(blender)
        now = read()
        sound = tempose("music.audio").fetch(blender.context, now.song.scene, now.playback)
        assert summary(blender) == before
        assert len(blender.data.scenes) == scenes
        source = sound.source
        if not isinstance(source, bytes):
            with open(source, "rb") as file:  # noqa: PTH123
                source = file.read()
        path = tmp_path / "sent.wav"
        path.write_bytes(source)
        found = onsets(path) - sound.song_start
        return found[(found > -1e-3) & (found < sound.span.seconds)], sound

    scenes = len(blender.data.scenes)
    return fetch


def samples(source):
    with wave.open(io.BytesIO(source)) as file:
        rate, channels = file.getframerate(), file.getnchannels()
        data = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, channels).mean(1) / 32768
    return rate, data


def loudness(source, seconds, width=0.02):
    """Peak near each of some seconds."""
    rate, data = samples(source)
    return np.array([np.abs(data[round(s * rate) : round((s + width) * rate)]).max() for s in seconds])


def near(found, wanted, limit=0.006):
    assert len(found) == len(wanted)
    assert np.abs(np.asarray(found) - np.asarray(wanted)).max() < limit


OLD = {
    "content_start": "frame_start",
    "left_handle": "frame_final_start",
    "right_handle": "frame_final_end",
    "left_handle_offset": "frame_offset_start",
}


def named(strip, name):
    """A time's name in this Blender."""
    return name if hasattr(strip, name) else OLD[name]


def make_meta(scene, strips, channel=3):
    left, right = (named(strips[0], n) for n in ("left_handle", "right_handle"))
    first, behind = min(getattr(s, left) for s in strips), max(getattr(s, right) for s in strips)
    meta = scene.sequence_editor.strips.new_meta("Meta", channel, first)
    for strip in strips:
        strip.move_to_meta(meta)
    setattr(meta, right, behind)
    return meta


def everything(scene):
    scene.tempose.music.source = "RANGE"
    scene.frame_start, scene.frame_end = 1, 400


# One strip


def test_a_strip_inside_a_meta(scene, clicks, heard):
    strip = add_strip(scene, clicks, frame=41)
    setattr(strip, named(strip, "left_handle_offset"), 24)
    make_meta(scene, [strip])
    found, sound = heard()
    near(found, CLICKS[CLICKS > 1] - 1)
    assert sound.span.left == 65


def test_a_meta_that_cuts_its_strip(scene, clicks, heard):
    strip = add_strip(scene, clicks, frame=41)
    meta = make_meta(scene, [strip])
    setattr(meta, named(meta, "left_handle"), 41 + 48)
    setattr(meta, named(meta, "right_handle"), 41 + 192)
    found, sound = heard()
    near(found, CLICKS[(CLICKS > 2) & (CLICKS < 8)] - 2)
    assert sound.span.seconds == pytest.approx(6.0)


def test_the_only_strip_that_is_not_muted(scene, clicks, other, heard):
    add_strip(scene, clicks, channel=1).mute = True
    add_strip(scene, other, channel=2)
    scene.sequence_editor.active_strip = None
    near(heard()[0], LATE)


def test_a_muted_strip_that_was_chosen(scene, clicks, heard):
    strip = add_strip(scene, clicks, frame=20)
    strip.mute = True
    strip.sound_offset = 0.1  # needs a mixdown
    near(heard()[0], CLICKS + 0.1)


def test_a_chosen_strip_in_a_muted_channel(scene, clicks, heard):
    strip = add_strip(scene, clicks, frame=20, channel=2)
    scene.sequence_editor.channels[2].mute = True
    strip.sound_offset = 0.1
    near(heard()[0], CLICKS + 0.1)


def key_volume(strip, keys):
    for frame, value in keys:
        strip.volume = value
        strip.keyframe_insert("volume", frame=frame)


def test_a_keyed_volume_is_heard(scene, clicks, heard):
    strip = add_strip(scene, clicks, frame=30)
    key_volume(strip, [(30, 0.0), (30 + 120, 0.0), (30 + 121, 1.0), (30 + 288, 1.0)])
    _, sound = heard()
    peaks = loudness(sound.source, CLICKS)
    assert peaks[CLICKS < 4.9].max() < 0.02
    assert peaks[CLICKS > 5.1].min() > 0.5


def test_a_changed_volume_key_makes_a_take_out_of_date(blender, connected, ready, tempose, out_of_date):
    strip = ready.sequence_editor.strips[0]
    key_volume(strip, [(1, 1.0), (100, 0.5)])
    blender.ops.tempose.generate()
    take = ready.tempose.takes[0]
    assert not out_of_date(take)
    strip.volume = 0.1
    strip.keyframe_insert("volume", frame=100)
    assert out_of_date(take)


# Everything heard


def test_several_strips(scene, clicks, other, heard):
    add_strip(scene, clicks, frame=25, channel=1)
    add_strip(scene, other, frame=1 + 12 * 24, channel=2)
    everything(scene)
    found, sound = heard()
    joined = np.concatenate([CLICKS + 1, LATE + 12])
    near(np.sort(found), np.sort(joined[joined < 400 / 24]) - 1)  # from the first strip on
    assert sound.span.left == 25


def test_muted_strips_and_channels_are_not_heard(scene, clicks, other, heard):
    add_strip(scene, clicks, frame=1, channel=1)
    add_strip(scene, other, frame=1, channel=2).mute = True
    add_strip(scene, other, frame=10, channel=3)
    scene.sequence_editor.channels[3].mute = True
    everything(scene)
    near(heard()[0], CLICKS)


def test_volumes_and_their_keys(scene, clicks, other, heard):
    add_strip(scene, clicks, frame=1, channel=1).volume = 0.25
    strip = add_strip(scene, other, frame=1, channel=2)
    key_volume(strip, [(1, 0.0), (73, 0.0), (74, 1.0), (145, 1.0)])
    everything(scene)
    _, sound = heard()
    quiet, late = loudness(sound.source, CLICKS), loudness(sound.source, LATE)
    assert late[LATE < 2.9].max() < 0.02
    assert late[LATE > 3.2] / quiet.mean() == pytest.approx(np.full((LATE > 3.2).sum(), 4.0), rel=0.1)
    assert quiet == pytest.approx(np.full(24, quiet.mean()), rel=0.1)


def test_metas_count_with_what_is_in_them(scene, clicks, other, heard):
    first, second = (
        add_strip(scene, clicks, frame=11, channel=1),
        add_strip(scene, other, frame=11, channel=2),
    )
    second.mute = True
    meta = make_meta(scene, [first, second])
    everything(scene)
    near(heard()[0], CLICKS)
    meta.mute = True
    assert "Nothing is heard" in pick_reason()


def pick_reason():
    import bpy
    from blender_helpers import module_of

    return module_of("music.song").pick(bpy.context).reason


def test_a_scene_strip(blender, scene, clicks, tempose):
    inner = blender.data.scenes.new("Inner")
    inner.frame_start, inner.frame_end = 1, 288
    add_strip(inner, clicks, frame=1)
    inner.use_audio = True
    strip = scene.sequence_editor_create().strips.new_scene("Inner", inner, 1, 49)
    strip.scene_input = "SEQUENCER"
    everything(scene)
    playback = tempose("music.song_playback").playback_of(scene, tempose("music.mix").Mix(scene))
    sound = tempose("music.audio").fetch(blender.context, scene, playback)
    rate, data = samples(sound.source)
    loud = np.flatnonzero(np.abs(data) > 0.3 * np.abs(data).max())
    found = loud[np.insert(np.diff(loud) > rate * 0.15, 0, True)] / rate
    near(found, CLICKS, 0.03)
    assert sound.span.left == 49


def test_the_range_cuts_and_its_beats_stay(blender, scene, clicks, heard, tempose):
    add_strip(scene, clicks, frame=25)
    everything(scene)
    beats, beat_edit = tempose("music.beats"), tempose("music.song_grid")
    beat_edit.put(scene, beat_edit.current(blender.context), beats.from_times(CLICKS))
    scene.use_preview_range = True
    scene.frame_preview_start, scene.frame_preview_end = 25 + 48, 25 + 191
    found, sound = heard()
    near(found, CLICKS[(CLICKS > 2) & (CLICKS < 8)] - 2)
    assert sound.song_start == pytest.approx(2.0)
    now = beat_edit.current(blender.context)
    assert now.grid.times == pytest.approx(CLICKS)
    assert now.frame(CLICKS[8]) == pytest.approx(25 + 24 * CLICKS[8])


def test_the_dance_is_on_what_is_heard(blender, connected, scene, clicks, other, tempose, tmp_path):
    add_strip(scene, clicks, frame=37, channel=1)
    strip = add_strip(scene, other, frame=37, channel=2)
    strip.volume = 0.0
    everything(scene)
    ops = blender.ops.tempose
    for step in (ops.find_beats, ops.new_rig, ops.generate, ops.accept_take):
        assert step() == {"FINISHED"}
    ob = blender.context.view_layer.objects.active
    distance, count = farthest(heard_clicks(blender, scene, tmp_path), dips(ob, tempose("compat")))
    assert count >= 15 and distance <= 0.5


def test_a_tempo_edit_of_everything_mutes_it_and_brings_it_back(
    blender, connected, scene, clicks, other, tempose
):
    first, second = add_strip(scene, clicks, frame=1, channel=1), add_strip(scene, other, frame=1, channel=2)
    third = add_strip(scene, other, frame=1, channel=3)
    third.mute = True
    everything(scene)
    blender.ops.tempose.new_rig()
    names = [first.name, second.name, third.name]
    scene.tempose.tempo_factor = 1.5
    assert blender.ops.tempose.regenerate() == {"FINISHED"}
    strips = {s.name: s for s in scene.sequence_editor.strips}
    assert [strips[n].mute for n in names] == [True, True, True]
    new = next(s for n, s in strips.items() if n not in names)
    assert not new.mute and tempose("compat").strip_time(new, "content_duration") == pytest.approx(192, abs=1)
    blender.ops.tempose.discard_take()
    strips = {s.name: s for s in scene.sequence_editor.strips}
    assert sorted(strips) == sorted(names)
    assert [strips[n].mute for n in names] == [False, False, True]
