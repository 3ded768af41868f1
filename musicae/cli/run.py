"""From the command line to the command, and from its errors to a line on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from musicae.cli.options import Command
from musicae.errors import Error


def main(command: type[Command], name: str, arguments: Sequence[str] | None = None) -> None:
    """Parse the command line, run the command, and end with status 0, or 2 and one line for an error.

    Args:
        command: the command.
        name: of its module.
        arguments: in place of those of the process.
    """
    import tyro

    config = (tyro.conf.FlagCreatePairsOff,)
    options = tyro.cli(command, prog=f"python -m musicae.{name}", args=arguments, config=config)
    for stream in (sys.stdout, sys.stderr):  # a file may have any name
        stream.reconfigure(errors="backslashreplace")
    try:
        options.run()
        sys.stdout.flush()
    except BrokenPipeError:  # of `| head`; what is left must go somewhere when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (Error, OSError) as error:
        if options.debug:
            raise
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
