"""Sampled instruments: drum kits, pitched notes and one-shots, decoded once and kept in memory."""

from __future__ import annotations

import json
import os
from functools import cached_property
from pathlib import Path

import numpy as np

from tempose.music.spectra import SAMPLE_RATE
from tempose_pose.errors import TemposeError

DRUM_SECONDS = 1.6  # cymbals are faded out by then
ATTACK_SHARE = 0.2  # a sample is heard to begin where it first reaches this share of its early peak
PREROLL = 32  # samples kept before that, so that the attack stays whole

# Notes of an electronic drum set (Roland TD) that General MIDI kits name otherwise.
TO_GENERAL_MIDI = {22: 42, 26: 46, 58: 43}
ROLES = {
    35: "kick", 36: "kick", 37: "rim", 38: "snare", 39: "clap", 40: "snare", 42: "hat", 44: "hat", 46: "open",
    41: "tom_lo", 43: "tom_lo", 45: "tom_mid", 47: "tom_mid", 48: "tom_hi", 50: "tom_hi",
    49: "crash", 52: "crash", 55: "crash", 57: "crash", 51: "ride", 53: "ride", 59: "ride",
    54: "perc", 56: "perc", 69: "perc", 70: "perc", 75: "perc",
}  # fmt: skip
ONESHOTS = {
    "kick": (
        "bd_haus",
        "bd_808",
        "bd_fat",
        "bd_tek",
        "bd_klub",
        "bd_zum",
        "bd_gas",
        "bd_boom",
        "bd_pure",
        "bd_sone",
        "bd_ada",
        "drum_heavy_kick",
        "drum_bass_hard",
        "elec_soft_kick",
        "elec_hollow_kick",
    ),
    "snare": (
        "sn_dub",
        "sn_dolf",
        "sn_zome",
        "sn_generic",
        "drum_snare_hard",
        "drum_snare_soft",
        "elec_snare",
        "elec_hi_snare",
        "elec_mid_snare",
        "elec_lo_snare",
        "elec_filt_snare",
    ),
    "clap": ("perc_snap", "perc_snap2", "elec_snare", "sn_dolf"),
    "rim": ("elec_wood", "elec_tick", "perc_snap", "elec_blip2"),
    "hat": (
        "hat_tap",
        "hat_snap",
        "hat_gem",
        "hat_zild",
        "hat_cats",
        "hat_metal",
        "hat_star",
        "hat_gnu",
        "hat_len",
        "hat_hier",
        "hat_raw",
        "hat_noiz",
        "drum_cymbal_closed",
        "drum_cymbal_pedal",
    ),
    "open": ("drum_cymbal_open", "elec_cymbal", "hat_psych"),
    "tom_lo": ("drum_tom_lo_hard", "drum_tom_lo_soft", "elec_fuzz_tom"),
    "tom_mid": ("drum_tom_mid_hard", "drum_tom_mid_soft", "elec_fuzz_tom"),
    "tom_hi": ("drum_tom_hi_hard", "drum_tom_hi_soft", "elec_bong"),
    "crash": ("drum_splash_hard", "drum_splash_soft", "drum_cymbal_hard"),
    "ride": ("drum_cymbal_soft", "elec_bell", "hat_cab"),
    "perc": ("drum_cowbell", "elec_wood", "tabla_na", "tabla_tun1", "elec_twip", "elec_blip"),
}
FLUID_KITS = (0, 8, 16, 24, 25)  # standard, room, power, electronic, analogue


class SampleLibrary:
    """Instruments in a folder with `fluidr3/`, `oneshots/` and `gmd/`; everything is read when first used.

    Parameters
    ----------
    root : path

    Raises
    ------
    TemposeError
        When the folder does not hold the instruments.
    """

    def __init__(self, root: str | os.PathLike):
        self.root = Path(root)
        if not (self.root / "fluidr3" / "zones.json").is_file():
            raise TemposeError(
                "data_missing", f"{self.root} holds no fluidr3/zones.json: name the data folder."
            )
        self._cache: dict[tuple, np.ndarray] = {}
        self._notes: dict[tuple, np.ndarray] = {}

    @cached_property
    def zones(self) -> dict[str, list[dict]]:
        return json.loads((self.root / "fluidr3" / "zones.json").read_text())

    @cached_property
    def takes(self):
        """The human drum takes; see `gmd.load_takes`."""
        from tempose.datasets.gmd import load_takes

        return load_takes(self.root / "gmd")

    @cached_property
    def programs(self) -> tuple[int, ...]:
        """General MIDI programs there are."""
        return tuple(int(key) // 10 for key in self.zones if "_" not in key)

    def drum(self, kit: int | str, note: int) -> np.ndarray:
        """(N,) float32, one hit that begins at its first sample; empty where the kit has no such drum.

        Parameters
        ----------
        kit : int or str
            One of `FLUID_KITS`; a text makes a kit of one-shots, a different one for each text.
        note : int
            MIDI drum note.
        """
        note = TO_GENERAL_MIDI.get(note, note)
        key = ("drum", kit, note)
        if key not in self._cache:
            self._cache[key] = self._drum(kit, note)
        return self._cache[key]

    def note(self, program: int, pitch: int, seconds: float) -> np.ndarray:
        """(N,) float32, one note held for `seconds` and then let go; empty where it cannot be had."""
        seconds = max(0.04, round(seconds * 20) / 20)  # lengths on a coarse grid are found in the cache again
        key = (program, pitch, seconds)
        if key not in self._notes:
            if len(self._notes) > 600:  # some 30 MB
                self._notes.clear()
            self._notes[key] = self._note(program, pitch, seconds)
        return self._notes[key]

    def _drum(self, kit: int | str, note: int) -> np.ndarray:
        if isinstance(kit, str):
            names = ONESHOTS.get(ROLES.get(note, "perc"), ())
            choice = sum((i + 1) * ord(c) for i, c in enumerate(kit)) * 7919 + note * 31
            samples = self._decoded(self.root / "oneshots" / f"{names[choice % len(names)]}.flac")[0]
        else:
            zones = self.zones.get(f"128{note}_{kit}") or self.zones.get(f"128{note}_0") or []
            samples = self._decoded(self.root / "fluidr3" / zones[0]["sample"])[0] if zones else np.zeros(0)
        return _faded(samples[: int(DRUM_SECONDS * SAMPLE_RATE)], 0.3)

    def _note(self, program: int, pitch: int, seconds: float) -> np.ndarray:
        zones = self.zones.get(f"{program * 10:04d}") or []
        zones = [z for z in zones if z["keyRangeLow"] <= pitch <= z["keyRangeHigh"]] or zones
        for zone in zones:
            samples, trimmed = self._decoded(self.root / "fluidr3" / zone["sample"])
            if not len(samples):
                continue  # a few zones do not decode
            root = zone["originalPitch"] - 100 * zone["coarseTune"] - zone["fineTune"]
            ratio = 2 ** ((100 * pitch - root) / 1200)
            scale = SAMPLE_RATE / zone["sampleRate"]
            loop = (zone["loopStart"] * scale - trimmed, zone["loopEnd"] * scale - trimmed)
            release = 0.08
            positions = np.arange(int((seconds + release) * SAMPLE_RATE)) * ratio
            if 1 < loop[0] + 16 < loop[1] < len(samples):
                over = positions > loop[1]
                positions[over] = loop[0] + np.mod(positions[over] - loop[0], loop[1] - loop[0])
            else:
                positions = positions[positions < len(samples) - 1]
            note = np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)
            return _faded(note, release)
        return np.zeros(0, np.float32)

    def _decoded(self, path: Path) -> tuple[np.ndarray, float]:
        """Mono samples at `SAMPLE_RATE` from the attack on, and how many were cut off before it."""
        import librosa
        import soundfile

        key = ("file", path)
        if key not in self._cache:
            try:
                samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
            except (soundfile.LibsndfileError, RuntimeError):
                samples, rate = np.zeros((0, 1), np.float32), SAMPLE_RATE
            mono = samples.mean(1)
            if len(mono) and rate != SAMPLE_RATE:
                mono = librosa.resample(mono, orig_sr=rate, target_sr=SAMPLE_RATE)
            start = 0
            if len(mono):
                loud = np.abs(mono[: SAMPLE_RATE // 3])
                start = max(0, int(np.argmax(loud >= ATTACK_SHARE * loud.max())) - PREROLL)
            self._cache[key] = mono[start : start + 6 * SAMPLE_RATE]
            self._cache[(*key, "trimmed")] = np.array(start)
        return self._cache[key], float(self._cache[(*key, "trimmed")])


def _faded(samples: np.ndarray, seconds: float) -> np.ndarray:
    """A copy whose end goes to zero within `seconds`."""
    samples = np.array(samples, np.float32)
    n = min(len(samples), int(seconds * SAMPLE_RATE))
    if n:
        samples[-n:] *= np.linspace(1, 0, n, dtype=np.float32)
    return samples
