"""Every named model: what it reads, its networks, its objective, its training. Numbers only: no torch is loaded."""

from __future__ import annotations

from musicae.presets.music import MUSIC
from musicae.presets.musicvae import MUSICVAE
from musicae.presets.pictures import PICTURES
from musicae.presets.preset import KINDS, Preset, cosine, training

PRESETS = {preset.name: preset for preset in (*MUSIC, *MUSICVAE, *PICTURES)}

__all__ = ["KINDS", "PRESETS", "Preset", "cosine", "training"]
