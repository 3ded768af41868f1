"""A preset with some of its settings changed, as the options of `train` ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from musicae.core.objectives import Elbo
from musicae.core.schedules import Constant, Decay, Linear, Saturating, Schedule, WarmupCosine
from musicae.core.settings import Training
from musicae.errors import ConfigError
from musicae.presets import Preset, cosine

RANGES = {
    **dict.fromkeys(("steps", "validate_every"), (1, 10**9)),
    "batch_size": (1, 2**20),
    "seed": (0, 2**63 - 1),
    "learning_rate": (1e-9, 10.0),
    "beta": (0.0, 1e6),
    "steps_per_quarter": (1, 96),
}
PRECISIONS = ("auto", "bf16", "float32")
PEAKS = {WarmupCosine: "peak", Constant: "value", Linear: "start", Decay: "start"}  # of the learning rate
FINALS = {Linear: "end", Saturating: "maximum", Constant: "value"}  # of the weight of the rate


def changed(preset: Preset, **changes: Any) -> Preset:
    """A preset with some of its training settings changed; those that are None stay.

    Warm-ups keep their share of the steps.

    Args:
        preset: the preset.
        changes: `steps`, `batch_size`, `seed`, `precision`, `compile`, ...: fields of `Training`; `learning_rate`: the
            peak; `beta`: the final weight of the rate; `steps_per_quarter`: the grid of music, windows stay as long.

    Raises:
        ConfigError: a value that cannot work.
    """
    changes = {key: value for key, value in changes.items() if value is not None}
    check_ranges(changes)
    if changes.get("precision", "auto") not in PRECISIONS:
        raise ConfigError.unknown("precision", changes["precision"], PRECISIONS)
    if (steps_per_quarter := changes.pop("steps_per_quarter", None)) is not None:
        preset = replace(preset, representation=_on_grid(preset, steps_per_quarter))
    beta, peak = changes.pop("beta", None), changes.pop("learning_rate", None)
    settings = replace(preset.training, **changes)
    objective = _stretched(preset.objective, settings.steps / preset.training.steps)
    if beta is not None and not isinstance(objective, Elbo):
        raise ConfigError(f"{preset.name} is not variational: its loss has no rate to weight; leave --beta out")
    if beta is not None:
        objective = replace(objective, beta=replace(objective.beta, **{FINALS[type(objective.beta)]: beta}))
    settings = replace(settings, learning_rate=_learning_rate(settings, peak))
    return replace(preset, training=settings, objective=objective)


def check_ranges(changes: Mapping[str, Any]) -> None:
    """Refuse values of settings that cannot work; those that are None are not given.

    Raises:
        ConfigError: names the setting, and what it may be.
    """
    for name, (lowest, highest) in RANGES.items():
        value = changes.get(name)
        if value is not None and not lowest <= value <= highest:
            raise ConfigError(f"{name} {value}: it must lie between {lowest:,} and {highest:,}")


def _on_grid(preset: Preset, steps_per_quarter: int):
    """The representation of a preset on another grid, its windows as long in quarters.

    Raises:
        ConfigError: it has none, or a window would be no whole number of steps.
    """
    if not preset.musical:
        raise ConfigError(f"--steps-per-quarter is for music, and {preset.name} is a model of pictures: leave it out")
    old = preset.representation
    steps, rest = divmod(old.steps * steps_per_quarter, old.steps_per_quarter)
    if rest:
        quarters = old.steps / old.steps_per_quarter
        raise ConfigError(
            f"--steps-per-quarter {steps_per_quarter}: {quarters:g} quarters are no whole number of steps"
        )
    return replace(old, steps=steps, steps_per_quarter=steps_per_quarter)


def _learning_rate(settings: Training, peak: float | None) -> Schedule:
    """The learning rate for the number of steps of these settings, with another peak if one is given."""
    rate = settings.learning_rate
    if isinstance(rate, WarmupCosine):
        rate = cosine(settings.steps, rate.peak)
    if peak is not None:
        rate = replace(rate, **{PEAKS[type(rate)]: peak, **({"final": peak / 100} if hasattr(rate, "final") else {})})
    return rate


def _stretched(objective, share: float):
    """An objective whose linear schedules take `share` times as many steps."""
    rises = {name: value for name, value in vars(objective).items() if isinstance(value, Linear)}
    ends = {name: {"first": round(r.first * share), "last": round(r.last * share)} for name, r in rises.items()}
    return replace(objective, **{name: replace(rise, **ends[name]) for name, rise in rises.items()})
