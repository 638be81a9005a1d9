"""Songs that are not what they say they are, and decoders that fail on them."""

import hashlib
import io
import struct

import av
import numpy as np
import pytest
import soundfile
from refusals import refused


def forged(data, offset, form, value):
    """The file with one field overwritten."""
    changed = bytearray(data)
    struct.pack_into(form, changed, offset, value)
    return bytes(changed)


def noise(seconds, rate=22_050, channels=1):
    return np.random.default_rng(1).normal(0, 0.1, (round(seconds * rate), channels))


def good(wav):
    return wav(noise(1.0))


BAD_SONGS = {
    "nothing": (lambda wav: b"", "audio_unreadable"),
    "text": (lambda wav: b"This is a text file, whatever its name says.\n" * 50, "audio_unreadable"),
    "only a header": (lambda wav: good(wav)[:44], "audio_short"),
    "half a header": (lambda wav: good(wav)[:20], "audio_unreadable"),
    "no sample": (lambda wav: wav(np.zeros(0)), "audio_short"),
    "one sample": (lambda wav: wav(np.ones(1) * 0.5), "audio_short"),
    "too short": (lambda wav: wav(noise(0.3)), "audio_short"),
    "silence": (lambda wav: wav(np.zeros(22_050)), "audio_silent"),
    "DC": (lambda wav: wav(np.full(22_050, 0.5)), "audio_silent"),
    "NaN": (lambda wav: wav(np.full(22_050, np.nan), subtype="FLOAT"), "audio_not_finite"),
    "infinity": (lambda wav: wav(np.full(22_050, np.inf), subtype="FLOAT"), "audio_not_finite"),
    "one NaN": (
        lambda wav: wav(np.where(np.arange(30_000) == 9, np.nan, 0.1), subtype="DOUBLE"),
        "audio_not_finite",
    ),
    "absurdly loud": (lambda wav: wav(1e30 * noise(1.0), subtype="FLOAT"), "audio_levels"),
    "nine channels": (lambda wav: wav(noise(1.0, channels=9)), "audio_shape"),
    "4 kHz": (lambda wav: wav(noise(1.0), 4_000), "audio_shape"),
    "1 MHz": (lambda wav: wav(noise(1.0), 1_000_000), "audio_shape"),
    "forged rate 0": (lambda wav: forged(good(wav), 24, "<I", 0), None),
    "forged rate 4 GHz": (lambda wav: forged(good(wav), 24, "<I", 0xFFFFFFFF), None),
    "forged channels 0": (lambda wav: forged(good(wav), 22, "<H", 0), None),
    "forged channels 65535": (lambda wav: forged(good(wav), 22, "<H", 0xFFFF), None),
    "another format": (lambda wav: wav(noise(1.0), format="AU"), "audio_format"),
    "a playlist": (
        lambda wav: b"#EXTM3U\n#EXTINF:1,x\n/etc/passwd\nfile:///etc/passwd\n",
        "audio_unreadable",
    ),
    "a pls playlist": (
        lambda wav: b"[playlist]\nFile1=/etc/passwd\nNumberOfEntries=1\n",
        "audio_unreadable",
    ),
    "a concat script": (lambda wav: b"ffconcat version 1.0\nfile '/etc/passwd'\n", "audio_unreadable"),
    "an MPEG-4 file": (lambda wav: b"\0\0\0\x20ftypM4A \0\0\0\0" + bytes(5000), "audio_unreadable"),
    "a pickle": (lambda wav: b"\x80\x04\x95" + bytes(200), "audio_unreadable"),
    "a long silent bomb": (
        lambda wav: wav(np.zeros(8000 * 3600 * 2, np.int16), 8_000, format="FLAC"),
        "audio_long",
    ),
    "too long": (lambda wav: wav(np.tile(noise(1.0, 8_000), (90, 1)), 8_000), "audio_long"),
}


def test_a_song_cut_off_is_taken_as_far_as_it_goes(strict_server, tools):
    answer = strict_server.put_audio(tools.wav(noise(4.0), format="FLAC")[:100_000])
    assert answer.status_code == 201
    assert 0.5 < answer.json()["seconds"] < 4


@pytest.mark.parametrize("name", BAD_SONGS)
def test_bad_songs_are_refused_with_a_reason(strict_server, tools, name):
    make, code = BAD_SONGS[name]
    answer = strict_server.put_audio(make(tools.wav))
    assert answer.status_code == 422
    refused(answer, *([code] if code else []))
    assert "passwd" not in answer.text
    assert not list((strict_server.folder / "data" / "staging").iterdir())


def encoded(codec, container):
    """Noise in a container that only FFmpeg reads."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(noise(2.0, 48_000).astype(np.float32).T.copy(), "flt", "mono")
        frame.sample_rate, frame.pts = 48_000, 0
        resampler = av.AudioResampler(
            stream.codec_context.format, "mono", 48_000, frame_size=stream.codec_context.frame_size
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return file.getvalue()


def tagged(wav):
    """A flac with very long tags."""
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", 22_050, 1, format="FLAC") as sound:
        sound.title = "x" * 100_000
        sound.comment = "y" * 100_000
        sound.write(noise(1.0))
    return file.getvalue()


GOOD_SONGS = {
    "8 kHz": (lambda wav: wav(noise(1.0, 8_000), 8_000), 1.0),
    "192 kHz": (lambda wav: wav(noise(1.0, 192_000), 192_000), 1.0),
    "seven point one": (lambda wav: wav(noise(1.0, channels=8), format="WAVEX"), 1.0),
    "24 bit": (lambda wav: wav(noise(1.0), subtype="PCM_24"), 1.0),
    "clipping": (lambda wav: wav(np.clip(50 * noise(1.0), -1, 1)), 1.0),
    "a header that promises more": (
        lambda wav: forged(forged(good(wav), 40, "<I", 0xFFFFFFF0), 4, "<I", 0xFFFFFFF0),
        1.0,
    ),
    "cut off": (lambda wav: good(wav)[: len(good(wav)) * 3 // 4], 0.75),
    "long tags": (tagged, 1.0),
    "m4a": (lambda wav: encoded("aac", "mp4"), 2.0),
    "webm": (lambda wav: encoded("libopus", "webm"), 2.0),
    "mp3 behind zeros": (lambda wav: bytes(2000) + encoded("libmp3lame", "mp3"), 2.04),
    "a header that promises nothing": (lambda wav: forged(good(wav), 40, "<I", 0), 1.0),
}


@pytest.mark.parametrize("name", GOOD_SONGS)
def test_odd_songs_are_heard(strict_server, tools, name):
    make, seconds = GOOD_SONGS[name]
    answer = strict_server.put_audio(make(tools.wav))
    assert answer.status_code == 201, answer.text
    assert answer.json()["seconds"] == pytest.approx(seconds, abs=0.01)


def test_bytes_that_do_not_match_their_hash_are_refused(strict_server, tools):
    data = tools.wav(tools.clicks(1.0))
    wrong = hashlib.sha256(b"other").hexdigest()
    refused(strict_server.put_audio(data, sha256=wrong), "audio_hash")
    assert strict_server.client.head(f"/v1/audio/{wrong}").status_code == 404


@pytest.mark.parametrize("name", ["..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "A" * 64, "0" * 63, "%00" * 64])
def test_no_path_from_an_address_reaches_the_disk(strict_server, name):
    for tail in ("", "/analysis"):
        answer = strict_server.client.get(f"/v1/audio/{name}{tail}")
        assert answer.status_code in (404, 405, 422)
        assert "passwd" not in answer.text
    assert strict_server.put_audio(b"x", sha256=name).status_code in (404, 405, 415, 422)


def test_a_song_is_not_looked_for_outside_the_songs(strict_server):
    planted = strict_server.folder / "data" / "info.json"  # where ".." would lead
    planted.write_text('{"seconds": 1}')
    try:
        assert strict_server.client.head("/v1/audio/%2e%2e").status_code == 422
        refused(strict_server.client.get("/v1/audio/%2e%2e/analysis"), "request_invalid")
    finally:
        planted.unlink()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"CRASH", "audio_crashed"),
        (b"HANG", "audio_costly"),
        (b"SLEEP", "audio_costly"),
        (b"GREEDY", "audio_big"),
    ],
)
def test_a_decoder_that_crashes_hangs_or_gorges_costs_one_upload(strict_server, data, code):
    job_id = strict_server.new_job(seed=1020)
    refused(strict_server.put_audio(data), code)
    assert strict_server.wait(job_id)["state"] == "succeeded"
    assert strict_server.client.get("/v1/health").status_code == 200
