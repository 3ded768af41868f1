"""`python -m musicae`, or `musicae`: the list of commands, and the way to each."""

from __future__ import annotations

import sys
from importlib import import_module

from musicae.interruption import end_at_once

COMMANDS = {
    "interpolate": "the way from one song to another in steps, or from one picture to another",
    "sample": "new clips, or a grid of new pictures",
    "reconstruct": "a song or a picture encoded and decoded again, and how much of it is kept",
    "vary": "variations of a song or a picture, or a song with more or less of something",
    "groove": "a drum part played as a drummer would, from a score or from taps, or with a hi-hat added",
    "listen": "any MIDI file as sound and as a page",
    "models": "the models on this machine and the presets to train",
    "train": "train a model by name",
    "convert": "checkpoints of the original MusicVAE to models, and models to magenta.js",
    "evaluate": "held-out figures of a model",
    "judge": "train a classifier that judges generated pictures",
    "draw": "every figure of a model of pictures",
}
USAGE = "\n".join(
    [
        "usage: musicae COMMAND ...   (or python -m musicae.COMMAND ...; --help after a command explains it)",
        "",
        *(f"  {name:12} {summary}" for name, summary in COMMANDS.items()),
    ]
)


def main() -> None:
    """Run a command by name."""
    end_at_once()
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        print(USAGE)
    elif name in COMMANDS:
        from musicae.cli.run import main as run

        run(getattr(import_module(f"musicae.{name}"), name.capitalize()), name, sys.argv[2:])
    else:
        from musicae.cli.console import one_line
        from musicae.errors import ConfigError

        print(f"error: {one_line(str(ConfigError.unknown('command', name, COMMANDS)))}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
