"""Representations: notes to tensors and back, one file each."""

from __future__ import annotations

from musicae.music.representations.hearing import Hearing
from musicae.music.representations.melody import Melody

__all__ = ["Hearing", "Melody"]
