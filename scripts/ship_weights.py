"""Assemble the weights that ship with Tempose from a trained VAE and a trained DiT.

    python scripts/ship_weights.py runs/vae runs/dit/dit [--to core/tempose/weights]

VAE in float16, DiT in bfloat16, the scheduler, and the manifest that `DancePipeline.load` checks them against.
Other files there (the card, the credits) stay.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from tempose.dit import DanceDiT
from tempose.generator import WEIGHTS
from tempose.pipeline import DancePipeline, weights_revision
from tempose.solver import FlowSolver
from tempose.vae import PoseVAE
from tempose.weights_check import MANIFEST, check_weights, write_manifest


def ship(vae: Path, dit: Path, target: Path) -> str:
    """Put the weights into `target`; return their revision."""
    decoder = PoseVAE.from_pretrained(vae, use_safetensors=True, low_cpu_mem_usage=False)
    dancer = DanceDiT.from_pretrained(dit, use_safetensors=True, low_cpu_mem_usage=False)
    pipeline = DancePipeline(
        decoder.half(),  # pyright: ignore[reportCallIssue] -- diffusers wraps torch's own method
        dancer.bfloat16(),
        FlowSolver(),
    )
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = Path(folder)
        pipeline.save_pretrained(made, safe_serialization=True)
        for path in made.rglob("*.json"):  # removes the path of the machine that they come from
            config = json.loads(path.read_text("utf-8"))
            config.pop("_name_or_path", None)
            path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        write_manifest(made)
        for path in made.rglob("*"):
            path.chmod(
                0o755 if path.is_dir() else 0o644
            )  # safetensors writes files that only their owner can read
        check_weights(made)
        (target / MANIFEST).unlink(missing_ok=True)
        for path in made.iterdir():
            old = target / path.name
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
            path.rename(old)
    check_weights(target)
    return weights_revision(target)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("vae", type=Path)
    parser.add_argument("dit", type=Path)
    parser.add_argument("--to", type=Path, default=WEIGHTS)
    arguments = parser.parse_args()
    revision = ship(arguments.vae, arguments.dit, arguments.to)
    size = sum(path.stat().st_size for path in arguments.to.rglob("*") if path.is_file())
    print(f"{arguments.to}: revision {revision}, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
