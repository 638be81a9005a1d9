"""`tempose docs`: the running server's contract in a browser, by a link that works once."""

from __future__ import annotations

import http.client
import json
import webbrowser
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from tempose_pose.errors import TemposeError
from tempose_pose.local import proof, runtime_file
from tempose_pose.local.runtime_file import RunningServer

SECONDS = 10.0


def docs(
    runtime_file: Annotated[
        Path | None,
        typer.Option(help="Where the server wrote its address. [default: where it does by itself]"),
    ] = None,
    print_only: Annotated[bool, typer.Option("--print", help="Print the link and open nothing.")] = False,
) -> None:
    """Show the API of a running server in the browser."""
    try:
        link = one_time_link(runtime_file)
    except TemposeError as error:
        typer.echo(error.message, err=True)
        raise typer.Exit(2) from None
    if print_only or not webbrowser.open(link):
        typer.echo(link)
    else:
        typer.echo("Opened in the browser. The link worked this once.")


def one_time_link(path: Path | None) -> str:
    """A link to the page of the server in the runtime file."""
    server = runtime_file.read(path or runtime_file.default())
    place = urlsplit(server.url)
    if place.scheme != "http":
        raise TemposeError(
            "docs_https",
            "This server speaks https: ask it for GET /v1/docs with its token and its certificate.",
        )
    connection = http.client.HTTPConnection(place.hostname or "", server.port, timeout=SECONDS)
    try:
        _see_proof(connection, server)
        said = _ask(connection, "POST", "/v1/docs/link", {"Authorization": f"Bearer {server.token}"})
        return f"{server.url}/v1/docs?key={said['key']}"
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        if isinstance(error, TemposeError):
            raise
        raise TemposeError(
            "server_gone", f"The server at {server.url} does not answer as it should."
        ) from None
    finally:
        connection.close()


def _see_proof(connection: http.client.HTTPConnection, server: RunningServer) -> None:
    asked = proof.challenge()
    said = _ask(connection, "GET", proof.PATH, {proof.HEADER: asked})
    if not proof.is_right(said.get("here"), server.token, asked, server.port, server.pid):
        raise TemposeError(
            "server_unproven",
            f"What answers at {server.url} does not know this server's token; nothing was sent to it.",
        )


def _ask(
    connection: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str]
) -> dict[str, Any]:
    connection.request(method, path, headers=headers)
    return json.loads(connection.getresponse().read(100_000))
