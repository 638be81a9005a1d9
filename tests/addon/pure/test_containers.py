"""Which files are sent as they are: told by what they hold, whatever they are called."""

import struct

import pytest
from addon.model.music.containers import LARGEST, is_sent_as_it_is


def wav(form=1, channels=2, rate=44_100, length=None, front=b"", kind=b"RIFF"):
    samples = b"\1\2" * 500
    chunk = struct.pack("<HHIIHH", form, channels, rate, rate * 4, 4, 16)
    length = len(samples) if length is None else length
    return (
        kind + struct.pack("<I", 1000) + b"WAVE" + front + b"fmt " + struct.pack("<I", 16) + chunk
        + b"data" + struct.pack("<I", length) + samples
    )  # fmt: skip


def flac(channels=2, rate=44_100):
    info = bytearray(34)
    info[10:14] = ((rate << 12) | ((channels - 1) << 9) | (15 << 4)).to_bytes(4, "big")
    return b"fLaC" + b"\x80\0\0\x22" + bytes(info) + b"\0" * 20


def is_sent(data, size=None):
    return is_sent_as_it_is(data, size or len(data))


@pytest.mark.parametrize("form", [1, 3, 0xFFFE], ids=["whole numbers", "float", "extensible"])
def test_a_plain_wav_is_sent(form):
    assert is_sent(wav(form))


def test_a_wav_with_notes_in_front_is_sent():
    assert is_sent(wav(front=b"LIST" + struct.pack("<I", 5) + b"abcde\0"))


@pytest.mark.parametrize("length", [0, 1001, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_whose_length_is_not_in_the_file_is_not_sent(length):
    assert not is_sent(wav(length=length))


@pytest.mark.parametrize("form", [2, 7, 0x55], ids=["adpcm", "mu-law", "mp3"])
def test_a_wav_that_holds_something_else_is_not_sent(form):
    assert not is_sent(wav(form))


def test_what_the_server_does_not_take_is_not_sent():
    assert not is_sent(wav(channels=12))
    assert not is_sent(wav(rate=4_000))
    assert not is_sent(wav(kind=b"RF64"))
    assert not is_sent(wav(), size=LARGEST + 1)


def test_flac_is_sent_where_the_server_takes_it():
    assert is_sent(flac())
    assert is_sent(flac(channels=1, rate=96_000))
    assert not is_sent(flac(rate=384_000))
    assert not is_sent(b"ID3\4" + flac())


@pytest.mark.parametrize("data", [b"", b"fLaC", wav()[:30], wav()[:44][:-6], b"OggS" * 40, b"\0" * 500])
def test_anything_else_is_not_sent(data):
    assert not is_sent(data)
