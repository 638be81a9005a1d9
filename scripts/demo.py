"""The demo, from song to video: `make demo`.

Builds the extension, installs the zip into Blender (the bpy wheel), makes a figure dance there to the demo song,
edits the tempo and makes it dance again. Writes dance.blend, dance.mp4 and contact_sheet.png to demo/.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import build_extension

ROOT = build_extension.ROOT
OUTPUT = ROOT / "demo"
SONG = ROOT / "examples" / "demo_song.ogg"
WEIGHTS = ROOT / "core" / "tempose" / "weights" / "model_index.json"
COLUMNS, ROWS = 10, 3
NOISE = (
    "EGL_BAD",
    "Fra:",
    "Saved:",
    "Time:",
    "Append frame",
    "STATUS",
    "Info:",
    "render  ",
    "Freeing memory",
    "Error: Not freed",
)


def blender_python() -> Path:
    """A Python that has bpy."""
    for version in ("4.5", "5.2"):
        python = ROOT / f".venv-bpy-{version}" / "bin" / "python"
        if python.is_file():
            return python
    sys.exit("There is no Blender: run make blender first.")


def run_blender(package: Path) -> None:
    """Run the part in Blender, with a server, settings and files of its own."""
    with tempfile.TemporaryDirectory(prefix="tempose-demo-") as folder:
        environment = {
            **os.environ,
            "BLENDER_USER_RESOURCES": str(Path(folder) / "blender"),
            "TEMPOSE_PYTHON": os.environ.get("TEMPOSE_PYTHON", sys.executable),
            "TEMPOSE_SERVER_DATA_DIR": str(Path(folder) / "server"),
            "TEMPOSE_SERVER_MODEL": os.environ.get(
                "TEMPOSE_SERVER_MODEL", "default" if WEIGHTS.is_file() else "null"
            ),
            "LIBGL_ALWAYS_SOFTWARE": "1",
            "PYTHONUNBUFFERED": "1",
        }
        command = [
            str(blender_python()),
            str(ROOT / "scripts" / "demo_blender.py"),
            str(package),
            str(SONG),
            str(OUTPUT),
        ]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.strip() and not any(noise in line for noise in NOISE):
                    print(line, end="", flush=True)
        if process.returncode:
            sys.exit(f"The demo failed in Blender (exit {process.returncode}); see above.")


def contact_sheet(video: Path, facts: dict, target: Path) -> None:
    """Draw frames of the video on its beats and, below them, the height of the hips with the beats."""
    import av
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    fps, start, marks = facts["fps"], facts["start"], facts["marks"]
    chosen = marks[:: max(1, -(-len(marks) // (COLUMNS * ROWS)))][: COLUMNS * ROWS]
    wanted: dict[int, np.ndarray | None] = {frame - start: None for frame, _ in chosen}
    with av.open(str(video)) as file:
        for number, picture in enumerate(file.decode(video=0)):
            if number in wanted:
                wanted[number] = picture.to_ndarray(format="rgb24")
    figure = Figure(figsize=(COLUMNS * 1.7, ROWS * 1.95 + 2.4), facecolor="#faf8f3")
    canvas = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(ROWS + 1, COLUMNS, height_ratios=[*[1] * ROWS, 0.9], hspace=0.2, wspace=0.05)
    grid.update(left=0.04, right=0.99, top=0.93, bottom=0.06)
    for index, (frame, name) in enumerate(chosen):
        axes = figure.add_subplot(grid[index // COLUMNS, index % COLUMNS])
        picture = wanted[frame - start]
        if picture is not None:
            axes.imshow(picture)
        first = name.endswith(".1")
        axes.set_title(
            f"beat {name}   {(frame - start) / fps:.2f} s", fontsize=8, color="#a05a00" if first else "#333"
        )
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_color("#d08a20" if first else "#bbb")
            spine.set_linewidth(2 if first else 1)
    axes = figure.add_subplot(grid[ROWS, :], facecolor="#fff")
    hips = np.asarray(facts["hips"])
    axes.plot(np.arange(len(hips)) / facts["dance_fps"], hips, color="#123", linewidth=0.9)
    for frame, name in marks:
        axes.axvline(
            (frame - start) / fps, color="#d08a20" if name.endswith(".1") else "#ddd", linewidth=0.8, zorder=0
        )
    axes.set_xlim(0, len(hips) / facts["dance_fps"])
    axes.set_xlabel("seconds on the timeline; lines are beats, orange ones begin a bar", fontsize=8)
    axes.set_ylabel("height of the hips", fontsize=8)
    axes.tick_params(labelsize=7)
    figure.suptitle(f"Tempose demo, model {facts['model']}, seed {facts['seed']}", fontsize=10)
    canvas.print_png(str(target))


def main() -> None:
    """Run the demo."""
    began = time.monotonic()
    OUTPUT.mkdir(exist_ok=True)
    for name in ("dance.blend", "dance.mp4", "contact_sheet.png"):
        (OUTPUT / name).unlink(missing_ok=True)
    package = build_extension.build(ROOT / "dist")
    print(f"Built {package}", flush=True)
    if not WEIGHTS.is_file():
        print("There are no trained weights here: the null model dances (it sways on the beat).")
    run_blender(package)
    facts = OUTPUT / "sheet.json"
    contact_sheet(OUTPUT / "dance.mp4", json.loads(facts.read_text()), OUTPUT / "contact_sheet.png")
    facts.unlink()
    print(
        f"\nDone in {time.monotonic() - began:.0f} s. Look at\n"
        f"  {OUTPUT / 'dance.mp4'}           the dance with its sound, in any video player\n"
        f"  {OUTPUT / 'contact_sheet.png'}   the poses on the beats, in any picture viewer\n"
        f"  {OUTPUT / 'dance.blend'}         the rig with its keys: open it in Blender 4.5 or newer\n"
        f"and install {package}\nin Blender by dragging it into the window."
    )


if __name__ == "__main__":
    main()
