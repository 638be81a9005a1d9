"""Audio files as people have them: every rate and layout is read, everything else gets a reason."""

import av
import numpy as np
import pytest
import soundfile

from tempose.music.audio import Song
from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.errors import TemposeError


def tone(seconds=1.0, rate=44_100, hertz=440.0):
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype(np.float32)


def refusal(path):
    with pytest.raises(TemposeError) as caught:
        Song.load(path)
    return caught.value.code


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000])
def test_any_sample_rate_gives_the_same_song(tmp_path, rate):
    soundfile.write(tmp_path / "a.wav", tone(1.0, rate), rate)
    song = Song.load(tmp_path / "a.wav")
    assert song.seconds == pytest.approx(1.0, abs=1e-3)
    spectrum = np.abs(np.fft.rfft(song.samples))
    assert np.argmax(spectrum) / song.seconds == pytest.approx(440, abs=1)
    assert song.samples.dtype == np.float32


@pytest.mark.parametrize(
    "name, kind",
    [("a.wav", "PCM_24"), ("a.wav", "FLOAT"), ("a.flac", "PCM_16"), ("a.ogg", "VORBIS"), ("a.mp3", None)],
)
def test_each_format_keeps_a_click_where_it_was(tmp_path, name, kind):
    samples = np.zeros(44_100, np.float32)
    samples[22_050:22_150] = 0.8
    soundfile.write(tmp_path / name, samples, 44_100, subtype=kind)
    heard = np.abs(Song.load(tmp_path / name).samples)
    first = np.argmax(heard > 0.4 * heard.max()) / SAMPLE_RATE
    if name.endswith(
        "mp3"
    ):  # this encoder writes no header with its delay of some 25 ms, so no reader can undo it
        assert first == pytest.approx(0.5, abs=0.06)
    else:
        assert first == pytest.approx(0.5, abs=0.001)


@pytest.mark.parametrize("channels", [1, 2, 6, 8, 32])
def test_many_channels_become_one(tmp_path, channels):
    soundfile.write(tmp_path / "a.wav", np.repeat(tone()[:, None], channels, 1), 44_100)
    song = Song.load(tmp_path / "a.wav")
    assert song.samples.ndim == 1
    assert np.abs(song.samples).max() == pytest.approx(0.5, abs=0.02)


def test_channels_that_cancel_each_other_out_are_heard_all_the_same(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.stack([tone(), -tone()], 1), 44_100)
    assert np.abs(Song.load(tmp_path / "a.wav").samples).max() > 0.4


def test_samples_far_above_full_scale_are_brought_down(tmp_path):
    soundfile.write(tmp_path / "a.wav", 1e8 * tone(), 44_100, subtype="FLOAT")
    assert np.abs(Song.load(tmp_path / "a.wav").samples).max() == pytest.approx(1.0, abs=0.05)


def test_a_folder_or_a_missing_file_is_missing(tmp_path):
    assert refusal(tmp_path / "none.wav") == "audio_missing"
    assert refusal(tmp_path) == "audio_missing"


@pytest.mark.parametrize("name", ["a.wav", "a.mp3", "a.flac", "a.ogg", "a.raw", "a.txt", "a"])
@pytest.mark.parametrize(
    "content", [b"", b"This is a text.\n" * 100, b"RIFF\x00\x00\x00\x00WAVE", b"\x00" * 5000]
)
def test_what_is_not_audio_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    assert refusal(tmp_path / name) in ("audio_unreadable", "audio_short", "audio_silent")


def test_the_refusal_of_a_text_file_says_what_to_use_instead(tmp_path):
    (tmp_path / "song.wav").write_text("la la la")
    with pytest.raises(TemposeError, match=r"song\.wav is not audio.*mp3"):
        Song.load(tmp_path / "song.wav")


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes_or_refused(tmp_path, name, share):
    soundfile.write(tmp_path / name, np.concatenate([tone(3), 0.3 * tone(3, hertz=700)]), 44_100)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(share * len(whole))])
    try:
        song = Song.load(tmp_path / name)
    except TemposeError as error:
        assert error.code in ("audio_unreadable", "audio_short", "audio_silent")
    else:
        assert 0.5 <= song.seconds < 6.1
        assert np.isfinite(song.samples).all()


def test_less_than_half_a_second_is_too_short_and_half_a_second_is_not(tmp_path):
    soundfile.write(tmp_path / "a.wav", tone(0.49), 44_100)
    soundfile.write(tmp_path / "b.wav", tone(0.5), 44_100)
    soundfile.write(tmp_path / "c.wav", np.zeros(0, np.float32), 44_100)
    assert refusal(tmp_path / "a.wav") == "audio_short"
    assert refusal(tmp_path / "c.wav") == "audio_short"
    assert Song.load(tmp_path / "b.wav").seconds == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("level", [0.0, 0.25], ids=["zeros", "a constant"])
def test_silence_is_refused(tmp_path, level):
    soundfile.write(tmp_path / "a.wav", np.full((44_100, 2), level, np.float32), 44_100)
    assert refusal(tmp_path / "a.wav") == "audio_silent"


@pytest.mark.parametrize("bad", [[np.nan, 0], [np.inf, 0], [np.inf, -np.inf]])
def test_samples_that_are_not_numbers_are_refused(tmp_path, bad):
    samples = np.stack([tone(), tone()], 1)
    samples[1000] = bad
    soundfile.write(tmp_path / "a.wav", samples, 44_100, subtype="FLOAT")
    assert refusal(tmp_path / "a.wav") == "audio_not_finite"


def test_a_song_longer_than_an_hour_is_refused_before_it_is_read(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(61 * 60 * 100, np.int16), 100)
    assert refusal(tmp_path / "a.wav") == "audio_long"


def test_the_hash_is_that_of_the_decoded_sound(tmp_path):
    for name, hertz in (("a.wav", 440.0), ("b.flac", 440.0), ("c.wav", 441.0)):
        soundfile.write(
            tmp_path / name, (32_767 * tone(hertz=hertz)).astype(np.int16), 44_100, subtype="PCM_16"
        )
    hashes = [Song.load(tmp_path / n).sha256 for n in ("a.wav", "b.flac", "c.wav")]
    assert hashes[0] == hashes[1] != hashes[2]


def encoded(path, codec, container, rate=48_000):
    """A second of silence with a click in its middle, in a container that FFmpeg writes."""
    samples = np.zeros((1, rate), np.float32)
    samples[0, rate // 2 : rate // 2 + 100] = 0.8
    with av.open(path, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(samples, "flt", "mono")
        frame.sample_rate, frame.pts = rate, 0
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(stream.codec_context.format, "mono", rate, frame_size=size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec", "container"),
    [
        ("phone.m4a", "aac", "ipod"),
        ("really-m4a.mp3", "aac", "ipod"),
        ("really-webm.wav", "libopus", "webm"),
        ("nothing-says-opus", "libopus", "ogg"),
        ("flac-in.ogg", "flac", "ogg"),
        ("film.mkv", "aac", "matroska"),
        ("film.wmv", "pcm_s16le", "asf"),
        ("plain.tta", "tta", "tta"),
        ("lame.mp3", "libmp3lame", "mp3"),
    ],
)
def test_other_containers_keep_a_click_where_it_was(tmp_path, name, codec, container):
    heard = np.abs(Song.load(encoded(tmp_path / name, codec, container)).samples)
    assert np.argmax(heard > 0.4 * heard.max()) / SAMPLE_RATE == pytest.approx(0.5, abs=0.005)


def test_an_mp3_behind_zeros_is_read(tmp_path):
    path = encoded(tmp_path / "a.mp3", "libmp3lame", "mp3")
    path.write_bytes(bytes(3000) + path.read_bytes())
    assert Song.load(path).seconds == pytest.approx(1.0, abs=0.1)


DAMAGE = {  # of a flac, in whose bytes 21 to 25 its length stands
    "cut off": lambda flac: flac[: len(flac) * 3 // 4],
    "longer in its head": lambda flac: flac[:22] + (10**7).to_bytes(4, "big") + flac[26:],
    "of no length": lambda flac: flac[:21] + bytes([flac[21] & 0xF0, 0, 0, 0, 0]) + flac[26:],
    "with a hole behind": lambda flac: flac[: -len(flac) // 4] + bytes(300) + flac[-len(flac) // 4 + 300 :],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_read_as_far_as_players_play_it(tmp_path, damage):
    samples = np.random.default_rng(0).normal(scale=0.01, size=96_000).astype(np.float32)
    samples[24_000:24_100] = 0.8
    soundfile.write(tmp_path / "a.flac", samples, 48_000)
    (tmp_path / "a.flac").write_bytes(DAMAGE[damage]((tmp_path / "a.flac").read_bytes()))
    song = Song.load(tmp_path / "a.flac")
    assert 1.3 < song.seconds < 2.001
    assert np.argmax(np.abs(song.samples) > 0.4) / SAMPLE_RATE == pytest.approx(0.5, abs=0.001)


@pytest.mark.parametrize("length", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_whose_header_lies_about_its_length_is_read_to_its_end(tmp_path, length):
    soundfile.write(tmp_path / "a.wav", tone(), 44_100)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[40:44] = length.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    assert Song.load(tmp_path / "a.wav").seconds == pytest.approx(1.0, abs=0.001)


@pytest.mark.parametrize("text", ["#EXTM3U\n#EXTINF:1,x\n{}\n", "ffconcat version 1.0\nfile '{}'\n"])
def test_files_that_name_other_files_are_not_followed(tmp_path, text):
    soundfile.write(tmp_path / "a.wav", tone(), 44_100)
    (tmp_path / "list.mp3").write_text(text.format(tmp_path / "a.wav"))
    assert refusal(tmp_path / "list.mp3") == "audio_unreadable"
