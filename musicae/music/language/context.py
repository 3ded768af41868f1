"""What a step of a melody depends on: its place in the bar, what came before, and what earlier bars have in its place.

Music repeats by bars, of any metre. So besides the step before it each step has those at the same place of the bars
one, two, four and eight earlier; a network that reads them can repeat a bar, or answer it, without finding it first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from musicae.music.representations.tokens import FIRST_NOTE, HOLD, OFF

LAGS = (1, 2, 4, 8)  # bars
LONGEST = 32  # steps: what is longer (a bar, a note) counts as this
SPAN = 16  # bars that a profile describes
PLACES = 16  # of a bar, in the profile
PROFILE = 12 + PLACES + 10  # its size
REPEATED = 12 + PLACES + 5  # where in it the share of repeated notes is
STEPS = 4  # to a quarter
LEAP = 7  # semitones: wider intervals are leaps
MIDDLE_C = 60
FEATURES = 5 + len(LAGS)  # of a step: see `Bars.features`


@dataclass(frozen=True, eq=False)
class Bars:
    """The bars of a passage.

    Args:
        lines: the steps of its bar lines from 0 on, the last one ends it: int64 `[bars + 1]`.
    """

    lines: np.ndarray

    @property
    def steps(self) -> int:
        """Its length."""
        return int(self.lines[-1])

    @cached_property
    def of_step(self) -> np.ndarray:
        """The number of the bar that each step is in, `[steps]`."""
        return np.repeat(np.arange(len(self.lines) - 1), np.diff(self.lines))

    @cached_property
    def place(self) -> np.ndarray:
        """How many steps after its bar line each step is, `[steps]`."""
        return np.arange(self.steps) - self.lines[self.of_step]

    @cached_property
    def length(self) -> np.ndarray:
        """The steps of the bar that each step is in, `[steps]`."""
        return np.diff(self.lines)[self.of_step]

    @cached_property
    def earlier(self) -> np.ndarray:
        """The step at the same place of the bars `LAGS` earlier, -1 where there is none: `[steps, lags]`."""
        bar = self.of_step[:, None] - np.array(LAGS)
        step = self.lines[np.maximum(bar, 0)] + self.place[:, None]
        return np.where((bar >= 0) & (step < self.lines[np.maximum(bar, 0) + 1]), step, -1)

    def features(self, tokens: np.ndarray, last: np.ndarray, steps: slice, none: int) -> np.ndarray:
        """What some steps depend on, as numbers of rows of tables: int64 `[batch, some, FEATURES]`.

        The token before; the note that sounds there, or `OFF`, and for how many steps it has; the tokens of earlier
        bars; the place in the bar, and the bar's length.

        Args:
            tokens: `[batch, steps]`, of which those before each of these steps are read.
            last: the latest step before each of these at which something begins or ends, -1 for none, `[batch, some]`.
            steps: which.
            none: stands for a token that is not there.
        """
        rows = np.arange(len(tokens))[:, None]
        now, earlier = np.arange(self.steps)[steps], self.earlier[steps]
        before = np.where(now > 0, tokens[:, now - 1], none)
        sounds = np.where(last >= 0, tokens[rows, last], OFF)
        age = np.minimum(np.where(last >= 0, now - last, now), LONGEST - 1)
        there = np.where(earlier >= 0, tokens[:, np.maximum(earlier, 0)], none)
        place, length = np.minimum(self.place[steps], LONGEST - 1), np.minimum(self.length[steps], LONGEST)
        alone = [np.broadcast_to(one, before.shape) for one in (before, sounds, age, place, length)]
        return np.concatenate([np.stack(alone, -1), there], -1).astype(np.int64)


def latest(tokens: np.ndarray) -> np.ndarray:
    """The latest step before each at which something begins or ends, -1 for none: `[..., steps]`."""
    events = np.where(tokens != HOLD, np.arange(tokens.shape[-1]), -1)
    found = np.maximum.accumulate(events, -1)
    return np.concatenate([np.full_like(found[..., :1], -1), found[..., :-1]], -1)


def profiles(tokens: np.ndarray, bars: Bars, lowest_pitch: int) -> np.ndarray:
    """What each sixteen bars of a melody are like, for each of their steps: float32 `[steps, PROFILE]`.

    The shares of its twelve pitch classes; how often a note begins in each sixteenth of a bar; mean and spread of the
    pitch; the mean interval; notes and rests a quarter; the shares of repeated notes, of leaps and of steps among the
    intervals; of the bars, the shares whose rhythm, and whose notes, are those of an earlier one. Scaled to about 1.

    Args:
        tokens: of the melody, `[steps]`.
        bars: its bars.
        lowest_pitch: of the representation.
    """
    found = np.zeros((bars.steps, PROFILE), np.float32)
    for first in range(0, len(bars.lines) - 1, SPAN):
        lines = bars.lines[first : first + SPAN + 1]
        part = slice(lines[0], lines[-1])
        found[part] = _profile(tokens[part], bars.place[part], bars.length[part], lowest_pitch)
    return found


def _profile(tokens: np.ndarray, place: np.ndarray, length: np.ndarray, lowest_pitch: int) -> np.ndarray:
    """Of the steps of some bars, float32 `[PROFILE]`."""
    begins = tokens >= FIRST_NOTE
    pitch = tokens[begins].astype(np.int64) - FIRST_NOTE + lowest_pitch
    wide = np.abs(np.diff(pitch)) if len(pitch) > 1 else np.zeros(1)
    sixteenth = np.minimum(place[begins] * PLACES // length[begins], PLACES - 1)
    lines = np.flatnonzero(place == 0)
    numbers = [
        (pitch.mean() - MIDDLE_C) / 12 if len(pitch) else 0,
        pitch.std() / 6 if len(pitch) else 0,
        wide.mean() / 4 if len(pitch) > 1 else 0,
        STEPS * begins.mean(),
        8 * (tokens == OFF).mean(),
        3 * (wide == 0).mean(),
        5 * (wide > LEAP).mean(),
        2 * ((wide == 1) | (wide == 2)).mean(),
        *_repeated(np.split(tokens, lines[1:])),
    ]
    classes = 3 * np.bincount(pitch % 12, minlength=12) / max(len(pitch), 1)
    onsets = np.bincount(sixteenth, minlength=PLACES) / max(len(lines), 1)
    return np.concatenate([classes, onsets, numbers]).astype(np.float32)


def _repeated(bars: list[np.ndarray]) -> tuple[float, float]:
    """The shares of the bars in which a note begins, but for the first, whose rhythm, and whose notes, an earlier one
    has."""
    sounding = [bar for bar in bars if (bar >= FIRST_NOTE).any()]
    rhythms = {(bar >= FIRST_NOTE).tobytes() for bar in sounding}
    notes = {np.where(bar >= FIRST_NOTE, bar, HOLD).tobytes() for bar in sounding}
    most = max(len(sounding) - 1, 1)
    return (len(sounding) - len(rhythms)) / most, (len(sounding) - len(notes)) / most


def repeated_share(profile: np.ndarray) -> np.ndarray:
    """The share of the notes that repeat the one before, of profiles `[..., PROFILE]`."""
    return profile[..., REPEATED] / 3


def as_input(array: np.ndarray) -> torch.Tensor:
    """An array as a tensor for the network."""
    return torch.from_numpy(np.ascontiguousarray(array))
