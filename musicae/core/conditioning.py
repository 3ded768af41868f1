"""Conditions: what the posterior and the likelihood depend on besides, `q(z | x, c)` and `p(x | z, c)` (Sohn et al.
2015).

A condition is a tensor `[batch, size]`, one for each example, or `[batch, steps, size]`, one at each of its steps. Here
it is described, checked, concatenated with data and repeated. No torch is loaded until a tensor comes in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from musicae.errors import ConfigError

if TYPE_CHECKING:
    import torch


class ReadsConditions(Protocol):
    """A network, as far as conditions are concerned (`musicae.core.networks`).

    Attributes:
        per_step_condition: whether it reads a condition at each step; if not, it reads one for each example.
    """

    per_step_condition: bool


@dataclass(frozen=True)
class Conditioning:
    """What a model is conditioned on; false where it is nothing.

    Args:
        names: of what it is: `"chords"`, `"key"`, `"hits"`, `"class"`.
        size: values of all of them together.
        per_step: whether there is a condition `[batch, steps, size]` at each step, which goes into encoder and decoder
            step by step; if not, `[batch, size]` is concatenated with the features and with z.
    """

    names: tuple[str, ...] = ()
    size: int = 0
    per_step: bool = False

    def __post_init__(self):
        if not self.size:  # nothing is nothing, whichever way it would be read
            object.__setattr__(self, "per_step", False)

    def __bool__(self) -> bool:
        return self.size > 0

    def __str__(self) -> str:
        where = "at each step" if self.per_step else "for each example"
        return f"{' and '.join(self.names) or 'a condition'} ({self.size} values {where})" if self else "nothing"

    def check(self, condition: torch.Tensor | None) -> None:
        """Refuse a condition of another size, one that is missing, and one that is not wanted.

        Raises:
            ConfigError: it is such a one.
        """
        size = 0 if condition is None else condition.shape[-1]
        if size != self.size:
            raise ConfigError(f"the model is conditioned on {self}, but {size} values are given")

    def check_network(self, network: ReadsConditions) -> None:
        """Refuse a network that cannot read such a condition.

        Raises:
            ConfigError: it reads one for each example, and this is one at each step, or the reverse.
        """
        if self and self.per_step != network.per_step_condition:
            reads = "at each step" if network.per_step_condition else "for each example"
            raise ConfigError(f"a model cannot be conditioned on {self} with {network}, which reads one {reads}")


def concatenated(x: torch.Tensor, condition: torch.Tensor | None) -> torch.Tensor:
    """`[..., n]` with a condition after it, `[..., n + size]`."""
    import torch

    return x if condition is None else torch.cat([x, condition], -1)


def repeated(x: torch.Tensor, times: int) -> torch.Tensor:
    """`[batch, ...]` one after another so many times, `[times · batch, ...]`."""
    return x.repeat(times, *[1] * (x.dim() - 1))
