"""People through the frames of a video: each is looked for where the last frame had them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from tempose.blazepose.body import BodyLandmarks, round_person
from tempose.blazepose.detector import overlap
from tempose.blazepose.hands import Hand
from tempose.blazepose.look_fusion import looked_at
from tempose.blazepose.people import (
    SAME,
    SURE,
    SeenPerson,
    detected,
    extent,
    guesses,
    hands_of,
    nets,
)
from tempose.blazepose.whole_body import whole_body

AGAIN = 12  # frames after which newcomers are looked for
HANDS_AGAIN = 4  # ... and lost hands
STILL = 0.5  # presence from which on a person is still there
MOST = 6  # people who are followed at once


@dataclass
class FollowedPerson:
    """One person who is followed."""

    number: int
    body: BodyLandmarks
    hands: tuple[Hand | None, Hand | None] = (None, None)


class Follower:
    """Called with one frame after the other; forgets everybody when told of a cut.

    Parameters
    ----------
    hands : bool
        Whether hands are looked for too; they take most of the time.
    """

    def __init__(self, hands: bool = True):
        self._hands, self._tracks, self._frame, self._next = hands, [], 0, 0
        self._tracks: list[FollowedPerson]

    def cut(self) -> None:
        """The next frame is of another shot."""
        self._tracks, self._frame = [], 0

    def __call__(self, picture: np.ndarray) -> dict[int, np.ndarray]:
        """Number of a person → (133, 3) pixels and confidence, for everybody in a frame (H, W, 3) uint8 RGB."""
        image = Image.fromarray(picture)
        self._follow(image)
        if self._frame % AGAIN == 0 or not self._tracks:
            self._welcome(image, drawn=self._frame % AGAIN == 0)
        self._frame += 1
        if self._hands:
            for track in self._tracks:
                search = (self._frame + track.number) % HANDS_AGAIN == 1
                track.hands = hands_of(image, track.body, track.hands, search)
        return {t.number: whole_body(SeenPerson(t.body, t.hands), image.size) for t in self._tracks}

    def _follow(self, image: Image.Image) -> None:
        kept: list[FollowedPerson] = []
        for track in self._tracks:
            body = nets().body(image, round_person(*track.body.circle))
            there = body.presence >= STILL and not any(
                overlap(extent(body), extent(t.body)[None])[0] > 0.8 for t in kept
            )
            if there:
                track.body = body
                kept.append(track)
        self._tracks = kept

    def _welcome(self, image: Image.Image, drawn: bool) -> None:
        """Add those who are not followed yet; a figure that only drawings have where nobody else is."""
        for circle in detected(image, SURE):
            self._add(nets().body(image, round_person(*circle)))
        if not self._tracks and drawn:
            body = looked_at(nets().body, image, guesses(image))
            if body is not None:
                self._add(body)

    def _add(self, body: BodyLandmarks) -> None:
        known = np.stack([extent(t.body) for t in self._tracks]) if self._tracks else np.zeros((0, 4))
        if body.presence < STILL or len(known) >= MOST or (overlap(extent(body), known) > SAME).any():
            return
        self._tracks.append(FollowedPerson(self._next, body))
        self._next += 1
