"""`python -m tempose_server` takes the same options as `tempose serve`."""

import sys

if not sys.flags.safe_path:  # import nothing from the current folder
    sys.path.pop(0)

import typer

from tempose_server.cli import serve

typer.run(serve)
