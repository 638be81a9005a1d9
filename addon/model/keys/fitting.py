# SPDX-License-Identifier: GPL-3.0-or-later
"""A few keys that reproduce a dense curve. No bpy in here.

Errors are measured where they are seen: at the joints, in pixels. `forward` says where the channels of any rig put
the joints; from it follows how far each channel moves them at each frame: hardly at all where a limb points at the
viewer. Keys are chosen by dynamic programming (see `key_frames`) at one price for all, which the tolerance sets.
All channels of a bone share their keys, and for whole poses all bones do.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tempose_pose.request import runs

from . import key_frames, moments
from .effects import Channels, Forward, effects_of, steadied, weights_of
from .footing import Footing
from .hermite import BoneKeys, evaluate, fit
from .refine import refined
from .thinning import thinned

PRICES = np.geomspace(1e-2, 1e7, 271)  # squared pixels that a key of one channel must save
GUESS = 20.0  # in squared tolerances: the price at which the search begins
GUESSES = 8  # steps before it only halves the interval
ON_BEAT = 0.4  # price factor of a key where its bone hits a beat
OFF_BEAT = 2.0  # price of a pose that is neither on a beat nor an extreme, relative to one that is
USUAL = 14  # of the lengths between keys: some half a second, for what a pose may be expected to save
STRAY = 0.3  # share of that: price, in a budget, of a pose that is neither on a beat nor an extreme
UNSEEN = 0.5  # of the weight of a joint that only shows when somebody turns the targets off
STEPS = 3  # at most, of fitting the keys of all bones together
EASIER = 0.4  # factor on the price of leg keys where a foot slips, applied again and again
TRIES = 8  # rounds at most of making them cheaper, until feet stay
SINKS = 0.004  # of the height: a foot farther below the ground calls for more keys of its leg
AROUND = 9  # frames around a slip in which they become cheaper
REST, BREAKDOWN, HELD = 0, 2, 4  # keyframe types of Blender: a pose, one between poses, one that is held


@dataclass(frozen=True)
class Fit:
    """Keys, and how close they are to the dance.

    Parameters
    ----------
    keys : by bone
    worst, typical : float
        Distance of the joints from where the dense channels put them, in units of the plane: the maximum, and the
        root of the mean square over all joints and frames.
    kinds : dict of position → int
        Keyframe types of whole poses; empty where keys are not whole poses.
    firm : bool
        Whether feet that carry stay in place.
    sunk : (T, F) bool, optional
        Where the figure had to be raised because of a foot.
    """

    keys: dict[str, BoneKeys]
    worst: float
    typical: float
    kinds: dict[int, int] = field(default_factory=dict)
    firm: bool = True
    sunk: np.ndarray | None = None

    @property
    def count(self) -> int:
        """The number of keys of all curves."""
        return sum(bone.values.size for bone in self.keys.values())


def every(count: int, step: int, more: Sequence[int] = ()) -> np.ndarray:
    """Positions on ones, twos, threes …, always with the last one."""
    return np.unique(np.concatenate([np.arange(0, count, step), [count - 1], np.asarray(more, int)]))


def at_fixed(
    dense: Channels,
    at: np.ndarray,
    forward: Forward,
    footing: Footing | None = None,
    unseen: Sequence[int] = (),
) -> Fit:
    """All tracks keyed at the same positions with the dance's own poses, except for feet below the ground."""
    sure, free = np.ones(len(at), bool), np.zeros(len(at), bool)
    keys = {name: fit(values, np.ones_like(values), at, sure, free) for name, values in dense.items()}
    firm = True
    if footing is not None:
        count = len(next(iter(dense.values())))
        there = forward({name: evaluate(keys[name], count) for name in dense})
        if footing.pulled is not None or footing.below(there).max(initial=0) > 0:
            keys = footing.raised(keys, there, effects_of(dense, forward, lambda: None))
            there = forward({name: evaluate(keys[name], count) for name in dense})
        firm = footing.stay(there, footing.slips(forward(dense)))
    missed = np.delete(miss(keys, dense, forward), unseen, axis=0)
    typical = float(np.sqrt((missed**2).mean())) if missed.size else 0.0
    return Fit(keys, float(missed.max(initial=0)), typical, firm=firm)


def miss(keys: dict[str, BoneKeys], dense: Channels, forward: Forward) -> np.ndarray:
    """Distance (J, T) of the joints from where the dense channels put them."""
    count = len(next(iter(dense.values())))
    reached = forward({name: evaluate(keys[name], count) for name in dense})
    return np.linalg.norm(reached - forward(dense), axis=-1)


class Search:
    """The search for the keys of a dance.

    Parameters
    ----------
    dense : by bone
        (T, C) values of its channels.
    forward : callable
        Channels → positions of the joints.
    pixel : float
        In the unit of the joints.
    rate : float
        Frames per second, for what counts as a hold.
    hits : of int
        Positions of beats.
    footing : Footing, optional
        Feet that carry, which count more; there are as many whole poses as they need to stay.
    unseen : of int
        Joints that count less, and not at all in the error.
    tell : callable, optional
        Called now and then with the number of keys of an attempt; whatever it raises ends the search.
    """

    def __init__(
        self,
        dense: Channels,
        forward: Forward,
        pixel: float = 1.0,
        rate: float = 30.0,
        hits: Iterable[float] = (),
        footing: Footing | None = None,
        tell: Callable[[int], None] | None = None,
        unseen: Sequence[int] = (),
    ):
        self.dense, self.forward, self.pixel = dense, forward, pixel
        self.names, self.tell = list(dense), tell or (lambda _count: None)
        self.count = len(next(iter(dense.values())))
        self.width = np.array([values.shape[1] for values in dense.values()])
        self.hits = np.asarray([hit for hit in hits if 0 <= hit < self.count], int)
        self.wanted = forward(dense)
        self.footing: Footing | None = footing
        self.slips = footing.slips(self.wanted) if footing else np.zeros(0)
        joints = len(self.wanted)
        extra = footing.weights(joints) if footing else np.ones((joints, self.count)) if len(unseen) else None
        if extra is not None:
            lesser = [joint for joint in unseen if footing is None or joint not in footing.ends]
            extra[lesser] = UNSEEN
        self.seen = np.setdiff1d(np.arange(joints), unseen)
        self.extra = np.ones((1, 1)) if extra is None else extra
        self.effects = effects_of(dense, forward, lambda: self.tell(0))
        self.weights = weights_of(self.effects, self.count, pixel, extra)
        self.pace = {n: moments.pace_of(dense[n], self.weights[n]) for n in self.names}
        self.still = {n: moments.holds(dense[n] * self.weights[n].max(0), rate) for n in self.names}
        for name in self.names if footing else ():
            if (stands := footing.stands(name)) is not None:
                self.still[name] = self.still[name] | stands
        scaled = self.effects
        if self.extra.size > 1:
            scaled = {n: [(j, e * self.extra[j][..., None]) for j, e in own] for n, own in scaled.items()}
        self._steady = steadied(scaled, dense, self.wanted.shape)
        self._costs: np.ndarray | None = None
        feet = [] if footing is None else [*zip(footing.joints, footing.ends, strict=True)]
        moved = [{int(j) for joints, _ in self.effects[name] for j in joints} for name in self.names]
        carries = [[not joints.isdisjoint(foot) for foot in feet] for joints in moved]
        self.legs = {i: own.index(True) for i, own in enumerate(carries) if sum(own) == 1}
        """Tracks that move one ankle, and which: they get the keys that feet need to stay, and no others do."""

    def costs(self) -> np.ndarray:
        """Costs (B, T, L) of all bones' stretches, in squared pixels."""
        if self._costs is None:
            found = []
            for name in self.names:
                values = self.dense[name]
                found.append(key_frames.stretches(values, self.weights[name], key_frames.slopes_of(values)))
                self.tell(0)
            self._costs = np.stack(found)
        return self._costs

    def sparse(self, tolerance: float) -> Fit:
        """The fewest keys with a typical error within `tolerance`, in the unit of the joints; each bone by itself."""
        must = np.zeros((len(self.names), self.count), bool)
        cheap = np.ones(must.shape)
        still = {name: self._seen_still(name, tolerance) for name in self.names}
        for i, name in enumerate(self.names):
            cheap[i, moments.turning(self.pace[name], self.hits)] = ON_BEAT
            for start, end in runs(still[name]):
                must[i, [start, end - 1]] = True
        sure = must | (cheap < 1) | np.stack([still[name] for name in self.names])

        def at_price(price: float, ease: np.ndarray) -> Fit:
            dear = price * cheap * self.width[:, None]
            for i, foot in self.legs.items():
                dear[i] *= ease[:, foot]
            at = dict(zip(self.names, key_frames.cheapest(self.costs(), dear, must), strict=True))
            for i, name in enumerate(self.names):
                own = self.dense[name], self.weights[name], at[name], sure[i], still[name], dear[i], must[i]
                at[name] = thinned(*own)
            exact = {name: sure[i, at[name]] for i, name in enumerate(self.names)}
            return self._fitted(at, exact, still)

        return self._cheapest_within(at_price, tolerance)

    def _seen_still(self, name: str, tolerance: float) -> np.ndarray:
        """(T,) bool: where a track is held between moves that are visible at this tolerance."""
        still = self.still[name].copy()
        moved, stands = self.dense[name] * self.weights[name].max(0), self._stands(name)
        for start, end in runs(still):
            around = moved[max(start - USUAL, 0) : end + USUAL]
            if np.ptp(around, axis=0).max() < tolerance / self.pixel and not stands[start:end].any():
                still[start:end] = False
        return still

    def poses(self, tolerance: float) -> Fit:
        """Whole poses on beats and extremes, plus breakdowns until the typical error is within `tolerance`."""
        cost, dear, must = self._whole()
        must = must | self.moments()[0]

        def at_price(price: float, ease: np.ndarray) -> Fit:
            at = key_frames.cheapest(cost, price * dear, must)[0]
            return self._posed(at, self._breakdowns(at, price, ease))

        return self._cheapest_within(at_price, tolerance)

    def budget(self, keys: int) -> Fit:
        """A given number of whole poses, on beats and extremes where possible; legs get breakdowns so feet stay."""
        cost, dear, _must = self._whole()
        usual = cost[0, :, USUAL][np.isfinite(cost[0, :, USUAL])]
        extra = (dear[0] / dear[0].min() - 1) * (np.median(usual) if len(usual) else 0.0)
        at = key_frames.with_count(cost[0], STRAY * extra, keys)
        found = self._posed(at)
        price = int(np.searchsorted(PRICES, GUESS * (found.typical / self.pixel) ** 2))
        return self._firm(
            lambda price, ease: self._posed(at, self._breakdowns(at, price, ease)), price, found, np.inf
        )

    def fixed(self, at: np.ndarray) -> Fit:
        """All tracks keyed at the same positions, on the dance's own poses; legs also where feet would slip."""
        own, found = dict.fromkeys(self.names, at), None
        for _ in range(TRIES):
            exact = {name: np.isin(keys, at) for name, keys in own.items()}
            found = self._fitted(own, exact, {})
            self.tell(found.count)
            if self.footing is None or found.firm:
                break
            slips = self.footing.slipping(self._off(found.keys) + self.wanted, self.wanted)
            for i, foot in self.legs.items():
                own[self.names[i]] = np.union1d(own[self.names[i]], np.flatnonzero(slips[:, foot]))
        assert found is not None
        return found

    def _breakdowns(self, at: np.ndarray, price: float, ease: np.ndarray) -> dict[str, np.ndarray]:
        """Where the legs alone have keys between whole poses at some positions; nothing if no foot slips."""
        if not (ease < 1).any():
            return {}
        own = list(self.legs)
        each = np.zeros((len(own), self.count), bool)
        each[:, at] = True
        each |= np.stack([self._stands(self.names[i]) for i in own])
        dears = price * OFF_BEAT * ease[:, [*self.legs.values()]].T * self.width[own, None]
        found = key_frames.cheapest(self.costs()[own], dears, each)
        return {self.names[i]: frames for i, frames in zip(own, found, strict=True)}

    def _stands(self, track: str) -> np.ndarray:
        """(T,) bool: where a foot's target comes to rest and leaves."""
        ends = np.zeros(self.count, bool)
        stands = self.footing.stands(track) if self.footing else None
        for start, end in runs(stands) if stands is not None else ():
            ends[[start, end - 1]] = True
        return ends

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """(T,) bool: beats and extremes of the whole figure, and where all of it is held."""
        pace = np.sqrt(sum(p**2 for p in self.pace.values()))
        wanted = np.zeros(self.count, bool)
        wanted[self.hits] = True
        for extreme in moments.extremes(pace):
            if not wanted[max(extreme - 2, 0) : extreme + 3].any():
                wanted[extreme] = True
        return wanted, np.all([self.still[name] for name in self.names], axis=0)

    def _whole(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Costs (1, T, L) of whole poses, their prices (1, T), and frames that must have a key (1, T)."""
        wanted, held = self.moments()
        must = np.zeros(self.count, bool)
        for start, end in runs(held):
            must[[start, end - 1]] = True
        dear = np.where(wanted | must, 1.0, OFF_BEAT) * self.width.sum()
        return self.costs().sum(0, keepdims=True), dear[None], must[None]

    def _posed(self, at: np.ndarray, more: dict[str, np.ndarray] | None = None) -> Fit:
        """The fit of whole poses; `more` has the positions of bones with further keys in between."""
        wanted, held = self.moments()
        by_bone = {name: (more or {}).get(name, at) for name in self.names}
        exact = {name: np.isin(own, at) | self.still[name][own] for name, own in by_bone.items()}
        found = self._fitted(by_bone, exact, self.still)
        every_at = np.unique(np.concatenate(list(by_bone.values())))
        kinds = {int(t): HELD if held[t] else REST if wanted[t] else BREAKDOWN for t in every_at}
        kinds[int(at[0])] = kinds[int(at[-1])] = REST
        return replace(found, kinds=kinds)

    def _cheapest_within(self, at_price: Callable[[float, np.ndarray], Fit], tolerance: float) -> Fit:
        """The fit at the highest price with errors within the tolerance: a higher price never takes more keys.

        Where feet would slip, leg keys become cheap enough for the feet to stay.
        """
        usual = np.ones((self.count, 2))
        tried: dict[int, Fit] = {}

        def within(price: int) -> bool:
            if price not in tried:
                tried[price] = at_price(float(PRICES[price]), usual)
                self.tell(tried[price].count)
            return tried[price].typical <= tolerance

        low, high = 0, len(PRICES)
        guess = int(np.searchsorted(PRICES, GUESS * (tolerance / self.pixel) ** 2))
        while high - low > 1:
            middle = min(max(guess, low + 1), high - 1) if len(tried) < GUESSES else (low + high) // 2
            low, high = (middle, high) if within(middle) else (low, middle)
            # The error grows about as the square root of the price.
            ratio = tolerance / max(tried[middle].typical, 1e-3 * tolerance)
            guess = middle + round(2 * np.log(ratio) / np.log(PRICES[1] / PRICES[0]))
        if within(low):
            best = min((fit for fit in tried.values() if fit.typical <= tolerance), key=lambda fit: fit.count)
            best = best if best.firm else self._firm(at_price, low, tried[low], tolerance)
            if best.typical <= tolerance:
                return best
        positions = np.arange(self.count)
        sure = np.ones(self.count, bool)
        return self._fitted(dict.fromkeys(self.names, positions), dict.fromkeys(self.names, sure), {})

    def _firm(
        self, at_price: Callable[[float, np.ndarray], Fit], price: int, fit: Fit, tolerance: float
    ) -> Fit:
        """The fit with enough additional leg keys that feet do not slip; other keys then cost more."""
        ease = np.ones((self.count, 2))
        for _ in range(TRIES):
            if self.footing is None or fit.firm:
                break
            slips = self.footing.slipping(self._off(fit.keys) + self.wanted, self.wanted)
            if fit.sunk is not None:
                slips |= fit.sunk
            near = np.stack([np.convolve(foot, np.ones(AROUND), "same") > 0 for foot in slips.T], 1)
            ease = np.where(near, EASIER * ease, ease)
            fit = at_price(float(PRICES[price]), ease)
            self.tell(fit.count)
        for step in (8, 4, 2):
            if price + step < len(PRICES):
                dearer = at_price(float(PRICES[price + step]), ease)
                if dearer.firm and dearer.typical <= tolerance and dearer.count <= fit.count:
                    price, fit = price + step, dearer
        while fit.typical > tolerance and price > 0:
            price = max(price - 2, 0)
            fit = at_price(float(PRICES[price]), ease)
        return fit

    def _fitted(self, at: dict, exact: dict, still: dict) -> Fit:
        keys, free, sloped = {}, {}, {}
        for name in self.names:
            flat = still[name][at[name]] if name in still else np.zeros(len(at[name]), bool)
            keys[name] = fit(self.dense[name], self.weights[name], at[name], exact[name], flat)
            free[name], sloped[name] = ~exact[name], ~flat
        keys, off = self._together(keys, free, sloped)
        firm, sunk = True, None
        if self.footing is not None:
            sunk = SINKS * self.footing.height < self.footing.below(off + self.wanted).T
            keys = self.footing.raised(keys, off + self.wanted, self.effects)
            off = self._off(keys)
            firm = self.footing.stay(off + self.wanted, self.slips)
        missed = np.linalg.norm(off[self.seen], axis=-1)
        typical = float(np.sqrt((missed**2).mean()))
        return Fit(keys, float(missed.max(initial=0)), typical, firm=firm, sunk=sunk)

    def _together(self, keys: dict[str, BoneKeys], free: dict, sloped: dict) -> tuple[dict, np.ndarray]:
        """The keys made to miss less together; and how far joints are off then, (J, T, D)."""
        scale, off = self.extra[..., None], self._off(keys)
        least = float(((off * scale) ** 2).sum())
        for _ in range(STEPS):
            effects, more = self._steady
            step, before = refined(keys, free, sloped, np.concatenate([off * scale, more]), effects), least
            for share in (1.0, 0.5, 0.25):
                tried = step(share)
                moved = self._off(tried)
                missed = float(((moved * scale) ** 2).sum())
                if missed < least:
                    keys, off, least = tried, moved, missed
                    break
            if least > 0.97 * before:
                break
        return keys, off

    def _off(self, keys: dict[str, BoneKeys]) -> np.ndarray:
        return self.forward({name: evaluate(keys[name], self.count) for name in self.names}) - self.wanted
