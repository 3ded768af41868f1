"""Every named model: what it reads, its networks, its objective, its training. Numbers only: no torch is loaded."""

from __future__ import annotations

from musicae.presets.music import MUSIC
from musicae.presets.musicvae import MUSICVAE
from musicae.presets.pictures import PICTURES
from musicae.presets.preset import KINDS, Preset, cosine, training

FAMILIES = {"Our own, of music": MUSIC, "MusicVAE (docs/musicvae.md)": MUSICVAE, "Pictures": PICTURES}
PRESETS = {preset.name: preset for family in FAMILIES.values() for preset in family}

__all__ = ["FAMILIES", "KINDS", "PRESETS", "Preset", "cosine", "training"]
