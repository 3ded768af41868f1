"""Settings to plain data and back: frozen dataclasses, in which an unknown key or a value that cannot work is an error.

What a setting may be stands where it is defined, in its annotation: a type, a `Literal` of names, and a `Range`:

    latent: Annotated[int, Range(1, 65_536)]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from musicae.errors import ConfigError, Error

Test = Callable[[Any], bool]
OWN = __name__.partition(".")[0]  # this package
SHOWN = 60  # characters of a wrong value
WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false", NoneType: "nothing (null)"}


@dataclass(frozen=True)
class Range:
    """Bounds of a number, of how many values there are in a tuple, or of how many characters; both are allowed."""

    lowest: float
    highest: float

    def __str__(self) -> str:
        return f"{self.lowest:,} to {self.highest:,}"

    def holds(self, value: Any) -> bool:
        """Whether a value lies within."""
        return self.lowest <= (value if isinstance(value, int | float) else len(value)) <= self.highest


Share = Annotated[float, Range(0, 1)]
Weight = Annotated[float, Range(0, 1e9)]
Positive = Annotated[float, Range(1e-9, 1e9)]
Step = Annotated[int, Range(0, 10**9)]
Count = Annotated[int, Range(1, 10**9)]
Size = Annotated[int, Range(1, 2**16)]  # of a layer, a code, ...
MaybeSize = Annotated[int, Range(0, 2**16)]  # 0 for none
Widths = Annotated[tuple[Size, ...], Range(1, 32)]
MaybeWidths = Annotated[tuple[Size, ...], Range(0, 32)]


def to_data(settings: Any) -> Any:
    """A dataclass as a dictionary with its class name under `"kind"`; tuples as lists; the rest as it is."""
    if is_dataclass(settings):
        values = {f.name: to_data(getattr(settings, f.name)) for f in fields(settings)}
        return {"kind": type(settings).__name__, **values}
    return [to_data(v) for v in settings] if isinstance(settings, tuple | list) else settings


def from_data(data: Any, kinds: Iterable[type]) -> Any:
    """The inverse of `to_data`, for dataclasses among `kinds`; lists become tuples.

    Raises:
        ConfigError: an unknown kind or key, with the nearest valid name; or a value that its setting cannot have.
    """
    by_name = {kind.__name__: kind for kind in kinds}
    if isinstance(data, list):
        return tuple(from_data(v, by_name.values()) for v in data)
    if not isinstance(data, dict):
        return data
    values = {key: from_data(value, by_name.values()) for key, value in data.items() if key != "kind"}
    name = str(data.get("kind"))
    if name not in by_name:
        raise ConfigError.unknown("kind of settings", _short(name), by_name)
    return create(by_name[name], values)


def create(kind: type, values: dict[str, Any]) -> Any:
    """`kind(**values)`.

    Raises:
        ConfigError: a key that `kind` does not have, with the nearest one that it has; one that it needs is missing; or
            a value that cannot work.
    """
    known = [f.name for f in fields(kind)]
    for key in values:
        if key not in known:
            raise ConfigError.unknown(f"setting of {kind.__name__}", _short(key), known)
    needed = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
    missing = [name for name in needed if name not in values]
    if missing:
        raise ConfigError(f"{kind.__name__} needs settings that are missing: {', '.join(missing)}")
    _check(kind, values)
    with in_words(f"{kind.__name__} cannot be made"):
        return kind(**values)


@contextmanager
def in_words(what: str, kind: type[Error] = ConfigError) -> Iterator[None]:
    """Where something is made of what a file says, whatever goes wrong is an error of this kind, in one line: `what`,
    and the reason."""
    try:
        yield
    except Error:
        raise
    except Exception as error:  # torch, and classes of somebody else, refuse settings with errors of their own
        reason = (str(error).splitlines() or [""])[0][:200]
        raise kind(f"{what} ({type(error).__name__}: {reason})") from error


def check(settings: Any) -> None:
    """Refuse settings, those within them too, whose values are not what their annotations say.

    Raises:
        ConfigError: names the setting, and what it may be.
    """
    values = {f.name: getattr(settings, f.name) for f in fields(settings)}
    _check(type(settings), values)
    for value in values.values():
        for one in value if isinstance(value, tuple | list) else (value,):
            if is_dataclass(one):
                check(one)


def _check(kind: type, values: dict[str, Any]) -> None:
    tests = _tests(kind)
    for name, value in values.items():
        if name in tests and not tests[name](value):
            wanted = _words(get_type_hints(kind, include_extras=True)[name])
            raise ConfigError(f"{name} of {kind.__name__} is {_written(value)}: it must be {wanted}")


@cache
def _tests(kind: type) -> dict[str, Test]:
    """Of each annotated name of a class, whether a value fits; of none where they name what only a type checker
    imports."""
    try:
        return {name: _test(hint) for name, hint in get_type_hints(kind, include_extras=True).items()}
    except NameError:
        return {}


def _test(hint: Any) -> Test:
    """Whether a value is what an annotation says; made once, for all presets are checked when the package is loaded."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        fits, ranges = _test(parts[0]), [one for one in parts[1:] if isinstance(one, Range)]
        return lambda value: fits(value) and all(one.holds(value) for one in ranges)
    if origin in (Union, UnionType):
        either = [_test(part) for part in parts]
        return lambda value: any(fits(value) for fits in either)
    if origin is Literal:
        return lambda value: isinstance(value, str) and value in parts
    if origin is tuple:
        every = [_test(part) for part in parts if part is not ...]
        return lambda value: isinstance(value, tuple | list) and _fit(value, every, parts[1:] == (...,))
    return _TESTS.get(hint) or _class_test(hint)


def _fit(values: Sequence, tests: list[Test], of_any_length: bool) -> bool:
    """Whether each value fits its own test, or all of them the one that there is."""
    if of_any_length:
        return all(map(tests[0], values))
    return len(values) == len(tests) and all(fits(value) for fits, value in zip(tests, values, strict=True))


def _class_test(kind: Any) -> Test:
    """Whether a value is of a class, or has the methods of a `Protocol`. What is no class here fits, and what is of a
    class of somebody else: a schedule or a penalty of one's own is taken at its word."""
    if not isinstance(kind, type):
        return lambda value: True
    if not getattr(kind, "_is_protocol", False):
        return lambda value: isinstance(value, kind) or _is_foreign(value)
    found = [name for name, one in vars(kind).items() if callable(one) or isinstance(one, property)]
    methods = [name for name in found if not name.startswith("_") or name == "__call__"]
    return lambda value: all(hasattr(type(value), name) for name in methods) or _is_foreign(value)


def _is_foreign(value: Any) -> bool:
    return is_dataclass(value) and type(value).__module__.partition(".")[0] != OWN


def _is_number(value: Any) -> bool:
    """Whether it is a number that is finite."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


_TESTS: dict[Any, Test] = {
    Any: lambda value: True,
    float: _is_number,
    int: lambda value: isinstance(value, int) and not isinstance(value, bool),
    str: lambda value: isinstance(value, str) and value.isprintable(),
}


def _words(hint: Any) -> str:
    """What an annotation allows, in words."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return f"{_words(parts[0])} ({', '.join(map(str, parts[1:]))}{' of them' * (get_origin(parts[0]) is tuple)})"
    if origin in (Union, UnionType):
        return " or ".join(map(_words, parts))
    if origin is Literal:
        return "one of " + ", ".join(map(repr, parts))
    if origin is tuple:
        return f"a list, each {_words(parts[0])}" if parts[1:] == (...,) else " and ".join(map(_words, parts))
    return WORDS.get(hint, getattr(hint, "__name__", str(hint)))


def _written(value: Any) -> str:
    """A value as code, in one line, cut short."""
    try:
        return _short(repr(value))
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return "a number of thousands of digits"


def _short(text: str) -> str:
    text = "".join(one if one.isprintable() else " " for one in text)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
