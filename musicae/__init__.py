"""musicae: autoencoders for symbolic music and for images, on one core.

    import musicae

    model = musicae.load("melody-2bar")
    model.interpolate("a.mid", "b.mid", steps=7).save("between.mid")

Nothing heavy is loaded before it is used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from musicae.errors import CheckpointError, ConfigError, DataError, Error, MidiError, NoWindows
    from musicae.loading import load, load_images, load_music
    from musicae.music.song import Song
    from musicae.registry import register

if sys.argv[:1] == ["-m"]:
    from musicae.interruption import end_at_once

    end_at_once()

__version__ = "0.1.0"

_HOMES = {
    **dict.fromkeys(("load", "load_music", "load_images"), "musicae.loading"),
    "register": "musicae.registry",
    "Song": "musicae.music.song",
    **dict.fromkeys(
        ("Error", "MidiError", "NoWindows", "DataError", "CheckpointError", "ConfigError"), "musicae.errors"
    ),
}

__all__ = [
    "CheckpointError",
    "ConfigError",
    "DataError",
    "Error",
    "MidiError",
    "NoWindows",
    "Song",
    "load",
    "load_images",
    "load_music",
    "register",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'musicae' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
