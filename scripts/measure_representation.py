"""Measure the loss of each representation: (a) the shipped VAE, (b) an image VAE per joint, (c) one for all rows,
(d) rows with a learned latent.

    python scripts/measure_representation.py DATA [--minutes 4] [--image-vae FOLDER] [--row-vae FOLDER]

Held-out dancers, drawn as in training (cameras, proportions, tempi), on 17, 18, 26 and 60 joints; feet and hands are
made up (`datasets.extremities`). (b) and (c) are tiny and trained on the spot for --minutes each, unless a folder
with an `AutoencoderKL` or `AutoencoderTiny` is given for (b). The table goes into docs/representation.md.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tempose.augmentation.maker import ExampleMaker
from tempose.augmentation.settings import AugmentationSettings
from tempose.datasets.bank import BankSong
from tempose.datasets.clips import load_clips
from tempose.datasets.extremities import SKELETONS, on_skeleton
from tempose.datasets.recombine import Recombiner
from tempose.datasets.source import Source
from tempose.diffusers_parts import AutoencoderKL
from tempose.generator import WEIGHTS
from tempose.mixtures import decode_mixtures
from tempose.music.features import LISTENED
from tempose.pose_codecs import ImageVAE, RawCoordinates, load_vae
from tempose.representation import BINS, certainty, decode_rows, one_hot_rows
from tempose.sampler import VISIBLE
from tempose.training.image_vae import SHARPNESS, TINY, images_of, train_image_vae
from tempose.training.tracks import draw_tracks
from tempose_pose.skeletons import OPENPOSE_18

Codec = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # keypoints, scores → keypoints, confidences
START, END = "<!-- figures -->", "<!-- /figures -->"


def dancers(root: Path, held_out: bool) -> ExampleMaker:
    """Dancers of one side of the split; the music does not matter here."""
    songs = [BankSong(np.zeros((1500, LISTENED.width), np.float16), np.arange(0, 50, 0.5), "house")]
    clips = [c for c in load_clips(root) if c.held_out == held_out]
    source = Source(Recombiner(clips, OPENPOSE_18), songs, OPENPOSE_18)
    return ExampleMaker(source, AugmentationSettings(occlusion=0.0))  # hidden is hidden


def examples(source: ExampleMaker, count: int, joints: int, seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    """Keypoints (K, T, 2) and scores (K, T) of dancers whose joints come and go."""
    out = []
    for i in range(count):
        rng = np.random.default_rng((seed, i))
        e = source(1, seed, i)
        points, scores = on_skeleton(e.keypoints[0].numpy(), e.scores[0].numpy(), joints, rng)
        for joint in np.flatnonzero(rng.random(joints) < 0.2):
            start = int(rng.integers(len(points)))
            scores[start : start + int(rng.integers(1, 120)), joint] = 0
        out.append(
            (torch.from_numpy(points).transpose(0, 1).contiguous(), torch.from_numpy(scores).T.contiguous())
        )
    return out


@torch.no_grad()
def measure(codec: Codec, cases: list[tuple[Tensor, Tensor]]) -> dict[str, float]:
    """Mean error in bins over visible joints, share beyond 2 bins, F1 of hidden joints, milliseconds a frame."""
    errors, confidence, there, started, frames = [], [], [], time.process_time(), 0
    for points, scores in cases:
        back, seen = codec(points, scores)
        errors.append(((back - points).abs() * (BINS - 1))[scores > 0].flatten())
        confidence.append(seen.flatten())
        there.append((scores > 0).flatten())
        frames += points.shape[1]
    spent = time.process_time() - started
    error, seen, hidden = torch.cat(errors), torch.cat(confidence), ~torch.cat(there)

    found = seen < VISIBLE
    f1 = 2 * int((found & hidden).sum()) / max(int(found.sum() + hidden.sum()), 1)
    return {
        "mean": float(error.mean()),
        "beyond": float((error > 2).float().mean()),
        "f1": f1,
        "ms": 1000 * spent / frames,
    }


def through(vae, encode: Callable[[Tensor, Tensor], Tensor], chunk: int = 18) -> Codec:
    """A VAE with our interface as a codec."""

    def codec(points: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        back, seen = [], []
        for i in range(0, len(points), chunk):
            mixtures, confidence = vae.decode(encode(points[i : i + chunk], scores[i : i + chunk]))
            back.append(decode_mixtures(mixtures).transpose(-1, -2))
            seen.append(torch.sigmoid(confidence))
        return torch.cat(back), torch.cat(seen)

    return codec


def through_one_picture(model) -> Codec:
    """One picture of all joints as a codec."""

    def codec(points: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
        latent = model.encode(2 * images_of(points[None], scores[None]) - 1).latent_dist.mode()
        parts = ((model.decode(latent).sample + 1) / 2).unflatten(1, (-1, 3))[0]  # (K, 3, BINS, T)
        back = decode_rows(SHARPNESS * parts[:, :2])  # (K, 2, T)
        return back.transpose(-1, -2), certainty(SHARPNESS * parts[:, :2]).amin(1)

    return codec


def hard(points: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    """No VAE: one-hot rows decoded by a hard argmax, as in the paper."""
    rows = one_hot_rows(points.transpose(-1, -2), split=False)
    return decode_rows(rows, window=0).transpose(-1, -2), scores


def trained(
    channels: int, draw: Callable[[], tuple[Tensor, Tensor]], minutes: float, name: str
) -> tuple[AutoencoderKL, int]:
    torch.manual_seed(0)
    model = AutoencoderKL(in_channels=3 * channels, out_channels=3 * channels, **TINY)  # pyright: ignore[reportArgumentType]
    said = time.monotonic()

    def tell(step: int, loss: float) -> None:
        nonlocal said
        if time.monotonic() - said > 30:
            said = time.monotonic()
            print(f"{name} step {step} loss {loss:.3f}", flush=True)

    return model, train_image_vae(model, draw, minutes, on_step=tell)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--minutes", type=float, default=4, help="training of (b) and (c), each")
    parser.add_argument("--image-vae", type=Path, help="a trained image VAE for (b)")
    parser.add_argument("--row-vae", type=Path, help="for (d): what configs/row-vae.yaml has trained")
    parser.add_argument("--examples", type=int, default=40, help="held-out windows of 256 frames for (a)")
    parser.add_argument("--few", type=int, default=6, help="windows for (b) and (c), which are slow")
    parser.add_argument("--docs", type=Path, default=Path("docs/representation.md"))
    given = parser.parse_args()
    torch.set_num_threads(int(os.environ.get("TEMPOSE_THREADS", "1")))
    held, train = dancers(given.data, True), dancers(given.data, False)
    rng = np.random.default_rng(1)
    rows: list[tuple[str, int, int, dict[str, float]]] = []

    def add(name: str, codec: Codec, joints: int, count: int) -> None:
        figures = measure(codec, examples(held, count, joints))
        rows.append((name, joints, count, figures))
        print(name, joints, {k: round(v, 5) for k, v in figures.items()}, flush=True)

    ours = load_vae(WEIGHTS / "vae").float()
    for joints in SKELETONS:
        add(
            "(a) ours, whole encoder",
            through(ours, lambda p, s: ours.encode_points(p, s).mode()),
            joints,
            given.examples,
        )
        add("(a) ours, as the transformer sees it", through(ours, ours.encode_mean), joints, given.examples)
    if given.row_vae:
        learned = load_vae(given.row_vae)
        for joints in SKELETONS:
            add("(d) rows, learned latent", through(learned, learned.encode_mean), joints, given.examples)
    add("rows without a VAE, hard argmax", hard, 18, given.few)
    raw = RawCoordinates()
    add("raw coordinates, no rows", through(raw, raw.encode_mean), 18, given.few)

    if given.image_vae:
        image, how = load_vae(given.image_vae), f"{given.image_vae.name}, as given"
    else:

        def tracks() -> tuple[Tensor, Tensor]:
            points, scores = draw_tracks(train, rng, 8, 32)
            return torch.from_numpy(points)[:, None], torch.from_numpy(scores)[:, None]

        model, steps = trained(1, tracks, given.minutes, "(b)")
        how = f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M, {steps} steps in {given.minutes:g} min"
        image = ImageVAE("AutoencoderKL", {k: v for k, v in model.config.items() if not k.startswith("_")})
        image.vae.load_state_dict(model.state_dict())
    for joints in SKELETONS:
        add(
            f"(b) image VAE per joint ({how})",
            through(image.eval(), image.encode_mean, 6),
            joints,
            given.few,
        )

    def windows() -> tuple[Tensor, Tensor]:
        points, scores = zip(*(dancer() for _ in range(6)), strict=True)
        return torch.stack(points), torch.stack(scores)

    def dancer() -> tuple[Tensor, Tensor]:
        ((points, scores),) = examples(train, 1, 18, int(rng.integers(2**31)))
        start = int(rng.integers(points.shape[1] - 32))
        return points[:, start : start + 32], scores[:, start : start + 32]

    model, steps = trained(18, windows, given.minutes, "(c)")
    how = f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} M, {steps} steps in {given.minutes:g} min"
    add(f"(c) one picture of 54 channels ({how})", through_one_picture(model.eval()), 18, given.few)
    publish(rows, given.docs)


def publish(rows: list[tuple[str, int, int, dict[str, float]]], path: Path) -> None:
    """Write the table between its marks in the page."""
    lines = [
        "| representation | joints | windows | mean error, bins | beyond 2 bins | hidden, F1 | ms a frame |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {name} | {joints} | {count} | {f['mean']:.3f} | {f['beyond']:.3%} | {f['f1']:.4f} "
            f"| {f['ms']:.2f} |"
            for name, joints, count, f in rows
        ),
    ]
    table = "\n".join([START, *lines, END])
    text = path.read_text(encoding="utf-8") if path.is_file() else f"{START}\n{END}\n"
    before, _, rest = text.partition(START)
    path.write_text(before + table + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
