"""`python -m tempose_server` takes the same options as `tempose serve`."""

import sys

if not sys.flags.safe_path:  # nothing that lies in the folder one stands in is imported
    sys.path.pop(0)

import typer

from tempose_server.cli import serve

typer.run(serve)
