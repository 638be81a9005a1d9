"""Sound files of any container, told by what they hold: libsndfile's formats, and the rest through FFmpeg.

Both readers skip an encoder's delay where the file states it. FFmpeg may open nothing but the file itself: no
playlists, no references, no protocols.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Protocol

import numpy as np

from tempose_pose.errors import TemposeError

READ = "wav, flac, ogg, mp3, m4a, opus, webm or aiff"
DEMUXERS = (  # none of these opens other files
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,ogg,mp3,aac,wav,w64,flac,aiff,caf,avi,"
    "mpegts,mpeg,flv,asf,ac3,eac3,amr,ape,tta,wv"
)
BLOCK = 1 << 18  # frames read at once


class SoundFile(Protocol):
    """An open sound file.

    Attributes
    ----------
    format : str
        libsndfile's name of it, or "FFMPEG".
    samplerate, channels : int
    """

    format: str
    samplerate: int
    channels: int

    def blocks(self) -> Iterator[np.ndarray]:
        """(n, channels) float32 blocks from the beginning to the end; `TemposeError` where it is damaged."""
        ...

    def close(self) -> None: ...


def open_sound(path: str | os.PathLike) -> SoundFile:
    """Open a sound file.

    Raises
    ------
    TemposeError
        It is missing, or not audio that can be read.
    """
    if not os.path.isfile(path):  # noqa: PTH113
        raise TemposeError("audio_missing", f"There is no audio file {path}.")
    plain = None
    with suppress(TemposeError):
        plain = _Libsndfile(path)
    if plain is not None and plain.holds_something:
        return plain
    try:
        if plain is not None:
            with closing(_Ffmpeg(path)) as tried:
                next(tried.blocks())
        return _Ffmpeg(path)
    except TemposeError:
        if plain is None:
            raise
        return plain  # a header and nothing behind it


def _unreadable() -> TemposeError:
    return TemposeError("audio_unreadable", f"This is not audio that can be read. Use {READ}.")


class _Libsndfile:
    def __init__(self, path: str | os.PathLike):
        import soundfile

        try:
            self._file = soundfile.SoundFile(path)
        except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError, OSError):
            raise _unreadable() from None
        self._path = path
        self.format, self.samplerate = self._file.format, self._file.samplerate
        self.channels = self._file.channels
        self.holds_something = self._begins()

    def _begins(self) -> bool:
        """Whether there is a first sample; some files open and then cannot be read at all."""
        try:
            begins = len(self._file.read(1)) > 0
            self._file.seek(0)
        except RuntimeError:
            return False
        return begins

    def blocks(self) -> Iterator[np.ndarray]:
        read = 0
        while True:
            try:
                block = self._file.read(BLOCK, dtype="float32", always_2d=True)
            except RuntimeError:  # LibsndfileError is one
                yield from self._others_from(read)
                return
            if not len(block):
                return
            read += len(block)
            yield block

    def _others_from(self, read: int) -> Iterator[np.ndarray]:
        """What FFmpeg, which passes over damaged parts, finds behind so many frames."""
        with suppress(TemposeError), closing(_Ffmpeg(self._path)) as other:
            if (other.samplerate, other.channels) == (self.samplerate, self.channels):
                for block in other.blocks():
                    if len(block) > read:
                        yield block[read:]
                    read = max(0, read - len(block))
                return
        raise TemposeError("audio_unreadable", "The audio is damaged and cannot be read. Export it again.")

    def close(self) -> None:
        self._file.close()


class _Ffmpeg:
    format = "FFMPEG"

    def __init__(self, path: str | os.PathLike):
        import av
        from av.error import FFmpegError

        self._file = open(path, "rb")  # noqa: PTH123, SIM115
        try:
            self._container = av.open(
                self._file, "r", options={"format_whitelist": DEMUXERS, "protocol_whitelist": "none"}
            )
            if not self._container.streams.audio:
                raise ValueError("no sound")
            self._stream = self._container.streams.audio[0]
            decoder = self._stream.codec_context
            if decoder is None:  # a damaged header names a codec that there is not
                raise ValueError("no decoder")
            self.samplerate = int(decoder.sample_rate)
            self.channels = int(decoder.channels)
            if self.samplerate <= 0 or self.channels <= 0:
                raise ValueError("no rate")
        except (FFmpegError, OSError, ValueError):
            self._file.close()
            raise _unreadable() from None

    def blocks(self) -> Iterator[np.ndarray]:
        """Everything at the first rate and layout, should these change. Packets that are damaged are passed over."""
        from av.error import FFmpegError

        some = False
        resampler, setup = self._resampler(), None
        for packet in self._packets():
            try:
                frames = packet.decode()
            except FFmpegError:
                continue
            for frame in frames:
                now = (frame.format.name, frame.layout.name, frame.sample_rate)
                if setup not in (None, now):
                    resampler = self._resampler()
                setup = now
                for part in resampler.resample(frame):
                    some = True
                    yield np.ascontiguousarray(part.to_ndarray().T, np.float32)
        for part in resampler.resample(None) if some else ():
            yield np.ascontiguousarray(part.to_ndarray().T, np.float32)
        if not some:
            raise _unreadable()

    def _resampler(self):
        import av

        return av.AudioResampler("fltp", self._stream.codec_context.layout, self.samplerate)

    def _packets(self) -> Iterator:
        """Up to the file's end or to where it cannot be followed any more."""
        from av.error import FFmpegError

        with suppress(FFmpegError):
            yield from self._container.demux(self._stream)

    def close(self) -> None:
        with suppress(Exception):
            self._container.close()
        self._file.close()
