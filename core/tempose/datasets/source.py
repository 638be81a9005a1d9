"""What training examples are drawn of: dances to recombine and songs to dance them to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tempose.datasets.bank import BankSong, encoded_songs, own_song, song_bank
from tempose.datasets.clips import load_clips
from tempose.datasets.recombine import Recombiner
from tempose_pose.errors import TemposeError
from tempose_pose.skeletons import Skeleton


@dataclass(frozen=True, eq=False)
class Source:
    """One side of the split."""

    recombiner: Recombiner
    songs: list[BankSong]
    skeleton: Skeleton


def load_sources(
    data: Path,
    bank: dict[str, Any],
    larger: float,
    larger_share: float,
    skeleton: Skeleton,
    memory: int = 0,
    encoder: dict[str, Any] | None = None,
) -> tuple[Source, Source]:
    """Training and held-out sources of a data folder, with the songs of a bank (cache, count, seed).

    Held-out dances are as recorded: what is made up tells nothing about what is danced. `memory` is how many poses
    are remembered of what was danced before each window, `encoder` whose features the songs get; as in `DanceDiT`.

    Raises
    ------
    TemposeError
        `data_split`: there is nothing to train on, or nothing to validate with.
    """
    clips = load_clips(data, skeleton)
    sides = [[c for c in clips if c.held_out == side] for side in (False, True)]
    if not all(sides):
        raise TemposeError(
            "data_split",
            f"{data} has {len(sides[0])} clips to train on and {len(sides[1])} to validate with; a genre needs "
            "three choreographies before one is held out.",
        )
    files = sorted({clip.song.file for clip in clips if clip.song is not None})
    own = [] if encoder else [own_song(file) for file in files]  # of films there are no samples to encode
    songs = bank_for(data, bank, bool(own))
    if encoder:
        songs = encoded_songs(songs, encoder, data, bank["cache"], bank.get("seed", 0))
    numbers = {file: len(songs) + k for k, file in enumerate(files)} if own else {}
    songs = [*songs, *own]
    train = Recombiner(
        sides[0],
        larger=larger,
        larger_share=larger_share,
        skeleton=skeleton,
        memory=memory,
        own_songs=numbers,
    )
    held_out = Recombiner(sides[1], skeleton=skeleton, memory=memory, own_songs=numbers)
    return Source(train, songs, skeleton), Source(held_out, songs, skeleton)


def bank_for(data: Path, bank: dict[str, Any], own: bool) -> list[BankSong]:
    """The song bank; none where it can neither be read nor rendered here and the dances bring songs of their own."""
    try:
        return song_bank(data, bank["cache"], bank["count"], bank.get("seed", 0))
    except (OSError, TemposeError):
        if own:
            return []
        raise
