"""Lock what *Set Up Server* installs: every package's version, for all systems, with the hashes of its files.

    python -m pip install uv
    python scripts/lock_server.py

Writes addon/model/server/requirements.txt from pyproject.toml. Run it before a release, and review the changes.
`make install` uses the same versions, so the tested versions are those that people get; a test compares the two.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "addon" / "model" / "server" / "requirements.txt"


def main() -> None:
    """Resolve all versions anew."""
    with tempfile.TemporaryDirectory() as folder:
        own = Path(folder) / "pip.in"
        own.write_text("pip\n")  # pip itself is locked too
        _resolve(own)
    packages = [line for line in LOCK.read_text("utf-8").splitlines() if line[0].isalnum()]
    print(f"{LOCK.relative_to(ROOT)}: {len(packages)} packages. Now make clean install, and make test.")


def _resolve(own: Path) -> None:
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "--universal", "--generate-hashes", "--upgrade", "--quiet",
        "--no-header", "--no-annotate", "--python-version", "3.11", "--extra", "server",
        "--output-file", str(LOCK), str(ROOT / "pyproject.toml"), str(own),
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
