"""Whatever a sound's container: what is sent has its clicks where Blender plays them."""

import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from blender_helpers import CLICKS, add_strip, dips, farthest, heard_clicks, onsets
from conftest import server_python

ENCODED = {  # name → codec, container, rate
    "lame-48k.mp3": ("libmp3lame", "mp3", 48000),
    "lame-44k.mp3": ("libmp3lame", "mp3", 44100),
    "lame-32k.mp3": ("libmp3lame", "mp3", 32000),
    "lame-22k.mp3": ("libmp3lame", "mp3", 22050),
    "vorbis-44k.ogg": ("vorbis", "ogg", 44100),
    "vorbis-22k.ogg": ("vorbis", "ogg", 22050),
    "flac-in.ogg": ("flac", "ogg", 44100),
    "opus.ogg": ("libopus", "ogg", 48000),
    "phone.m4a": ("aac", "ipod", 44100),
    "film.mp4": ("aac", "mp4", 48000),
    "raw.aac": ("aac", "adts", 44100),
    "really-m4a.mp3": ("aac", "ipod", 44100),
    "really-webm.wav": ("libopus", "webm", 48000),
    "film.mkv": ("ac3", "matroska", 48000),
    "adpcm.wav": ("adpcm_ms", "wav", 44100),
    "mp3-in.wav": ("libmp3lame", "wav", 44100),
    "plain.flac": ("flac", "flac", 44100),
    "plain.aiff": ("pcm_s16be", "aiff", 44100),
}
LIES = {"none": 0, "most": 0x7FFFFFFF, "unknown": 0xFFFFFFFF, "half": 529_200}  # length of the samples
QUARTER = 0.25  # frames


@pytest.fixture(scope="session")
def encoded(clicks, tmp_path_factory):
    """The click track in a container, by its name in `ENCODED`."""
    folder = tmp_path_factory.mktemp("encoded")

    def make(name):
        path = folder / name
        if not path.is_file():
            script = Path(__file__).with_name("encode_clicks.py")
            command = [server_python(), script, clicks, path, *ENCODED[name]]
            subprocess.run([str(part) for part in command], check=True)
        return path

    return make


def sent(bpy, scene, tempose, folder):
    """Frames at which clicks are in what is sent, and whether the file itself is."""
    playback = tempose("music.song_playback").playback_of(scene, scene.sequence_editor.strips[0])
    fetched = tempose("music.audio").fetch(bpy.context, scene, playback)
    direct = isinstance(fetched.source, str)
    source = Path(fetched.source).read_bytes() if direct else fetched.source
    path = folder / "sent.wav"
    path.write_bytes(source)
    if source[:4] != b"RIFF":  # a FLAC is read by who can
        read = (
            "import sys, soundfile as s; s.write(sys.argv[2], *s.read(sys.argv[1]), 'PCM_16', format='WAV')"
        )
        subprocess.run([server_python(), "-c", read, path, path.with_name("read.wav")], check=True)
        path = path.with_name("read.wav")
    rate = scene.render.fps / scene.render.fps_base
    return fetched.span.left + (onsets(path) - fetched.song_start) * rate, direct


def farthest_apart(heard, found):
    inner = found[(found > heard.min() - 3) & (found < heard.max() + 3)]
    assert len(inner) == len(heard) > 5
    return np.abs(inner - heard).max()


def trim(strip, frames):
    new = hasattr(strip, "left_handle_offset")
    setattr(strip, "left_handle_offset" if new else "frame_offset_start", frames)


@pytest.mark.parametrize("cut", [0, 61], ids=["whole", "trimmed"])
@pytest.mark.parametrize("name", ENCODED)
def test_what_is_sent_is_what_blender_plays(blender, scene, encoded, tempose, tmp_path, name, cut):
    trim(add_strip(scene, encoded(name), frame=13), cut)
    found, direct = sent(blender, scene, tempose, tmp_path)
    assert farthest_apart(heard_clicks(blender, scene, tmp_path), found) < QUARTER / 2
    assert direct == (name == "plain.flac")


def lying(path, clicks, length, kind=b"RIFF"):
    """A WAV that states another length of its samples than it has."""
    data = bytearray(clicks.read_bytes())
    data[40:44] = struct.pack("<I", length)
    if kind == b"RF64":
        size = len(data) - 44
        more = struct.pack("<4sIQQQI", b"ds64", 28, len(data) + 28, size, size // 2, 0)
        data = kind + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + more + data[12:]
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("lie", LIES)
def test_a_wav_header_that_lies(blender, scene, clicks, tempose, tmp_path, lie):
    add_strip(scene, lying(tmp_path / "lie.wav", clicks, LIES[lie]), frame=7)
    found, direct = sent(blender, scene, tempose, tmp_path)
    heard = heard_clicks(blender, scene, tmp_path)
    assert farthest_apart(heard, found[: len(heard)]) < QUARTER / 2
    assert direct == (lie == "half")  # both stop where the header says


def test_an_rf64(blender, scene, clicks, tempose, tmp_path):
    add_strip(scene, lying(tmp_path / "long.wav", clicks, 0xFFFFFFFF, b"RF64"), frame=7)
    found, _ = sent(blender, scene, tempose, tmp_path)
    assert farthest_apart(heard_clicks(blender, scene, tmp_path), found) < QUARTER / 2


@pytest.mark.parametrize("front", [b"\0" * 2000, b"ID3\4\0\0\0\0\0\0" + b"\0" * 3000], ids=["zeros", "tag"])
def test_an_mp3_behind_zeros(blender, scene, encoded, tempose, tmp_path, front):
    path = tmp_path / "zeros.mp3"
    path.write_bytes(front + encoded("lame-44k.mp3").read_bytes())
    add_strip(scene, path, frame=7)
    found, direct = sent(blender, scene, tempose, tmp_path)
    assert not direct
    assert farthest_apart(heard_clicks(blender, scene, tmp_path), found) < QUARTER / 2


@pytest.mark.parametrize(("name", "cut"), [("lame-44k.mp3", 0), ("lame-44k.mp3", 31), ("really-m4a.mp3", 0)])
def test_the_dance_is_on_what_blender_plays(blender, connected, scene, encoded, tempose, tmp_path, name, cut):
    strip = add_strip(scene, encoded(name), frame=7)
    trim(strip, cut)
    check_dance(blender, strip, tempose, tmp_path)


def check_dance(bpy, strip, tempose, folder):
    ops = bpy.ops.tempose
    for step in (ops.find_beats, ops.new_rig, ops.generate, ops.accept_take):
        assert step() == {"FINISHED"}
    ob = bpy.context.view_layer.objects.active
    distance, count = farthest(heard_clicks(bpy, bpy.context.scene, folder), dips(ob, tempose("compat")))
    assert count >= 15 and distance <= 1.2 * QUARTER  # a quarter, and what the beats were found wrong by


def test_a_sound_that_is_turned_down_is_heard_all_the_same(blender, scene, encoded, tempose, tmp_path):
    add_strip(scene, encoded("lame-44k.mp3"), frame=1).volume = 0.0
    found, _ = sent(blender, scene, tempose, tmp_path)
    assert len(found) == len(CLICKS)


def test_a_packed_mp3_whose_file_is_gone(blender, scene, encoded, tempose, tmp_path):
    path = tmp_path / "packed.mp3"
    path.write_bytes(encoded("lame-44k.mp3").read_bytes())
    add_strip(scene, path, frame=3).sound.pack()
    path.unlink()
    found, _ = sent(blender, scene, tempose, tmp_path)
    assert farthest_apart(heard_clicks(blender, scene, tmp_path), found) < QUARTER / 2


def test_the_beats_of_an_mp3_outlive_its_trimming(blender, connected, scene, encoded, tempose):
    strip = add_strip(scene, encoded("lame-44k.mp3"), frame=1)
    assert blender.ops.tempose.find_beats() == {"FINISHED"}
    beat_edit = tempose("music.song_grid")
    before = beat_edit.current(blender.context).grid.times
    trim(strip, 48)
    assert beat_edit.current(blender.context).grid.times == pytest.approx(before)


def test_a_file_is_mixed_down_once(blender, scene, encoded, tempose, read, monkeypatch):
    add_strip(scene, encoded("lame-44k.mp3"), frame=1)
    audio, playback = tempose("music.audio"), read().playback
    first = audio.fetch(blender.context, scene, playback).source
    monkeypatch.setattr(audio, "mixdown", lambda *_: pytest.fail("mixed down again"))
    assert audio.fetch(blender.context, scene, playback).source is first
