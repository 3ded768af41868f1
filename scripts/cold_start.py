"""Where the time of a cold `python -m musicae.interpolate A B` goes, as JSON: seconds of each stage.

    python scripts/cold_start.py A B OUT

Modules are loaded first, those of PyTorch apart from the rest, so that no other stage pays for them. What is left over
(the command line, what lies between two latent vectors, putting bars together) is `rest`.
"""

from __future__ import annotations

import time

BEGUN = time.perf_counter(), time.process_time()

import json  # noqa: E402 the clock starts first
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from importlib import import_module  # noqa: E402

MODULES = ("tyro", "symusic", "mido", "musicae.interpolate", "musicae.music.model", "musicae.core.checkpoints")
STAGES = {  # the function whose time it is, by its module, class and name
    "load": ("musicae.cli.options", "ModelOptions", "load"),
    "read": ("musicae.music.model", "MusicModel", "hear"),
    "encode": ("musicae.core.model", "Model", "to_latent"),
    "decode": ("musicae.core.model", "Model", "from_latent"),
    "write": ("musicae.music.score.score", "Song", "save"),
}
spent: dict[str, list[float]] = {}


def now() -> tuple[float, float]:
    """Seconds on the wall and of the processor."""
    return time.perf_counter(), time.process_time()


def add(stage: str, since: tuple[float, float]) -> None:
    """Count what has passed since then for a stage."""
    passed = [a - b for a, b in zip(now(), since, strict=True)]
    spent[stage] = [a + b for a, b in zip(spent.get(stage, (0.0, 0.0)), passed, strict=True)]


def timed(work: Callable, stage: str) -> Callable:
    """A function whose time counts for a stage."""

    def wrapped(*args, **named):
        since = now()
        try:
            return work(*args, **named)
        finally:
            add(stage, since)

    return wrapped


def main() -> None:
    """Load, run the command, print."""
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

    a, b, out = sys.argv[1:]
    command(Interpolate, "interpolate", [a, b, "--out", out, "--quiet"])
    add("all", BEGUN)
    known = [sum(column) for column in zip(*(spent[s] for s in spent if s != "all"), strict=True)]
    spent["rest"] = [whole - part for whole, part in zip(spent.pop("all"), known, strict=True)]
    print(json.dumps(spent))


if __name__ == "__main__":
    main()
