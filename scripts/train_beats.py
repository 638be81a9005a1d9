"""Train the beat network on rendered music: python scripts/train_beats.py DATA_FOLDER [--songs N] …

Most songs have the usual tempo of their kind of music (`datasets.rhythms`), the rest have any tempo: steady,
drifting, changing suddenly or gradually, slowing down at phrases. Some are loops, some have other sound on top. The
shipped weights were first trained on 3,800 songs of any tempo and 271 sounds without a beat, some 30 minutes of one
CPU core, and then on 1,547 songs and 106 sounds as made here, for another 1,000 steps (`--resume`, `--rate
0.0015`).
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from scipy import signal

from tempose.datasets.rhythms import ALL, TRAINED
from tempose.datasets.synth import SampleLibrary, render_song
from tempose.music.beat_net import SILENCE, WEIGHTS, BeatNet, log_mel
from tempose.music.spectra import BEAT_RATE as RATE
from tempose.music.spectra import SAMPLE_RATE
from tempose.weights_check import write_manifest
from tempose_pose.grid import BeatGrid

SECONDS = 36.0
CROP = 1000  # frames
BATCH = 12
OWN_TEMPO = 0.85  # of the songs have their genre's tempo; the rest have any tempo
LOOPS = 0.2  # begin with a bar at their first sample and are played once or several times
OVERLAID = 0.2  # have a sound without a beat on top


def random_tempo(rng: np.random.Generator, bpm: float, beats: int) -> np.ndarray:
    """Beats per minute (beats,) around a tempo."""
    kind = rng.random()
    curve = np.full(beats, bpm)
    if kind < 0.15:  # drift
        curve *= np.exp(np.cumsum(rng.normal(0, 0.006, beats)))
    elif kind < 0.27:  # abrupt changes
        for _ in range(int(rng.integers(1, 3))):
            curve[int(rng.integers(4, max(5, beats // 2))) :] *= np.exp(rng.uniform(-0.45, 0.45))
    elif kind < 0.35:  # gradual
        curve *= np.exp(np.linspace(0, rng.uniform(-0.35, 0.35), beats))
    elif kind < 0.42:  # rubato
        curve *= np.exp(np.convolve(rng.normal(0, 0.12, beats + 4), np.ones(5) / 5, "valid")[:beats])
    elif kind < 0.47:  # phrases that slow down
        curve *= np.exp(-rng.uniform(0.1, 0.4) * np.clip(np.arange(beats) % 16 - 11, 0, 4) / 4)
    return np.clip(curve, 44, 212)


def song(seed: int, library: SampleLibrary, split: str) -> tuple[np.ndarray, BeatGrid]:
    """(N,) float32 samples and the true grid of one rendered song."""
    rng = np.random.default_rng(seed)
    kind = ALL[TRAINED[rng.integers(len(TRAINED))]]
    own = rng.random() < OWN_TEMPO  # the counting of a rhythm depends on its tempo
    bpm = np.exp(rng.uniform(*np.log(kind.tempo))) if own else 115 * np.exp(rng.normal(0, 0.33))
    per_bar = kind.beats_per_bar // kind.counted
    loop = rng.random() < LOOPS
    if loop:
        bars = int(rng.choice([1, 2, 4]))
        tempo = np.full(bars * per_bar, np.clip(bpm, 44, 212))
    else:
        tempo = random_tempo(rng, bpm, 200)
        bars = max(2, int(np.searchsorted(np.cumsum(60 / tempo), SECONDS)) // per_bar)
    offset = float(rng.uniform(0, 2.5)) if rng.random() < 0.6 and not loop else 0.0
    tail = 0.0 if loop else float(rng.uniform(0, 2))
    samples, grid = render_song(
        rng, library, tempo, bars, genre=kind, offset=offset, tail=tail, split=split, own_pace=own
    )
    if loop:
        samples, grid = repeated(samples, grid, int(rng.integers(1, 1 + max(1, 12 // bars))))
    elif rng.random() < 0.5:
        cut = int(rng.integers(0, 2 * SAMPLE_RATE))  # songs need not begin on a frame, nor on a beat
        second = cut / SAMPLE_RATE
        beats, downbeats = ((t - second)[t > second - 0.01] for t in (grid.beats, grid.downbeats))
        samples, grid = samples[cut:], BeatGrid(beats, downbeats)
    if rng.random() < OVERLAID:
        over = np.resize(sound_without_beat(rng, library), len(samples))
        samples = samples + 10 ** (rng.uniform(-20, -5) / 20) * over * np.abs(samples).max()
    return samples.astype(np.float32), grid


def example(seed: int, library: SampleLibrary, split: str) -> tuple[np.ndarray, np.ndarray]:
    """(F, 40) float16 bands and (F, 2) float16 targets of one rendered song, between two silences."""
    samples, grid = song(seed, library, split)
    mel = log_mel(samples)
    times = np.arange(len(mel)) / RATE
    distance = [np.abs(times[:, None] - t[None]).min(1) for t in (grid.beats, grid.downbeats)]
    return _padded(mel, np.exp(-0.5 * (np.stack(distance, 1) / 0.02) ** 2))


def repeated(samples: np.ndarray, grid: BeatGrid, times: int) -> tuple[np.ndarray, BeatGrid]:
    """A loop played so many times, within `SECONDS`."""
    times = min(times, max(1, int(SECONDS * SAMPLE_RATE / len(samples))))
    starts = np.arange(times)[:, None] * (len(samples) / SAMPLE_RATE)
    beats, downbeats = ((starts + t[None]).ravel() for t in (grid.beats, grid.downbeats))
    return np.tile(samples, times), BeatGrid(beats, downbeats)


def _padded(mel: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """With the silence before and after that the network also gets in use."""
    mel, targets = (np.pad(x, ((SILENCE, SILENCE), (0, 0))) for x in (mel, targets))
    return mel.astype(np.float16), targets.astype(np.float16)


def beatless(seed: int, library: SampleLibrary) -> tuple[np.ndarray, np.ndarray]:
    """Like `example`, for sound without a beat."""
    mel = log_mel(sound_without_beat(np.random.default_rng(seed), library))
    return _padded(mel, np.zeros((len(mel), 2)))


def sound_without_beat(rng: np.random.Generator, library: SampleLibrary) -> np.ndarray:
    """(N,) float32 within -1…1: noise, drones, notes and strokes at random moments."""
    total = int(SECONDS * SAMPLE_RATE)
    times = np.arange(total) / SAMPLE_RATE
    kind = int(rng.integers(4))
    noise = rng.standard_normal(total)
    if kind == 0:  # coloured noise
        corner = rng.uniform(50, 8000)
        out = signal.sosfilt(
            signal.butter(1, corner, rng.choice(["low", "high"]), fs=SAMPLE_RATE, output="sos"), noise
        )
        out = out / np.abs(out).max() + rng.choice([0, 0.1, 0.5]) * noise / 4
    elif kind == 1:  # drones that swell
        out = 10 ** rng.uniform(-5, -1.5) * noise
        for _ in range(int(rng.integers(1, 6))):
            swell = 1 + np.sin(2 * np.pi * rng.uniform(0.01, 0.2) * times + rng.uniform(0, 6))
            out += swell * np.sin(2 * np.pi * rng.uniform(60, 1500) * times)
    else:  # random events
        out = 10 ** rng.uniform(-5, -2) * noise
        program = int(rng.choice(library.programs))
        drum = int(rng.choice([36, 38, 42, 49, 51]))
        moment = 0.0
        while (moment := moment + rng.exponential(1 / rng.uniform(1, 6)) + 0.05) < SECONDS - 0.1:
            pitch = int(rng.integers(45, 80))
            sound = (
                library.note(program, pitch, rng.uniform(0.1, 1.5)) if kind == 2 else library.drum(0, drum)
            )
            at = int(moment * SAMPLE_RATE)
            sound = sound[: total - at]
            out[at : at + len(sound)] += rng.uniform(0.2, 1) * sound
    return (out / np.abs(out).max()).astype(np.float32)


def batch(rng: np.random.Generator, songs: list) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch of crops with changed tone and level, and some bands masked."""
    xs, ys = [], []
    for i in rng.integers(len(songs), size=BATCH):
        x, y = songs[i]
        start = int(rng.integers(0, max(1, len(x) - CROP)))
        x, y = x[start : start + CROP].astype(np.float32), y[start : start + CROP].astype(np.float32)
        short = CROP - len(x)
        x, y = np.pad(x, ((0, short), (0, 0))), np.pad(y, ((0, short), (0, 0)))
        x = (
            x
            * rng.uniform(0.7, 1.3)
            * (1 + 0.15 * np.interp(np.arange(40), np.linspace(0, 39, 5), rng.normal(0, 1, 5)))
        )
        if rng.random() < 0.3:
            low = int(rng.integers(0, 34))
            x[:, low : low + int(rng.integers(1, 8))] = 0
        xs.append(x.astype(np.float32))
        ys.append(y)
    return torch.from_numpy(np.stack(xs)), torch.from_numpy(np.stack(ys))


def loss_of(net: BeatNet, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    each = torch.nn.functional.binary_cross_entropy_with_logits(net(x), y, reduction="none")
    return (each * (1 + 4 * y)).mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--songs", type=int, default=1500)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", type=Path, help="keep the rendered features in this .npz")
    parser.add_argument("--resume", type=Path, help="begin with these weights instead of at chance")
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("-o", "--output", type=Path, default=WEIGHTS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    if args.cache and args.cache.is_file():
        with np.load(args.cache) as f:
            flat, targets, ends = f["mel"], f["targets"], f["ends"]
        songs = list(zip(np.split(flat, ends[:-1]), np.split(targets, ends[:-1]), strict=True))
    else:
        library = SampleLibrary(args.data)
        songs = [example(seed, library, "train") for seed in range(args.songs)]
        songs += [beatless(seed, library) for seed in range(args.songs // 14)]
        songs += [example(10_000_000 + seed, library, "validation") for seed in range(60)]
        if args.cache:
            ends = np.cumsum([len(x) for x, _ in songs])
            np.savez(
                args.cache,
                mel=np.concatenate([x for x, _ in songs]),
                targets=np.concatenate([y for _, y in songs]),
                ends=ends,
            )
    train, held = songs[:-60], songs[-60:]
    print(f"{len(train)} songs", flush=True)
    net = BeatNet()
    if args.resume:
        net.load_state_dict(load_file(args.resume))
    optimiser = torch.optim.AdamW(net.parameters(), args.rate, weight_decay=1e-3)
    rng = np.random.default_rng(1)
    start, step = time.monotonic(), 0
    while (share := (time.monotonic() - start) / (60 * args.minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = args.rate * min(1, (step + 1) / 100) * 0.5 * (1 + np.cos(np.pi * share))
        loss = loss_of(net.train(), *batch(rng, train))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        step += 1
        if step % 100 == 0:
            with torch.inference_mode():
                net.eval()
                fixed = np.random.default_rng(2)
                held_loss = np.mean([loss_of(net, *batch(fixed, held)).item() for _ in range(6)])
            print(f"step {step} train {loss.item():.4f} held out {held_loss:.4f}", flush=True)
            save(net, args.output)
    save(net, args.output)


def save(net: BeatNet, path: Path) -> None:
    save_file(
        {k: v.contiguous() for k, v in net.state_dict().items()}, path, {"source": "scripts/train_beats.py"}
    )
    if path == WEIGHTS:
        write_manifest(path.parent)


if __name__ == "__main__":
    main()
