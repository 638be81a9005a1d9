"""Tempose: 2D characters that dance to music.

The data's way through the package: audio → `music` → `tempo` → `pose` → `representation` → `vae` → `dit`
→ `pipeline` → `stitch` → `Dance`. Importing this module stays light: torch is loaded by the model alone.
"""

__version__ = "0.3.0"
