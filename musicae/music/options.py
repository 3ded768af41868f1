"""Options that the verbs of a model of music share: how to decode, what of a song to take, what to condition on."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypedDict, TypeVar

from musicae.errors import ConfigError

Track = int | str | None
Bars = tuple[int, int] | None
STEPS = 7  # of an interpolation, both ends included, where nobody asks for a number
Kind = TypeVar("Kind", "Decoding", "Selection")


@dataclass(frozen=True)
class Decoding:
    """How latent vectors become windows.

    Args:
        temperature: 0 takes the most probable value of each step; above it values are drawn.
        top_p: draw only from the most probable values that together reach this probability
            (`musicae.core.likelihoods.choose`).
        seed: of the draws.

    Raises:
        ConfigError: a temperature or top-p out of range.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self):
        if not 0 <= self.temperature < math.inf:
            raise ConfigError(f"temperature {self.temperature}: it must be 0 or more")
        if not 0 < self.top_p <= 1:
            raise ConfigError(f"top-p {self.top_p}: it must be above 0 and at most 1")


GREEDY = Decoding()


@dataclass(frozen=True)
class Selection:
    """Which part of a song is taken.

    Args:
        track: number (from 1) or part of a name; None for the one that the representation chooses.
        bars: first and last, from 1; None for all.
        beats: whether beats and bars are found in the notes (`theory.retiming`) or those of the file; None to find them
            where the notes do not keep to those of the file.
    """

    track: Track = None
    bars: Bars = None
    beats: bool | None = None


class DecodeOptions(TypedDict, total=False):
    """Keywords of all verbs that decode: those of `Decoding`, and the conditions of a conditional model.

    `chords`, `key` and `hits` replace those of the song (see `Representation.with_condition`). A song has its own;
    samples have no chords, no key and no hits. With `hits`, the result has their tempo and metre. `tempo`, in BPM
    (quarters), is that of the whole result.
    """

    temperature: float
    top_p: float
    seed: int
    chords: str | None
    key: str | None
    hits: Any
    tempo: float | None


CONDITIONS = {  # what a model does with each, and which models do
    "chords": ("follow chords", "a chord model"),
    "key": ("follow a key", "a model that does"),
    "hits": ("play given hits", "a model that does"),
}


def requested_conditions(
    model: str, names: Collection[str], conditions: Mapping[str, Any], prefix: str = ""
) -> dict[str, Any]:
    """The conditions that are asked for: those that are not None.

    Args:
        model: its name, for the error.
        names: of what it is conditioned on.
        conditions: of any names.
        prefix: of each in the error, as the user writes it.

    Raises:
        ConfigError: the model is not conditioned on such a thing.
    """
    requested = {name: value for name, value in conditions.items() if value is not None}
    for name in requested:
        if name not in names:
            verb, choice = CONDITIONS.get(name, (f"follow {name}", "a model that does"))
            raise ConfigError(f"{model} cannot {verb}: choose {choice}, or leave {prefix}{name} out")
    return requested


class VerbOptions(DecodeOptions, total=False):
    """Keywords of all verbs on songs: those of `DecodeOptions`, and those of `Selection`."""

    track: Track
    bars: Bars
    beats: bool | None


def taken(kind: type[Kind], options: dict[str, Any]) -> Kind:
    """A `Decoding` or a `Selection` from those options that are its fields; they are removed from `options`."""
    return kind(**{field.name: options.pop(field.name) for field in fields(kind) if field.name in options})
