"""Encode the clicks of a WAV file: `python encode_clicks.py CLICKS.wav TARGET CODEC FORMAT RATE`.

Runs in the server's Python, for Blender's has no encoder.
"""

import sys
import wave

import av
import numpy as np


def main(source, target, codec, container, rate):
    with wave.open(source) as file:
        written = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    if codec == "vorbis":
        return _vorbis(samples / 32768, written, target, int(rate))
    with av.open(target, "w", format=container) as out:
        stream = out.add_stream(codec, rate=int(rate), layout="mono")
        frame = av.AudioFrame.from_ndarray(samples[None].copy(), format="s16", layout="mono")
        frame.sample_rate, frame.pts = written, 0
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(stream.codec_context.format, "mono", int(rate), frame_size=size)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            out.mux(stream.encode(part))
        out.mux(stream.encode(None))


def _vorbis(samples, written, target, rate):
    import soundfile
    import soxr

    samples = soxr.resample(samples, written, rate)
    with soundfile.SoundFile(target, "w", rate, 1, format="OGG", subtype="VORBIS") as file:
        for block in np.array_split(samples, 50):  # libsndfile crashes on long ones
            file.write(block)


if __name__ == "__main__":
    main(*sys.argv[1:])
