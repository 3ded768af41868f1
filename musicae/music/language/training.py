"""Training of a language model on lines of songs, on excerpts of about sixteen bars.

Every excerpt is transposed at random, and some are learnt without their profile or without earlier bars, so that the
model can do without. Other lines than melodies are learnt from too, less often.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch.nn import functional

from musicae.music.language.context import LAGS, PROFILE, Bars, as_input, latest, profiles
from musicae.music.language.model import LOWEST_PITCH, LanguageModel
from musicae.music.representations.melody import Melody
from musicae.music.representations.tokens import FIRST_NOTE
from musicae.music.representations.tracks import label, melody_track
from musicae.music.score.score import Score

LONGEST = 256  # steps of an excerpt
FEWEST_NOTES, FEWEST_STEPS = 12, 64  # of a line
FARTHEST = 6  # semitones that an excerpt is transposed by
ABSENT = -1  # a step that is not there
WITHOUT_PROFILE, WITHOUT_EARLIER, NOISE = 0.1, 0.08, 0.08
BATCH, RATE, DECAY, WARM_UP = 32, 2e-3, 0.02, 100
OTHERS = 0.25  # weight of a line that is no melody
TRIED = 8  # excerpts of a line, until one is not mostly rests


@dataclass(frozen=True, eq=False)
class Line:
    """A line of a song.

    Args:
        tokens: `[steps]`.
        bars: its bars.
        melody: whether it carries the melody.
    """

    tokens: np.ndarray
    bars: Bars
    melody: bool

    @property
    def weight(self) -> float:
        """How often it is learnt from: more often if it is longer."""
        return (1.0 if self.melody else OTHERS) * min(len(self.bars.lines) - 1, 80) ** 0.7

    @cached_property
    def features(self) -> np.ndarray:
        """See `Bars.features`, `[steps, FEATURES]`."""
        tokens = self.tokens[None]
        return self.bars.features(tokens, latest(tokens), slice(None), Melody().classes)[0]


@dataclass(frozen=True, eq=False)
class Excerpts:
    """Excerpts that are learnt from; those that are shorter end in steps that are `ABSENT`.

    Attributes:
        features: int64 `[batch, steps, FEATURES]`.
        profiles: float32 `[batch, steps, PROFILE]`.
        tokens: int64 `[batch, steps]`.
    """

    features: torch.Tensor
    profiles: torch.Tensor
    tokens: torch.Tensor

    def nats(self, model: LanguageModel) -> torch.Tensor:
        """The mean of -ln p(x_t | x_<t) over the steps."""
        logits, _ = model(self.features, self.profiles)
        return functional.cross_entropy(logits.flatten(0, 1), self.tokens.flatten(), ignore_index=ABSENT)


def lines_of(song: Score) -> Iterator[Line]:
    """The lines of the pitched tracks of a song that are long enough."""
    kind = Melody()
    tune = label(song, melody_track(song)[0])
    for track in kind.training_tracks(song):
        found = kind.extract(song, track)
        tokens = np.asarray(found.array, np.int64)
        if len(tokens) >= FEWEST_STEPS and (tokens >= FIRST_NOTE).sum() >= FEWEST_NOTES:
            yield Line(tokens, Bars(found.grid.bar_steps), track == tune)


def excerpts(lines: list[Line], random: np.random.Generator, altered: bool = True) -> Excerpts:
    """An excerpt of each line.

    Args:
        lines: some.
        random: of the choice, and of what is altered.
        altered: whether excerpts are transposed, and some of what they depend on is left out.
    """
    found = [_excerpt(line, random, altered) for line in lines]
    rows = []
    for arrays, absent in zip(zip(*found, strict=True), (0, 0, ABSENT), strict=True):
        padded = [np.pad(a, [(0, LONGEST - len(a)), *[(0, 0)] * (a.ndim - 1)], constant_values=absent) for a in arrays]
        rows.append(as_input(np.stack(padded)))
    return Excerpts(*rows)


def train(
    model: LanguageModel,
    lines: list[Line],
    held_out: list[Line],
    steps: int,
    seed: int = 0,
    say: Callable[[str], object] = print,
) -> None:
    """Train a model in place.

    Args:
        model: see `LanguageModel`.
        lines: to learn from.
        held_out: of other songs, on which it is measured now and then.
        steps: of training, of `BATCH` excerpts each.
        seed: of all that is random.
        say: called with a sentence now and then.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    bounds = np.cumsum([line.weight for line in lines])
    optimizer = torch.optim.AdamW(model.parameters(), RATE, betas=(0.9, 0.98), weight_decay=DECAY)
    measured = excerpts(held_out, np.random.default_rng(seed + 1), altered=False)
    for step in range(steps):
        rate = RATE * min(1, (step + 1) / WARM_UP) * (0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))
        for group in optimizer.param_groups:
            group["lr"] = rate
        chosen = np.searchsorted(bounds, random.random(BATCH) * bounds[-1], "right")
        model.train()
        loss = excerpts([lines[i] for i in chosen], random).nats(model)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 100 == 99 or step == steps - 1:
            with torch.no_grad():
                nats = measured.nats(model.eval()).item()
            say(f"step {step + 1:,} of {steps:,}: {loss.item():.3f} nats a step, held out {nats:.4f}")
    model.eval()


def _excerpt(line: Line, random: np.random.Generator, altered: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The features, profiles and tokens of an excerpt of a line that begins with a bar, transposed as far as it can."""
    lines = line.bars.lines
    for _ in range(TRIED):
        bar = int(random.integers(max(len(lines) - 4, 1))) if random.random() < 0.6 else 0
        part = slice(lines[bar], min(lines[bar] + LONGEST, lines[-1]))
        if (line.tokens[part] >= FIRST_NOTE).mean() >= 1 / 16:
            break
    last = int(np.searchsorted(lines, part.stop))
    tokens, own = line.tokens[part], Bars(np.minimum(lines[bar : last + 1], part.stop) - lines[bar])
    semitones = 0
    if altered:
        notes = line.tokens[line.tokens >= FIRST_NOTE]
        semitones = int(random.integers(-FARTHEST, FARTHEST + 1))
        semitones = int(np.clip(semitones, FIRST_NOTE - notes.min(), Melody().classes - 1 - notes.max()))
    tokens, features = _transposed(tokens, semitones), line.features[part].copy()
    pitched = [0, 1, *range(5, 5 + len(LAGS))]
    features[:, pitched] = _transposed(features[:, pitched], semitones)
    profile = profiles(tokens, own, LOWEST_PITCH)
    if altered:
        _leave_out(features, profile, random)
    return features, profile, tokens


def _leave_out(features: np.ndarray, profile: np.ndarray, random: np.random.Generator) -> None:
    """Some earlier bars, and the profile or its accuracy, in place."""
    for lag in range(5, 5 + len(LAGS)):
        if random.random() < WITHOUT_EARLIER:
            features[:, lag] = Melody().classes
    profile += random.normal(0, NOISE, PROFILE).astype(np.float32)
    profile *= random.random() >= WITHOUT_PROFILE


def _transposed(tokens: np.ndarray, semitones: int) -> np.ndarray:
    """Tokens whose notes are moved."""
    notes = (tokens >= FIRST_NOTE) & (tokens < Melody().classes)
    return np.where(notes, tokens + semitones, tokens)
