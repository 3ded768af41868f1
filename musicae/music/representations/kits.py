"""Kits: which MIDI keys are one drum. Every key from 0 to 127 has its place in every kit.

The keys of each drum and the order of the drums are those of MusicVAE and GrooVAE (magenta, drum_encoder_decoder and
music_vae.configs). What those kits do not name goes by its name in General MIDI 2 (27 to 87), or, below and above, in
the sets of Roland and Yamaha: see `SOUNDS_LIKE`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from musicae.errors import ConfigError

NINE = ("kick", "snare", "closed hi-hat", "open hi-hat", "low tom", "mid tom", "high tom", "crash", "ride")
KICK, SNARE, CLOSED_HAT, OPEN_HAT, LOW_TOM, MID_TOM, HIGH_TOM, CRASH, RIDE = range(9)

_NEW = (
    (36, 35),
    (38, 27, 28, 31, 32, 33, 34, 37, 39, 40, 56, 65, 66, 75, 85),
    (42, 44, 54, 68, 69, 70, 71, 73, 78, 80, 22),
    (46, 67, 72, 74, 79, 81, 26),
    (45, 29, 41, 43, 61, 64, 84),
    (48, 47, 60, 63, 77, 86, 87),
    (50, 30, 62, 76, 83),
    (49, 52, 55, 57, 58),
    (51, 53, 59, 82),
)
_FULL = (
    *(36, 35, 38, 27, 28, 31, 32, 33, 34, 37, 39, 40, 56, 65, 66, 75, 85, 42, 44, 54, 68, 69, 70, 71, 73, 78, 80),
    *(46, 67, 72, 74, 79, 81, 45, 29, 41, 61, 64, 84, 48, 47, 60, 63, 77, 86, 87, 50, 30, 43, 62, 76, 83, 49, 55),
    *(57, 58, 51, 52, 53, 59, 82),
)
_ROLAND = ((36,), (38, 37, 40), (42, 22, 44), (46, 26), (43, 58), (47, 45), (50, 48), (49, 52, 55, 57), (51, 53, 59))

# Keys outside General MIDI 2 and the key in it that they sound like. 13 to 24 are named by Yamaha's XG (mute and open
# surdo, high Q, whip slap, scratches, finger snap, click noise, metronome click and bell, sequencer clicks), 22 and 26
# are the edge of the hi-hat on Roland's V-Drums, closed and open, and 25 is Roland's snare roll. Nobody names the keys
# further out: those at the bottom become the bass drum, those at the top the surdo beside them.
SOUNDS_LIKE = {
    **dict.fromkeys(range(13), 35),
    **dict(enumerate((86, 87, 27, 28, 29, 30, 39, 32, 33, 42, 33, 33, 38, 46), 13)),
    **dict.fromkeys(range(88, 128), 87),
}


@dataclass(frozen=True)
class Kit:
    """Drums, and the MIDI keys that each is played by.

    Args:
        pitches: the keys of each drum; a drum that is written is the first of them.
    """

    pitches: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        """How many drums there are."""
        return len(self.pitches)

    @cached_property
    def written(self) -> np.ndarray:
        """The key that each drum is written as, int64 [drums]."""
        return _constant(np.array([keys[0] for keys in self.pitches]))

    @cached_property
    def known(self) -> np.ndarray:
        """The drum of every key, int64 [128]; -1 for a key that the kit does not have."""
        table = np.full(128, -1)
        for drum, keys in enumerate(self.pitches):
            table[list(keys)] = drum
        return _constant(table)

    @cached_property
    def nearest(self) -> np.ndarray:
        """The drum of every key, int64 [128]: of one that the kit does not have, the drum that sounds most like it.

        That is the one that has the key which it sounds like (`SOUNDS_LIKE`), and in a small kit like Roland's, where
        not even that is there, the one of the same name in the map of nine drums.
        """
        like = np.array([SOUNDS_LIKE.get(key, key) for key in range(128)])
        table = self.known
        table = np.where(table < 0, table[like], table)
        return _constant(np.where(table < 0, KITS["new"].known[like], table))


def _constant(table: np.ndarray) -> np.ndarray:
    """A table that nobody can change."""
    table.setflags(write=False)
    return table


def _moved(key: int, drum: int | None, pitches=_NEW) -> tuple[tuple[int, ...], ...]:
    """Keys of drums with one key at another drum, last of its keys; None for nowhere."""
    return tuple((*(k for k in keys if k != key), *([key] if i == drum else [])) for i, keys in enumerate(pitches))


_OLD = _moved(26, None, _moved(22, None, _moved(52, RIDE, _moved(43, HIGH_TOM))))
KITS = {"new": Kit(_NEW), "old": Kit(_OLD), "full": Kit(tuple((key,) for key in _FULL)), "roland": Kit(_ROLAND)}


def kit(name: str, kits: Mapping[str, Kit]) -> Kit:
    """A kit by its name.

    Raises:
        ConfigError: it is not among these.
    """
    if name not in kits:
        raise ConfigError.unknown("kit", name, kits)
    return kits[name]
