"""The network: a recurrent model of melodies, one token a step.

    p(x) = Π_t p(x_t | x_<t, profile)

Two layers of gated recurrent units (Cho et al. 2014) read at each step what it depends on (`context.Bars.features`),
and what the passage is like altogether (`context.profiles`): its scale, its register, its rhythms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from musicae.core.checkpoints import Unfilled, read_weights, write_weights
from musicae.music.language.context import LAGS, LONGEST, PROFILE
from musicae.music.representations.melody import Melody

SHIPPED = Path(__file__).parents[2] / "pretrained" / "melody-language"


@dataclass(frozen=True)
class Sizes:
    """Of a language model.

    Args:
        classes: different tokens.
        units: of each recurrent layer.
        dropout: share of what layers read that is dropped in training.
    """

    classes: int = 90
    units: int = 320
    dropout: float = 0.15


class LanguageModel(nn.Module):
    """Logits of each token of a melody, after those before it.

    Args:
        sizes: see `Sizes`.
    """

    def __init__(self, sizes: Sizes = Sizes()):
        super().__init__()
        self.sizes, units, some = sizes, sizes.units, sizes.classes + 1
        tables = [(some, 96), (some, 64), (LONGEST, 32), (LONGEST, 48), (LONGEST + 1, 16), *[(some, 64)] * len(LAGS)]
        self.tables = nn.ModuleList(nn.Embedding(*size) for size in tables)
        self.profile = nn.Linear(PROFILE, 64)
        self.merge = nn.Linear(sum(width for _, width in tables) + 64, units)
        self.recurrent = nn.GRU(units, units, 2, batch_first=True, dropout=sizes.dropout)
        self.dropout = nn.Dropout(sizes.dropout)
        self.hidden, self.output = nn.Linear(2 * units, units), nn.Linear(units, sizes.classes)

    @property
    def none(self) -> int:
        """Stands for a token that is not there."""
        return self.sizes.classes

    def forward(
        self, features: torch.Tensor, profile: torch.Tensor, state: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits `[batch, steps, classes]`, and the state after the last step.

        Args:
            features: of each step, int64 `[batch, steps, FEATURES]`.
            profile: `[batch, steps, PROFILE]`.
            state: after the step before the first one; None before any.
        """
        read = [table(features[..., i]) for i, table in enumerate(self.tables)]
        merged = functional.gelu(self.merge(torch.cat([*read, self.profile(profile)], -1)))
        remembered, state = self.recurrent(merged, state)
        both = torch.cat([self.dropout(remembered), merged], -1)
        return self.output(self.dropout(functional.gelu(self.hidden(both)))), state

    def save(self, folder: Path) -> None:
        """Write the weights into a folder, in float16."""
        write_weights(folder, self, torch.float16)

    @classmethod
    def load(cls, folder: Path) -> LanguageModel:
        """The model in a folder.

        Raises:
            CheckpointError: there is none, or it is damaged.
        """
        with Unfilled():
            model = cls()
        read_weights(folder, model)
        return model.eval()


@lru_cache(1)
def shipped() -> LanguageModel:
    """The model that ships, of melodies in steps of a sixteenth."""
    return LanguageModel.load(SHIPPED)


def suits(representation: object) -> bool:
    """Whether a representation has the tokens and the steps of the model that ships."""
    if not isinstance(representation, Melody):
        return False
    fits = representation.classes == Sizes().classes and representation.lowest_pitch == LOWEST_PITCH
    return fits and representation.steps_per_quarter == 4 and representation.rows == 1 and not representation.strict


LOWEST_PITCH = 21  # of the tokens that it was trained on
