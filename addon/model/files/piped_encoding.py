# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by `video` in the server's Python, which has PyAV: turns raw pictures from standard input into an MP4.

Arguments: width, height, frames per second, the file to write and, optionally, a WAV file. Exits with 3 if there is
no PyAV. No bpy in here.
"""

import sys
import wave
from fractions import Fraction
from types import ModuleType

BLOCK = 1024  # samples in an AAC frame


def main(width: str, height: str, rate: str, path: str, sound: str = "") -> None:
    try:
        import av  # pyright: ignore[reportMissingImports] -- of the server's Python
        import numpy as np
    except ImportError:
        sys.exit(3)
    size = int(width), int(height)
    with av.open(path, "w", format="mp4", options={"movflags": "+faststart"}) as container:
        pace = Fraction(float(rate)).limit_denominator(1001)
        video = container.add_stream("libx264", rate=pace, options={"crf": "18", "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        samples, hertz = _samples(sound, np) if sound else (None, 0)
        track = container.add_stream("aac", rate=hertz, layout="stereo") if sound else None
        count = heard = 0
        while len(picture := sys.stdin.buffer.read(3 * size[0] * size[1])) == 3 * size[0] * size[1]:
            frame = av.VideoFrame.from_ndarray(np.frombuffer(picture, np.uint8).reshape(size[1], size[0], 3))
            frame.pts, frame.time_base = count, 1 / pace
            container.mux(video.encode(frame))
            count += 1
            while track is not None and heard < min(count / float(pace) * hertz, samples.shape[1]):
                block = np.ascontiguousarray(samples[:, heard : heard + BLOCK])
                part = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
                part.sample_rate, part.pts, part.time_base = hertz, heard, Fraction(1, hertz)
                container.mux(track.encode(part))
                heard += BLOCK
        container.mux(video.encode(None))
        if track is not None:
            container.mux(track.encode(None))


def _samples(path: str, np: ModuleType) -> tuple:
    """Samples (2, N) float32 of a 16-bit WAV file, and its rate."""
    with wave.open(path) as file:
        flat = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
        return (flat[:, [0, -1]].T / 32768).astype(np.float32), file.getframerate()


if __name__ == "__main__":
    main(*sys.argv[1:])
