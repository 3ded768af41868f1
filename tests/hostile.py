"""Model folders whose settings are wrong in every way: hostile ones, and such as a broken disk leaves."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from copy import deepcopy
from math import inf, nan
from pathlib import Path
from typing import Any

VALUES = (
    *(None, True, "x", "", "\x1b[31m", -1, 0, 1, 2, 3, 33, 1000, 10**9, 10**30, 10**400, 0.5, -0.5, 1e-30, 1e300),
    *(nan, inf, -inf, [], [[]], [0], [-1], [3, 5], [10**6], [1] * 100, {}, {"kind": "Dense"}, {"kind": "Linear"}),
    *({"kind": "Preset"}, {"kind": "Constant", "value": nan}, {"kind": "OneOf", "kinds": []}, {"kind": "Gaussian"}),
)
Place = tuple[str | int, ...]


def changed_settings(settings: dict) -> Iterator[tuple[str, dict]]:
    """Settings as `config.json` has them, each with one thing changed, and in words which."""
    for place in _places(settings):
        for value in VALUES:
            yield f"{_words(place)} = {value!r:.40}", _with(settings, place, value)
        yield f"{_words(place)} left out", _without(settings, place)
        if isinstance(_at(settings, place), dict):
            yield f"{_words(place)} with more", _with(settings, (*place, "more"), 1)


def changes(content: Any, values: Iterable[Any]) -> Iterator[Any]:
    """Lists and dictionaries, each with one thing in it replaced by one of these values, or left out."""
    for place in _places(content):
        yield from (_with(content, place, value) for value in values)
        yield _without(content, place)


def write(folder: Path, settings: Any) -> Path:
    """The folder with these settings."""
    (folder / "config.json").write_text(json.dumps(settings))
    return folder


def _places(content: Any, place: Place = ()) -> Iterator[Place]:
    """Where something is in settings, the whole first."""
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for name, value in inner:
        yield (*place, name)
        yield from _places(value, (*place, name))


def _at(content: Any, place: Place) -> Any:
    for name in place:
        content = content[name]
    return content


def _with(settings: dict, place: Place, value: Any) -> dict:
    settings = deepcopy(settings)
    _at(settings, place[:-1])[place[-1]] = value
    return settings


def _without(settings: dict, place: Place) -> dict:
    settings = deepcopy(settings)
    del _at(settings, place[:-1])[place[-1]]
    return settings


def _words(place: Place) -> str:
    return ".".join(map(str, place))
