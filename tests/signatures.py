"""Which presets a test need not run for: those that differ from another one only in what it does not look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass, replace
from operator import attrgetter

import pytest

from musicae.presets import Preset

COMPUTATION = ("representation", "network", "bottleneck", "label_classes", "prior")
TRAINING = ("representation", "network", "bottleneck", "label_classes", "objective", "corruption")
FEW = {"steps": 32, "height": 8, "width": 8, "tokens": 16, "nade": 5, "z_summary": 5, "latent": 4}


def small(preset: Preset) -> Preset:
    """The same structure with six units a layer, on short windows and small pictures."""
    return _few(replace(preset, network=_few(preset.network), representation=_few(preset.representation)))


def _few(settings):
    """Settings with every layer and every size that `FEW` names made small; 0, which is none, stays 0."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    layers = {name: (6,) * len(value) for name, value in values.items() if name.endswith(("units", "widths"))}
    sizes = {name: min(values[name], most) for name, most in FEW.items() if isinstance(values.get(name), int)}
    return replace(settings, **layers, **sizes)


def structure(value) -> object:
    """Settings without their sizes: of a number only its sign, of layers only how many there are."""
    if is_dataclass(value):
        return type(value).__name__, *((field.name, structure(getattr(value, field.name))) for field in fields(value))
    if isinstance(value, tuple):
        return tuple(map(structure, value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (value > 0) - (value < 0)
    return value


def distinct(presets: Iterable[Preset], *parts: str, signature=structure) -> list[Preset]:
    """The first preset of every signature.

    Args:
        presets: to choose among.
        parts: the settings that matter, e.g. "network" or "training.skip_above".
        signature: of one of them; presets with equal ones are tested once. That of `repr` are all its numbers.
    """
    first: dict[tuple, Preset] = {}
    for preset in presets:
        first.setdefault(tuple(signature(attrgetter(part)(preset)) for part in parts), preset)
    return list(first.values())


def each(presets: Iterable[Preset]) -> pytest.MarkDecorator:
    """Run a test for each of these."""
    return pytest.mark.parametrize("preset", presets, ids=attrgetter("name"))
