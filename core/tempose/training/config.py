"""The settings of a run, and the YAML files they come from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tempose.augmentation.settings import AugmentationSettings
from tempose.generator import WEIGHTS
from tempose.music.encoders import encoder_config, load_encoder
from tempose_pose.errors import TemposeError


@dataclass(kw_only=True)
class DiTConfig(AugmentationSettings):
    """Everything that decides a run of the transformer; how examples are drawn is in `AugmentationSettings`."""

    out: str
    start: str = ""  # weights to start from: "default" for the shipped ones, else a folder such as OUT/dit
    skeleton: str = "openpose18"
    size: str = "small"  # one of `dit.SIZES`
    model: dict = field(default_factory=dict)  # more of `DanceDiT`'s arguments; `encoder` may be just a name

    steps: int = 4000
    batch: int = 48  # per process
    seed: int = 0
    workers: int = 1  # processes that recombine clips
    first: int = 2  # batches of windows made before the first step, and ...
    reuse: int = 1  # ... steps after which one more is made: about how often each window is shown
    keep: int = 64  # most batches of windows kept

    learning_rate: float = 1e-3
    schedule: str = "constant_with_warmup"  # a name that diffusers' `get_scheduler` knows
    warmup: int = 100
    cooldown: float = 0.15  # last share of the run, over which the learning rate falls to zero
    weight_decay: float = 0.02
    ema: float = 0.998  # decay of the weights' moving average at each step
    precision: str = "auto"  # bf16, no, or auto: bf16 where the device is fast at it
    compile: bool = False  # by torch.compile, block by block; on a CPU it needs a C++ compiler

    smallest_time: float = 0.1  # the loss is weighted by 1/t², at most as at this time
    velocity_weight: float = 4.0
    bone_weight: float = 1.5
    contact_weight: float = 8.0
    limb_weight: float = 1.0  # weight of knees, ankles, elbows and wrists relative to other joints

    save_every_minutes: float = 5
    validate_every: int = 100  # steps
    checks: int = 64  # held-out windows to validate on
    sample_every_minutes: float = 0  # between dances drawn for the live page; 0: never
    trackers: list[str] = field(default_factory=list)  # besides log.csv: names that accelerate knows
    states: bool = True  # whether the run can be resumed; if not, only weights and log are written
    piece_megabytes: int = 5000  # weights larger than this are written in pieces
    half: bool = False  # whether to write the averaged weights in bf16, to fetch them from another machine

    @property
    def start_folder(self) -> Path | None:
        """The folder of the weights to start from."""
        return WEIGHTS / "dit" if self.start == "default" else Path(self.start) if self.start else None

    def context(self) -> dict[str, Any]:
        """``encoder``, ``song`` and ``memory`` of `DanceDiT`: from `model`, else from the weights to start from."""
        found = {"encoder": None, "song": False, "memory": 0}
        if self.start_folder and (self.start_folder / "config.json").is_file():
            given = json.loads((self.start_folder / "config.json").read_text(encoding="utf-8"))
            found |= {key: given[key] for key in found if key in given}
        found |= {key: self.model[key] for key in found if key in self.model}
        if isinstance(found["encoder"], str):
            found["encoder"] = encoder_config(load_encoder(found["encoder"]))
        return found


def dit_config(settings: dict[str, Any], name: str) -> DiTConfig:
    """The settings from the keys of a file.

    Raises
    ------
    TemposeError
        `config_unknown`: there are unknown keys.
    """
    unknown = set(settings) - {f.name for f in fields(DiTConfig)}
    if unknown:
        raise TemposeError("config_unknown", f"{name} has unknown keys: {', '.join(sorted(unknown))}.")
    return DiTConfig(**settings)


def read_config(path: Path, depth: int = 0) -> dict[str, Any]:
    """The settings of a YAML file, over those of the file that it `extends`."""
    import yaml

    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        raise TemposeError("config_missing", f"There is no file {path}.") from None
    except yaml.YAMLError as error:
        raise TemposeError("config_unreadable", f"{path.name} is not YAML.") from error
    if isinstance(settings, dict) and "extends" in settings:
        if depth == 8:
            raise TemposeError("config_extends", f"{path.name}: files that extend each other in a circle.")
        base = read_config(path.parent / str(settings.pop("extends")), depth + 1)
        own = settings.get("model") or {}
        settings = base | settings | ({"model": base.get("model", {}) | own} if own else {})
    if not isinstance(settings, dict) or not {"kind", "out", "bank"} <= set(settings):
        raise TemposeError(
            "config_keys", f"{path.name} must name kind (vae, row_vae, image_vae or dit), out and bank."
        )
    return settings
