"""`tempose serve`: the options, and errors for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tempose_pose.errors import TemposeError


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 0 takes any free one. [default: 0]")] = None,
    runtime_file: Annotated[
        Path | None, typer.Option(help="Where to write the address and the token for programs of this user.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="default, null, or a folder of weights. [default: default]")
    ] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps. [default: auto]")] = None,
    pose_model: Annotated[
        Path | None,
        typer.Option(
            help="Folder with ONNX models for rtmlib that find poses in pictures. [default: the one that ships]"
        ),
    ] = None,
    engine: Annotated[
        str | None, typer.Option(help="local: replicas in this process; ray: replicas on a Ray cluster.")
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="HOST:PORT of a running Ray cluster. [default: one on this machine]")
    ] = None,
    replicas: Annotated[
        int | None,
        typer.Option(
            help="Dances at a time. [default: one per core, 4 at most; on a GPU one; with Ray one per GPU, else one]"
        ),
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Where songs, jobs and dances are kept.")] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help="A file with the token to ask for; needed on addresses others can reach."),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Certificate (PEM, with its chain): speak https and nothing else.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="The certificate's private key (PEM).")] = None,
    allowed_host: Annotated[
        list[str] | None, typer.Option(help="A further name the server may be addressed by; may be repeated.")
    ] = None,
    log_file: Annotated[
        Path | None, typer.Option(help="Write the log to this file, rotated, and not to stderr.")
    ] = None,
    log_json: Annotated[
        bool | None, typer.Option("--log-json", help="A JSON object per line of log.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A YAML file with any of the settings.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Check the settings and exit.")] = False,
) -> None:
    """Start the server that dances for Blender and other programs on this machine."""
    from tempose_server.settings import ServerSettings

    try:
        settings = ServerSettings.load(
            {
                "host": host,
                "port": port,
                "runtime_file": runtime_file,
                "model": model,
                "device": device,
                "pose_model": pose_model,
                "engine": engine,
                "ray_address": ray_address,
                "replicas": replicas,
                "data_dir": data_dir,
                "token_file": token_file,
                "log_file": log_file,
                "log_json": log_json,
                "tls_cert": tls_cert,
                "tls_key": tls_key,
                "allowed_hosts": tuple(allowed_host) if allowed_host else None,
            },
            config,
        )
        settings.check_bind()
        settings.check_tls()
        _ = settings.configured_token  # raises if it cannot be used
        if check:
            typer.echo("The settings are right.")
            return
        from tempose_server.serve import run

        run(settings)
    except TemposeError as error:
        typer.echo(f"Tempose cannot start: {error.message}", err=True)
        raise typer.Exit(2) from None
