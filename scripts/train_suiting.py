"""Train the classifier that chooses a style by the sound, on rendered songs of known genre.

    python scripts/train_suiting.py DATA [--count 240]

Prints how often the best style suits the genre, on songs of held-out drum takes, compared with chance.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

from tempose.datasets.genres import GENRES, GENRES_FOR_STYLE
from tempose.datasets.instruments import SampleLibrary
from tempose.datasets.synth import render_song
from tempose.music.features import describe_song, song_features
from tempose.music.suiting import WEIGHTS, style_chances
from tempose.weights_check import write_manifest
from tempose_pose.request import STYLES

ON_THE_BEAT = (
    "break",
    "la_hip_hop",
    "lock",
    "pop",
    "krump",
)  # styles danced with a beat lock of 0.4 and more
WINDOW = 300  # frames: ten seconds


def suits(genre: str) -> np.ndarray:
    """(S,) 1 for each on-beat style that suits a genre; all of them if none does."""
    known = np.asarray([s in ON_THE_BEAT and genre in GENRES_FOR_STYLE.get(s, ()) for s in STYLES], float)
    return known if known.any() else np.asarray([s in ON_THE_BEAT for s in STYLES], float)


def songs(data: Path, count: int, split: str, seed: int) -> tuple[list[np.ndarray], list[str]]:
    """Features of rendered songs, and their genres."""
    library, names = SampleLibrary(data), list(GENRES)
    features, genres = [], []
    for i in range(count):
        rng = np.random.default_rng((seed, i))
        genre = names[i % len(names)]
        samples, _ = render_song(rng, library, float(rng.uniform(75, 150)), 8, genre=genre, split=split)
        features.append(song_features(samples))
        genres.append(genre)
        print(f"\r{split}: {i + 1} of {count}", end="", flush=True)
    print()
    return features, genres


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--count", type=int, default=240)
    options = parser.parse_args()
    features, genres = songs(options.data, options.count, "train", 41)
    windows = [(f[i : i + WINDOW], g) for f, g in zip(features, genres, strict=True)
               for i in range(0, max(1, len(f) - WINDOW), WINDOW // 2)]  # fmt: skip
    x = np.stack([describe_song(f) for f, _ in windows])
    target = np.stack([suits(g) / suits(g).sum() for _, g in windows])
    mean, spread = x.mean(0), x.std(0) + 1e-3
    inputs, wanted = torch.tensor((x - mean) / spread).float(), torch.tensor(target).float()
    layer = torch.nn.Linear(x.shape[1], len(STYLES))
    optimiser = torch.optim.LBFGS(layer.parameters(), max_iter=200)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = torch.nn.functional.cross_entropy(layer(inputs), wanted) + 1e-3 * layer.weight.square().sum()
        value.backward()
        return value

    optimiser.step(loss)
    weight = layer.weight.detach().double().numpy() / spread
    offered = np.asarray([style in ON_THE_BEAT for style in STYLES], np.float32)
    bias = layer.bias.detach().double().numpy() - weight @ mean
    save_file(
        {"weight": weight.astype(np.float32), "bias": bias.astype(np.float32), "offered": offered}, WEIGHTS
    )
    write_manifest(WEIGHTS.parent)
    print(f"{WEIGHTS}: {WEIGHTS.stat().st_size} bytes")
    check(options.data)


def check(data: Path, count: int = 39) -> None:
    """Print, for held-out songs, how often the best style suits their genre."""
    features, genres = songs(data, count, "validation", 43)
    best = [int(style_chances(f, STYLES).argmax()) for f in features]
    right = np.mean([suits(g)[b] for b, g in zip(best, genres, strict=True)])
    chance = np.mean([suits(g).sum() / len(ON_THE_BEAT) for g in genres])
    print(f"the best style suits the genre in {right:.2f} of {count} songs, by chance in {chance:.2f}")


if __name__ == "__main__":
    main()
