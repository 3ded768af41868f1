from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from musicae import presets
from musicae.core.configuration import create, from_data, to_data
from musicae.core.schedules import Linear
from musicae.core.settings import Training
from musicae.errors import ConfigError


@dataclass(frozen=True)
class Inner:
    widths: tuple[int, ...] = (1, 2)
    name: str | None = None


@dataclass(frozen=True)
class Outer:
    inner: Inner
    pairs: tuple[tuple[int, int], ...] = ()
    rate: float = 0.5
    parts: tuple[Inner, ...] = (Inner(),)


KINDS = (Inner, Outer)


def through_json(settings):
    return from_data(json.loads(json.dumps(to_data(settings))), (*KINDS, *presets.KINDS))


@pytest.mark.parametrize("name", presets.PRESETS)
def test_every_preset_survives_being_written(name):
    assert through_json(presets.PRESETS[name]) == presets.PRESETS[name]


def test_nested_settings_and_tuples_survive():
    settings = Outer(Inner((3,), "ü"), ((1, 2), (3, 4)), 0.1, (Inner(), Inner((5, 6))))
    assert through_json(settings) == settings
    assert to_data(settings)["inner"] == {"kind": "Inner", "widths": [3], "name": "ü"}


def test_an_unknown_key_names_the_nearest():
    data = to_data(Training()) | {"batchsize": 3}
    with pytest.raises(ConfigError, match=r"'batchsize'.*did you mean 'batch_size'"):
        from_data(data, presets.KINDS)


def test_an_unknown_key_deep_inside_is_found():
    data = to_data(Training())
    data["learning_rate"]["warm_up"] = 3
    with pytest.raises(ConfigError, match=r"WarmupCosine 'warm_up'.*'warmup'"):
        from_data(data, presets.KINDS)


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(ConfigError, match=r"'Linnear'.*did you mean 'Linear'"):
        from_data(to_data(Linear(0, 1, 2, 3)) | {"kind": "Linnear"}, presets.KINDS)


@pytest.mark.parametrize("data", [{}, {"start": 1.0}, {"kind": None}, {"kind": ["Linear"]}])
def test_data_without_a_kind_are_refused(data):
    with pytest.raises(ConfigError, match="kind of settings"):
        from_data(data, presets.KINDS)


def test_missing_settings_are_named():
    with pytest.raises(ConfigError, match=r"Linear needs .*first, last"):
        create(Linear, {"start": 0.0, "end": 1.0})


def test_create_makes_what_was_asked():
    assert create(Linear, {"start": 0.0, "end": 1.0, "first": 2, "last": 3}) == Linear(0.0, 1.0, 2, 3)
    assert create(Inner, {}) == Inner()
