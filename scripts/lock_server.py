"""Lock what *Set Up Server* installs: every package's version, for all systems, with the hashes of its files.

    python -m pip install uv
    python scripts/lock_server.py

Writes addon/model/server/requirements.txt from pyproject.toml. Run it before a release, and look at what has changed.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "addon" / "model" / "server" / "requirements.txt"


def main() -> None:
    """Resolve anew."""
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "--universal", "--generate-hashes", "--upgrade", "--quiet",
        "--no-header", "--no-annotate", "--python-version", "3.11", "--extra", "server",
        "--output-file", str(LOCK), str(ROOT / "pyproject.toml"),
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd=ROOT)
    packages = [line for line in LOCK.read_text("utf-8").splitlines() if line[0].isalnum()]
    print(f"{LOCK.relative_to(ROOT)}: {len(packages)} packages")


if __name__ == "__main__":
    main()
