from __future__ import annotations

import json
from dataclasses import dataclass
from math import inf, nan
from typing import Annotated, Any, Literal

import pytest

from musicae import presets
from musicae.core.configuration import Range, check, create, from_data, to_data
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


@dataclass(frozen=True)
class Halving:
    """A schedule of one's own."""

    start: float = 1.0

    def __call__(self, step: int) -> float:
        return self.start / 2**step


def test_classes_of_ones_own_are_taken_where_ours_are():
    training = Training(learning_rate=Halving())
    check(training)
    assert from_data(to_data(training), (*presets.KINDS, Halving)) == training
    with pytest.raises(ConfigError, match="start of Halving is 'x': it must be a number"):
        check(Training(learning_rate=Halving("x")))
    with pytest.raises(ConfigError, match=r"learning_rate of Training is Training\("):
        check(Training(learning_rate=Training()))


@dataclass(frozen=True)
class Everything:
    count: Annotated[int, Range(1, 3)] = 1
    share: float = 0.5
    name: str = "a"
    switch: bool = False
    mode: Literal["x", "y"] = "x"
    pair: tuple[int, float] = (1, 2.0)
    many: Annotated[tuple[int, ...], Range(1, 2)] = (1,)
    maybe: int | None = None
    inner: Inner = Inner()
    anything: Any = None


FITTING = {
    "count": (1, 3),
    "share": (1, -0.5, 1e308),
    "name": ("", "Ü x"),
    "switch": (True,),
    "mode": ("y",),
    "pair": ((1, 1), [2, 0.5]),
    "many": ((1,), (1, 2)),
    "maybe": (None, 4),
    "inner": (Inner((3,)),),
    "anything": (object(), 3),
}
UNFITTING = {
    "count": (0, 4, 1.0, True, "1", None, 10**400),
    "share": ("x", True, nan, inf, -inf, 10**400, None, 1j),
    "name": (3, None, "a\n", "\x1b[1m"),
    "switch": (0, 1, "yes", None),
    "mode": ("z", "", None, ["x"], {}),
    "pair": ((1,), (1, 2, 3), (1.0, 1), "ab", 1, None),
    "many": ((), (1, 2, 3), ("x",), 1, ((1,),)),
    "maybe": ("x", 1.5, True),
    "inner": (None, 3, Training(), {}),
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, some in FITTING.items() for value in some], ids=str
)
def test_what_an_annotation_allows_is_taken(name, value):
    check(create(Everything, {name: value}))


WRONG = [(name, value) for name, some in UNFITTING.items() for value in some]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=lambda value: repr(value)[:20])
def test_what_an_annotation_does_not_allow_is_refused_in_a_line_that_names_it(name, value):
    for make in (lambda: create(Everything, {name: value}), lambda: check(Everything(**{name: value}))):
        with pytest.raises(ConfigError, match=rf"^{name} of Everything is [^\n]*: it must be [^\n]+$") as caught:
            make()
        assert len(str(caught.value)) < 200
