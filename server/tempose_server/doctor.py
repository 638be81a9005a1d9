"""`tempose doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sqlite3
import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tempose import __version__
from tempose_pose.errors import TemposeError

if TYPE_CHECKING:
    from tempose_server.settings import ServerSettings

SERVER_MEMORY = 0.7e9  # bytes the server holds with the shipped weights loaded
DISK_LEAST, DISK_GOOD = 200e6, 2e9
MARKS = {"good": ("ok", "green"), "odd": ("!!", "yellow"), "wrong": ("XX", "red")}


@dataclass(frozen=True)
class Finding:
    """The result of one check. `todo` says how to fix it; only `wrong` ones keep Tempose from working."""

    level: Literal["good", "odd", "wrong"]
    about: str
    text: str
    todo: str = ""


def doctor(
    config: Annotated[Path | None, typer.Option(help="The server's YAML file of settings.")] = None,
    host: Annotated[str | None, typer.Option(help="The address the server shall listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="The port the server shall listen on.")] = None,
    model: Annotated[str | None, typer.Option(help="default, null, or a folder of weights.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where the server keeps its data.")] = None,
    runtime_file: Annotated[Path | None, typer.Option(help="Where the server writes its address.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="The file with the server's token.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Findings as JSON.")] = False,
) -> None:
    """Look for what keeps Tempose from working. Takes the server's options; ends with 1 when something is wrong."""
    flags = {
        "host": host, "port": port, "model": model, "device": device, "data_dir": data_dir,
        "runtime_file": runtime_file, "token_file": token_file,
    }  # fmt: skip
    findings = []
    for finding in examine(flags, config):
        findings.append(finding)
        if not as_json:
            mark, colour = MARKS[finding.level]
            typer.secho(f"{mark}  {finding.about}: {finding.text}", fg=colour)
            if finding.todo:
                typer.echo(f"      → {finding.todo}")
    if as_json:
        typer.echo(json.dumps({"version": __version__, "findings": [asdict(f) for f in findings]}, indent=2))
    if any(finding.level == "wrong" for finding in findings):
        raise typer.Exit(1)


def examine(flags: dict[str, Any], config: Path | None = None) -> Iterator[Finding]:
    """All findings, the cheapest checks first. A check that itself fails is a finding too."""
    yield from _guarded("packages", packages)
    try:
        from tempose_server.settings import ServerSettings
    except ImportError as error:
        yield Finding(
            "wrong", "server", f"it cannot start without {error.name}", "pip install 'tempose[server]'"
        )
        return
    try:
        settings = ServerSettings.load(flags, config)
    except TemposeError as error:
        yield Finding("wrong", "settings", error.message, "Correct that setting, then try again.")
        return
    checks = (address, permissions, data_folder, device_and_memory, weights)
    for check in checks:
        yield from _guarded(check.__name__.replace("_", " "), check, settings)


def _guarded(about: str, check: Callable[..., Iterator[Finding]], *arguments: Any) -> Iterator[Finding]:
    try:
        yield from check(*arguments)
    except TemposeError as error:
        yield Finding("wrong", about, error.message)
    except Exception as error:
        yield Finding("wrong", about, f"could not be checked ({type(error).__name__}: {error})")


def packages() -> Iterator[Finding]:
    """Whether every package that Tempose and its server need is there, in a usable version."""
    from packaging.requirements import Requirement

    try:
        lines = metadata.requires("tempose") or []
    except metadata.PackageNotFoundError:
        yield Finding("odd", "packages", "Tempose runs from a folder and is not installed", "pip install .")
        return
    missing = []
    for requirement in map(Requirement, lines):
        if requirement.marker and not any(
            requirement.marker.evaluate({"extra": extra}) for extra in ("", "server")
        ):
            continue
        try:
            found = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            found = None
        if found is None or not requirement.specifier.contains(found, prereleases=True):
            missing.append(f"{requirement.name}{requirement.specifier} ({found or 'not there'})")
    if missing:
        yield Finding(
            "wrong", "packages", f"not as needed: {', '.join(missing)}", "pip install 'tempose[server]'"
        )
    else:
        yield Finding("good", "packages", f"all there for Tempose {__version__}")


def address(settings: ServerSettings) -> Iterator[Finding]:
    """Whether the server could listen at its address."""
    try:
        settings.check_bind()
    except TemposeError as error:
        yield Finding("wrong", "address", error.message)
        return
    where = f"{settings.host}, port {settings.port or 'any'}"
    try:
        family, kind, proto, _, target = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, proto) as listener:
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(target)
    except OSError as error:
        yield Finding(
            "wrong",
            "address",
            f"{where} cannot be used: {error.strerror}",
            "Stop the program that listens there (perhaps another Tempose server), or give another --port.",
        )
    else:
        yield Finding("good", "address", f"{where} is free")


def permissions(settings: ServerSettings) -> Iterator[Finding]:
    """Whether files with a token are private."""
    from tempose_pose.local import runtime_file

    path = settings.runtime_file
    runtime_file.prepare(path)
    _ = settings.configured_token  # raises if others can read the token file
    settings.check_tls()
    if not path.exists():
        yield Finding("good", "runtime file", f"can be written to {path.parent}")
        return
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding("wrong", "runtime file", f"others can read {path}", f"chmod 600 {path}")
        return
    try:
        runtime_file.read(path)
    except TemposeError as error:
        if error.code == "runtime_file_foreign":
            yield Finding("wrong", "runtime file", error.message, f"Delete {path}.")
            return
        yield Finding(
            "odd", "runtime file", f"{path} is of a server that is gone", f"Start a server, or delete {path}."
        )
        return
    yield Finding("good", "runtime file", f"{path}: a server is running")


def data_folder(settings: ServerSettings) -> Iterator[Finding]:
    """Space, rights and an intact list of jobs in the data folder."""
    folder = settings.data_dir
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Finding("wrong", "data folder", f"{folder} cannot be written to", "Give another --data-dir.")
        return
    free = shutil.disk_usage(there).free
    text = f"{folder}, {free / 1e9:.1f} GB free"
    if free < DISK_GOOD:
        level = "wrong" if free < DISK_LEAST else "odd"
        yield Finding(level, "data folder", text, "Free some space, or give a --data-dir on another disk.")
    else:
        yield Finding("good", "data folder", text)
    if not folder.exists():
        return
    if os.name == "posix" and folder.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Finding("odd", "data folder", f"others can look into {folder}", f"chmod 700 {folder}")
    database = folder / "jobs.sqlite"
    if database.exists():
        try:
            uri = f"{database.absolute().as_uri()}?mode=ro"
            with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=5)) as opened:
                (answer,) = opened.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.Error as error:
            answer = str(error)
        if answer != "ok":
            yield Finding(
                "wrong", "jobs", f"{database} is damaged ({answer})", "Move it away to begin with no jobs."
            )
        else:
            yield Finding("good", "jobs", "the list of jobs is sound")


def device_and_memory(settings: ServerSettings) -> Iterator[Finding]:
    """Whether the device is there, computes, and has memory."""
    if settings.model == "null":
        yield Finding("good", "device", "the null model needs none")
        return
    import torch

    from tempose.pipeline import _device

    target = _device(settings.device)
    ones = torch.ones(64, 64, device=target)
    if float((ones @ ones).sum()) != 64.0**3:
        yield Finding(
            "wrong", "device", f"{target} calculates wrongly", "Update its driver, or --device cpu."
        )
    elif target.type == "cpu":
        yield Finding("good", "device", f"cpu, {torch.get_num_threads()} threads")
    else:
        name = torch.cuda.get_device_name() if target.type == "cuda" else "Apple GPU"
        yield Finding("good", "device", f"{target}: {name}")
    rooms = {"memory": _free_memory()}
    if target.type == "cuda":
        rooms["device memory"] = torch.cuda.mem_get_info()[0]
    for about, free in rooms.items():
        if free is None:
            continue
        text = f"{free / 1e9:.1f} GB free"
        if free < SERVER_MEMORY:
            yield Finding("wrong", about, text, "Close other programs; the model needs about 1 GB.")
        elif free < 2 * SERVER_MEMORY:
            yield Finding("odd", about, text, "Long dances may not fit; close other programs.")
        else:
            yield Finding("good", about, text)


def _free_memory() -> int | None:
    """Bytes of memory available to a new program, if the system tells."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")), None)


def weights(settings: ServerSettings) -> Iterator[Finding]:
    """Whether the model loads."""
    from tempose.generator import WEIGHTS, load_generator
    from tempose.weights_check import MANIFEST

    if settings.model != "null":
        folder = WEIGHTS if settings.model == "default" else Path(settings.model)
        if settings.model == "default" and not (folder / MANIFEST).is_file():
            yield Finding(
                "odd", "weights", "the shipped weights have no manifest", "Install Tempose again to be sure."
            )
    try:
        generator = load_generator(settings.model, settings.device)
    except TemposeError as error:
        yield Finding("wrong", "weights", error.message, "Install Tempose again, or give another --model.")
        return
    yield Finding("good", "weights", f"{settings.model} loads, revision {generator.revision}")
