"""Settings to plain data and back: frozen dataclasses in which an unknown key is an error."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from musicae.errors import ConfigError


def to_data(settings: Any) -> Any:
    """A dataclass as a dictionary with its class name under `"kind"`; tuples as lists; the rest as it is."""
    if is_dataclass(settings):
        values = {f.name: to_data(getattr(settings, f.name)) for f in fields(settings)}
        return {"kind": type(settings).__name__, **values}
    return [to_data(v) for v in settings] if isinstance(settings, tuple | list) else settings


def from_data(data: Any, kinds: Iterable[type]) -> Any:
    """The inverse of `to_data`, for dataclasses among `kinds`; lists become tuples.

    Raises:
        ConfigError: an unknown kind or key, with the nearest valid name.
    """
    by_name = {kind.__name__: kind for kind in kinds}
    if isinstance(data, list):
        return tuple(from_data(v, by_name.values()) for v in data)
    if not isinstance(data, dict):
        return data
    values = {key: from_data(value, by_name.values()) for key, value in data.items() if key != "kind"}
    name = str(data.get("kind"))
    if name not in by_name:
        raise ConfigError.unknown("kind of settings", name, by_name)
    return create(by_name[name], values)


def create(kind: type, values: dict[str, Any]) -> Any:
    """`kind(**values)`.

    Raises:
        ConfigError: a key that `kind` does not have, with the nearest one that it has; or one that it needs is missing.
    """
    known = [f.name for f in fields(kind)]
    for key in values:
        if key not in known:
            raise ConfigError.unknown(f"setting of {kind.__name__}", key, known)
    needed = [f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
    missing = [name for name in needed if name not in values]
    if missing:
        raise ConfigError(f"{kind.__name__} needs settings that are missing: {', '.join(missing)}")
    return kind(**values)
