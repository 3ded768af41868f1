"""Settings and presets by name: those of musicae, those of other packages, and those of one's own.

`config.json` names the classes of its settings. Beside the ones of musicae these may be

* classes of one's own, in the process that registers them: `@musicae.register` above a frozen dataclass
* classes of installed packages, named by entry points of the groups `musicae.representations` and `musicae.networks`

and presets of installed packages by entry points of the group `musicae.presets`. An entry point has the name of its
class or preset. Packages are imported only when one of their names is asked for, or when everything is listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import is_dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from musicae.core.configuration import from_data, to_data
from musicae.errors import ConfigError
from musicae.migration import CLASSES as RENAMED
from musicae.migration import migrated
from musicae.presets import KINDS, PRESETS, Preset

Kind = TypeVar("Kind", bound=type)
GROUPS = ("musicae.representations", "musicae.networks")  # entry points of classes
PRESET_GROUP = "musicae.presets"

_registered: dict[str, type] = {}


class PluginError(ConfigError):
    """Another package cannot be used: which one, and why."""


def register(kind: Kind) -> Kind:
    """Make a class of settings known by its name, so that a model that uses it can be saved and loaded; a decorator.

        @musicae.register
        @dataclass(frozen=True)
        class Attention:
            heads: int = 4

    Raises:
        ConfigError: it is no frozen dataclass, or another class has its name.
    """
    _check(kind)
    _registered[kind.__name__] = kind
    return kind


def read_settings(data: Any) -> Any:
    """Settings from plain data as `config.json` has them, of this version or an older one.

    Raises:
        ConfigError: an unknown class or field, with the nearest valid name.
    """
    data = migrated(data)
    problems = _search(_names(data))
    try:
        return from_data(data, _known().values())
    except ConfigError as error:
        raise ConfigError("; ".join([str(error), *problems])) from error


def write_settings(settings: Any) -> Any:
    """The inverse of `read_settings`.

    Raises:
        ConfigError: they hold a class that is not registered, so that they could not be read.
    """
    data = to_data(settings)
    _search(_names(data))
    for kind in _classes(settings):
        if _known().get(kind.__name__) is not kind:
            raise ConfigError(
                f"{kind.__module__}.{kind.__qualname__} is not registered, so a model with it could not be loaded: put "
                "@musicae.register above the class, or name it in an entry point of its package"
            )
    return data


def preset_names() -> list[str]:
    """The names of all presets, without importing other packages."""
    return [*PRESETS, *(point.name for point in _points(PRESET_GROUP) if point.name not in PRESETS)]


def find_preset(name: str) -> Preset:
    """A preset by name.

    Raises:
        ConfigError: there is none, or the package that has it is broken.
    """
    if name in PRESETS:
        return PRESETS[name]
    for point in _points(PRESET_GROUP):
        if point.name == name:
            return _preset(point)
    raise ConfigError.unknown("preset", name, preset_names())


def presets_of_packages() -> tuple[dict[str, list[Preset]], list[str]]:
    """The presets of other packages, by package; and a line on each that cannot be used."""
    found: dict[str, list[Preset]] = {}
    problems = []
    for point in _points(PRESET_GROUP):
        try:
            found.setdefault(_package(point), []).append(_preset(point))
        except PluginError as error:
            problems.append(str(error))
    return found, problems


def _known() -> dict[str, type]:
    return {kind.__name__: kind for kind in KINDS} | _registered


def _search(names: Iterable[str]) -> list[str]:
    """Register the classes of other packages that have these names; a line on each package that cannot be used.

    Where a name is no entry point, all packages are imported: one may register it.
    """
    missing = {name for name in names if name not in _known()}
    points = [point for group in GROUPS for point in _points(group)]
    wanted = [point for point in points if point.name in missing]
    if missing - {point.name for point in wanted}:
        wanted = [*points, *_points(PRESET_GROUP)]
    problems = []
    for point in wanted:
        try:
            _preset(point) if point.group == PRESET_GROUP else _class(point)
        except PluginError as error:
            problems.append(str(error))
    return problems


def _names(data: Any) -> Iterator[str]:
    """The names of all classes in settings as plain data."""
    if isinstance(data, dict) and isinstance(data.get("kind"), str):
        yield data["kind"]
    for value in data.values() if isinstance(data, dict) else data if isinstance(data, list) else ():
        yield from _names(value)


def _classes(settings: Any) -> Iterator[type]:
    """All classes in settings."""
    if is_dataclass(settings):
        yield type(settings)
        settings = tuple(vars(settings).values())
    for value in settings if isinstance(settings, tuple | list) else ():
        yield from _classes(value)


def _check(kind: Any) -> None:
    """Refuse what cannot be a class of settings.

    Raises:
        ConfigError: it is no frozen dataclass, or another class has its name.
    """
    if not (isinstance(kind, type) and is_dataclass(kind) and kind.__dataclass_params__.frozen):
        raise ConfigError(f"{kind!r} is not a frozen dataclass: put @dataclass(frozen=True) above the class")
    name = kind.__name__
    if name in {*RENAMED, *(built_in.__name__ for built_in in KINDS)} and kind not in KINDS:
        raise ConfigError(f"{name} is the name of a class of musicae: choose another name for {kind.__module__}.{name}")
    other = _registered.get(name, kind)
    if (other.__module__, other.__qualname__) != (kind.__module__, kind.__qualname__):
        raise ConfigError(f"{name} is registered already, by {other.__module__}: choose another name for the class")


@cache
def _points(group: str) -> tuple[EntryPoint, ...]:
    return tuple(sorted(entry_points(group=group), key=lambda point: (_package(point), point.name)))


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _loaded(point: EntryPoint) -> Any:
    """What an entry point names.

    Raises:
        PluginError: its package cannot be imported, or another one has the same name.
    """
    packages = sorted(_package(other) for other in _points(point.group) if other.name == point.name)
    if len(packages) > 1:
        raise PluginError(f"{' and '.join(packages)} both have {point.name!r}: uninstall one of them")
    try:
        return point.load()
    except (Exception, SystemExit) as error:  # whatever goes wrong in somebody else's package
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise PluginError(f"{_package(point)}: {point.name!r} cannot be loaded ({why})") from error


def _class(point: EntryPoint) -> type:
    """The class that an entry point names, registered."""
    kind = _loaded(point)
    try:
        register(kind)
    except ConfigError as error:
        raise PluginError(f"{_package(point)}: {error}") from error
    if kind.__name__ != point.name:
        raise PluginError(f"{_package(point)}: the entry point {point.name!r} has to be named {kind.__name__!r}")
    return kind


def _preset(point: EntryPoint) -> Preset:
    """The preset that an entry point names."""
    preset = _loaded(point)
    if not isinstance(preset, Preset):
        raise PluginError(f"{_package(point)}: {point.name!r} is a {type(preset).__name__}, not a Preset")
    if preset.name != point.name:
        raise PluginError(f"{_package(point)}: the entry point {point.name!r} has to be named {preset.name!r}")
    if preset.name in PRESETS:
        raise PluginError(f"{_package(point)}: {preset.name!r} is the name of a preset of musicae: choose another")
    return preset
