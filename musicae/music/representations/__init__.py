"""Representations: songs to windows of small integers and back, one file each."""

from __future__ import annotations

from musicae.music.representations.base import Representation
from musicae.music.representations.drums import Drums
from musicae.music.representations.excerpt import Excerpt
from musicae.music.representations.groove import Groove
from musicae.music.representations.melody import Melody
from musicae.music.representations.multitrack import Multitrack
from musicae.music.representations.one_part import OnePart, Pitched
from musicae.music.representations.pianoroll import Pianoroll
from musicae.music.representations.trio import Trio

REPRESENTATIONS = (Melody, Pianoroll, Drums, Groove, Trio, Multitrack)

__all__ = [
    "REPRESENTATIONS",
    "Drums",
    "Excerpt",
    "Groove",
    "Melody",
    "Multitrack",
    "OnePart",
    "Pianoroll",
    "Pitched",
    "Representation",
    "Trio",
]
