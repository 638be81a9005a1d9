"""Build a wheel of one pure package for the Blender extension, without pip, network or build tools.

Source: the binary distribution format of PEP 427.
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

STAMP = (2026, 1, 1, 0, 0, 0)  # the same sources give the same wheel


def write_wheel(package: Path, version: str, licence: Path, folder: Path) -> Path:
    """Write the wheel of a package of Python files into a folder and return its path.

    The version ends in a hash of the files (``0.3.0+1a2b3c4d``): Blender keeps an installed wheel of the same
    version, and an extension built again would run with the old one.
    """
    files = {
        path.relative_to(package.parent).as_posix(): path.read_bytes()
        for path in sorted(package.rglob("*"))
        if path.suffix == ".py" or path.name == "py.typed"
    }
    digest = hashlib.sha256(b"".join(name.encode() + data for name, data in files.items())).hexdigest()
    version = f"{version}+{digest[:8]}"
    info = f"{package.name}-{version}.dist-info"
    files |= {
        f"{info}/licenses/LICENSE": licence.read_bytes(),
        f"{info}/METADATA": (
            f"Metadata-Version: 2.4\nName: {package.name}\nVersion: {version}\n"
            "License-Expression: Apache-2.0\nLicense-File: LICENSE\nRequires-Dist: numpy\n"
        ).encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tempose\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},sha256={_record_hash(data)},{len(data)}\n" for name, data in files.items())
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{package.name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, STAMP)
            entry.external_attr, entry.compress_type = 0o644 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return target


def _record_hash(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
