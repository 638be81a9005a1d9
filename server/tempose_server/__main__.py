"""`python -m tempose_server` takes the same options as `tempose serve`."""

import typer

from tempose_server.cli import serve

typer.run(serve)
