"""Melodies written step by step: what the language model expects next, beside what else is known of each step.

Each step is drawn after those before it, by

    ln p(x_t | x_<t) + w (ln p(x_t | z) - ln p(x_t))

where the first term is the language model's, the second a decoder's, and the last the share of the token in music like
this (shallow fusion, Gulcehre et al. 2015; the last term, so that what is usual is not counted twice). The weight of
whether a note begins is one, that of its pitch another. A melody is held to as many notes, and repeated notes, as it
should have.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from musicae.core.likelihoods import choose
from musicae.core.randomness import RandomSource
from musicae.music.language.context import Bars, as_input, repeated_share
from musicae.music.language.model import LanguageModel
from musicae.music.options import Decoding
from musicae.music.representations.tokens import FIRST_NOTE, HOLD, OFF

BEGINS, PITCH = 0.9, 0.7  # weights of whether a note begins, and of which one it is
TOO_MANY, REPEATED_TOO_OFTEN = 0.4, 1.2  # nats a note
TEMPERATURE = 1.0  # where none is asked for: the most probable melody is duller than melodies are
WRITING = 2  # the stream of random numbers of a seed
NEVER = -1e9


@dataclass(frozen=True, eq=False)
class Sketches:
    """What is known of melodies before they are written; `[melodies, steps, ...]`.

    Attributes:
        bars: of all of them.
        draft: p(x_t | z) of each token, above 0, float32 `[melodies, steps, classes]`.
        shares: p(x_t), 0 for what shall not be, `[classes]`.
        profile: what they shall be like (`context.profiles`), float32 `[melodies, steps, PROFILE]`.
        longest: steps that a note may last.
        rests: where no note sounds on, bool `[steps]`.
        fixed: the tokens of the steps that are known, -1 elsewhere, `[melodies, steps]`.
        notes_a_step: how many notes shall begin, float32 `[melodies, steps]`.
        notes: the earlier bar whose notes each bar repeats, -1 for none, `[melodies, bars]`.
        rhythms: the same of rhythms.
    """

    bars: Bars
    draft: torch.Tensor
    shares: torch.Tensor
    profile: np.ndarray
    notes_a_step: np.ndarray
    longest: int
    rests: np.ndarray
    fixed: np.ndarray
    notes: np.ndarray
    rhythms: np.ndarray


class Written:
    """The steps of melodies that are written already.

    Attributes:
        tokens: int64 `[melodies, steps]`.
        last: the latest step at which something began or ended, -1 for none, `[melodies]`.
        pitch: the token of the latest note, -1 for none.
        notes: how many notes there are, less those that were expected.
        repeated: how many of them repeat the one before, less those that were expected.
    """

    def __init__(self, melodies: int, steps: int):
        self.tokens = np.zeros((melodies, steps), np.int64)
        self.last, self.pitch = np.full(melodies, -1), np.full(melodies, -1)
        self.notes, self.repeated = np.zeros(melodies), np.zeros(melodies)

    @property
    def silent(self) -> np.ndarray:
        """Where nothing sounds: bool `[melodies]`."""
        return (self.last < 0) | (self.tokens[np.arange(len(self.last)), self.last] < FIRST_NOTE)

    def add(self, t: int, tokens: np.ndarray, notes: np.ndarray, repeated: np.ndarray) -> None:
        """Write step `t`, tokens `[melodies]`, where so many notes, and shares of repeated notes, are expected."""
        begins, again = tokens >= FIRST_NOTE, tokens == self.pitch
        self.notes += begins - notes
        self.repeated += begins * (self.pitch >= 0) * (again - repeated)
        self.pitch = np.where(begins, tokens, self.pitch)
        self.tokens[:, t] = tokens
        self.last = np.where(tokens != HOLD, t, self.last)

    def corrections(self, classes: int) -> torch.Tensor:
        """Nats `[melodies, classes]` that lead back to as many notes, and repeated notes, as expected."""
        found = np.zeros((len(self.last), classes), np.float32)
        found[:, FIRST_NOTE:] -= TOO_MANY * self.notes[:, None]
        begun = np.flatnonzero(self.pitch >= 0)
        found[begun, self.pitch[begun]] -= REPEATED_TOO_OFTEN * self.repeated[begun]
        return torch.from_numpy(found)


@torch.no_grad()
def write(language: LanguageModel, sketches: Sketches, decoding: Decoding) -> np.ndarray:
    """Melodies, step by step: int64 `[melodies, steps]`.

    Args:
        language: the model of what comes next.
        sketches: what is known of them.
        decoding: all melodies have the same random numbers. At temperature 0 `TEMPERATURE` is taken.
    """
    bars, count = sketches.bars, len(sketches.draft)
    written, state = Written(count, bars.steps), None
    uniform = RandomSource(decoding.seed, WRITING).uniform(bars.steps)
    for t in range(bars.steps):
        profile = sketches.profile[:, t]
        features = bars.features(written.tokens, written.last[:, None], slice(t, t + 1), language.none)
        logits, state = language(as_input(features), as_input(profile[:, None]), state)
        scores = logits[:, 0].log_softmax(-1) + _evidence(sketches.draft[:, t], sketches.shares, written.silent)
        scores += written.corrections(scores.shape[1])
        scores[written.silent, OFF if t else HOLD] = NEVER
        ending = np.flatnonzero(~written.silent & (sketches.rests[t] | (t - written.last >= sketches.longest)))
        scores[ending, OFF] = -NEVER  # that it ends is known; what is improbable need not begin there
        scores = _repeating(scores, written, sketches, t)
        chosen = choose(scores, uniform[t].expand(count), decoding.temperature or TEMPERATURE, decoding.top_p).numpy()
        chosen = np.where(sketches.fixed[:, t] >= 0, sketches.fixed[:, t], chosen)
        written.add(t, chosen, sketches.notes_a_step[:, t], repeated_share(profile))
    return written.tokens


def _evidence(draft: torch.Tensor, shares: torch.Tensor, silent: np.ndarray) -> torch.Tensor:
    """ln p(x_t | z) - ln p(x_t), weighted, `[melodies, classes]`; in silence nothing can end, and both tokens that are
    not notes stand for more silence."""
    ratios = []
    for one in (draft, shares.expand(draft.shape)):
        one = one.clone()
        one[silent, HOLD] += one[silent, OFF]
        ratios.append((one.log(), one[:, FIRST_NOTE:].sum(1, keepdim=True).log()))
    (some, begins), (usual, usually_begins) = ratios
    evidence, begins = some - usual, begins - usually_begins
    pitched = BEGINS * begins + PITCH * (evidence[:, FIRST_NOTE:] - begins)
    evidence = torch.cat([BEGINS * evidence[:, :FIRST_NOTE], pitched], 1)
    return evidence.masked_fill(shares == 0, NEVER)


def _repeating(scores: torch.Tensor, written: Written, sketches: Sketches, t: int) -> torch.Tensor:
    """The scores `[melodies, classes]` of step `t`, very low for what does not repeat an earlier bar as it should."""
    bars = sketches.bars
    bar, place = bars.of_step[t], bars.place[t]
    notes, rhythms = sketches.notes[:, bar], sketches.rhythms[:, bar]
    source = np.where(notes >= 0, notes, rhythms)
    some = np.flatnonzero(source >= 0)
    earlier = written.tokens[some, bars.lines[source[some]] + place]
    earlier = np.where(written.silent[some] & (earlier == OFF), HOLD, earlier)[:, None]
    tokens = np.arange(scores.shape[1])
    alike = np.where(notes[some, None] >= 0, tokens == earlier, (tokens >= FIRST_NOTE) == (earlier >= FIRST_NOTE))
    scores[some] = scores[some].masked_fill(torch.from_numpy(~alike), NEVER)
    return scores
