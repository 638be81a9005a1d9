"""Synthesise the demo song from nothing but arithmetic: python scripts/make_demo_song.py [FOLDER].

Six bars at 100 beats per minute, then eight at 130, and a closing beat. Writes `demo_song.ogg` and
`demo_song.json` with the true beats, by default into `examples/`. The song is in the public domain (CC0 1.0).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import soundfile
from scipy import signal

RATE = 44_100
SECTIONS = ((6, 100.0), (8, 130.0))  # bars, beats per minute
LEAD_IN, TAIL = 0.15, 1.6  # seconds before the first beat and after the last
CHORDS = (
    (45, (57, 60, 64, 67)),
    (41, (57, 60, 65, 69)),
    (48, (55, 60, 64, 67)),
    (43, (55, 59, 62, 67)),
)  # Am F C G
MELODY = (  # bars of (step in sixteenths, length, pitch)
    ((0, 3, 76), (3, 3, 74), (6, 4, 72), (12, 2, 69), (14, 2, 72)),
    ((0, 6, 74), (6, 4, 72), (10, 4, 69)),
    ((0, 3, 67), (3, 3, 72), (6, 4, 76), (12, 4, 79)),
    ((0, 6, 78), (6, 6, 74), (12, 2, 71), (14, 2, 74)),
)
RNG = np.random.default_rng(3)


def beat_times() -> np.ndarray:
    """Seconds (B,) of all beats; the last one ends the song."""
    steps = np.concatenate([np.full(4 * bars, 60 / bpm) for bars, bpm in SECTIONS])
    return LEAD_IN + np.concatenate([[0.0], np.cumsum(steps)])


def hertz(pitch: float) -> float:
    return 440 * 2 ** ((pitch - 69) / 12)


def seconds(length: float) -> np.ndarray:
    return np.arange(int(length * RATE)) / RATE


def fade(x: np.ndarray, attack: float = 0.004, release: float = 0.02) -> np.ndarray:
    """Fade both ends to zero, so that nothing clicks."""
    x = x.copy()
    a, r = min(len(x), int(attack * RATE)), min(len(x), int(release * RATE))
    x[:a] *= np.linspace(0, 1, a)
    x[len(x) - r :] *= np.linspace(1, 0, r)
    return x


def filtered(x: np.ndarray, kind: str, corner: float, order: int = 2) -> np.ndarray:
    return np.asarray(signal.sosfilt(signal.butter(order, corner, kind, fs=RATE, output="sos"), x))


def kick() -> np.ndarray:
    t = seconds(0.32)
    phase = 2 * np.pi * np.cumsum(48 + 130 * np.exp(-t / 0.025)) / RATE
    return fade(
        np.sin(phase) * np.exp(-t / 0.11) + 0.25 * np.exp(-t / 0.003) * RNG.standard_normal(len(t)), 0.001
    )


def snare() -> np.ndarray:
    t = seconds(0.25)
    rattle = filtered(RNG.standard_normal(len(t)), "high", 1500) * np.exp(-t / 0.07)
    return fade(0.5 * rattle + 0.5 * np.sin(2 * np.pi * 190 * t) * np.exp(-t / 0.05), 0.001)


def hat(length: float) -> np.ndarray:
    t = seconds(length * 4)
    return fade(filtered(RNG.standard_normal(len(t)), "high", 7000, 4) * np.exp(-t / length), 0.001)


def bass(pitch: float, length: float) -> np.ndarray:
    t, f = seconds(length), hertz(pitch)
    saw = sum(np.sin(2 * np.pi * f * n * t) / n * np.exp(-t * n / 0.5) for n in range(1, 9))
    return fade(np.tanh(1.2 * saw), 0.004, 0.03)


def electric_piano(pitch: float, length: float) -> np.ndarray:
    t, f = seconds(length), hertz(pitch)
    bell = 1.3 * np.exp(-t / 0.25) * np.sin(2 * np.pi * f * t)
    tine = 0.12 * np.exp(-t / 0.06) * np.sin(2 * np.pi * 7 * f * t)
    return fade((np.sin(2 * np.pi * f * t + bell) + tine) * np.exp(-t / 0.9), 0.004, 0.06)


def lead(pitch: float, length: float) -> np.ndarray:
    t, f = seconds(length), hertz(pitch)
    vibrato = 0.006 * f / 5.5 * np.minimum(t / 0.3, 1) * np.sin(2 * np.pi * 5.5 * t)
    tone = sum(np.sin(n * (2 * np.pi * f * t + 2 * np.pi * vibrato)) / n**1.7 for n in (1, 2, 3, 4, 5))
    return fade(tone * (0.5 + 0.5 * np.exp(-t / 0.25)), 0.012, 0.05)


def pad(pitch: float, length: float) -> np.ndarray:
    t = seconds(length)
    voices = [signal.sawtooth(2 * np.pi * hertz(pitch + d) * t + d * 40) for d in (-0.07, 0.0, 0.06)]
    return fade(filtered(np.sum(voices, 0), "low", 1400), 0.15, 0.25)


class Track:
    """A mono track to which sounds are added at beats (whole or fractional)."""

    def __init__(self, beats: np.ndarray):
        self.beats = beats
        self.samples = np.zeros(int((beats[-1] + TAIL) * RATE))

    def at(self, beat: float) -> float:
        return float(np.interp(beat, np.arange(len(self.beats)), self.beats))

    def add(self, beat: float, sound: np.ndarray, gain: float = 1.0) -> None:
        start = round(self.at(beat) * RATE)
        n = min(len(sound), len(self.samples) - start)
        self.samples[start : start + n] += gain * sound[:n]

    def length(self, beat: float, beats: float) -> float:
        return max(0.05, self.at(beat + beats) - self.at(beat))


def compose(beats: np.ndarray) -> np.ndarray:  # noqa: PLR0912
    """The mixed song (N, 2)."""
    drums, low, keys, air, tune = (Track(beats) for _ in range(5))
    sounds = {"kick": kick(), "snare": snare(), "hat": hat(0.03), "open": hat(0.12), "crash": hat(0.5)}
    bars = sum(b for b, _ in SECTIONS)
    for bar in range(bars):
        fast = bar >= SECTIONS[0][0]
        start = 4 * bar
        root, chord = CHORDS[bar % 4]
        kicks = (0, 4, 8, 12) if fast else (0, 7, 8, 10)
        for step in kicks:
            drums.add(start + step / 4, sounds["kick"], 1.0)
        for step in (4, 12):
            drums.add(start + step / 4, sounds["snare"], 0.75)
        for step in range(0, 16, 2):
            opened = fast and step % 4 == 2
            drums.add(start + step / 4, sounds["open" if opened else "hat"], 0.26 if step % 4 else 0.34)
        if bar in (0, SECTIONS[0][0]):
            drums.add(start, sounds["crash"], 0.4)
        if bar in (SECTIONS[0][0] - 1, bars - 1):
            for step in (13, 14, 15):
                drums.add(start + step / 4, sounds["snare"], 0.3 + 0.1 * (step - 13))
        figure = (
            (0, 2, 0),
            (2, 2, 12),
            (4, 2, 0),
            (6, 2, 12),
            (8, 2, 0),
            (10, 2, 12),
            (12, 2, 7),
            (14, 2, 12),
        )
        slow = ((0, 4, 0), (6, 2, 0), (8, 4, 0), (12, 2, 7), (14, 2, 12))
        for step, length, up in figure if fast else slow:
            low.add(start + step / 4, bass(root + up - 12, 0.92 * low.length(start + step / 4, length / 4)))
        for step, length in ((0, 6), (6, 6), (12, 4)) if not fast else ((2, 2), (6, 2), (10, 2), (14, 2)):
            for pitch in chord:
                keys.add(
                    start + step / 4, electric_piano(pitch, keys.length(start + step / 4, length / 4) + 0.2)
                )
        for pitch in chord[:3]:
            air.add(start, pad(pitch, air.length(start, 4) + 0.2))
        if bar >= 2:
            for step, length, pitch in MELODY[bar % 4]:
                tune.add(start + step / 4, lead(pitch, 0.9 * tune.length(start + step / 4, length / 4)))
    end = 4 * bars
    drums.add(end, sounds["kick"])
    drums.add(end, sounds["crash"], 0.4)
    low.samples[: len(low.samples)] = filtered(low.samples, "low", 900)
    low.add(end, bass(33, 1.2))
    for pitch in CHORDS[0][1]:
        keys.add(end, electric_piano(pitch, 1.5))
    times = np.arange(len(drums.samples)) / RATE
    since = times - beats[np.clip(np.searchsorted(beats, times, "right") - 1, 0, None)]
    duck = 1 - 0.35 * np.exp(-np.maximum(since, 0) / 0.1)
    dry = {
        "drums": 0.55 * drums.samples,
        "low": 0.22 * low.samples * duck,
        "keys": 0.07 * keys.samples * duck,
        "air": 0.018 * air.samples * duck,
        "tune": 0.11 * tune.samples,
    }
    send = 0.06 * dry["drums"] + 0.5 * dry["keys"] + 0.6 * dry["air"] + 0.4 * dry["tune"]
    sides = []
    for pan in (-1, 1):
        t = seconds(1.2)
        room = filtered(RNG.standard_normal(len(t)), "low", 5000) * np.exp(-t / 0.22)
        wet = signal.oaconvolve(send, room / np.sqrt((room**2).sum()))[: len(send)]
        keys_side = np.roll(dry["keys"], 15 * pan) * (1 + 0.15 * pan)
        sides.append(
            dry["drums"] + dry["low"] + keys_side + dry["air"] + dry["tune"] * (1 - 0.1 * pan) + 0.35 * wet
        )
    mix = np.tanh(1.3 * np.stack(sides, 1))
    mix[-int(0.6 * RATE) :] *= np.linspace(1, 0, int(0.6 * RATE))[:, None]
    return 0.89 * mix / np.abs(mix).max()


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    beats = beat_times()
    song = compose(beats).astype(np.float32)
    with soundfile.SoundFile(folder / "demo_song.ogg", "w", RATE, 2, format="OGG", subtype="VORBIS") as file:
        for start in range(0, len(song), 4096):  # the encoder overflows its stack on long writes
            file.write(song[start : start + 4096])
    truth = {
        "title": "Tempose demo song",
        "licence": "CC0-1.0",
        "seconds": round(len(song) / RATE, 6),
        "tempo": [{"second": round(float(beats[0 if i == 0 else 4 * SECTIONS[0][0]]), 6), "bpm": bpm}
                  for i, (_, bpm) in enumerate(SECTIONS)],
        "beats": [round(float(b), 6) for b in beats],
        "downbeats": [round(float(b), 6) for b in beats[::4]],
    }  # fmt: skip
    (folder / "demo_song.json").write_text(json.dumps(truth, indent=1) + "\n")
    print(f"{folder / 'demo_song.ogg'}: {len(song) / RATE:.1f} s, {len(beats)} beats")


if __name__ == "__main__":
    main()
