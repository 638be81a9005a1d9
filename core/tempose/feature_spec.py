"""Named columns: what a feature array holds and where, kept beside whatever was trained on it or cached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tempose_pose.errors import TemposeError


@dataclass(frozen=True)
class FeatureSpec:
    """The columns of a feature array (..., F), by name.

    Parameters
    ----------
    sizes : tuple of (name, size)
        In the order of the columns.
    version : int
        Raised when the values of any column come to mean something else: what was trained on version 1 cannot
        be fed version 2.

    Examples
    --------
    >>> spec = FeatureSpec((("onset", 1), ("chroma", 12)))
    >>> spec["chroma"]
    slice(1, 13, None)
    >>> spec.width
    13
    """

    sizes: tuple[tuple[str, int], ...]
    version: int = 1

    def __post_init__(self):
        names = [name for name, _ in self.sizes]
        if len(set(names)) < len(names) or any(size < 1 for _, size in self.sizes):
            raise ValueError(f"The features {names} are not distinct, or one of them has no column.")

    def __add__(self, other: FeatureSpec) -> FeatureSpec:
        """The columns of both, side by side."""
        if self.version != other.version:
            raise ValueError("Features of different versions do not go into one array.")
        return FeatureSpec(self.sizes + other.sizes, self.version)

    @property
    def width(self) -> int:
        """Columns in all."""
        return sum(size for _, size in self.sizes)

    def __getitem__(self, name: str) -> slice:
        """Where a feature's columns lie."""
        start = 0
        for other, size in self.sizes:
            if other == name:
                return slice(start, start + size)
            start += size
        raise KeyError(name)

    def slice_of(self, part: FeatureSpec) -> slice:
        """Where the columns of a spec that this one was made of lie.

        Raises
        ------
        TemposeError
            `features_unlike`: they do not lie here side by side, or are of another version.
        """
        for first in range(len(self.sizes)):
            if self.version == part.version and self.sizes[first : first + len(part.sizes)] == part.sizes:
                start = self[part.sizes[0][0]].start
                return slice(start, start + part.width)
        raise TemposeError("features_unlike", f"There is no {part} in {self}.")

    def __str__(self) -> str:
        return f"{', '.join(f'{name} ({size})' for name, size in self.sizes)}, version {self.version}"

    def to_config(self) -> dict[str, Any]:
        """As JSON has it, in an order that survives sorted keys: for a model's configuration or a cache."""
        return {"version": self.version, "columns": [list(pair) for pair in self.sizes]}

    @classmethod
    def from_config(cls, config: Mapping[str, Any] | int, first: FeatureSpec) -> FeatureSpec:
        """From what `to_config` gave.

        Parameters
        ----------
        config : mapping or int
            A number of columns is what was written before columns had names; they are those of `first`.
        first : FeatureSpec
            Version 1.

        Raises
        ------
        TemposeError
            `features_unlike`: as many columns as `config` says have no names.
        """
        if isinstance(config, int):
            if config != first.width:
                raise TemposeError("features_unlike", f"There are {config} features, but should be: {first}.")
            return first
        return cls(tuple((name, int(size)) for name, size in config["columns"]), int(config["version"]))
