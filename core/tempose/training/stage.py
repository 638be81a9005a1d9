"""A self-contained training run: code, libraries, data and weights in a folder, for a machine that has only torch,
numpy, scipy and safetensors.

It contains this package, file by file, with the same libraries; only imports that those libraries do not need here,
such as picture libraries, are replaced by stand-ins. On that machine: ``python FOLDER/train.py --minutes 9 --out
OUT``.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

import tempose
import tempose_pose
from tempose.datasets.bank import (
    BankSong,
    encoded_cache,
    encoded_songs,
    save_bank,
    save_encoded,
)
from tempose.datasets.source import bank_for
from tempose.generator import WEIGHTS
from tempose.training.config import dit_config
from tempose_pose.errors import TemposeError

LARGEST = 60 * 2**20  # bytes
PIECE = 15  # megabytes: such machines often return only small files
GRAIN = 8192  # steps per metre or pixel to which poses are rounded: finer than they were measured, and they compress
THERE = {"torch", "numpy", "scipy", "safetensors"}  # libraries of the other machine, with their dependencies
STAND_IN = {
    "PIL/__init__.py": '__version__ = "11.0"\n',
    "PIL/Image.py": (
        "class Image: ...\n\n\nclass Resampling:\n    BILINEAR = BICUBIC = LANCZOS = NEAREST = BOX = HAMMING = 0\n"
    ),
    "PIL/ImageOps.py": "",
    "PIL/ImageFilter.py": "",
}
LARGE = {
    ("diffusers", "pipelines"),
    ("diffusers", "modular_pipelines"),
}  # of these, only imported files are included
PROBE = """
import sys
import tempose.training.run, tempose.training.loop
print("\\n".join(name for name, module in sys.modules.items() if getattr(module, "__file__", None)))
"""


def stage_run(settings: dict[str, Any], data: Path, folder: Path, name: str = "It") -> str:
    """Put everything a run needs into a folder, in place of an earlier one.

    Returns
    -------
    str
        What to do with it.

    Raises
    ------
    TemposeError
        `stage_kind`: only transformers can be staged. `stage_size`: the folder is too large.
    """
    if settings["kind"] != "dit":
        raise TemposeError("stage_kind", f"{name}: the VAE trains in minutes anywhere; stage a transformer.")
    settings = dict(settings)
    bank = settings.pop("bank")
    config = dit_config({k: v for k, v in settings.items() if k not in ("kind", "vae")}, name)
    for part in ("code", "data", "weights"):
        shutil.rmtree(folder / part, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    _stage_code(folder)
    _stage_libraries(folder)
    _stage_dances(data, folder / "data" / "dance")
    seed, there = bank.get("seed", 0), folder / "data" / "bank.npz"
    songs = [_packed(song) for song in bank_for(data, bank, (data / "dance" / "songs").is_dir())]
    save_bank(there, songs, compress=True)
    context = config.context()
    if encoder := context["encoder"]:
        heard = [song.encoded for song in encoded_songs(songs, encoder, data, bank["cache"], seed)]
        save_encoded(encoded_cache(there, encoder), heard, encoder)
    settings["model"] = config.model | context
    vae = WEIGHTS / "vae" if settings["vae"] == "default" else settings["vae"]
    if str(vae) != "raw":
        settings["vae"] = _stage_weights(Path(vae), folder, "vae")
    if config.start_folder:
        settings["start"] = _stage_weights(config.start_folder, folder, "start")
    settings["bank"] = {"cache": "data/bank.npz", "count": len(songs)}
    (folder / "settings.json").write_text(json.dumps(settings, indent=1), encoding="utf-8")
    shutil.copyfile(Path(__file__).with_name("train_staged.py"), folder / "train.py")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > LARGEST:
        raise TemposeError(
            "stage_size",
            f"{folder} has {size / 2**20:.0f} MiB, more than {LARGEST / 2**20:.0f}: name fewer songs in the "
            'bank, or start from no weights (start: "").',
        )
    return f"{folder} has {size / 2**20:.0f} MiB. There: python {folder.name}/train.py --minutes 9 --out OUT"


def _stage_code(folder: Path) -> None:
    """The packages themselves, without weights."""
    for package in (tempose, tempose_pose):
        source = Path(str(package.__file__)).parent
        ignore = shutil.ignore_patterns("__pycache__", "weights", "blazepose")
        shutil.copytree(source, folder / "code" / source.name, ignore=ignore)


def _stage_libraries(folder: Path) -> None:
    """Write `libraries.zip`: the Python files of the libraries that training imports, and stand-ins."""
    probe = subprocess.run([sys.executable, "-P", "-c", PROBE], capture_output=True, text=True, check=True)
    imported = set(probe.stdout.split())
    names = {name.partition(".")[0] for name in imported} - {"tempose", "tempose_pose", "PIL"}
    homes = importlib.metadata.packages_distributions()
    distributions = {home.lower() for name in names for home in homes.get(name, [])} - _with_needs(THERE)
    with zipfile.ZipFile(folder / "libraries.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for distribution in sorted(distributions):
            for file in importlib.metadata.files(distribution) or []:
                wanted = file.suffix in (".py", ".json", ".pem") or file.name in ("METADATA", "py.typed")
                module = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
                needed = file.parts[:2] not in LARGE or module in imported
                if wanted and needed and ".." not in file.parts:
                    archive.write(Path(str(file.locate())), f"libraries/{file.as_posix()}")
        for path, text in STAND_IN.items():
            archive.writestr(f"stand_in/{path}", text)


def _with_needs(distributions: set[str]) -> set[str]:
    """Distributions and their requirements."""
    found: set[str] = set()
    frontier = set(distributions)
    while frontier:
        found |= frontier
        needs = [need for name in frontier for need in _requirements(name)]
        frontier = {re.split(r"[^\w.-]", need, maxsplit=1)[0].lower() for need in needs} - found
    return found


def _requirements(distribution: str) -> list[str]:
    """A distribution's unconditional requirements; empty if it is not installed."""
    try:
        needs = importlib.metadata.requires(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    return [need for need in needs if "extra ==" not in need]


def _stage_dances(data: Path, folder: Path) -> None:
    """Copy the clips, rounded to their precision, so that they compress to half their size."""
    folder.mkdir(parents=True)
    entries = json.loads((data / "dance" / "index.json").read_text(encoding="utf-8"))
    (folder / "index.json").write_text(json.dumps(entries), encoding="utf-8")
    if (data / "dance" / "songs").is_dir():
        shutil.copytree(data / "dance" / "songs", folder / "songs")
    for entry in entries:
        with np.load(data / "dance" / entry["file"]) as clip:
            points = clip["kp"]
        unit = 16 if np.abs(points).max() > 100 else GRAIN  # pixels, or metres
        rounded = (np.round(points * unit) / unit).astype(np.float32)
        np.savez_compressed(folder / entry["file"], kp=rounded)


def _packed(song: BankSong) -> BankSong:
    """A song with its features rounded, far more finely than the noise that training adds to them."""
    return BankSong(
        (np.round(song.features * np.float16(64)) / 64).astype(np.float16), song.beats, song.genre
    )


def _stage_weights(source: Path, folder: Path, name: str) -> str:
    """Copy weights; return their path relative to the folder."""
    shutil.copytree(source, folder / "weights" / name)
    return f"weights/{name}"
