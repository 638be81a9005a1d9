"""What makes dances, and how to get one: the trained model or the null model behind one call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tempose.progress import OnSegment, OnStep
from tempose_pose.dance import Dance
from tempose_pose.errors import TemposeError
from tempose_pose.request import DanceRequest
from tempose_pose.skeletons import Skeleton

if TYPE_CHECKING:
    from tempose.music.audio import Song

WEIGHTS = Path(__file__).parent / "weights"


class Generator(Protocol):
    """A model that dances. Equal song, request and revision give equal dances."""

    revision: str

    @property
    def skeleton(self) -> Skeleton:
        """What its dances are on."""
        ...

    @property
    def device(self) -> object:
        """Where it runs; `str` of it is cpu, cuda or mps."""
        ...

    def __call__(
        self,
        song: Song,
        request: DanceRequest,
        *,
        on_segment: OnSegment | None = None,
        on_step: OnStep | None = None,
        should_cancel: Callable[[], bool] | None = None,
    ) -> Dance:
        """Dance to a song. Raises `TemposeError` for bad input and `Canceled` within one sampler step."""
        ...


def load_generator(model: str | Path = "default", device: str = "auto") -> Generator:
    """Load ``"default"`` (the shipped weights), ``"null"`` (no torch needed) or a folder of weights.

    `device` is one of auto, cpu, cuda, mps.
    """
    if model == "null":
        from tempose.null_model import NullModel

        return NullModel()
    folder = WEIGHTS if model == "default" else Path(model)
    if not (folder / "model_index.json").is_file():
        raise TemposeError("weights_missing", f"There are no Tempose weights in {folder}.")
    from tempose.pipeline import DancePipeline

    return DancePipeline.load(folder, device)
