"""Representations: songs to windows of small integers and back, one file each."""

from __future__ import annotations

from musicae.music.representations.base import Hearing, Representation
from musicae.music.representations.melody import Melody
from musicae.music.representations.pianoroll import Pianoroll

REPRESENTATIONS = (Melody, Pianoroll)

__all__ = ["REPRESENTATIONS", "Hearing", "Melody", "Pianoroll", "Representation"]
