"""MERT and CLAP as music encoders, by transformers, from folders that lie on this machine; nothing is downloaded.

`TEMPOSE_ENCODERS/mert` and `TEMPOSE_ENCODERS/clap` (without that variable: in Tempose's data folder, under
``encoders``) hold config.json and model.safetensors as transformers saves them. Mind the licences: MERT's published
weights are not for commercial use.
"""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
import torch.nn.functional as F
from torch import Tensor

from tempose.feature_spec import FeatureSpec
from tempose.music.spectra import FPS
from tempose_pose.errors import TemposeError

EDGE = 1.0  # seconds at either end of a window of MERT's that hear too little


def encoder_folder(name: str) -> Path:
    """Where the model of a name lies, whole.

    Raises
    ------
    TemposeError
        `encoder_missing`: transformers is not installed, or the folder lacks files.
    """
    if not _installed():
        raise TemposeError("encoder_missing", f"{name} needs transformers: pip install 'tempose[encoders]'.")
    root = os.environ.get("TEMPOSE_ENCODERS") or platformdirs.user_data_path("tempose") / "encoders"
    folder = Path(root) / name
    for file in ("config.json", "model.safetensors"):
        if not (folder / file).is_file():
            raise TemposeError(
                "encoder_missing",
                f"There is no {file} in {folder}: put the model there, as transformers saves it, or set "
                "TEMPOSE_ENCODERS to the folder that holds it.",
            )
    return folder


def _installed() -> bool:
    try:
        return importlib.util.find_spec("transformers") is not None
    except ValueError:  # a module that is there in name alone
        return False


class Mert:
    """Li et al., "MERT: Acoustic Music Understanding Model with Large-Scale Self-supervised Training" (ICLR 2024,
    arXiv 2306.00107): the mean of all layers of its HuBERT, each frame standardised."""

    name = "mert"
    rate, hop, first = 24_000, 320, 200  # samples a second, to a frame, and to the middle of the first one
    window = 10.0  # seconds

    def __init__(self):
        folder = encoder_folder(self.name)
        from transformers import HubertConfig, HubertModel  # pyright: ignore[reportMissingImports] -- optional

        given = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if given.get("feature_extractor_cqt") or given.get("deepnorm"):
            raise TemposeError(
                "encoder_kind", f"The model in {folder} is not one of MERT's that is a HuBERT."
            )
        config = HubertConfig(**{k: v for k, v in given.items() if k not in ("auto_map", "model_type")})
        self.model = HubertModel.from_pretrained(folder, config=config, use_safetensors=True).eval()
        self.spec = FeatureSpec(((self.name, int(config.hidden_size)),))

    @torch.inference_mode()
    def features(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """(F, hidden size) float32."""
        heard = _resampled(samples, rate, self.rate)
        step = round((self.window - 2 * EDGE) * self.rate) // self.hop * self.hop
        edge = round(EDGE * self.rate) // self.hop * self.hop
        padded = np.pad(heard, (edge, 2 * edge + step))
        parts = []
        for start in range(0, len(heard) + 1, step):
            part = torch.from_numpy(padded[start : start + step + 2 * edge])[None]
            part = (part - part.mean()) / (part.var() + 1e-7).sqrt()
            layers = self.model(part, output_hidden_states=True).hidden_states
            mean = torch.stack(layers).mean(0)[0]  # (J, D)
            parts.append(mean[edge // self.hop :][: step // self.hop])
        frames = _standardised(torch.cat(parts))
        times = (self.first + self.hop * np.arange(len(frames))) / self.rate
        return _at_pose_rate(frames, times, len(samples) / rate)


class Clap:
    """Wu et al., "Large-Scale Contrastive Language-Audio Pretraining" (ICASSP 2023, arXiv 2211.06687): what each ten
    seconds are like, once a second, standardised."""

    name = "clap"
    rate = 48_000
    window = 10.0  # seconds

    def __init__(self):
        folder = encoder_folder(self.name)
        from transformers import (  # pyright: ignore[reportMissingImports] -- optional
            ClapFeatureExtractor,
            ClapModel,
        )

        self.model = ClapModel.from_pretrained(folder, use_safetensors=True).eval()
        size = int(self.model.config.audio_config.num_mel_bins)
        self.spectrum = ClapFeatureExtractor(feature_size=size, truncation="rand_trunc", padding="pad")
        self.spec = FeatureSpec(((self.name, int(self.model.config.projection_dim)),))

    @torch.inference_mode()
    def features(self, samples: np.ndarray, rate: int) -> np.ndarray:
        """(F, projection size) float32."""
        heard = _resampled(samples, rate, self.rate)
        half = round(self.window / 2 * self.rate)
        padded = np.pad(heard, half)
        seconds = np.arange(1 + len(heard) // self.rate)
        found = []
        for second in seconds:
            part = padded[second * self.rate :][: 2 * half]
            given: Any = self.spectrum(part, sampling_rate=self.rate, return_tensors="pt")
            out = self.model.get_audio_features(input_features=given["input_features"])
            found.append(getattr(out, "pooler_output", out)[0])
        return _at_pose_rate(_standardised(torch.stack(found)), seconds.astype(float), len(samples) / rate)


def _resampled(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    import librosa

    return librosa.resample(np.asarray(samples, np.float32), orig_sr=rate, target_sr=wanted)


def _standardised(frames: Tensor) -> np.ndarray:
    """(J, D) each of mean 0 and deviation 1."""
    return F.layer_norm(frames.float(), frames.shape[-1:]).numpy()


def _at_pose_rate(frames: np.ndarray, times: np.ndarray, seconds: float) -> np.ndarray:
    """Frames (J, D) at seconds (J,) → (F, D) float32 at pose rate, in between by straight lines."""
    wanted = np.arange(1 + int(seconds * FPS)) / FPS
    place = np.interp(wanted, times, np.arange(len(frames)))
    low = place.astype(int)
    share = (place - low)[:, None]
    return ((1 - share) * frames[low] + share * frames[np.minimum(low + 1, len(frames) - 1)]).astype(
        np.float32
    )
