"""Train the run staged in this folder; needs torch, numpy, scipy and safetensors.

    python train.py --minutes 9 --out OUT

The learning rate falls to zero by the end of the minutes. OUT gets the averaged weights (bf16, in pieces of at most
15 MB, renewed now and then), log.csv and page.html.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, required=True, help="of training, without start and end")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves it to torch")
    parser.add_argument("--go-on", action="store_true", help="keep the learning rate up to the end")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=JSON", help="change a setting")
    given = parser.parse_args()
    out = given.out.resolve()
    os.environ.setdefault("OMP_NUM_THREADS", str(given.threads or 1))
    with tempfile.TemporaryDirectory() as libraries:
        with zipfile.ZipFile(HERE / "libraries.zip") as archive:
            archive.extractall(libraries)
        sys.path[:0] = [str(HERE / "code"), f"{libraries}/libraries"]
        sys.path.append(f"{libraries}/stand_in")  # the real libraries, if installed, come first
        os.chdir(HERE)
        settings = json.loads((HERE / "settings.json").read_text(encoding="utf-8"))
        settings |= {"out": str(out), "steps": 10**7, "piece_megabytes": 15, "half": True, "states": False}
        settings |= {key: json.loads(value) for key, _, value in (text.partition("=") for text in given.set)}
        train(settings, given.minutes, not given.go_on, given.threads)


def train(settings: dict, minutes: float, finish: bool, threads: int) -> None:
    """Train the transformer that the settings describe."""
    import torch

    from tempose.training.run import fit, sources

    if threads:
        torch.set_num_threads(threads)
    fit(settings, *sources(Path("data"), settings, "settings.json"), minutes, "settings.json", finish)


if __name__ == "__main__":
    main()
