"""The door for music encoders: whatever hears more in a song than `music.features` does, at pose rate.

An encoder is an object with a `name`, the `spec` of its columns, and `features`. Two ways lead in: `register` it
under its name, or name what makes it among the entry points ``tempose.music_encoders`` of an installed package. A
model's configuration says which encoder it was trained with (see `encoder_config`): it is never fed another's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any, Protocol

import numpy as np

from tempose.feature_spec import FeatureSpec
from tempose.music.features import LISTENED
from tempose_pose.errors import TemposeError

GROUP = "tempose.music_encoders"


class MusicEncoder(Protocol):
    """What hears a song.

    Attributes
    ----------
    name : str
        The one it is registered under.
    spec : FeatureSpec
        Its columns; `spec.width` is their number, and `spec.version` is raised when any of them comes to mean
        something else.
    """

    name: str
    spec: FeatureSpec

    def features(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """(F, spec.width) float32, frame i centred on second i / 30; samples (N,) mono at `rate` per second."""
        ...


def _at(module: str, name: str) -> Callable[[], MusicEncoder]:
    """A maker that imports only when it is called."""

    def make() -> MusicEncoder:
        return getattr(import_module(f"tempose.music.encoders.{module}"), name)()

    return make


_MAKERS: dict[str, Callable[[], MusicEncoder]] = {
    "basic_pitch": _at("basic_pitch", "BasicPitch"),
    "mert": _at("pretrained", "Mert"),
    "clap": _at("pretrained", "Clap"),
}


def register(name: str, make: Callable[[], MusicEncoder]) -> None:
    """Have `load_encoder` find what `make` makes under a name."""
    _MAKERS[name] = make
    load_encoder.cache_clear()


def encoder_names() -> list[str]:
    """The names that `load_encoder` knows."""
    return sorted({*_MAKERS, *(point.name for point in entry_points(group=GROUP))})


@cache
def load_encoder(name: str) -> MusicEncoder:
    """The encoder of a name, made once.

    Raises
    ------
    TemposeError
        `encoder_unknown`; or it cannot be made, as its message says.
    """
    if name in _MAKERS:
        return _MAKERS[name]()
    for point in entry_points(group=GROUP, name=name):
        return point.load()()
    raise TemposeError(
        "encoder_unknown", f"There is no music encoder {name!r}; known: {', '.join(encoder_names())}."
    )


def encoder_config(encoder: MusicEncoder) -> dict[str, Any]:
    """What a model's configuration keeps of its encoder."""
    return {"name": encoder.name, **encoder.spec.to_config()}


def encoder_spec(config: Mapping[str, Any]) -> FeatureSpec:
    """The columns that a model's configuration names."""
    return FeatureSpec.from_config(config, LISTENED)


def encoder_of(config: Mapping[str, Any]) -> MusicEncoder:
    """The encoder that a model was trained with.

    Raises
    ------
    TemposeError
        `encoder_unlike`: what is here under that name has other columns.
    """
    encoder = load_encoder(str(config["name"]))
    if encoder.spec != encoder_spec(config):
        raise TemposeError(
            "encoder_unlike",
            f"The weights were trained with another {encoder.name} ({encoder_spec(config)}) than is here "
            f"({encoder.spec}): use the version they were trained with.",
        )
    return encoder


__all__ = [
    "MusicEncoder",
    "encoder_config",
    "encoder_names",
    "encoder_of",
    "encoder_spec",
    "load_encoder",
    "register",
]
