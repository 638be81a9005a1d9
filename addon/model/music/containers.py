# SPDX-License-Identifier: GPL-3.0-or-later
"""Which sound files can be sent unchanged: those that Blender plays exactly as they are timed. No bpy in here.

Blender plays the encoder delay of mp3, shifts Ogg by a block or two wherever playback begins, and reads damaged
headers in its own way. Only plain WAV and FLAC are the same everywhere; anything else is mixed down.
"""

import struct

HEAD = 1 << 16  # bytes needed to tell
LARGEST = 150_000_000  # bytes; of a larger file, the mixdown is smaller
CHANNELS, RATES = 8, (8_000, 192_000)  # what the server accepts
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE


def is_sent_as_it_is(head: bytes, size: int) -> bool:
    """Whether a file is plain WAV or FLAC, by what it holds.

    Parameters
    ----------
    head : bytes
        Its first `HEAD` bytes, or all of a shorter file.
    size : int
        Of the whole file.
    """
    return size <= LARGEST and (_is_flac(head) or _is_wav(head, size))


def _is_taken(channels: int, rate: int) -> bool:
    return 1 <= channels <= CHANNELS and RATES[0] <= rate <= RATES[1]


def _is_flac(head: bytes) -> bool:
    """Marker, then the block STREAMINFO: 20 bits of rate and 3 of channels from byte 18 on."""
    if head[:4] != b"fLaC" or len(head) < 42:
        return False
    bits = int.from_bytes(head[18:21], "big")
    return _is_taken((bits >> 1 & 7) + 1, bits >> 4)


def _is_wav(head: bytes, size: int) -> bool:
    """Chunks of PCM or float samples whose length is in the file."""
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return False
    at, known = 12, False
    while at + 8 <= len(head):
        name, length = head[at : at + 4], struct.unpack_from("<I", head, at + 4)[0]
        if name == b"fmt " and at + 24 <= len(head):
            form, channels, rate = struct.unpack_from("<HHI", head, at + 8)
            known = form in (_PCM, _FLOAT, _EXTENSIBLE) and _is_taken(channels, rate)
        elif name == b"data":
            return known and 0 < length <= size - at - 8
        at += 8 + length + length % 2
    return False
