"""A representation that kills its process, in a module that a process imports fast."""

from __future__ import annotations

import os

from musicae.music.representations import Melody


class Deadly(Melody):
    """A melody that kills the process which reads a certain note."""

    def extract(self, song, track=None, bars=None):
        if song.tracks[0].notes["velocity"][0] == 1:
            os._exit(1)
        return super().extract(song, track, bars)
