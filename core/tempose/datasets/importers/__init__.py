"""Importers: motion from elsewhere → the `dance/` of a data folder that `tempose train` reads.

One module per kind (`aist`, `bvh`, `poses`, `video`), each with ``find(source, options) → jobs``; a job reads one
file or folder into `takes.ImportedTake`s; `store` writes them, whole or not at all; `run` puts the three together.
"""

from tempose.datasets.importers.options import KINDS, ImportOptions
from tempose.datasets.importers.run import import_data

__all__ = ["KINDS", "ImportOptions", "import_data"]
