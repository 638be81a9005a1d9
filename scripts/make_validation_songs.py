"""Render songs that training never heard, with their true beats, for `tempose evaluate --songs`.

    python scripts/make_validation_songs.py DATA OUT [--count 10]

They use the validation split of the drum takes, and seeds that the song bank does not use.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import soundfile

from tempose.datasets.genres import GENRES
from tempose.datasets.instruments import SampleLibrary
from tempose.datasets.synth import render_song
from tempose.music.spectra import SAMPLE_RATE


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=10)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    library = SampleLibrary(options.data)
    names = [name for name in GENRES if name != "waltz"]
    for i, bpm in enumerate(np.geomspace(72, 165, options.count)):
        rng = np.random.default_rng((9_000_000, i))
        genre = names[i % len(names)]
        samples, grid = render_song(rng, library, float(bpm), 14, genre=genre, split="validation")
        path = options.out / f"{i:02d}_{genre}_{bpm:.0f}.wav"
        soundfile.write(path, samples, SAMPLE_RATE)
        notes = {
            "beats": grid.beats.round(5).tolist(),
            "downbeats": grid.downbeats.round(5).tolist(),
            "genre": genre,
        }
        path.with_suffix(".json").write_text(json.dumps(notes))
        print(path)


if __name__ == "__main__":
    main()
