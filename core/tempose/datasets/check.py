"""What is in a data folder, what training takes of it, and why it leaves the rest."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from tempose.datasets.clips import (
    GLITCH,
    MOST_GLITCHES,
    Clip,
    beat_lock,
    glitches,
    held_out,
    joint_speed,
    load_clip,
    quantised,
)
from tempose.datasets.importers.store import MEMORY
from tempose.segments import SEGMENT
from tempose_pose.errors import TemposeError
from tempose_pose.limits import FPS
from tempose_pose.skeletons import OPENPOSE_18

STILL = 0.12  # body heights per second: below it hardly anything is danced
FAST = 1.2  # above it the frame rate is more likely wrong than the dancer fast
SHORT = 64  # frames


@dataclass
class ClipFinding:
    """One clip, or one file that became none.

    ``verdict`` is train, held out, dropped (by the loader) or not imported; ``notes`` say why, or what makes
    training draw it seldom.
    """

    name: str
    verdict: str
    notes: list[str] = field(default_factory=list)
    source: str = ""
    style: str = ""
    bpm: float | None = None
    seconds: float = 0.0
    speed: float = float("nan")
    lock: float = float("nan")
    tight_lock: float = float("nan")
    glitches: int = 0
    clip: Clip | None = field(default=None, repr=False)


def check_data(root: Path, on_clip: Callable[[int, int], None] | None = None) -> list[ClipFinding]:
    """Findings on every clip of `root/dance`, and on what an import left out.

    Raises
    ------
    TemposeError
        There is no data folder, or its index cannot be read.
    """
    folder = root / "dance"
    try:
        entries = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TemposeError("data_missing", f"There is no dance/index.json in {root}.") from None
    except ValueError as error:
        raise TemposeError("index_unreadable", f"{folder / 'index.json'} is not JSON.") from error
    found = []
    for number, entry in enumerate(entries):
        found.append(_finding(folder, entry))
        if on_clip:
            on_clip(number + 1, len(entries))
    usable = {f.clip.choreography for f in found if f.clip is not None and f.verdict != "dropped"}
    kept_away = held_out(usable)
    for f in found:
        if f.clip is not None and f.verdict != "dropped":
            f.verdict = "held out" if f.clip.choreography in kept_away else "train"
    return found + _left_out(folder)


def _finding(folder: Path, entry: dict[str, Any]) -> ClipFinding:
    name = str(entry.get("name", entry.get("file", "?")))
    try:
        clip = load_clip(folder, entry)
    except (OSError, EOFError, ValueError, KeyError, IndexError, BadZipFile) as error:
        return ClipFinding(name, "dropped", [f"cannot be read: {type(error).__name__}: {error}"])
    speed, lock, jumps = float(joint_speed(clip.motion).mean()), beat_lock(clip), glitches(clip)
    f = ClipFinding(
        name,
        "train",
        notes=[],
        source=str(entry.get("source", "")),
        style=clip.style or "",
        bpm=clip.bpm,
        seconds=len(clip.motion) / FPS,
        speed=speed,
        lock=lock,
        tight_lock=beat_lock(quantised(clip)),
        glitches=jumps,
        clip=clip,
    )
    share = jumps / len(clip.motion)
    if share > MOST_GLITCHES:
        f.verdict = "dropped"
        f.notes.append(f"{jumps} jumps of over {GLITCH:g} body heights in a frame ({share:.1%} of frames)")
    elif jumps:
        f.notes.append(f"{jumps} jumps")
    if speed < STILL:
        f.notes.append("nearly still")
    if speed > FAST:
        f.notes.append("very fast: is the frame rate right?")
    if len(clip.motion) < SHORT:
        f.notes.append(f"only {len(clip.motion)} frames")
    elif len(clip.motion) < SEGMENT:
        f.notes.append("shorter than a segment: joined with others")
    if clip.bpm is None:
        f.notes.append("no beats known")
    elif lock < 0:
        f.notes.append("off the beat")
    if clip.absent.any():
        hidden = [j.replace("_", " ") for j, a in zip(OPENPOSE_18.joints, clip.absent, strict=True) if a]
        f.notes.append("never seen: " + ", ".join(hidden))
    return f


def _left_out(folder: Path) -> list[ClipFinding]:
    path = folder / MEMORY
    if not path.is_file():
        return []
    try:
        notes = json.loads(path.read_text(encoding="utf-8"))
        return [
            ClipFinding(d["name"], "not imported", [d["reason"]])
            for n in notes.values()
            for d in n["dropped"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TemposeError("index_unreadable", f"{path} cannot be read.") from error


def summary(findings: list[ClipFinding]) -> list[tuple[str, str]]:
    """Lines of (what, figure) for a person."""
    rows = []
    for verdict in ("train", "held out", "dropped", "not imported"):
        group = [f for f in findings if f.verdict == verdict]
        rows.append((verdict, f"{len(group)} clips, {sum(f.seconds for f in group) / 60:.1f} minutes"))
    used = [f for f in findings if f.verdict in ("train", "held out")]
    styles = Counter(f.style or "no style" for f in used)
    rows.append(("styles", ", ".join(f"{k} {v}" for k, v in styles.most_common())))
    beats = [f for f in used if f.bpm]
    if beats:
        rows.append(("with beats", f"{len(beats)} clips, {min(f.bpm or 0 for f in beats):.0f} to "
                                   f"{max(f.bpm or 0 for f in beats):.0f} BPM"))  # fmt: skip
        rows.append(("beat lock", f"{np.mean([f.lock for f in beats]):+.3f} as danced, "
                                  f"{np.mean([f.tight_lock for f in beats]):+.3f} stops on the beat"))  # fmt: skip
    for note, what in (("nearly still", "nearly still"), ("off the beat", "off the beat")):
        rows.append((what, f"{sum(note in f.notes for f in used)} clips, drawn seldom"))
    return rows


_ORDER = {"dropped": 0, "not imported": 1, "held out": 2, "train": 3}
_STYLE = """body{font:14px system-ui,sans-serif;margin:2rem;background:#141414;color:#ddd}
table{border-collapse:collapse}td,th{padding:.25rem .7rem;text-align:left;border-bottom:1px solid #333}
td.n{text-align:right;font-variant-numeric:tabular-nums}.dropped,.not{color:#e08080}.held{color:#e0c080}
svg{display:block;background:#1c1c1c}h1{font-size:1.3rem}th{position:sticky;top:0;background:#141414}"""


def write_page(findings: list[ClipFinding], path: Path) -> None:
    """One HTML page: the summary, and a line with a strip of poses for each clip, dropped ones first."""
    lines = [
        "<!doctype html><meta charset=utf-8><title>Dance data</title>",
        f"<style>{_STYLE}</style><h1>Dance data</h1><table>",
        *(f"<tr><th>{html.escape(a)}<td>{html.escape(b)}" for a, b in summary(findings)),
        "</table><h1>Clips</h1><table><tr><th>poses<th>clip<th>use<th>style<th>BPM<th>seconds<th>speed "
        "<th>beat lock<th>with stops on the beat<th>notes",
    ]
    for f in sorted(findings, key=lambda f: (_ORDER[f.verdict], f.name)):
        cells = [
            f"<td>{_strip(f.clip)}" if f.clip is not None else "<td>",
            f"<td>{html.escape(f.name)}<br><small>{html.escape(f.source)}</small>",
            f'<td class="{f.verdict.split()[0]}">{f.verdict}',
            f"<td>{html.escape(f.style)}",
            f"<td class=n>{'' if f.bpm is None else f'{f.bpm:g}'}",
            f"<td class=n>{f.seconds:.1f}",
            *(f"<td class=n>{'' if np.isnan(v) else f'{v:.2f}'}" for v in (f.speed, *_locks(f))),
            f"<td>{html.escape('; '.join(f.notes))}",
        ]
        lines.append("<tr>" + "".join(cells))
    lines.append("</table>")
    part = path.with_name(path.name + ".part")
    part.write_text("\n".join(lines), encoding="utf-8")
    part.replace(path)


def _locks(f: ClipFinding) -> tuple[float, float]:
    return (f.lock, f.tight_lock) if f.bpm else (float("nan"), float("nan"))


def _strip(clip: Clip, count: int = 6, size: int = 56) -> str:
    """Stick figures of evenly spaced frames."""
    out = []
    for column, frame in enumerate(np.linspace(0, len(clip.motion) - 1, count).astype(int)):
        pose = clip.motion[frame, :, :2]
        hips = pose[[OPENPOSE_18.index("left_hip"), OPENPOSE_18.index("right_hip")], 0].mean()
        x = (column + 0.5 + (pose[:, 0] - hips) * 0.62) * size
        y = (0.93 - pose[:, 1] * 0.72) * size
        lines = " ".join(
            f"M{x[a]:.0f} {y[a]:.0f}L{x[b]:.0f} {y[b]:.0f}"
            for a, b in OPENPOSE_18.limbs
            if not (clip.absent[a] or clip.absent[b])
        )
        out.append(lines)
    return f'<svg width="{count * size}" height="{size}"><path d="{" ".join(out)}" stroke="#8cf" fill="none"/></svg>'
