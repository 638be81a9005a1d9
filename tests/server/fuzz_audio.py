"""Decode damaged songs: `python fuzz_audio.py FOLDER COUNT SEED` ends with 0 if each is heard or refused.

Runs as the decoding child does, under its limits. Prints how many were heard and why the others were refused.
"""

import io
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import soundfile

from tempose_pose.errors import TemposeError
from tempose_server import decode


def song(kind):
    rng = np.random.default_rng(0)
    file = io.BytesIO()
    subtype = {"WAV": "PCM_16", "FLAC": "PCM_16", "OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}[kind]
    soundfile.write(file, rng.normal(0, 0.1, (12_000, 2)), 22_050, format=kind, subtype=subtype)
    return file.getvalue()


def damaged(data, rng):
    """Flipped bits, overwritten runs, cuts, doublings; the head is hit more often than the rest."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        reach = len(data) if rng.random() < 0.4 else min(len(data), 200)
        at = int(rng.integers(0, max(reach, 1)))
        length = int(rng.integers(1, 9))
        match rng.integers(0, 5):
            case 0:
                data[at : at + 1] = (
                    bytes([data[at] ^ (1 << int(rng.integers(0, 8)))]) if at < len(data) else b""
                )
            case 1:
                data[at : at + length] = rng.bytes(length)
            case 2:
                data[at : at + length] = rng.choice([b"\0", b"\xff", b"\x7f", b"\x80"]) * length
            case 3:
                del data[at : at + length * int(rng.integers(1, 500))]
            case 4:
                data[at:at] = data[at : at + length * 20]
    return bytes(data)


def main(folder, count, seed):
    decode.limit_self(600, 3_000_000_000, 1_000_000_000)
    for kind in ("WAV", "FLAC", "OGG", "MP3"):
        rng = np.random.default_rng(seed)
        whole, found = song(kind), Counter()
        for _ in range(count):
            (folder / "audio").write_bytes(damaged(whole, rng))
            try:
                answer = decode.decode(folder, audio_seconds=60, decoded_bytes=50_000_000)
                found["heard"] += 1
                samples = np.load(folder / "pcm.npy")
                assert np.isfinite(samples).all() and 0.5 <= answer["seconds"] <= 60
            except TemposeError as error:
                found[error.code] += 1
        print(kind, dict(found.most_common()), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
