"""Weights are looked at before anything parses them: the right files, the right hashes, sound headers."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from tempose_pose.errors import TemposeError

MANIFEST = "SHA256SUMS"
COMPONENTS = ("vae", "dit")
WEIGHT_FILE = "diffusion_pytorch_model.safetensors"
CHECKED = (".safetensors", ".json")  # what is loaded, and so listed
AGAIN = "Install Tempose again, or write the manifest anew if you changed the weights yourself."
HEADER_BYTES = 1_000_000  # ours are under 20 kB
CONFIG_BYTES = 1_000_000
_PICKLES = (b"\x80", b"PK\x03\x04")  # a bare pickle, and torch's zip of one
_BYTES = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
}  # fmt: skip


def write_manifest(folder: Path) -> Path:
    """Write `SHA256SUMS` (as `sha256sum` does) beside the weights; the manifest's path."""
    lines = [f"{_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in _listed(folder)]
    manifest = folder / MANIFEST
    part = manifest.with_name(MANIFEST + ".part")
    part.write_text("".join(lines), encoding="utf-8")
    part.replace(manifest)
    return manifest


def check_weights(folder: Path) -> None:
    """Refuse a folder of weights that is not what it should be, reading no more than bytes and JSON.

    A folder with a manifest must match it in every file; one without (a training of one's own) has its
    headers checked all the same.

    Raises
    ------
    TemposeError
        `weights_missing`, `weights_changed` (not as the manifest says) or `weights_damaged`.
    """
    try:
        for component in COMPONENTS:
            if not (folder / component / WEIGHT_FILE).is_file():
                raise TemposeError(
                    "weights_missing", f"There is no {component}/{WEIGHT_FILE} in {folder}. Install it again."
                )
        if (folder / MANIFEST).is_file():
            _check_manifest(folder)
        for path in _listed(folder):
            if path.suffix == ".safetensors":
                check_header(path)
            else:
                _check_config(path)
    except OSError as error:
        raise TemposeError(
            "weights_damaged", f"The weights in {folder} cannot be read: {error.strerror}."
        ) from None


def check_file(path: Path) -> None:
    """The same for a single file of weights that lies among other things; its folder's manifest must name it.

    Raises
    ------
    TemposeError
        As `check_weights`.
    """
    try:
        wanted = _manifest(path.parent)
        if wanted.get(path.name) != _sha256(path):
            raise TemposeError("weights_changed", f"{path.name} is not the one in the manifest. {AGAIN}")
        check_header(path)
    except FileNotFoundError as error:
        missing = Path(error.filename or path).name
        raise TemposeError("weights_missing", f"There is no {missing} in {path.parent}. {AGAIN}") from None


def check_header(path: Path) -> None:
    """Refuse a file that is not whole and sound safetensors: from its first bytes, before any library sees it.

    Each tensor must have a known type, and its bytes must be as many as its shape says, one tensor after the
    other without gap or overlap, up to the file's very end.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        if start.startswith(_PICKLES):
            raise _damaged(path, "it is a pickle, which could run anything, and not safetensors")
        length = int.from_bytes(start, "little")
        if len(start) < 8 or not 2 <= length <= min(HEADER_BYTES, size - 8):
            raise _damaged(path, "its header has an impossible length")
        header = _json(path, file.read(length))
    header.pop("__metadata__", None)
    end = 0
    try:
        for name, tensor in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
            first, last = tensor["data_offsets"]
            shape = tensor["shape"]
            if not all(type(n) is int and n >= 0 for n in (first, last, *shape)):
                raise _damaged(path, f"the tensor {name[:80]!r} has a wrong shape")
            if first != end or last - first != _BYTES[tensor["dtype"]] * math.prod(shape):
                raise _damaged(path, f"the tensor {name[:80]!r} is not where it should be")
            end = last
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        if isinstance(error, TemposeError):
            raise
        raise _damaged(path, "its header does not describe tensors") from None
    if end != size - 8 - length:
        raise _damaged(path, "it has more or fewer bytes than its header says")


def _listed(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in CHECKED and path.is_file())


def _manifest(folder: Path) -> dict[str, str]:
    """Hashes by name."""
    lines = (folder / MANIFEST).read_text(encoding="utf-8", errors="replace").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _check_manifest(folder: Path) -> None:
    wanted = _manifest(folder)
    found = {path.relative_to(folder).as_posix(): path for path in _listed(folder)}
    for name in sorted(wanted.keys() ^ found.keys()):
        what = "is missing" if name in wanted else "is not in the manifest"
        raise TemposeError("weights_changed", f"{name[:80]} of the weights in {folder} {what}. {AGAIN}")
    for name, path in found.items():
        if _sha256(path) != wanted[name]:
            raise TemposeError(
                "weights_changed",
                f"{name} of the weights in {folder} is not the one in the manifest. {AGAIN}",
            )


def _check_config(path: Path) -> None:
    if path.name.endswith(".index.json"):
        raise _damaged(path, "Tempose's weights are not in parts")
    if path.stat().st_size > CONFIG_BYTES:
        raise _damaged(path, "it is far too large for a configuration")
    _json(path, path.read_bytes())


def _json(path: Path, data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _damaged(path, "its header is not JSON" if path.suffix == ".safetensors" else "it is not JSON")
    return value


def _damaged(path: Path, why: str) -> TemposeError:
    return TemposeError(
        "weights_damaged", f"{path.parent.name}/{path.name} cannot be used: {why}. Get the weights again."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
