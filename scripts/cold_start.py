"""The time of each stage of a cold `python -m musicae.interpolate A B`, in seconds, as JSON.

    python scripts/cold_start.py A B OUT

All modules are imported first, PyTorch on its own, so that no other stage includes imports. `rest` is everything else:
the command line, the interpolation of latent vectors, and joining bars.
"""

from __future__ import annotations

import time

BEGUN = time.perf_counter(), time.process_time()

import json  # noqa: E402 the clock starts first
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from importlib import import_module  # noqa: E402

MODULES = ("tyro", "symusic", "mido", "musicae.interpolate", "musicae.music.model", "musicae.core.checkpoints")
STAGES = {  # the module, class and name of the function of each
    "load": ("musicae.cli.options", "ModelOptions", "load"),
    "read": ("musicae.music.model", "MusicModel", "extract"),
    "encode": ("musicae.core.model", "Model", "to_latent"),
    "decode": ("musicae.core.model", "Model", "from_latent"),
    "write": ("musicae.music.song", "Song", "save"),
}
spent: dict[str, list[float]] = {}


def now() -> tuple[float, float]:
    """Wall time and processor time, in seconds."""
    return time.perf_counter(), time.process_time()


def add(stage: str, since: tuple[float, float]) -> None:
    """Add the time that has passed since then to a stage."""
    passed = [a - b for a, b in zip(now(), since, strict=True)]
    spent[stage] = [a + b for a, b in zip(spent.get(stage, (0.0, 0.0)), passed, strict=True)]


def timed(work: Callable, stage: str) -> Callable:
    """A function whose time is added to a stage."""

    def wrapped(*args, **named):
        since = now()
        try:
            return work(*args, **named)
        finally:
            add(stage, since)

    return wrapped


def main(*files: str) -> None:
    """Import, run the command, print."""
    since = now()
    import_module("torch")
    add("import torch", since)
    since = now()
    for module in MODULES:
        import_module(module)
    add("import the rest", since)
    for stage, (module, owner, name) in STAGES.items():
        kind = getattr(import_module(module), owner)
        setattr(kind, name, timed(getattr(kind, name), stage))
    from musicae.cli.run import main as command
    from musicae.interpolate import Interpolate

    a, b, out = files
    command(Interpolate, "interpolate", [a, b, "--out", out, "--quiet"])
    add("all", BEGUN)
    known = [sum(column) for column in zip(*(spent[s] for s in spent if s != "all"), strict=True)]
    spent["rest"] = [whole - part for whole, part in zip(spent.pop("all"), known, strict=True)]
    print(json.dumps(spent))


if __name__ == "__main__":
    if len(sys.argv) != 4 or "--help" in sys.argv:
        sys.exit(__doc__)
    main(*sys.argv[1:])
